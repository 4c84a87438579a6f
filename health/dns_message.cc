#include "health/dns_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/ip.h"
#include "base/text.h"

namespace swingover::health {

namespace {

constexpr size_t header_size = 12;
constexpr size_t name_size_max = 255;
constexpr size_t label_size_max = 63;
constexpr uint16_t class_in = 1;

namespace type {
constexpr uint16_t a = 1;
constexpr uint16_t ns = 2;
constexpr uint16_t cname = 5;
constexpr uint16_t soa = 6;
constexpr uint16_t ptr = 12;
constexpr uint16_t mx = 15;
constexpr uint16_t txt = 16;
constexpr uint16_t aaaa = 28;
constexpr uint16_t srv = 33;
constexpr uint16_t dname = 39;
constexpr uint16_t any = 255;
constexpr uint16_t caa = 257;
}  // namespace type

constexpr std::array<std::pair<uint16_t, std::string_view>, 22> type_words{{
    {type::a, "A"},       {type::ns, "NS"},   {type::cname, "CNAME"}, {type::soa, "SOA"},
    {type::ptr, "PTR"},   {13, "HINFO"},      {type::mx, "MX"},       {type::txt, "TXT"},
    {type::aaaa, "AAAA"}, {29, "LOC"},        {type::srv, "SRV"},     {35, "NAPTR"},
    {43, "DS"},           {44, "SSHFP"},      {46, "RRSIG"},          {48, "DNSKEY"},
    {52, "TLSA"},         {64, "SVCB"},       {65, "HTTPS"},          {type::dname, "DNAME"},
    {type::any, "ANY"},   {type::caa, "CAA"},
}};

constexpr std::array<std::string_view, 11> rcode_words{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                                       "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
                                                       "NXRRSET", "NOTAUTH", "NOTZONE"};

uint8_t octet(char c) {
  return static_cast<uint8_t>(c);
}

void append_16(std::string& out, unsigned value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 0xff);
}

/// Reads forward through a message; after a step beyond the end, `is_bad` and zeros.
struct Reader {
  std::string_view message;
  size_t at = 0;
  bool is_bad = false;

  bool has(size_t count) {
    if (is_bad || message.size() - at < count) is_bad = true;
    return !is_bad;
  }
  uint8_t take_8() { return has(1) ? octet(message[at++]) : uint8_t{0}; }
  uint16_t take_16() {
    const unsigned high = take_8();
    return static_cast<uint16_t>(high << 8 | take_8());
  }
  uint32_t take_32() {
    const uint32_t high = take_16();
    return high << 16 | take_16();
  }
  std::string_view take(size_t count) {
    if (!has(count)) return {};
    at += count;
    return message.substr(at - count, count);
  }
  /// A name, pointers followed (RFC 1035 section 4.1.4), in wire form; each must point further back.
  std::string take_name();
};

std::string Reader::take_name() {
  std::string name;
  size_t from = at;
  size_t least_pointer = at;
  // One for each label that a name may have; chains of pointers alone would cost thousands of steps a name.
  constexpr unsigned jumps_max = 127;
  unsigned jumps = 0;
  for (;;) {
    if (is_bad || from >= message.size()) break;
    const size_t size = octet(message[from]);
    if (size == 0) {
      name += '\0';
      if (jumps == 0) at = from + 1;
      return name;
    }
    if (size >= 0xc0) {
      if (from + 1 >= message.size()) break;
      const size_t target = (size & 0x3f) << 8 | octet(message[from + 1]);
      if (jumps == 0) at = from + 2;
      if (target >= least_pointer || ++jumps > jumps_max) break;
      from = least_pointer = target;
      continue;
    }
    if (size > label_size_max || from + 1 + size > message.size() ||
        name.size() + 1 + size + 1 > name_size_max) {
      break;
    }
    name += message.substr(from, 1 + size);
    from += 1 + size;
  }
  is_bad = true;
  return {};
}

/// RFC 1035 section 5.1: what is special or not printable is escaped.
void append_character(std::string& out, char c, std::string_view special) {
  const uint8_t value = octet(c);
  if (value < 0x21 || value > 0x7e) {
    out += fmt::format("\\{:03}", value);
  } else {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
}

std::string name_text(std::string_view wire) {
  if (wire.size() <= 1) return ".";
  std::string text;
  for (size_t at = 0; at < wire.size() && wire[at] != 0; at += 1U + octet(wire[at])) {
    for (const char c : wire.substr(at + 1, octet(wire[at])))
      append_character(text, c, ".\\\"();@$");
    text += '.';
  }
  return text;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == ' ') {
      out += c;
    } else {
      append_character(out, c, "\"\\");
    }
  }
  return out + '"';
}

std::string unknown_data(std::string_view data) {
  std::string text = fmt::format("\\# {}", data.size());
  if (!data.empty()) text += ' ';
  for (const char c : data) text += fmt::format("{:02x}", octet(c));
  return text;
}

std::string address_text(std::string_view data) {
  if (data.size() == 4) {
    std::array<uint8_t, 4> bytes{};
    std::ranges::transform(data, bytes.begin(), octet);
    return IpAddress::v4(bytes).text();
  }
  std::array<uint8_t, 16> bytes{};
  std::ranges::transform(data, bytes.begin(), octet);
  return IpAddress::v6(bytes).text();
}

void read_txt(std::string_view data, DnsRecord& into) {
  Reader strings{data};
  while (strings.at < data.size()) {
    const std::string_view one = strings.take(strings.take_8());
    if (strings.is_bad) break;
    if (!into.data.empty()) into.data += ' ';
    into.data += quoted(one);
    into.plain += one;
  }
  if (strings.is_bad) into.data = unknown_data(data);
}

/// The data at `at`, `size` octets long; names in it may point back into the message.
DnsRecord read_data(Reader at, uint16_t record_type, size_t size) {
  const std::string_view data = at.message.substr(at.at, size);
  DnsRecord record{DnsType{record_type}, {}, {}};
  Reader inner{at.message.substr(0, at.at + size), at.at};
  std::string& text = record.data;
  switch (record_type) {
    case type::a:
      if (size == 4) text = address_text(data);
      break;
    case type::aaaa:
      if (size == 16) text = address_text(data);
      break;
    case type::ns:
    case type::cname:
    case type::ptr:
    case type::dname:
      text = name_text(inner.take_name());
      break;
    case type::mx: {
      const unsigned preference = inner.take_16();
      text = fmt::format("{} {}", preference, name_text(inner.take_name()));
      break;
    }
    case type::srv: {
      const unsigned priority = inner.take_16();
      const unsigned weight = inner.take_16();
      const unsigned port = inner.take_16();
      text = fmt::format("{} {} {} {}", priority, weight, port, name_text(inner.take_name()));
      break;
    }
    case type::soa: {
      const std::string primary = inner.take_name();
      const std::string mailbox = inner.take_name();
      text = name_text(primary) + ' ' + name_text(mailbox);
      for (int i = 0; i < 5; ++i) text += fmt::format(" {}", inner.take_32());
      break;
    }
    case type::txt:
      read_txt(data, record);
      break;
    case type::caa: {
      const unsigned flags = inner.take_8();
      const std::string_view tag = inner.take(inner.take_8());
      const std::string_view value = inner.take(at.at + size - std::min(inner.at, at.at + size));
      const bool is_plain = std::ranges::all_of(tag, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      });
      if (is_plain)
        text = fmt::format("{} {} {}", flags, tag, quoted(value));  // RFC 8659 section 4.1.1
      break;
    }
    default:
      break;
  }
  if (inner.is_bad || text.empty()) text = unknown_data(data);
  return record;
}

bool is_same_name(std::string_view a, std::string_view b) {
  return lower(a) == lower(b);  // sizes of labels are below 64 and no letters
}

/// The questions of a message that answers `wanted`; errors may come without.
bool is_about(Reader& reader, unsigned questions, DnsRcode rcode, const DnsQuestion& wanted) {
  if (questions == 0) return rcode != DnsRcode::noerror;
  if (questions != 1) return false;
  const std::string name = reader.take_name();
  const uint16_t asked_type = reader.take_16();
  const uint16_t asked_class = reader.take_16();
  return !reader.is_bad && asked_type == wanted.type.value && asked_class == class_in &&
         is_same_name(name, wanted.name);
}

std::string comparable(std::string_view text) {
  if (const auto address = parse_ip_address(text)) return address->text();
  std::string folded = lower(trimmed(text));
  if (folded.size() > 1 && folded.ends_with('.')) folded.pop_back();
  return folded;
}

}  // namespace

std::string text_of(DnsRcode rcode) {
  const auto value = static_cast<size_t>(rcode);
  return value < rcode_words.size() ? std::string(rcode_words[value])
                                    : fmt::format("RCODE{}", value);
}

std::string text_of(DnsType type) {
  for (const auto& [value, word] : type_words) {
    if (value == type.value) return std::string(word);
  }
  return fmt::format("TYPE{}", type.value);
}

std::optional<DnsType> parse_dns_type(std::string_view text) {
  const std::string wanted = lower(text);
  for (const auto& [value, word] : type_words) {
    if (lower(word) == wanted) return DnsType{value};
  }
  if (!wanted.starts_with("type")) return std::nullopt;
  const auto number = parse_number(std::string_view(wanted).substr(4));
  if (!number || *number == 0 || *number > 0xffff) return std::nullopt;
  return DnsType{static_cast<uint16_t>(*number)};
}

Result<std::string> encode_dns_name(std::string_view text) {
  const auto invalid = [&](std::string_view why) {
    return Error{ErrorCode::invalid, fmt::format("\"{}\" is no DNS name: {}", text, why)};
  };
  if (text.empty()) return invalid("it is empty; the root is \".\"");
  if (text == ".") return std::string(1, '\0');
  std::string wire;
  std::string label;
  const auto end_label = [&] {
    wire += static_cast<char>(label.size());
    wire += label;
    label.clear();
  };
  for (size_t at = 0; at < text.size(); ++at) {
    char c = text[at];
    if (c == '.') {
      if (label.empty()) return invalid("a label is empty");
      end_label();
      continue;
    }
    if (c == '\\') {
      const std::string_view rest = text.substr(at + 1);
      if (rest.empty()) return invalid("it ends in a \"\\\"");
      const auto is_digit = [](char d) { return d >= '0' && d <= '9'; };
      if (is_digit(rest[0])) {
        const auto number = rest.size() >= 3 && std::ranges::all_of(rest.substr(0, 3), is_digit)
                                ? parse_number(rest.substr(0, 3))
                                : std::nullopt;
        if (!number || *number > 255) return invalid("a \"\\\" with digits needs three, up to 255");
        c = static_cast<char>(*number);
        at += 3;
      } else {
        c = rest[0];
        at += 1;
      }
    }
    label += c;
    if (label.size() > label_size_max) return invalid("a label is longer than 63 octets");
  }
  if (!label.empty()) end_label();
  wire += '\0';
  if (wire.size() > name_size_max) return invalid("it is longer than 255 octets");
  return wire;
}

std::string encode_dns_query(uint16_t id, const DnsQuestion& question) {
  constexpr unsigned recursion_desired = 0x0100;
  std::string message;
  append_16(message, id);
  append_16(message, recursion_desired);
  append_16(message, 1);
  message.append(6, '\0');
  message += question.name;
  append_16(message, question.type.value);
  append_16(message, class_in);
  return message;
}

DnsAnswer read_dns_answer(std::string_view message, uint16_t id, const DnsQuestion& question) {
  DnsAnswer answer;
  if (message.size() < header_size) return answer;
  Reader reader{message};
  const unsigned got_id = reader.take_16();
  const unsigned flags = reader.take_16();
  const unsigned questions = reader.take_16();
  const unsigned answers = reader.take_16();
  reader.at = header_size;
  const bool is_response = (flags & 0x8000) != 0;
  answer.rcode = static_cast<DnsRcode>(flags & 0x0f);
  if (got_id != id || !is_response || (flags & 0x7800) != 0 ||
      !is_about(reader, questions, answer.rcode, question)) {
    return answer;
  }
  if ((flags & 0x0200) != 0) {
    answer.kind = DnsAnswer::Kind::truncated;
    return answer;
  }
  for (unsigned i = 0; i < answers; ++i) {
    reader.take_name();
    const uint16_t record_type = reader.take_16();
    reader.take_16();  // class
    reader.take_32();  // TTL
    const size_t size = reader.take_16();
    if (!reader.has(size)) break;
    answer.records.push_back(read_data(reader, record_type, size));
    reader.at += size;
  }
  answer.kind = reader.is_bad ? DnsAnswer::Kind::malformed : DnsAnswer::Kind::whole;
  return answer;
}

bool is_data(const DnsRecord& record, std::string_view wanted) {
  if (record.type.value == type::txt) return record.data == wanted || record.plain == wanted;
  return comparable(record.data) == comparable(wanted);
}

}  // namespace swingover::health
