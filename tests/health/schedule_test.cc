#include "health/schedule.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "base/random.h"
#include "tests/support/manual_clock.h"

namespace swingover::health {

namespace {

constexpr int64_t second = 1'000'000'000;
constexpr int64_t millisecond = 1'000'000;

struct Start {
  Schedule::Slot slot;
  int64_t at;
};

// Plays `seconds`; each look ends at once. Steps from due to due, as the loop's timer does.
std::vector<Start> play(Schedule& schedule, MonotonicTime& now, double seconds) {
  std::vector<Start> starts;
  const int64_t end = now.nanoseconds + static_cast<int64_t>(seconds * 1e9);
  for (;;) {
    const auto due = schedule.next_due();
    const int64_t beat = now.nanoseconds + 100 * millisecond;
    const int64_t next = due ? std::min(due->nanoseconds, beat) : beat;
    if (next >= end) break;
    now.nanoseconds = std::max(next, now.nanoseconds);
    schedule.advance(now);
    while (const auto slot = schedule.take(now)) {
      starts.push_back({*slot, now.nanoseconds});
      schedule.finished();
    }
  }
  now.nanoseconds = end;
  schedule.advance(now);
  return starts;
}

}  // namespace

TEST_CASE("a slot is never left alone for longer than its interval", "[schedule]") {
  Schedule schedule({.running_max = 1000, .seed = 7});
  MonotonicTime now{5 * second};
  for (Schedule::Slot slot = 0; slot < 200; ++slot) {
    schedule.add(slot, Milliseconds(slot % 2 ? 1000 : 3000), now);
  }
  std::vector<int64_t> last(200, 0);
  int64_t least[2] = {INT64_MAX, INT64_MAX};
  int64_t most[2] = {0, 0};
  for (const Start& start : play(schedule, now, 120)) {
    if (last[start.slot] > 10 * second) {  // past the first look and the step onto the beat
      const int64_t gap = start.at - last[start.slot];
      least[start.slot % 2] = std::min(least[start.slot % 2], gap);
      most[start.slot % 2] = std::max(most[start.slot % 2], gap);
    }
    last[start.slot] = start.at;
  }
  CHECK(most[1] <= 980 * millisecond);
  CHECK(least[1] >= 910 * millisecond);
  CHECK(most[0] <= 3 * 980 * millisecond);
  CHECK(least[0] >= 3 * 910 * millisecond);
  CHECK(most[1] - least[1] >= 20 * millisecond);  // it does jitter
}

TEST_CASE("the starts of 10,000 targets are spread more evenly than chance would", "[schedule]") {
  Schedule schedule({.running_max = 1000, .seed = GENERATE(1U, 99U)});
  MonotonicTime now{second};
  for (Schedule::Slot slot = 0; slot < 10'000; ++slot) {
    schedule.add(slot, Milliseconds(slot < 2'000 ? 1000 : 5000), now);
  }
  play(schedule, now, 10);  // past the first looks
  const int64_t from = now.nanoseconds;
  std::vector<double> per_10_ms(6000, 0);
  for (const Start& start : play(schedule, now, 60)) {
    per_10_ms[static_cast<size_t>((start.at - from) / (10 * millisecond))] += 1;
  }
  double mean = 0;
  for (const double count : per_10_ms) mean += count / 6000;
  double variance = 0;
  for (const double count : per_10_ms) variance += (count - mean) * (count - mean) / 6000;
  INFO("mean " << mean << " deviation " << std::sqrt(variance));
  CHECK(mean == Approx((2000 + 8000 / 5.0) / 0.94 / 100).epsilon(0.01));
  CHECK(std::sqrt(variance) < std::sqrt(mean) / 2);  // half of a Poisson process's
}

TEST_CASE("new slots are looked at soon, but not all at once", "[schedule]") {
  Schedule schedule({.running_max = 100'000, .seed = 1});
  MonotonicTime now{second};
  for (Schedule::Slot slot = 0; slot < 10'000; ++slot) {
    schedule.add(slot, Milliseconds(3'600'000), now);
  }
  std::set<Schedule::Slot> seen;
  for (const Start& start : play(schedule, now, 0.1)) seen.insert(start.slot);
  CHECK(seen.size() == 500);
  for (const Start& start : play(schedule, now, 2)) seen.insert(start.slot);
  CHECK(seen.size() == 10'000);
}

TEST_CASE("what is due beyond the bound waits, is counted, and starts when another ends",
          "[schedule]") {
  Schedule schedule({.running_max = 2, .seed = 1});
  MonotonicTime now{second};
  for (Schedule::Slot slot = 0; slot < 4; ++slot) schedule.add(slot, Milliseconds(1000), now);
  now = now + Milliseconds(10);
  CHECK(schedule.take(now) == Schedule::Slot{0});
  CHECK(schedule.take(now) == Schedule::Slot{1});
  CHECK_FALSE(schedule.take(now));
  CHECK(schedule.running() == 2);
  CHECK(schedule.waiting() == 2);
  CHECK(schedule.counters().delayed == 2);

  SECTION("in the order of their time") {
    schedule.finished();
    CHECK(schedule.take(now) == Schedule::Slot{2});
    CHECK_FALSE(schedule.take(now));
  }
  SECTION("one that is removed while it waits is not looked at") {
    schedule.remove(2);
    schedule.finished();
    CHECK(schedule.take(now) == Schedule::Slot{3});
    CHECK(schedule.waiting() == 0);
  }
  SECTION("one that waits and is asked for again does not start twice") {
    schedule.look_at(2, now);
    schedule.look_on_beat(3, now);
    schedule.finished();
    schedule.finished();
    CHECK(schedule.take(now) == Schedule::Slot{2});
    CHECK(schedule.take(now) == Schedule::Slot{3});
    schedule.finished();
    schedule.finished();
    CHECK_FALSE(schedule.take(now));
  }
}

TEST_CASE("those known to be down wait for all others, so that the dead do not hide the living",
          "[schedule]") {
  Schedule schedule({.running_max = 1, .seed = 1});
  MonotonicTime now{second};
  for (Schedule::Slot slot = 0; slot < 3; ++slot) schedule.add(slot, Milliseconds(1000), now);
  schedule.set_patient(0, true);
  schedule.set_patient(1, true);
  now = now + Milliseconds(10);
  CHECK(schedule.take(now) == Schedule::Slot{2});
  schedule.finished();
  CHECK(schedule.take(now) == Schedule::Slot{0});
}

TEST_CASE("after the process stood still nothing is overdue", "[schedule]") {
  Schedule schedule({.running_max = 10'000, .seed = 1});
  MonotonicTime now{second};
  for (Schedule::Slot slot = 0; slot < 5'000; ++slot) schedule.add(slot, Milliseconds(5000), now);
  play(schedule, now, 10);
  const Milliseconds stop = GENERATE(Milliseconds(700), Milliseconds(3'600'000));
  now = now + stop;
  CHECK(schedule.advance(now) == stop);
  CHECK(schedule.counters().gaps == 1);
  const std::vector<Start> starts = play(schedule, now, 0.1);
  CHECK(starts.size() > 80);
  CHECK(starts.size() < 130);
}

TEST_CASE("a confirming look comes when asked, and the beat goes on after it", "[schedule]") {
  Schedule schedule({.running_max = 10, .seed = 3});
  MonotonicTime now{second};
  schedule.add(0, Milliseconds(10'000), now);
  CHECK(schedule.take(now) == Schedule::Slot{0});
  schedule.finished();
  schedule.look_at(0, now + Milliseconds(100));
  CHECK_FALSE(schedule.take(now + Milliseconds(99)));
  CHECK(schedule.take(now + Milliseconds(100)) == Schedule::Slot{0});
  schedule.finished();
  const auto due = schedule.next_due();
  REQUIRE(due);
  CHECK(*due - now > Milliseconds(100));
  CHECK(*due - now <= Milliseconds(9900));
}

TEST_CASE("an early look comes before the beat, never instead of a sooner one", "[schedule]") {
  Schedule schedule({.running_max = 10, .seed = 3});
  MonotonicTime now{second};
  schedule.add(0, Milliseconds(10'000), now);
  CHECK(schedule.take(now) == Schedule::Slot{0});
  schedule.finished();
  const MonotonicTime beat = *schedule.next_due();
  schedule.look_early(0, beat + Milliseconds(1), now);
  CHECK(schedule.next_due() == beat);
  schedule.look_early(0, now + Milliseconds(70), now);
  CHECK(schedule.next_due() == now + Milliseconds(70));
  CHECK(schedule.take(now + Milliseconds(70)) == Schedule::Slot{0});
  schedule.finished();
  CHECK(schedule.next_due() == beat);
}

TEST_CASE("early looks are granted 1,000 a second, 200 at once", "[schedule]") {
  Schedule schedule({.running_max = 100'000, .seed = 3});
  MonotonicTime now{second};
  constexpr Schedule::Slot count = 5'000;
  for (Schedule::Slot slot = 0; slot < count; ++slot) schedule.add(slot, Milliseconds(60'000), now);
  play(schedule, now, 90);
  const auto granted = [&] {
    size_t early = 0;
    for (Schedule::Slot slot = 0; slot < count; ++slot) {
      const MonotonicTime when = now + Milliseconds(10);
      schedule.look_early(slot, when, now);
      early += schedule.due(slot) == when ? 1U : 0U;
    }
    return early;
  };
  const size_t at_once = granted();
  CHECK(at_once >= 200);
  CHECK(at_once <= 210);  // with those whose beat it is
  now = now + Milliseconds(100);
  schedule.advance(now);
  const size_t later = granted();
  CHECK(later >= 99);
  CHECK(later <= 110);
}

TEST_CASE("looks start in the order of their time, whatever is added, moved and removed",
          "[schedule]") {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    Schedule schedule({.running_max = 1000, .seed = seed});
    MonotonicTime now{second};
    std::set<Schedule::Slot> present;
    for (int i = 0; i < 2000; ++i) {
      const auto slot = static_cast<Schedule::Slot>(random.below(100));
      const uint64_t what = random.below(4);
      if (what == 0 && !present.contains(slot)) {
        schedule.add(slot, Milliseconds(500 + static_cast<int64_t>(random.below(500))), now);
        present.insert(slot);
      } else if (what == 1 && present.contains(slot)) {
        schedule.remove(slot);
        present.erase(slot);
      } else if (what == 2 && present.contains(slot)) {
        schedule.look_at(slot, now + Milliseconds(static_cast<int64_t>(random.below(300))));
      } else {
        now = now + Milliseconds(1);
        schedule.advance(now);
        const auto due = schedule.next_due();
        while (const auto taken = schedule.take(now)) {
          INFO("seed " << seed);
          REQUIRE(present.contains(*taken));
          REQUIRE(due);
          REQUIRE(*due <= now);
          schedule.finished();
        }
        REQUIRE((!schedule.next_due() || *schedule.next_due() > now));
      }
    }
    REQUIRE(schedule.waiting() == 0);
  }
}

}  // namespace swingover::health
