#pragma once

#include <cstddef>
#include <cstdint>

namespace swingover::zones {

/// Numbers of the DNS protocol (IANA "DNS Parameters"), as far as an answer depends on them.

inline constexpr size_t header_size = 12;
inline constexpr uint16_t pointer_max = 0x3fff;  // RFC 1035 section 4.1.4: 14 bits of offset

namespace type {
inline constexpr uint16_t a = 1;
inline constexpr uint16_t ns = 2;
inline constexpr uint16_t md = 3;
inline constexpr uint16_t mf = 4;
inline constexpr uint16_t cname = 5;
inline constexpr uint16_t soa = 6;
inline constexpr uint16_t mb = 7;
inline constexpr uint16_t mg = 8;
inline constexpr uint16_t mr = 9;
inline constexpr uint16_t ptr = 12;
inline constexpr uint16_t minfo = 14;
inline constexpr uint16_t mx = 15;
inline constexpr uint16_t txt = 16;
inline constexpr uint16_t rp = 17;
inline constexpr uint16_t afsdb = 18;
inline constexpr uint16_t rt = 21;
inline constexpr uint16_t sig = 24;
inline constexpr uint16_t px = 26;
inline constexpr uint16_t aaaa = 28;
inline constexpr uint16_t nxt = 30;
inline constexpr uint16_t srv = 33;
inline constexpr uint16_t naptr = 35;
inline constexpr uint16_t kx = 36;
inline constexpr uint16_t a6 = 38;
inline constexpr uint16_t dname = 39;
inline constexpr uint16_t opt = 41;
inline constexpr uint16_t ds = 43;
inline constexpr uint16_t rrsig = 46;
inline constexpr uint16_t nsec = 47;
inline constexpr uint16_t dnskey = 48;
inline constexpr uint16_t cds = 59;      // RFC 7344
inline constexpr uint16_t cdnskey = 60;  // likewise
inline constexpr uint16_t svcb = 64;
inline constexpr uint16_t https = 65;
inline constexpr uint16_t nxname = 128;  // RFC 9824
inline constexpr uint16_t tkey = 249;
inline constexpr uint16_t tsig = 250;
inline constexpr uint16_t ixfr = 251;
inline constexpr uint16_t axfr = 252;
inline constexpr uint16_t mailb = 253;
inline constexpr uint16_t maila = 254;
inline constexpr uint16_t any = 255;
}  // namespace type

namespace dns_class {
inline constexpr uint16_t in = 1;
inline constexpr uint16_t chaos = 3;
inline constexpr uint16_t any = 255;
}  // namespace dns_class

namespace opcode {
inline constexpr uint8_t query = 0;
inline constexpr uint8_t notify = 4;  // RFC 1996
inline constexpr uint8_t update = 5;  // RFC 2136
}  // namespace opcode

namespace rcode {
inline constexpr uint16_t no_error = 0;
inline constexpr uint16_t format_error = 1;
inline constexpr uint16_t server_failure = 2;
inline constexpr uint16_t name_error = 3;
inline constexpr uint16_t not_implemented = 4;
inline constexpr uint16_t refused = 5;
inline constexpr uint16_t yx_domain = 6;
inline constexpr uint16_t not_auth = 9;      // RFC 2136; with TSIG RFC 8945
inline constexpr uint16_t bad_version = 16;  // RFC 6891: needs the extended bits of an OPT
inline constexpr uint16_t bad_cookie = 23;   // RFC 7873: likewise
}  // namespace rcode

namespace flag {  // of the header's second word
inline constexpr uint16_t response = 0x8000;
inline constexpr uint16_t opcode_mask = 0x7800;
inline constexpr uint16_t authoritative = 0x0400;
inline constexpr uint16_t truncated = 0x0200;
inline constexpr uint16_t recursion_desired = 0x0100;
}  // namespace flag

inline uint16_t read_u16(const uint8_t* at) {
  return static_cast<uint16_t>(at[0] << 8 | at[1]);
}
inline uint32_t read_u32(const uint8_t* at) {
  return static_cast<uint32_t>(read_u16(at)) << 16 | read_u16(at + 2);
}
inline void write_u16(uint8_t* at, unsigned value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}
inline void write_u32(uint8_t* at, uint32_t value) {
  write_u16(at, value >> 16);
  write_u16(at + 2, value & 0xffff);
}

}  // namespace swingover::zones
