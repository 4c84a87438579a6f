#include "zones/record_text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "base/ip.h"
#include "zones/name.h"
#include "zones/protocol.h"
#include "zones/zone_file_rdata.h"

namespace swingover::zones {

namespace {

constexpr std::array<std::string_view, 12> rcode_names = {
    "NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",  "REFUSED",
    "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE", "DSOTYPENI"};

/// A message read from the front; a name may point back (RFC 1035 section 4.1.4).
class MessageReader {
 public:
  explicit MessageReader(Bytes message) : message_(message) {}

  size_t at = 0;
  bool failed = false;

  size_t left() const { return message_.size() - at; }
  uint16_t u16() { return static_cast<uint16_t>(number(2)); }
  uint32_t u32() { return number(4); }
  Bytes take(size_t size) {
    if (size > left()) {
      failed = true;
      return {};
    }
    at += size;
    return message_.subspan(at - size, size);
  }

  std::string name() {
    std::vector<uint8_t> wire;
    size_t place = at;
    std::optional<size_t> end;
    size_t lowest = at;  // pointers must lead backwards, so that none can be followed for ever
    for (;;) {
      if (place >= message_.size() || wire.size() > Name::size_max) return fail();
      const uint8_t length = message_[place];
      if (length >= 0xc0) {
        if (place + 1 >= message_.size()) return fail();
        const size_t target = static_cast<size_t>((length & 0x3f) << 8 | message_[place + 1]);
        if (!end) end = place + 2;
        if (target >= lowest) return fail();
        lowest = place = target;
        continue;
      }
      if (length > 63 || place + length >= message_.size()) return fail();
      wire.insert(wire.end(), message_.begin() + static_cast<std::ptrdiff_t>(place),
                  message_.begin() + static_cast<std::ptrdiff_t>(place + 1 + length));
      place += 1U + length;
      if (length == 0) break;
    }
    at = end.value_or(place);
    const Result<Name> name = Name::from_wire(wire);
    return name ? name->text() : fail();
  }

 private:
  uint32_t number(size_t size) {
    uint32_t value = 0;
    for (const uint8_t byte : take(size)) value = value << 8 | byte;
    return value;
  }
  std::string fail() {
    failed = true;
    return {};
  }

  Bytes message_;
};

std::string character_strings(Bytes rdata) {
  std::string out;
  for (size_t at = 0; at < rdata.size();) {
    const size_t length = std::min<size_t>(rdata[at], rdata.size() - at - 1);
    if (!out.empty()) out += ' ';
    out += '"';
    for (const uint8_t c : rdata.subspan(at + 1, length)) {
      if (c == '"' || c == '\\') out += '\\';
      if (c >= 0x20 && c < 0x7f) {
        out += static_cast<char>(c);
      } else {
        const std::string number = std::to_string(c);
        out += '\\' + std::string(3 - number.size(), '0') + number;
      }
    }
    out += '"';
    at += 1 + length;
  }
  return out;
}

std::string unknown_rdata(Bytes rdata) {  // RFC 3597 section 5
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "\\# " + std::to_string(rdata.size());
  if (!rdata.empty()) out += ' ';
  for (const uint8_t byte : rdata) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

std::string rdata_text(MessageReader& reader, uint16_t type, size_t size) {
  const size_t end = reader.at + size;
  const auto number = [&reader] { return std::to_string(reader.u32()); };
  std::string out;
  if (type == type::a && size == 4) {
    const Bytes bytes = reader.take(4);
    return IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]}).text();
  }
  if (type == type::aaaa && size == 16) {
    std::array<uint8_t, 16> address{};
    const Bytes bytes = reader.take(16);
    std::copy(bytes.begin(), bytes.end(), address.begin());
    return IpAddress::v6(address).text();
  }
  if (type == type::cname || type == type::ns || type == type::ptr || type == type::dname) {
    out = reader.name();
  } else if (type == type::mx) {
    out = std::to_string(reader.u16()) + ' ';
    out += reader.name();
  } else if (type == type::soa) {
    out = reader.name() + ' ';
    out += reader.name();
    for (int i = 0; i < 5; ++i) out += ' ' + number();
  } else if (type == 16 || type == 99) {
    return character_strings(reader.take(size));
  } else {
    return unknown_rdata(reader.take(size));
  }
  if (reader.at != end) reader.failed = true;
  return out;
}

}  // namespace

std::vector<std::string> answer_lines(Bytes message) {
  std::vector<std::string> lines;
  if (message.size() < header_size) return lines;
  MessageReader reader(message);
  reader.at = 4;
  const uint16_t questions = reader.u16();
  const uint16_t answers = reader.u16();
  reader.at = header_size;
  for (uint16_t i = 0; i < questions; ++i) {
    reader.name();
    reader.take(4);
  }
  for (uint16_t i = 0; i < answers; ++i) {
    std::string line = reader.name();
    const uint16_t type = reader.u16();
    const uint16_t dns_class = reader.u16();
    line += ' ' + std::to_string(reader.u32());
    line += dns_class == dns_class::in ? " IN " : " CLASS" + std::to_string(dns_class) + ' ';
    const size_t size = reader.u16();
    if (reader.failed || size > reader.left()) break;
    line += type_text(type) + ' ';
    line += rdata_text(reader, type, size);
    if (reader.failed) break;
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string rcode_text(uint16_t rcode) {
  if (rcode < rcode_names.size()) return std::string(rcode_names[rcode]);
  return rcode == rcode::bad_version ? "BADVERS" : "RCODE" + std::to_string(rcode);
}

}  // namespace swingover::zones
