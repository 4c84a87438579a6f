#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/prefix_map.h"
#include "base/siphash.h"

namespace swingover::zones {

/// How much a client network gets by UDP before it has shown that it is there (server/query/client_limits.h).
struct ResponseLimits {
  uint32_t responses_per_second = 0;   // of one answer to one network; 0: no limit
  uint32_t slip = 2;                   // one in so many over the limit is sent truncated; 0: none
  uint32_t require_cookies_above = 0;  // all answers to one network, while under load; 0: never
  PrefixMap<bool> exempt{};            // networks with a value are never limited
};

/// When a client must show a server cookie (RFC 7873 section 5.2.3). `always` is respond()'s to ask for, the rest
/// is for who sets Client::must_prove.
enum class CookieRequire : uint8_t { under_load, always, never };

/// How answers are given, whatever is asked: the same for all zones of a generation. Control path writes it
/// whole, the hot path reads it.
struct Answering {
  uint16_t udp_size_max = 1232;  // octets of a UDP answer at most, and what our OPT says
  uint32_t amplification_max =
      10;  // octets of a UDP answer for each of the query, without a valid cookie; 0: no limit

  std::string identity{};        // told to who asks by NSID (RFC 5001); empty: nobody is told
  std::string chaos_identity{};  // for CHAOS TXT id.server and hostname.bind; empty: refused
  std::string chaos_version{};   // for CHAOS TXT version.server and version.bind; empty: refused

  std::vector<SipKey> cookie_secrets{};  // the first makes, all verify; none: no cookies
  CookieRequire cookie_require = CookieRequire::under_load;

  bool believes_all = true;  // client subnets (RFC 7871) from whom: everybody, or these networks
  PrefixMap<bool> believed{};

  ResponseLimits limits{};

  bool believes(const IpAddress& resolver) const {
    return believes_all || believed.find(resolver).value.has_value();
  }
};

}  // namespace swingover::zones
