/// What a DNS server answers, read by the probes. The first octet chooses the type that was asked for.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "health/dns_message.h"

namespace {

using namespace swingover::health;

void require(bool holds) {
  if (!holds) std::abort();
}

bool is_printable(char c) {
  return c >= ' ' && c <= '~';
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string name = *encode_dns_name("www.example.test");
  if (size < 1) return 0;
  const DnsQuestion question{name, DnsType{data[0]}};
  constexpr uint16_t id = 0x1234;
  const std::string_view message(reinterpret_cast<const char*>(data) + 1, size - 1);
  const DnsAnswer answer = read_dns_answer(message, id, question);
  if (answer.kind == DnsAnswer::Kind::alien) require(answer.records.empty());
  // A record takes eleven octets at least.
  require(answer.records.size() <= message.size() / 11);
  for (const DnsRecord& record : answer.records) {
    require(!record.data.empty());
    require(std::ranges::all_of(record.data, is_printable));
    require(is_data(record, record.data));
    require(parse_dns_type(text_of(record.type)) == record.type || record.type.value == 0);
  }
  if (const auto encoded = encode_dns_name(message)) {
    require(encoded->size() <= 255 && encoded->back() == '\0');
  }
  return 0;
}
