#include "zones/edns.h"

#include <algorithm>

#include "zones/cookie.h"
#include "zones/protocol.h"

namespace swingover::zones {
namespace {

namespace option_code {
constexpr uint16_t nsid = 3;
constexpr uint16_t client_subnet = 8;
constexpr uint16_t cookie = 10;
constexpr uint16_t keepalive = 11;
constexpr uint16_t padding = 12;
constexpr uint16_t extended_error = 15;
}  // namespace option_code

constexpr uint32_t dnssec_ok_bit = 0x8000;
constexpr uint32_t compact_ok_bit = 0x4000;
constexpr size_t fixed_size = 11;  // root, type, size, extended flags, RDLENGTH
constexpr size_t option_header_size = 4;
constexpr size_t keepalive_size = 2;
constexpr size_t error_code_size = 2;
constexpr size_t padding_block = 468;  // RFC 8467 section 4.1

bool read_option(uint16_t code, Bytes data, Edns& edns) {
  switch (code) {
    case option_code::nsid:
      edns.nsid_asked = true;
      return true;
    case option_code::client_subnet:
      return !edns.subnet.present() && parse_client_subnet(data, edns.subnet);
    case option_code::cookie:
      if (!is_cookie_size(data.size())) return false;
      if (edns.cookie.empty()) edns.cookie = data;
      return true;
    case option_code::keepalive:
      edns.keepalive = data.empty() ? Edns::Keepalive::asked : Edns::Keepalive::malformed;
      return true;
    case option_code::padding:
      edns.padding_asked = true;
      return true;
    default:
      return true;
  }
}

bool read_options(Bytes options, Edns& edns) {
  while (!options.empty()) {
    if (options.size() < option_header_size) return false;
    const uint16_t code = read_u16(options.data());
    const size_t size = read_u16(options.data() + 2);
    if (size > options.size() - option_header_size) return false;
    if (!read_option(code, options.subspan(option_header_size, size), edns)) return false;
    options = options.subspan(option_header_size + size);
  }
  return true;
}

/// Options one behind the other; the caller has measured.
class OptionWriter {
 public:
  explicit OptionWriter(std::span<uint8_t> room) : room_(room) {}

  size_t size() const { return at_; }
  bool fits(size_t data_size) const { return room_.size() - at_ >= option_header_size + data_size; }
  /// Returns where the option's data goes.
  uint8_t* open(uint16_t code, size_t data_size) {
    uint8_t* to = room_.data() + at_;
    write_u16(to, code);
    write_u16(to + 2, static_cast<unsigned>(data_size));
    at_ += option_header_size + data_size;
    return to + option_header_size;
  }
  void put(uint16_t code, Bytes data) {
    uint8_t* to = open(code, data.size());
    if (!data.empty()) std::memcpy(to, data.data(), data.size());
  }

 private:
  std::span<uint8_t> room_;
  size_t at_ = 0;
};

void put_needed(OptionWriter& writer, const OptAnswer& answer) {
  if (!answer.cookie.empty()) writer.put(option_code::cookie, answer.cookie);
  if (answer.subnet) {
    const Bytes asked = answer.subnet->option;
    uint8_t* to = writer.open(option_code::client_subnet, asked.size());
    std::memcpy(to, asked.data(), asked.size());
    to[3] = answer.subnet_scope;
  }
  if (answer.keepalive)
    write_u16(writer.open(option_code::keepalive, keepalive_size), *answer.keepalive);
}

void put_error(OptionWriter& writer, const ExtendedError& error) {
  if (!writer.fits(error_code_size)) return;
  const bool with_text = writer.fits(error_code_size + error.text.size());
  const size_t text_size = with_text ? error.text.size() : 0;
  uint8_t* to = writer.open(option_code::extended_error, error_code_size + text_size);
  write_u16(to, error.code);
  if (text_size > 0) std::memcpy(to + error_code_size, error.text.data(), text_size);
}

/// `size`: of the message so far. Up to a whole block, or as far as there is room (RFC 8467 section 4.1).
void put_padding(OptionWriter& writer, size_t size, size_t room_left) {
  if (!writer.fits(0)) return;
  const size_t least = size + option_header_size;
  const size_t whole = (least + padding_block - 1) / padding_block * padding_block;
  const size_t octets = std::min(whole - least, room_left - option_header_size);
  uint8_t* to = writer.open(option_code::padding, octets);
  std::memset(to, 0, octets);
}

}  // namespace

OptOutcome parse_opt(uint16_t record_class, uint32_t record_ttl, Bytes options, Edns& edns) {
  edns.present = true;
  edns.udp_size = record_class;
  edns.version = static_cast<uint8_t>(record_ttl >> 16);
  edns.dnssec_ok = (record_ttl & dnssec_ok_bit) != 0;
  edns.compact_ok = (record_ttl & compact_ok_bit) != 0;
  if (edns.version != 0) return OptOutcome::bad_version;
  if (options.empty()) return OptOutcome::fine;
  const Edns without_options = edns;
  if (read_options(options, edns)) return OptOutcome::fine;
  edns = without_options;
  return OptOutcome::malformed;
}

size_t opt_size_least(const OptAnswer& answer) {
  size_t size = fixed_size;
  if (!answer.cookie.empty()) size += option_header_size + answer.cookie.size();
  if (answer.subnet) size += option_header_size + client_subnet_size(*answer.subnet);
  if (answer.keepalive) size += option_header_size + keepalive_size;
  return size;
}

size_t write_opt(std::span<uint8_t> room, size_t message_size, const OptAnswer& answer) {
  OptionWriter writer(room.subspan(fixed_size));
  put_needed(writer, answer);
  if (answer.error) put_error(writer, *answer.error);
  if (!answer.identity.empty() && writer.fits(answer.identity.size()))
    writer.put(option_code::nsid, answer.identity);
  if (answer.pad) {
    const size_t size = fixed_size + writer.size();
    put_padding(writer, message_size + size, room.size() - size);
  }

  uint8_t* to = room.data();
  to[0] = 0;
  write_u16(to + 1, type::opt);
  write_u16(to + 3, answer.udp_size);
  // RFC 3225 section 3: DO is copied; RFC 9824 section 5.1: so is CO, from who asks for signatures; RFC 6891 section
  // 6.1.4: all other flags are 0, and so is our version.
  const uint32_t upper_bits = static_cast<uint32_t>(answer.rcode >> 4) << 24;
  const uint32_t flags =
      (answer.dnssec_ok ? dnssec_ok_bit : 0) | (answer.compact_ok ? compact_ok_bit : 0);
  write_u32(to + 5, upper_bits | flags);
  write_u16(to + 9, static_cast<unsigned>(writer.size()));
  return fixed_size + writer.size();
}

}  // namespace swingover::zones
