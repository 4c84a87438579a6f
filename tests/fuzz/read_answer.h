#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace swingover::tests {

/// Ends the process with these words when `holds` is false: what libFuzzer takes for a find.
void require(bool holds, const char* what);

/// A name in wire form, uncompressed, in lower case.
struct WireName {
  std::array<uint8_t, 255> octets;
  unsigned size = 0;

  bool operator==(const WireName& other) const;
  /// Whether this is `other` or below it.
  bool is_at_or_below(const WireName& other) const;
};

struct ReadRecord {
  unsigned section = 0;  // 0: answer, 1: authority, 2: additional
  uint16_t type = 0;
  uint16_t record_class = 0;
  uint32_t ttl = 0;
  uint64_t set_hash = 0;   // of owner, type and class
  uint64_t data_hash = 0;  // of those and the data, its names uncompressed
  WireName owner;
  WireName target;  // of CNAME and DNAME
};

/// A message as this file alone reads it, quickly: nothing of the server's code takes part. Requires it to be
/// whole: every count right, every name within its limits, every pointer to what stands in front of it.
struct ReadAnswer {
  uint16_t flags = 0;
  bool has_question = false;
  WireName question;
  uint16_t qtype = 0;
  uint16_t qclass = 0;
  std::vector<ReadRecord> records;  // without OPT and TSIG
  unsigned opts = 0;
  uint8_t edns_version = 0;
  uint16_t extended_rcode = 0;
  unsigned tsigs = 0;

  void read(Bytes message);
};

}  // namespace swingover::tests
