#include "zones/edns.h"

#include "zones/protocol.h"

namespace swingover::zones {
namespace {

constexpr uint16_t option_nsid = 3;
constexpr uint16_t option_client_subnet = 8;
constexpr uint16_t option_cookie = 10;
constexpr uint32_t dnssec_ok_bit = 0x8000;
constexpr size_t fixed_size = 11;  // root, type, size, extended flags, RDLENGTH
constexpr size_t option_header_size = 4;

bool tells_identity(const Edns& asked, Bytes identity) {
  return asked.nsid_asked && !identity.empty();
}

}  // namespace

OptOutcome parse_opt(uint16_t record_class, uint32_t record_ttl, Bytes options, Edns& edns) {
  edns.present = true;
  edns.udp_size = record_class;
  edns.version = static_cast<uint8_t>(record_ttl >> 16);
  edns.dnssec_ok = (record_ttl & dnssec_ok_bit) != 0;
  if (edns.version != 0) return OptOutcome::bad_version;

  while (!options.empty()) {
    if (options.size() < option_header_size) return OptOutcome::malformed;
    const uint16_t code = read_u16(options.data());
    const size_t size = read_u16(options.data() + 2);
    if (size > options.size() - option_header_size) return OptOutcome::malformed;
    const Bytes data = options.subspan(option_header_size, size);
    if (code == option_nsid) edns.nsid_asked = true;
    if (code == option_client_subnet) edns.client_subnet = data;
    if (code == option_cookie) edns.cookie = data;
    options = options.subspan(option_header_size + size);
  }
  return OptOutcome::fine;
}

size_t opt_size(const Edns& asked, Bytes identity) {
  if (!asked.present) return 0;
  return fixed_size + (tells_identity(asked, identity) ? option_header_size + identity.size() : 0);
}

void write_opt(uint8_t* room, const Edns& asked, uint16_t udp_size, uint16_t rcode,
               Bytes identity) {
  const size_t options = opt_size(asked, identity) - fixed_size;
  room[0] = 0;
  write_u16(room + 1, type::opt);
  write_u16(room + 3, udp_size);
  // RFC 3225 section 3: DO is copied; RFC 6891 section 6.1.4: all other flags are 0, and so is our version.
  const uint32_t upper_bits = static_cast<uint32_t>(rcode >> 4) << 24;
  write_u32(room + 5, upper_bits | (asked.dnssec_ok ? dnssec_ok_bit : 0));
  write_u16(room + 9, static_cast<unsigned>(options));
  if (options == 0) return;
  write_u16(room + 11, option_nsid);
  write_u16(room + 13, static_cast<unsigned>(identity.size()));
  std::memcpy(room + 15, identity.data(), identity.size());
}

}  // namespace swingover::zones
