#include "zones/steering/ttl_ledger.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "base/random.h"

namespace swingover::steering {
namespace {

constexpr MonotonicTime at(int64_t milliseconds) {
  return MonotonicTime{} + Milliseconds(milliseconds);
}
constexpr Milliseconds seconds(int64_t count) {
  return Milliseconds(count * 1'000);
}

/// Every answer, one by one.
struct Book {
  struct Entry {
    size_t pool;
    uint64_t count;
    MonotonicTime end;
    bool is_old;
  };
  std::vector<Entry> entries;

  uint64_t count(size_t pool, MonotonicTime now, bool only_old) const {
    uint64_t sum = 0;
    for (const Entry& entry : entries)
      if (entry.pool == pool && entry.end > now && (entry.is_old || !only_old)) sum += entry.count;
    return sum;
  }
  MonotonicTime until(size_t pool, bool only_old) const {
    MonotonicTime last{};
    for (const Entry& entry : entries)
      if (entry.pool == pool && (entry.is_old || !only_old)) last = std::max(last, entry.end);
    return last;
  }
};

}  // namespace

TEST_CASE("an answer counts until its TTL has run out, and not much longer", "[ttl_ledger]") {
  TtlLedger ledger(2, seconds(30));
  ledger.add(0, 5, at(100'000), seconds(30));
  ledger.add(1, 2, at(100'000), seconds(5));
  CHECK(ledger.held(0, at(100'000)).answers == 5);
  CHECK(ledger.held(0, at(129'999)).answers == 5);
  CHECK(ledger.held(0, at(130'000) + ledger.granularity()).answers == 0);
  CHECK(ledger.held(0, at(110'000)).until >= at(130'000));
  CHECK(ledger.held(0, at(110'000)).until <= at(130'000) + ledger.granularity());
  CHECK(ledger.held(1, at(104'999)).answers == 2);
  CHECK(ledger.held(1, at(105'000) + ledger.granularity()) == TtlLedger::Held{});
}

TEST_CASE("what was given before the mark is old, what came after is not", "[ttl_ledger]") {
  TtlLedger ledger(1, seconds(30));
  ledger.add(0, 7, at(0), seconds(30));
  CHECK(ledger.held(0, at(1)).old == 0);
  ledger.mark();
  ledger.add(0, 3, at(10'000), seconds(30));
  const TtlLedger::Held held = ledger.held(0, at(10'000));
  CHECK(held.answers == 10);
  CHECK(held.old == 7);
  CHECK(held.old_until < held.until);
  CHECK(ledger.held(0, at(35'000)).answers == 3);
  CHECK(ledger.held(0, at(35'000)).old == 0);
}

TEST_CASE("a lowered TTL lets new answers run out before old ones", "[ttl_ledger]") {
  TtlLedger ledger(1, seconds(300));
  ledger.add(0, 1, at(0), seconds(300));
  ledger.mark();
  ledger.add(0, 1, at(100'000), seconds(5));
  CHECK(ledger.held(0, at(110'000) + ledger.granularity()).answers == 1);
  CHECK(ledger.held(0, at(110'000)).old_until >= at(300'000));
}

TEST_CASE("a TTL of nothing is held for hardly any time", "[ttl_ledger]") {
  TtlLedger ledger(1, seconds(0));
  ledger.add(0, 9, at(1'234), seconds(0));
  CHECK(ledger.held(0, at(1'234) + Milliseconds(100)).answers == 0);
}

TEST_CASE("counts that do not fit a slot stay at the most that it holds", "[ttl_ledger]") {
  TtlLedger ledger(1, seconds(10));
  ledger.add(0, uint64_t{1} << 40, at(0), seconds(10));
  ledger.mark();
  ledger.add(0, uint64_t{1} << 31, at(0), seconds(10));
  ledger.add(0, uint64_t{1} << 31, at(0), seconds(10));
  ledger.mark();
  CHECK(ledger.held(0, at(1)).old == 0xffff'ffffU);
}

TEST_CASE("at any time it agrees with a list of all answers", "[ttl_ledger]") {
  Random random(20261123);
  for (int run = 0; run < 300; ++run) {
    const size_t pools = 1 + random.next() % 4;
    const Milliseconds ttl_max(static_cast<int64_t>(random.next() % 400'000));
    TtlLedger ledger(pools, ttl_max);
    Book book;
    auto now = at(static_cast<int64_t>(random.next() % 1'000'000'000));
    for (int step = 0; step < 200; ++step) {
      const uint64_t longest = 1 + static_cast<uint64_t>(ttl_max.value) / (1 + random.next() % 40);
      now = now + Milliseconds(static_cast<int64_t>(random.next() % longest));
      const uint64_t what = random.next() % 8;
      if (what == 0) {
        ledger.mark();
        for (Book::Entry& entry : book.entries) entry.is_old = true;
      } else if (what < 6) {
        const size_t pool = random.next() % pools;
        const uint64_t count = random.next() % 1'000;
        const Milliseconds ttl(
            static_cast<int64_t>(random.next() % static_cast<uint64_t>(ttl_max.value + 1)));
        ledger.add(pool, count, now, ttl);
        if (count > 0) book.entries.push_back({pool, count, now + ttl, false});
      }
      const MonotonicTime before = now + Milliseconds(-ledger.granularity().value);
      for (size_t pool = 0; pool < pools; ++pool) {
        const TtlLedger::Held held = ledger.held(pool, now);
        // Whatever may still be kept is there; what is there too ran out less than a slot ago.
        REQUIRE(held.answers >= book.count(pool, now, false));
        REQUIRE(held.answers <= book.count(pool, before, false));
        REQUIRE(held.old >= book.count(pool, now, true));
        REQUIRE(held.old <= book.count(pool, before, true));
        if (held.answers > 0) {
          REQUIRE(held.until >= book.until(pool, false));
          REQUIRE(held.until <= book.until(pool, false) + ledger.granularity());
        }
        if (held.old > 0) {
          REQUIRE(held.old_until >= book.until(pool, true));
          REQUIRE(held.old_until <= book.until(pool, true) + ledger.granularity());
        }
      }
    }
  }
}

TEST_CASE("another ledger takes over what one held, as old", "[ttl_ledger]") {
  TtlLedger before(2, seconds(60));
  before.add(1, 4, at(0), seconds(60));
  before.add(1, 1, at(0), seconds(10));
  SECTION("of a longer TTL: until it runs out") {
    TtlLedger after(3, seconds(600));
    after.take_over(2, before, 1, at(20'000));
    const TtlLedger::Held held = after.held(2, at(20'000));
    CHECK(held.answers == 4);
    CHECK(held.old == 4);
    CHECK(held.until >= at(60'000));
    CHECK(held.until <= at(60'000) + before.granularity() + after.granularity());
    CHECK(after.held(0, at(20'000)).answers == 0);
  }
  SECTION("of a shorter TTL: until the end of that") {
    TtlLedger after(1, seconds(5));
    after.take_over(0, before, 1, at(20'000));
    CHECK(after.held(0, at(24'999)).answers == 4);
    CHECK(after.held(0, at(26'000)).answers == 0);
  }
}

}  // namespace swingover::steering
