#include "server/query/proxy_header.h"

#include <algorithm>
#include <array>

namespace swingover::query {
namespace {

constexpr std::array<uint8_t, 12> signature{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                            0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr uint8_t version_mask = 0xf0;
constexpr uint8_t version_2 = 0x20;
constexpr uint8_t command_local = 0;
constexpr uint8_t command_proxy = 1;
constexpr uint8_t family_unspecified = 0;
constexpr uint8_t family_ipv4 = 1;
constexpr uint8_t family_ipv6 = 2;
constexpr size_t ipv4_addresses_size = 12;  // two addresses and two ports
constexpr size_t ipv6_addresses_size = 36;
constexpr uint8_t extension_crc32c = 3;
constexpr size_t extension_fixed_size = 3;
constexpr size_t crc_size = 4;

constexpr std::array<uint32_t, 256> crc32c_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1) != 0 ? 0x82f63b78U : 0);
    table[i] = value;
  }
  return table;
}

/// Of `octets`, with those from `hole` on taken as zero.
uint32_t crc32c(Bytes octets, size_t hole) {
  static constexpr std::array<uint32_t, 256> table = crc32c_table();
  uint32_t value = ~0U;
  for (size_t i = 0; i < octets.size(); ++i) {
    const uint32_t octet = i >= hole && i < hole + crc_size ? 0 : octets[i];
    value = value >> 8 ^ table[(value ^ octet) & 0xff];
  }
  return ~value;
}

/// Extensions stand one behind another from `at` to the end of the header.
bool check_extensions(Bytes header, size_t at) {
  while (at < header.size()) {
    if (header.size() - at < extension_fixed_size) return false;
    const uint8_t type = header[at];
    const size_t size = size_t{header[at + 1]} << 8 | header[at + 2];
    at += extension_fixed_size;
    if (header.size() - at < size) return false;
    if (type == extension_crc32c) {
      if (size != crc_size) return false;
      ByteReader told(header.subspan(at, crc_size));
      if (told.u32() != crc32c(header, at)) return false;
    }
    at += size;
  }
  return true;
}

bool read_addresses(uint8_t family, Bytes body, ProxyHeader& header, size_t& addresses_size) {
  switch (family) {
    case family_unspecified:
      addresses_size = body.size();  // nothing in it means anything
      return true;
    case family_ipv4: {
      addresses_size = ipv4_addresses_size;
      if (body.size() < addresses_size) return false;
      std::array<uint8_t, 4> source{};
      std::copy_n(body.begin(), source.size(), source.begin());
      header.client = IpAddress::v4(source);
      break;
    }
    case family_ipv6: {
      addresses_size = ipv6_addresses_size;
      if (body.size() < addresses_size) return false;
      std::array<uint8_t, 16> source{};
      std::copy_n(body.begin(), source.size(), source.begin());
      header.client = IpAddress::v6(source).unmapped();
      break;
    }
    default:
      return false;  // a Unix socket asks no name server
  }
  header.is_from_client = true;
  return true;
}

}  // namespace

ProxyOutcome parse_proxy_header(Bytes octets, ProxyHeader& header) {
  const size_t start = std::min(octets.size(), signature.size());
  if (!std::equal(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(start),
                  signature.begin())) {
    return ProxyOutcome::invalid;
  }
  header.size = proxy_fixed_size;
  if (octets.size() < proxy_fixed_size) return ProxyOutcome::incomplete;
  const uint8_t command = octets[12];
  const uint8_t family = octets[13] >> 4;
  header.size += size_t{octets[14]} << 8 | octets[15];
  if ((command & version_mask) != version_2 || header.size > proxy_size_max)
    return ProxyOutcome::invalid;
  if (octets.size() < header.size) return ProxyOutcome::incomplete;
  const Bytes whole = octets.first(header.size);
  switch (command & ~version_mask) {
    case command_local:
      return ProxyOutcome::fine;
    case command_proxy: {
      size_t addresses_size = 0;
      const bool is_fine =
          read_addresses(family, whole.subspan(proxy_fixed_size), header, addresses_size) &&
          check_extensions(whole, proxy_fixed_size + addresses_size);
      return is_fine ? ProxyOutcome::fine : ProxyOutcome::invalid;
    }
    default:
      return ProxyOutcome::invalid;
  }
}

}  // namespace swingover::query
