#include "zones/lookup_name.h"

#include <bit>
#include <cstring>

#include "base/random.h"

namespace swingover::zones {

HashKey HashKey::of_process() {
  static const HashKey key{.start = random_seed(), .multiplier = random_seed() | 1};
  return key;
}

namespace {

uint64_t load_word(const uint8_t* at) {
  uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

/// ASCII upper case to lower, sixteen octets at once: a loop that compilers turn into a few vector
/// instructions. Length octets are at most 63, below 'A', and stay.
void fold_sixteen(uint8_t* octets) {
  for (unsigned i = 0; i < 16; ++i) {
    const auto from_a = static_cast<uint8_t>(octets[i] - 'A');
    const auto bit = static_cast<uint8_t>(from_a < 26 ? 0x20 : 0);
    octets[i] = static_cast<uint8_t>(octets[i] | bit);
  }
}

uint64_t mixed(uint64_t a, uint64_t b) {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product >> 64) ^ static_cast<uint64_t>(product);
}

/// The first `size` octets of a word in memory order, the others cleared; size 1 to 8.
uint64_t first_octets(uint64_t word, unsigned size) {
  const unsigned unused = 8 * (8 - size);
  if constexpr (std::endian::native == std::endian::little) return word << unused >> unused;
  return word >> unused << unused;
}

}  // namespace

void LookupName::assign(Bytes wire, const HashKey& key) {
  size_ = static_cast<uint8_t>(wire.size());
  in_question_ = true;
  std::memcpy(wire_.data(), wire.data(), wire.size());
  unsigned labels = 0;
  unsigned at = 0;
  while (wire[at] != 0) {
    starts_[labels++] = static_cast<uint8_t>(at);
    at += 1U + wire[at];
  }
  starts_[labels] = static_cast<uint8_t>(at);
  labels_ = static_cast<uint8_t>(labels);
  fold_and_hash(key);
}

void LookupName::assign_from_message(const uint8_t* message, size_t at, const HashKey& key) {
  in_question_ = false;
  unsigned size = 0;
  unsigned labels = 0;
  for (;;) {
    const unsigned length = message[at];
    if (length > 63) {
      at = read_u16(message + at) & pointer_max;
      continue;
    }
    starts_[labels] = static_cast<uint8_t>(size);
    places_[labels] = static_cast<uint16_t>(at);
    if (length == 0) break;
    ++labels;
    std::memcpy(&wire_[size], message + at, 1 + length);
    size += 1 + length;
    at += 1 + length;
  }
  wire_[size] = 0;
  size_ = static_cast<uint8_t>(size + 1);
  labels_ = static_cast<uint8_t>(labels);
  fold_and_hash(key);
}

void LookupName::fold_and_hash(const HashKey& key) {
  for (unsigned at = 0; at < size_; at += 16) fold_sixteen(&wire_[at]);
  uint64_t hash = key.start;
  hashes_[0] = hash;
  for (unsigned i = labels_; i-- > 0;) {
    const uint8_t* at = &wire_[starts_[i]];
    unsigned left = 1U + *at;  // the length octet is hashed too: it keeps "ab.c" and "a.bc" apart
    for (; left > 8; left -= 8, at += 8) hash = mixed(hash ^ load_word(at), key.multiplier);
    hash = mixed(hash ^ first_octets(load_word(at), left), key.multiplier);
    hashes_[labels_ - i] = hash;
  }
}

unsigned LookupName::place_in_answer(unsigned offset) const {
  unsigned i = 0;
  while (starts_[i] != offset) ++i;
  return places_[i];
}

}  // namespace swingover::zones
