#include "base/siphash.h"

#include <catch2/catch.hpp>

#include <array>
#include <vector>

namespace swingover {

TEST_CASE("SipHash-2-4 gives the hashes of its designers' vectors", "[siphash]") {
  std::array<uint8_t, 16> octets{};
  for (uint8_t i = 0; i < 16; ++i) octets[i] = i;
  const SipKey key = sip_key(octets);
  CHECK(key.low == 0x0706050403020100U);
  CHECK(key.high == 0x0f0e0d0c0b0a0908U);

  std::vector<uint8_t> text;
  CHECK(siphash(key, text) == 0x726fdb47dd0e0e31U);
  text = {0};
  CHECK(siphash(key, text) == 0x74f839c593dc67fdU);
  for (uint8_t i = 1; i < 8; ++i) text.push_back(i);
  CHECK(siphash(key, text) == 0x93f5f5799a932462U);
  for (uint8_t i = 8; i < 15; ++i) text.push_back(i);
  CHECK(siphash(key, text) == 0xa129ca6149be45e5U);  // of the paper's appendix
}

TEST_CASE("SipHash-2-4 of 128 bits gives the hashes of its designers' vectors", "[siphash]") {
  const SipKey key{.low = 0x0706050403020100U, .high = 0x0f0e0d0c0b0a0908U};
  std::vector<uint8_t> text;
  CHECK(siphash_128(key, text) == SipKey{.low = 0xe6a825ba047f81a3U, .high = 0x930255c71472f66dU});
  while (text.size() < 15) text.push_back(static_cast<uint8_t>(text.size()));
  CHECK(siphash_128(key, text) == SipKey{.low = 0x11a8b03399e99354U, .high = 0xd9c3cf970fec087eU});
  while (text.size() < 63) text.push_back(static_cast<uint8_t>(text.size()));
  CHECK(siphash_128(key, text) == SipKey{.low = 0x4a83502f77d15051U, .high = 0x7cbd3f979a063e50U});
}

TEST_CASE("every octet of text and key changes a SipHash", "[siphash]") {
  std::vector<uint8_t> text(37, 7);
  const SipKey key{1, 2};
  const uint64_t hash = siphash(key, text);
  for (uint8_t& octet : text) {
    octet ^= 1;
    CHECK(siphash(key, text) != hash);
    octet ^= 1;
  }
  CHECK(siphash({2, 1}, text) != hash);
  text.push_back(0);
  CHECK(siphash(key, text) != hash);
}

}  // namespace swingover
