#pragma once

#include <cstdint>
#include <string>

namespace swingover::zones {

/// How answers are given, whatever is asked: the same for all zones of a generation. Control path writes it
/// whole, the hot path reads it.
struct Answering {
  uint16_t udp_size_max = 1232;  // octets of a UDP answer at most, and what our OPT says
  std::string
      identity;  // told to who asks by NSID (RFC 5001) or CHAOS id.server; empty: nobody is told
};

}  // namespace swingover::zones
