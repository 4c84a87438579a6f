#include "zones/dnssec/signature_cache.h"

#include <algorithm>
#include <cstring>

namespace swingover::dnssec {
namespace {

constexpr size_t word_octets = sizeof(uint64_t);

uint64_t tag_of(const SignatureKey& key) {
  return std::max<uint64_t>(key.high, 1);  // 0 means: none
}

uint64_t pair(uint32_t upper, uint32_t lower) {
  return uint64_t{upper} << 32 | lower;
}

}  // namespace

SignatureCache::SignatureCache(size_t places, size_t signature_size)
    : signature_size_(signature_size),
      place_words_(signature_word + (signature_size + word_octets - 1) / word_octets),
      sets_(std::max<size_t>((places + ways - 1) / ways, 1)),
      memory_(octets()),
      tags_(reinterpret_cast<Tags*>(memory_.data())),
      words_(reinterpret_cast<Word*>(tags_ + sets_)),
      clocks_(reinterpret_cast<Clock*>(words_ + sets_ * ways * place_words_)) {}

size_t SignatureCache::octets() const {
  return sets_ * (sizeof(Tags) + sizeof(Clock) + ways * place_words_ * word_octets);
}

std::optional<CachedSignature> SignatureCache::find(const SignatureKey& key,
                                                    std::span<uint8_t> out) const {
  const size_t set = set_of(key);
  const uint64_t tag = tag_of(key);
  for (size_t way = 0; way < ways; ++way) {
    if (tags_[set].tags[way].load(std::memory_order_relaxed) != tag) continue;
    const Word* const words = place(set, way);
    const uint64_t version = words[version_word].load(std::memory_order_acquire);
    if (version % 2 != 0) continue;
    // Each load is an acquire, so that none comes after the second look at the version.
    const auto load = [words](size_t at) { return words[at].load(std::memory_order_acquire); };
    if (load(high_word) != key.high || load(low_word) != key.low) continue;
    const uint64_t validity = load(validity_word);
    const uint64_t refresh_and_size = load(refresh_word);
    const size_t size = static_cast<uint32_t>(refresh_and_size);
    if (size > signature_size_ || size > out.size()) continue;  // or half of two writings
    for (size_t at = 0; at < size; at += word_octets) {
      const uint64_t word = load(signature_word + at / word_octets);
      std::memcpy(out.data() + at, &word, std::min(word_octets, size - at));
    }
    if (words[version_word].load(std::memory_order_relaxed) != version) continue;

    const auto mark = static_cast<uint8_t>(1U << way);
    std::atomic<uint8_t>& asked = clocks_[set].asked;
    if ((asked.load(std::memory_order_relaxed) & mark) == 0)
      asked.fetch_or(mark, std::memory_order_relaxed);
    return CachedSignature{.validity = {.inception = static_cast<uint32_t>(validity >> 32),
                                        .expiration = static_cast<uint32_t>(validity)},
                           .refresh = static_cast<uint32_t>(refresh_and_size >> 32),
                           .size = size};
  }
  return std::nullopt;
}

/// The way of this tag, a free one, or the first from the hand on that nobody asked for; marks are taken on the way.
size_t SignatureCache::room_in(size_t set, uint64_t tag) {
  size_t free = ways;
  for (size_t way = 0; way < ways; ++way) {
    const uint64_t there = tags_[set].tags[way].load(std::memory_order_relaxed);
    if (there == tag) return way;
    if (there == 0 && free == ways) free = way;
  }
  if (free != ways) return free;
  Clock& clock = clocks_[set];
  size_t way = clock.hand.load(std::memory_order_relaxed) % ways;
  for (size_t looked = 0; looked < ways; ++looked, way = (way + 1) % ways) {
    const auto mark = static_cast<uint8_t>(1U << way);
    const uint8_t others = static_cast<uint8_t>(~mark);
    if ((clock.asked.fetch_and(others, std::memory_order_relaxed) & mark) == 0) break;
  }
  clock.hand.store(static_cast<uint8_t>((way + 1) % ways), std::memory_order_relaxed);
  return way;
}

bool SignatureCache::keep(const SignatureKey& key, const Validity& validity, uint32_t refresh,
                          Bytes signature) {
  if (signature.size() > signature_size_) return false;
  const size_t set = set_of(key);
  const size_t way = room_in(set, tag_of(key));
  Word* const words = place(set, way);
  uint64_t version = words[version_word].load(std::memory_order_relaxed);
  if (version % 2 != 0 ||
      !words[version_word].compare_exchange_strong(version, version + 1, std::memory_order_acquire,
                                                   std::memory_order_relaxed)) {
    return false;
  }
  // Each store is a release: who sees it sees the odd version, too.
  const auto store = [words](size_t at, uint64_t word) {
    words[at].store(word, std::memory_order_release);
  };
  store(high_word, key.high);
  store(low_word, key.low);
  store(validity_word, pair(validity.inception, validity.expiration));
  store(refresh_word, pair(refresh, static_cast<uint32_t>(signature.size())));
  for (size_t at = 0; at < signature.size(); at += word_octets) {
    uint64_t word = 0;
    std::memcpy(&word, signature.data() + at, std::min(word_octets, signature.size() - at));
    store(signature_word + at / word_octets, word);
  }
  tags_[set].tags[way].store(tag_of(key), std::memory_order_relaxed);
  words[version_word].store(version + 2, std::memory_order_release);
  return true;
}

}  // namespace swingover::dnssec
