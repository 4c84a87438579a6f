#include "health/watch_habit.h"

#include <catch2/catch.hpp>

namespace swingover::health {

TEST_CASE("three connections that lasted equally long are a habit", "[watch_habit]") {
  WatchHabit habit;
  habit.ended(Milliseconds(60'000));
  habit.ended(Milliseconds(61'000));
  CHECK_FALSE(habit.idle_time());
  habit.ended(Milliseconds(60'200));
  REQUIRE(habit.idle_time());
  CHECK(*habit.idle_time() == Milliseconds(60'000));

  SECTION("which one that lasted otherwise breaks") {
    habit.ended(Milliseconds(7'000));
    CHECK_FALSE(habit.idle_time());
  }
  SECTION("and which is forgotten with the process that had it") {
    habit.forget();
    CHECK_FALSE(habit.idle_time());
    habit.ended(Milliseconds(60'000));
    CHECK_FALSE(habit.idle_time());
  }
}

TEST_CASE("connections that end as it happens are none", "[watch_habit]") {
  WatchHabit habit;
  for (const int64_t age : {100, 60'000, 5'000, 400'000, 2'000, 30'000, 90'000}) {
    habit.ended(Milliseconds(age));
    CHECK_FALSE(habit.idle_time());
  }
}

TEST_CASE("a backend that ends one connection after the other is connected to ever more rarely",
          "[watch_habit]") {
  WatchHabit habit;
  CHECK(habit.pause() == Milliseconds(1000));
  habit.ended(Milliseconds(100));
  CHECK(habit.pause() == Milliseconds(1000));
  habit.ended(Milliseconds(5'000));
  CHECK(habit.pause() == Milliseconds(2000));
  for (int i = 0; i < 20; ++i) habit.ended(Milliseconds(5'000));
  CHECK(habit.pause() == Milliseconds(60'000));
  habit.ended(Milliseconds(3'600'000));
  CHECK(habit.pause() == Milliseconds(1000));
}

}  // namespace swingover::health
