#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/ip.h"

namespace swingover::query {

/// The header that a front end puts before a client's octets (PROXY protocol, version 2), on a stream once at
/// its start, in front of each datagram.
struct ProxyHeader {
  size_t size = 0;  // octets of the header, the packet begins behind them
  bool is_from_client =
      false;  // else the front end speaks for itself: its own address is the client's
  IpAddress client;
};

enum class ProxyOutcome : uint8_t { fine, incomplete, invalid };

/// Octets that say how long the header is, and the most that one may have: far more than any address and
/// the extensions that front ends add.
inline constexpr size_t proxy_fixed_size = 16;
inline constexpr size_t proxy_size_max = 4096;

/// Reads the header at the start of `octets`; of an incomplete one `size` is how many octets are needed, as far
/// as that is known. Extensions are passed over; a checksum among them must be right. Hot path.
ProxyOutcome parse_proxy_header(Bytes octets, ProxyHeader& header);

/// True for those who speak for others.
inline bool is_front_end(const std::vector<IpPrefix>& front_ends, const IpAddress& address) {
  for (const IpPrefix& each : front_ends) {
    if (each.contains(address)) return true;
  }
  return false;
}

}  // namespace swingover::query
