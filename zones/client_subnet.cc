#include "zones/client_subnet.h"

#include <algorithm>
#include <array>
#include <bit>
#include <span>

#include "zones/protocol.h"

namespace swingover::zones {
namespace {

constexpr size_t fixed_size = 4;  // family, source and scope prefix
constexpr uint16_t family_v4 = 1;
constexpr uint16_t family_v6 = 2;
constexpr unsigned mapping_bits = 96;  // of ::ffff:0:0/96

/// One of IANA's special-purpose ranges that stand for other hosts in each network that uses them.
struct LocalRange {
  std::array<uint8_t, 16> octets;
  unsigned bits;
};
constexpr std::array<LocalRange, 7> local_v4{{
    {{0}, 8},
    {{10}, 8},
    {{127}, 8},
    {{100, 64}, 10},  // RFC 6598
    {{172, 16}, 12},
    {{192, 168}, 16},
    {{169, 254}, 16},
}};
constexpr std::array<LocalRange, 4> local_v6{{
    {{0xfc}, 7},         // RFC 4193
    {{0xfe, 0x80}, 10},  // link-local
    {{}, 128},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128},
}};

std::span<const LocalRange> local_ranges(const IpAddress& address) {
  if (address.is_v4()) return local_v4;
  return local_v6;
}

/// Bits that the two have in common from the first one on.
unsigned common_bits(Bytes address, const LocalRange& range) {
  for (size_t i = 0; i < address.size(); ++i) {
    const auto differing = static_cast<uint8_t>(address[i] ^ range.octets[i]);
    if (differing != 0)
      return static_cast<unsigned>(8 * i) + static_cast<unsigned>(std::countl_zero(differing));
  }
  return static_cast<unsigned>(8 * address.size());
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

Located locate(const ClientSubnet& subnet, const IpAddress& resolver, const SourceMap& sources) {
  const auto found_as = [](const SourceMap::Found& found, unsigned scope) {
    const bool is_sure = found.locality != no_locality && !found.is_nearest;
    return Located{.locality = found.locality, .scope = scope, .is_sure = is_sure};
  };
  if (!subnet.present() || subnet.source == 0) return found_as(sources.find(resolver), 0);
  const SourceMap::Found found = sources.find(subnet.address);
  if (found.locality != no_locality) return found_as(found, found.length);
  return {.locality = sources.find(resolver).locality, .scope = found.length};
}

unsigned bits_apart_from_local(const IpAddress& address) {
  unsigned bits = 0;
  for (const LocalRange& range : local_ranges(address))
    bits = std::max(bits, common_bits(address.bytes(), range) + 1);
  return bits;
}

unsigned local_range(const IpAddress& address) {
  for (const LocalRange& range : local_ranges(address)) {
    if (common_bits(address.bytes(), range) >= range.bits) return range.bits;
  }
  return 0;
}

}  // namespace swingover::zones
