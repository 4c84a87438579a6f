#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace swingover::health {

/// As much of a DNS message (RFC 1035 section 4) as a probe needs: one question out, its answer read. Pure.

enum class DnsRcode : uint8_t {
  noerror = 0,
  formerr = 1,
  servfail = 2,
  nxdomain = 3,
  notimp = 4,
  refused = 5,
  yxdomain = 6,
  yxrrset = 7,
  nxrrset = 8,
  notauth = 9,
  notzone = 10,
};
/// "NXDOMAIN"; "RCODE11" for those without a name.
std::string text_of(DnsRcode rcode);

/// A record type by its number: "AAAA", or "TYPE65280" (RFC 3597).
struct DnsType {
  uint16_t value = 1;
  friend bool operator==(const DnsType&, const DnsType&) = default;
};
std::string text_of(DnsType type);
std::optional<DnsType> parse_dns_type(std::string_view text);  // blind to case

struct DnsQuestion {
  std::string name;  // wire form
  DnsType type;
};
/// Presentation form to wire form, \DDD and \X included; the final dot may be missing.
Result<std::string> encode_dns_name(std::string_view text);
/// Class IN, recursion desired: as clients ask.
std::string encode_dns_query(uint16_t id, const DnsQuestion& question);

/// One record of an answer section.
struct DnsRecord {
  DnsType type;
  std::string data;   // as dig +short shows it
  std::string plain;  // of TXT: its strings in one, without quotes
};
struct DnsAnswer {
  enum class Kind : uint8_t {
    alien,      // not the answer to this question: another id, name or type, or a query
    malformed,  // the answer, but it breaks off or contradicts itself
    truncated,  // to be asked over TCP
    whole,
  };
  Kind kind = Kind::alien;
  DnsRcode rcode = DnsRcode::noerror;
  std::vector<DnsRecord> records;
};
/// Errors are accepted without a question, as some servers send them. Reads nothing beyond `message`, whatever it holds.
DnsAnswer read_dns_answer(std::string_view message, uint16_t id, const DnsQuestion& question);

/// Whether the record's data is `wanted`: addresses by value, names blind to case and to a final dot, TXT with or
/// without its quotes.
bool is_data(const DnsRecord& record, std::string_view wanted);

}  // namespace swingover::health
