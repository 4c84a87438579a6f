#pragma once

#include <cstdint>
#include <string>

#include "base/prefix_map.h"

namespace swingover::zones {

/// How much a client network gets by UDP before it has shown that it is there (server/query/client_limits.h).
struct ResponseLimits {
  uint32_t responses_per_second = 0;   // of one answer to one network; 0: no limit
  uint32_t slip = 2;                   // one in so many over the limit is sent truncated; 0: none
  uint32_t require_cookies_above = 0;  // all answers to one network, while under load; 0: never
  PrefixMap<bool> exempt{};            // networks with a value are never limited
};

/// How answers are given, whatever is asked: the same for all zones of a generation. Control path writes it
/// whole, the hot path reads it.
struct Answering {
  uint16_t udp_size_max = 1232;  // octets of a UDP answer at most, and what our OPT says
  std::string
      identity;  // told to who asks by NSID (RFC 5001) or CHAOS id.server; empty: nobody is told
  ResponseLimits limits{};
};

}  // namespace swingover::zones
