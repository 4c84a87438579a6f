#include "zones/many_caches.h"

#include <catch2/catch.hpp>

#include "base/random.h"

using namespace swingover;
using swingover::zones::ManyCaches;

namespace {

constexpr ServiceId shop{3};
constexpr Ttl ttl{30};

/// So many answers one after the other; whether the network was many before any of them.
bool ask(ManyCaches& caches, uint64_t client, int answers, uint32_t now) {
  bool was_many = false;
  for (int i = 0; i < answers; ++i) {
    was_many |= caches.is_many(shop, client, now);
    caches.note(shop, client, ttl, now);
  }
  return was_many;
}

}  // namespace

TEST_CASE("a network that gets four answers a TTL is one cache for ever", "[many_caches]") {
  ManyCaches caches(true);
  for (uint32_t now = 1'000; now < 10'000; now += 30) REQUIRE_FALSE(ask(caches, 7, 4, now));
}

TEST_CASE("a network is many caches from its fifth answer within a TTL on", "[many_caches]") {
  ManyCaches caches(true);
  CHECK_FALSE(ask(caches, 7, 4, 1'000));
  CHECK(caches.is_many(shop, 7, 1'000));
  CHECK(caches.is_many(shop, 7, 1'027));
  CHECK_FALSE(caches.is_many(shop, 8, 1'000));
  CHECK_FALSE(caches.is_many(ServiceId(4), 7, 1'000));
  CHECK_FALSE(caches.is_many(shop, 7, 1'030));  // it never got the fifth
}

TEST_CASE("a large resolver stays many caches from one TTL to the next", "[many_caches]") {
  ManyCaches caches(true);
  ask(caches, 7, 20, 1'000);
  for (uint32_t now = 1'030; now < 3'000; now += 30) {
    for (int i = 0; i < 20; ++i) {
      REQUIRE(caches.is_many(shop, 7, now));
      caches.note(shop, 7, ttl, now);
    }
  }

  SECTION("until it got few in a whole one") {
    CHECK(ask(caches, 7, 2, 3'010));
    CHECK_FALSE(ask(caches, 7, 2, 3'045));
  }
  SECTION("or nothing for two") {
    CHECK_FALSE(ask(caches, 7, 4, 3'100));
  }
}

TEST_CASE("a clock that is set back or wraps makes nobody many", "[many_caches]") {
  ManyCaches caches(true);
  ask(caches, 7, 3, 1'000);
  CHECK_FALSE(ask(caches, 7, 3, 500));
  CHECK_FALSE(ask(caches, 7, 3, 500 + (1U << 24) - 10));
  CHECK_FALSE(ask(caches, 9, 4, UINT32_MAX - 5));
  CHECK_FALSE(ask(caches, 9, 4, 26));  // 32 seconds later
  CHECK(ask(caches, 9, 1, 27));
}

TEST_CASE("answers that nobody may keep are counted by the second", "[many_caches]") {
  ManyCaches caches(true);
  for (uint32_t now = 1'000; now < 1'010; ++now) {
    for (int i = 0; i < 4; ++i) {
      REQUIRE_FALSE(caches.is_many(shop, 7, now));
      caches.note(shop, 7, Ttl(0), now);
    }
  }
  CHECK(caches.is_many(shop, 7, 1'009));
}

TEST_CASE("a crowd makes no ordinary network many, and hides no large one", "[many_caches]") {
  ManyCaches caches(true);
  Random random(5);
  ask(caches, 7, 10, 1'000);
  for (int i = 0; i < 200'000; ++i) {
    const uint64_t client = random.next();
    REQUIRE_FALSE(ask(caches, client, 2, 1'001));
  }
  CHECK(caches.is_many(shop, 7, 1'002));
}

TEST_CASE("one cache is one while TTLs are counted down", "[many_caches]") {
  ManyCaches caches(true);
  const auto asks_for_both = [&](uint32_t now, Ttl answered) {
    REQUIRE_FALSE(caches.is_many(shop, 7, now));
    for (int i = 0; i < 2; ++i) caches.note(shop, 7, answered, now);
  };
  asks_for_both(1'000, Ttl(30));
  caches.note(shop, 7, Ttl(5), 1'003);  // of another type, and the change has come near
  for (uint32_t now = 1'008; now < 1'030; now += 5) {
    REQUIRE_FALSE(caches.is_many(shop, 7, now));
    caches.note(shop, 7, Ttl(5), now);
  }
  for (uint32_t now = 1'033; now < 1'200; now += 5) asks_for_both(now, Ttl(5));
  for (uint32_t now = 1'205; now < 3'000; now += 30) asks_for_both(now, Ttl(30));
}

TEST_CASE("an answer for a second ages nobody who is answered for an hour", "[many_caches]") {
  ManyCaches caches(true);
  Random random(5);
  for (int i = 0; i < 10; ++i) caches.note(shop, 7, Ttl(3'600), 1'000);
  for (int i = 0; i < 200'000; ++i) caches.note(ServiceId(4), random.next(), Ttl(1), 1'003);
  CHECK(caches.is_many(shop, 7, 1'004));
}

TEST_CASE("a TTL of any length is kept to a fifth", "[many_caches]") {
  for (const uint32_t seconds :
       {1U, 2U, 3U, 4U, 5U, 7U, 9U, 30U, 60U, 119U, 300U, 3'600U, 57'000U}) {
    INFO(seconds);
    ManyCaches caches(true);
    for (int i = 0; i < 4; ++i) caches.note(shop, 7, Ttl(seconds), 1'000);
    CHECK(caches.is_many(shop, 7, 1'000 + seconds - (seconds + 4) / 5));
    CHECK_FALSE(caches.is_many(shop, 7, 1'000 + seconds));
  }
  ManyCaches caches(true);
  for (int i = 0; i < 4; ++i) caches.note(shop, 7, Ttl(0x7fffffff), 1'000);
  CHECK(caches.is_many(shop, 7, 1'000 + 57'343));
  CHECK_FALSE(caches.is_many(shop, 7, 1'000 + 57'344));
}
