#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/ip.h"
#include "zones/source_map.h"

namespace swingover::zones {

/// The network of the client that a resolver asks for (RFC 7871).
struct ClientSubnet {
  Bytes option;       // as sent, for the echo; empty: there was none
  IpAddress address;  // bits behind `source` are zero
  uint8_t source = 0;

  bool present() const { return !option.empty(); }
};

/// Strict (RFC 7871 sections 6 and 7.1): family 1 or 2, or 0 with nothing; a source prefix as long as the
/// family's addresses at most; scope 0, as in any query; exactly the octets that the prefix needs, with zero bits
/// behind it. False: malformed, to be answered FORMERR.
bool parse_client_subnet(Bytes option, ClientSubnet& out);

/// Octets of the answer's option, without code and length: those of the query's.
inline size_t client_subnet_size(const ClientSubnet& asked) {
  return asked.option.size();
}

/// The address by which a service chooses for this client, and what the answer's scope must be for that.
struct Steering {
  IpAddress address;
  bool is_subnet = false;   // `address` is of the option, else the resolver's own
  unsigned scope = 0;       // bits of the option's address that the choice of `address` depended on
  unsigned extra_bits = 0;  // to add to bits of `address`: an IPv4-mapped one was unmapped
};

/// The option's address, if it says something: not when its source prefix is 0 (the client wishes not to be
/// known, section 7.1.2), and not when it is of a private or otherwise local range that neither the source map
/// lists nor the resolver itself stands in: then the resolver's own address is all that is known.
Steering steer_by(const ClientSubnet& subnet, const IpAddress& resolver, const SourceMap& sources);

/// The locality of the client: that of the option's address if the map knows it, else that of the resolver.
struct Located {
  LocalityId locality = no_locality;
  unsigned scope = 0;  // bits of the option's address that it depended on
  // Where the very client that was named is, by a list, its autonomous system or its country. Else it is the resolver's
  // place while the client is elsewhere, or merely the nearest one: good for the shortest way, not for a fence.
  bool is_sure = false;
};
/// An option that says nothing (see steer_by) leaves the resolver. Where the resolver decides for an option's address,
/// the scope covers those around it that the map does not know either.
Located locate(const ClientSubnet& subnet, const IpAddress& resolver, const SourceMap& sources);

/// Bits of a global `address` that no local range shares: an answer for all of them says nothing of a local one.
unsigned bits_apart_from_local(const IpAddress& address);

/// The prefix of the local range (private, loopback, link-local, unspecified) that `address` is in; 0: global.
unsigned local_range(const IpAddress& address);

}  // namespace swingover::zones
