#include "zones/dnssec/signature_cache.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "base/random.h"

namespace swingover::dnssec::tests {
namespace {

using Octets = std::vector<uint8_t>;

/// A key, and what belongs to it: octets and times that show in each word whose they are.
struct Entry {
  SignatureKey key;
  Octets signature;
  Validity validity;
  uint32_t refresh = 0;
};
Entry entry(uint64_t number, size_t size = 64) {
  Random random(number);
  Entry made{.key = {.high = random.next(), .low = random.next()},
             .signature = Octets(size),
             .validity = {.inception = static_cast<uint32_t>(random.next()),
                          .expiration = static_cast<uint32_t>(random.next())},
             .refresh = static_cast<uint32_t>(random.next())};
  for (uint8_t& octet : made.signature) octet = static_cast<uint8_t>(random.next());
  return made;
}

bool keep(SignatureCache& cache, const Entry& entry) {
  return cache.keep(entry.key, entry.validity, entry.refresh, entry.signature);
}
bool has(const SignatureCache& cache, const Entry& entry) {
  std::array<uint8_t, 512> out{};
  return cache.find(entry.key, out).has_value();
}
/// Whether what was found is this entry, all of it.
bool is(const CachedSignature& found, Bytes octets, const Entry& entry) {
  return found.size == entry.signature.size() && found.validity == entry.validity &&
         found.refresh == entry.refresh &&
         std::ranges::equal(octets.first(found.size), entry.signature);
}

constexpr size_t one_set = 8;  // places

}  // namespace

TEST_CASE("a signature is found as it was kept, under its own key alone", "[signature_cache]") {
  for (const size_t size : {1U, 7U, 8U, 64U, 256U, 512U}) {
    SignatureCache cache(10'000, size);
    const Entry kept = entry(1, size);
    CHECK_FALSE(has(cache, kept));
    REQUIRE(keep(cache, kept));
    std::array<uint8_t, 512> out{};
    const auto found = cache.find(kept.key, out);
    REQUIRE(found);
    CHECK(is(*found, out, kept));
    CHECK(std::all_of(out.begin() + static_cast<std::ptrdiff_t>(size), out.end(),
                      [](uint8_t octet) { return octet == 0; }));
    CHECK_FALSE(
        cache.find({.high = kept.key.high, .low = kept.key.low ^ (uint64_t{1} << 63)}, out));
    CHECK_FALSE(cache.find({.high = kept.key.high ^ 1, .low = kept.key.low}, out));
    CHECK_FALSE(cache.find(kept.key, std::span(out).first(size - 1)));
    CHECK_FALSE(cache.keep(kept.key, {}, 0, Octets(size + 1)));
  }
}

TEST_CASE("what is kept again replaces what was there, in its own place", "[signature_cache]") {
  SignatureCache cache(one_set, 64);
  REQUIRE(cache.places() == 8);
  std::vector<Entry> others;
  for (uint64_t i = 0; i < 7; ++i) REQUIRE(keep(cache, others.emplace_back(entry(i))));
  Entry again = entry(100);
  for (uint64_t i = 0; i < 50; ++i) {
    again.signature = entry(i, 64 - i).signature;
    again.refresh = static_cast<uint32_t>(i);
    REQUIRE(keep(cache, again));
    std::array<uint8_t, 64> out{};
    const auto found = cache.find(again.key, out);
    REQUIRE(found);
    CHECK(is(*found, out, again));
  }
  for (const Entry& other : others) CHECK(has(cache, other));
}

TEST_CASE("the keys with an upper half of zero and one are two", "[signature_cache]") {
  SignatureCache cache(one_set, 8);
  const Octets zero{0}, one{1};
  REQUIRE(cache.keep({.high = 0, .low = 5}, {}, 0, zero));
  std::array<uint8_t, 8> out{7};
  CHECK_FALSE(cache.find({.high = 1, .low = 5}, out));
  REQUIRE(cache.find({.high = 0, .low = 5}, out));
  CHECK(out[0] == 0);
  REQUIRE(cache.keep({.high = 1, .low = 5}, {}, 0, one));
  REQUIRE(cache.find({.high = 1, .low = 5}, out));
  CHECK(out[0] == 1);
}

TEST_CASE("a flood of what is asked for once does not drive out what is asked for again",
          "[signature_cache]") {
  SignatureCache cache(one_set, 64);
  std::vector<Entry> known;
  for (uint64_t i = 0; i < 7; ++i) REQUIRE(keep(cache, known.emplace_back(entry(i))));
  for (uint64_t flood = 1000; flood < 2000; ++flood) {
    for (const Entry& asked : known) REQUIRE(has(cache, asked));
    REQUIRE(keep(cache, entry(flood)));
  }
  // And where nobody asks any more, it gives way.
  for (uint64_t flood = 3000; flood < 3020; ++flood) REQUIRE(keep(cache, entry(flood)));
  CHECK(std::ranges::none_of(known, [&cache](const Entry& asked) { return has(cache, asked); }));
}

TEST_CASE("there are as many places as told, and they are well used", "[signature_cache]") {
  for (const size_t places : {size_t{1}, size_t{8}, size_t{1000}, size_t{30'001}}) {
    SignatureCache cache(places, 64);
    CHECK(cache.places() >= places);
    CHECK(cache.places() < places + 8);
    CHECK(cache.octets() < cache.places() * 114);
    for (uint64_t i = 0; i < places; ++i) REQUIRE(keep(cache, entry(i)));
    size_t found = 0;
    for (uint64_t i = 0; i < places; ++i) found += has(cache, entry(i)) ? 1U : 0U;
    CHECK(found >= places * 8 / 10);  // 86 % of as many as there are places, if by chance
  }
}

TEST_CASE("threads that keep and find at once never see half of anything", "[signature_cache]") {
  SignatureCache cache(one_set, 64);  // so that they meet
  constexpr uint64_t entries = 12;
  constexpr int rounds = 100'000;
  std::atomic<int> found_total{0};
  std::atomic<int> wrong_total{0};
  std::vector<std::thread> threads;
  for (uint64_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      Random random(thread);
      std::vector<Entry> all;
      for (uint64_t i = 0; i < entries; ++i) all.push_back(entry(i));
      std::array<uint8_t, 64> out{};
      for (int i = 0; i < rounds; ++i) {
        const Entry& some = all[random.below(entries)];
        if (random.below(2) == 0) {
          keep(cache, some);
        } else if (const auto found = cache.find(some.key, out)) {
          found_total.fetch_add(1, std::memory_order_relaxed);
          if (!is(*found, out, some)) wrong_total.fetch_add(1, std::memory_order_relaxed);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong_total == 0);
  CHECK(found_total > 1000);
}

}  // namespace swingover::dnssec::tests
