// libFuzzer's own mutations are blind to what a query is: most of them end at the first check. Here half of all inputs are
// queries that are right in every field, about names that exist or lie beside those that do; the other half, and some
// of these too, are then changed blindly.

#include <algorithm>
#include <cstring>
#include <random>

#include "tests/fuzz/respond_world.h"
#include "zones/cookie.h"
#include "zones/protocol.h"
#include "zones/tsig.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t size_max);

namespace swingover::tests {
namespace {

using Random = std::minstd_rand;
using Wire = std::vector<uint8_t>;

uint32_t below(Random& random, uint32_t bound) {
  return static_cast<uint32_t>(random() >> 8) % bound;
}
bool once_in(Random& random, uint32_t times) {
  return below(random, times) == 0;
}

/// Whole names are made once: parsing them costs more than the query does.
const std::vector<Wire>& names_in_wire() {
  static const std::vector<Wire> names = [] {
    std::vector<Wire> out;
    for (const std::string_view text : respond_names()) {
      const zones::Name name = *zones::parse_name(text);
      out.emplace_back(name.wire().begin(), name.wire().end());
    }
    return out;
  }();
  return names;
}

void put_label(Random& random, Wire& out) {
  static constexpr std::string_view usual = "xnadefwz*";
  const uint32_t size = once_in(random, 12) ? 1 + below(random, 63) : 1;
  out.push_back(static_cast<uint8_t>(size));
  for (uint32_t i = 0; i < size; ++i) {
    const bool is_odd = once_in(random, 20);
    out.push_back(is_odd ? static_cast<uint8_t>(below(random, 256))
                         : static_cast<uint8_t>(usual[below(random, usual.size())]));
  }
}

Wire make_name(Random& random) {
  const std::vector<Wire>& names = names_in_wire();
  const Wire& base = names[below(random, static_cast<uint32_t>(names.size()))];
  Wire out;
  uint32_t more = once_in(random, 3) ? 1 + below(random, 3) : 0;
  if (once_in(random, 40)) more = 130;  // as long as can be
  for (; more > 0; --more) {
    Wire label;
    put_label(random, label);
    if (out.size() + label.size() + base.size() > 255) break;
    out.insert(out.end(), label.begin(), label.end());
  }
  out.insert(out.end(), base.begin(), base.end());
  if (once_in(random, 3)) {
    for (uint8_t& octet : out) {
      if (octet >= 'a' && octet <= 'z' && once_in(random, 2)) octet ^= 0x20;
    }
  }
  return out;
}

uint16_t make_type(Random& random) {
  static constexpr std::array<uint16_t, 24> types{
      1, 1, 1, 1, 28, 28, 2, 5, 6, 15, 16, 33, 39, 43, 46, 47, 64, 65, 255, 251, 252, 731, 249, 0};
  return once_in(random, 30) ? static_cast<uint16_t>(below(random, 65'536))
                             : types[below(random, types.size())];
}

void put_option(Wire& out, unsigned code, Bytes data) {
  put_u16(out, code);
  put_u16(out, static_cast<unsigned>(data.size()));
  out.insert(out.end(), data.begin(), data.end());
}

Wire some_octets(Random& random, uint32_t size) {
  Wire out(size);
  for (uint8_t& octet : out) octet = static_cast<uint8_t>(below(random, 256));
  return out;
}

void put_client_subnet(Random& random, Wire& out) {
  const bool v4 = once_in(random, 2);
  const uint32_t bits = below(random, v4 ? 33 : 129);
  Wire data{0, static_cast<uint8_t>(v4 ? 1 : 2), static_cast<uint8_t>(bits), 0};
  Wire address = some_octets(random, (bits + 7) / 8);
  if (v4 && address.size() > 1)
    address[0] = 10, address[1] = static_cast<uint8_t>(1 + below(random, 2));
  if (bits % 8 != 0) address.back() &= static_cast<uint8_t>(0xff << (8 - bits % 8));
  data.insert(data.end(), address.begin(), address.end());
  put_option(out, 8, data);
}

void put_cookie(Random& random, Wire& out, const IpAddress& client) {
  const Wire own{1, 2, 3, 4, 5, 6, 7, 8};
  if (once_in(random, 3)) return put_option(out, 10, own);
  if (once_in(random, 6)) return put_option(out, 10, some_octets(random, 8 + below(random, 33)));
  static const std::vector<SipKey> secrets = strict_answering().cookie_secrets;
  const uint32_t age = once_in(random, 3) ? below(random, 8000) : 0;
  const auto cookie = zones::check_cookie(own, client, respond_now - age, secrets);
  put_option(out, 10, cookie.answer);
}

void put_edns(Random& random, Wire& out, const IpAddress& client) {
  static constexpr std::array<uint16_t, 6> sizes{512, 1232, 1232, 4096, 0, 65'535};
  Wire options;
  if (once_in(random, 3)) put_cookie(random, options, client);
  if (once_in(random, 3)) put_client_subnet(random, options);
  if (once_in(random, 6)) put_option(options, 3, {});
  if (once_in(random, 6)) put_option(options, 11, {});
  if (once_in(random, 6)) put_option(options, 12, some_octets(random, below(random, 40)));
  if (once_in(random, 12))
    put_option(options, below(random, 65'536), some_octets(random, below(random, 9)));
  out.push_back(0);
  put_u16(out, 41);
  put_u16(out, sizes[below(random, sizes.size())]);
  put_u16(out, once_in(random, 20) ? below(random, 65'536) : 0);  // extended RCODE and version
  put_u16(out, once_in(random, 3) ? 0x8000 : 0);
  put_u16(out, static_cast<unsigned>(options.size()));
  out.insert(out.end(), options.begin(), options.end());
}

void sign(Wire& packet) {
  static const zones::Model model = respond_model();
  zones::Tsig tsig;
  const size_t size = packet.size();
  packet.resize(size + 600);
  packet.resize(tsig.sign_request(model.tsig_keys[0], packet.data(), size, respond_now));
}

/// Two octets of world in front, as respond_fuzz.cc reads them.
Wire make_input(Random& random, uint8_t world, uint8_t manner) {
  const IpAddress& client = respond_clients()[manner >> 4 & 3U];
  Wire out;
  put_u16(out, below(random, 65'536));
  unsigned flags = once_in(random, 2) ? 0x0100 : 0;
  if (once_in(random, 30)) flags = below(random, 0x8000);
  put_u16(out, flags);
  const bool has_edns = !once_in(random, 3);
  put_u16(out, once_in(random, 60) && has_edns ? 0 : 1);
  for (const unsigned count : {0U, 0U, has_edns ? 1U : 0U}) put_u16(out, count);
  if (out[5] == 1) {
    const Wire name = make_name(random);
    out.insert(out.end(), name.begin(), name.end());
    put_u16(out, make_type(random));
    put_u16(out, once_in(random, 25) ? (once_in(random, 2) ? 3 : 255) : 1);
  }
  if (has_edns) put_edns(random, out, client);
  if (once_in(random, 40)) sign(out);
  out.insert(out.begin(), {world, manner});
  return out;
}

}  // namespace
}  // namespace swingover::tests

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t size_max,
                                          unsigned int seed) {
  using namespace swingover::tests;
  Random random(seed | 1);
  if (once_in(random, 2) && size > 0) return LLVMFuzzerMutate(data, size, size_max);
  const auto world = static_cast<uint8_t>(below(random, 256));
  const auto manner = static_cast<uint8_t>(below(random, 256));
  const std::vector<uint8_t> made = make_input(random, world, manner);
  if (made.size() > size_max) return LLVMFuzzerMutate(data, size, size_max);
  std::memcpy(data, made.data(), made.size());
  return once_in(random, 4) ? LLVMFuzzerMutate(data, made.size(), size_max) : made.size();
}
