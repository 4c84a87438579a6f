#include "zones/cookie.h"

#include <algorithm>
#include <cstring>

#include "zones/protocol.h"

namespace swingover::zones {
namespace {

constexpr size_t server_cookie_least = 8;  // of anybody's, RFC 7873 section 4.2
constexpr size_t server_cookie_most = 32;
constexpr uint8_t version = 1;  // RFC 9018 section 4.1
constexpr size_t timestamp_at = client_cookie_size + 4;
constexpr size_t hash_at = client_cookie_size + 8;
constexpr uint32_t age_max = 3600;
constexpr uint32_t age_renewed = 1800;
constexpr uint32_t ahead_max = 300;

/// Compares in a time that tells nothing about where two hashes part.
bool same(const uint8_t* a, const uint8_t* b) {
  uint64_t x = 0;
  uint64_t y = 0;
  std::memcpy(&x, a, sizeof x);
  std::memcpy(&y, b, sizeof y);
  return x == y;
}

/// Writes the hash over client cookie, version, reserved octets, timestamp and address (section 4.4).
void put_hash(const SipKey& secret, const uint8_t* cookie, const IpAddress& client, uint8_t* to) {
  std::array<uint8_t, hash_at + 16> text;
  const Bytes address = client.bytes();
  std::memcpy(text.data(), cookie, hash_at);
  std::memcpy(text.data() + hash_at, address.data(), address.size());
  const uint64_t hash = siphash(secret, Bytes(text).first(hash_at + address.size()));
  for (size_t i = 0; i < 8; ++i) to[i] = static_cast<uint8_t>(hash >> 8 * i);
}

bool is_timely(uint32_t made, uint32_t now) {
  const uint32_t age = now - made;
  return age <= age_max || made - now <= ahead_max;
}

/// Which secret made it; secrets.size(): none.
size_t find_maker(Bytes cookie, const IpAddress& client, std::span<const SipKey> secrets) {
  std::array<uint8_t, 8> hash;
  size_t place = 0;
  for (; place < secrets.size(); ++place) {
    put_hash(secrets[place], cookie.data(), client, hash.data());
    if (same(hash.data(), cookie.data() + hash_at)) break;
  }
  return place;
}

}  // namespace

bool is_cookie_size(size_t octets) {
  return octets == client_cookie_size || (octets >= client_cookie_size + server_cookie_least &&
                                          octets <= client_cookie_size + server_cookie_most);
}

CheckedCookie check_cookie(Bytes option, const IpAddress& client, uint32_t now,
                           std::span<const SipKey> secrets) {
  CheckedCookie checked;
  if (option.empty() || secrets.empty()) return checked;
  checked.state = CookieState::client_only;
  if (option.size() == whole_cookie_size && option[client_cookie_size] == version) {
    const uint32_t made = read_u32(option.data() + timestamp_at);
    const size_t maker =
        is_timely(made, now) ? find_maker(option, client, secrets) : secrets.size();
    if (maker < secrets.size()) {
      checked.state = CookieState::valid;
      const bool is_young = now - made < age_renewed || made - now <= ahead_max;
      if (maker == 0 && is_young) {
        std::copy(option.begin(), option.end(), checked.answer.begin());
        return checked;
      }
    }
  }
  std::copy_n(option.begin(), client_cookie_size, checked.answer.begin());
  write_u32(checked.answer.data() + client_cookie_size, uint32_t{version} << 24);
  write_u32(checked.answer.data() + timestamp_at, now);
  put_hash(secrets.front(), checked.answer.data(), client, checked.answer.data() + hash_at);
  return checked;
}

}  // namespace swingover::zones
