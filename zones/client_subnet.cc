#include "zones/client_subnet.h"

#include <algorithm>
#include <array>

#include "zones/protocol.h"

namespace swingover::zones {
namespace {

constexpr size_t fixed_size = 4;  // family, source and scope prefix
constexpr uint16_t family_v4 = 1;
constexpr uint16_t family_v6 = 2;
constexpr unsigned mapping_bits = 96;  // of ::ffff:0:0/96

/// IANA's special-purpose ranges that stand for other hosts in each network that uses them.
unsigned local_range_v4(Bytes a) {
  if (a[0] == 0 || a[0] == 10 || a[0] == 127) return 8;
  if (a[0] == 100 && (a[1] & 0xc0) == 64) return 10;  // RFC 6598
  if (a[0] == 172 && (a[1] & 0xf0) == 16) return 12;
  if (a[0] == 192 && a[1] == 168) return 16;
  if (a[0] == 169 && a[1] == 254) return 16;
  return 0;
}

unsigned local_range_v6(Bytes a) {
  if ((a[0] & 0xfe) == 0xfc) return 7;                   // RFC 4193
  if (a[0] == 0xfe && (a[1] & 0xc0) == 0x80) return 10;  // link-local
  const bool has_high_bits = std::any_of(a.begin(), a.begin() + 15, [](uint8_t b) { return b; });
  return !has_high_bits && a[15] <= 1 ? 128 : 0;  // :: and ::1
}

}  // namespace

bool parse_client_subnet(Bytes option, ClientSubnet& out) {
  if (option.size() < fixed_size) return false;
  const uint16_t family = read_u16(option.data());
  const unsigned source = option[2];
  const unsigned bits = family == family_v4 ? 32 : family == family_v6 ? 128 : 0;
  if (family > family_v6 || source > bits || option[3] != 0) return false;
  const Bytes octets = option.subspan(fixed_size);
  if (octets.size() != (source + 7) / 8) return false;
  if (source % 8 != 0 && (octets.back() & (0xffU >> source % 8)) != 0) return false;

  out.option = option;
  out.source = static_cast<uint8_t>(source);
  std::array<uint8_t, 16> address{};
  std::copy(octets.begin(), octets.end(), address.begin());
  out.address = family == family_v6
                    ? IpAddress::v6(address)
                    : IpAddress::v4({address[0], address[1], address[2], address[3]});
  return true;
}

Steering steer_by(const ClientSubnet& subnet, const IpAddress& resolver, const SourceMap& sources) {
  if (!subnet.present() || subnet.source == 0) return {.address = resolver};
  const bool is_mapped = subnet.source >= mapping_bits && subnet.address.unmapped().is_v4();
  const unsigned extra_bits = is_mapped && !subnet.address.is_v4() ? mapping_bits : 0;
  const IpAddress address = extra_bits > 0 ? subnet.address.unmapped() : subnet.address;
  const unsigned range = local_range(address);
  if (range != 0 && local_range(resolver) == 0) {
    const SourceMap::Found found = sources.find(address);
    if (found.locality == no_locality) {
      // True of this range alone, and of what of it the map does not list either.
      return {.address = resolver, .scope = std::max(range, found.length) + extra_bits};
    }
  }
  return {.address = address, .is_subnet = true, .extra_bits = extra_bits};
}

unsigned local_range(const IpAddress& address) {
  return address.is_v4() ? local_range_v4(address.bytes()) : local_range_v6(address.bytes());
}

}  // namespace swingover::zones
