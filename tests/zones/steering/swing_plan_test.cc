#include "zones/steering/swing_plan.h"

#include <catch2/catch.hpp>

namespace swingover::steering {

namespace {

constexpr WallTime noon{1'795'348'800'000};

/// A plan and the time, for stories.
struct Story {
  explicit Story(SwingRules rules = {}) : plan(std::move(rules), now, wall()) {}

  WallTime wall() const { return noon + (now - MonotonicTime{}); }
  SwingEvent after(int64_t seconds, const SwingGates& gates = {}) {
    now = now + Milliseconds(seconds * 1000);
    return plan.apply(gates, now);
  }
  /// So many steps, with all gates open.
  void step(int steps) {
    for (int i = 0; i < steps; ++i) {
      const auto due = plan.next_step();
      REQUIRE(due);
      now = *due;
      const SwingChange change = plan.apply({}, now).change;
      REQUIRE((change == SwingChange::stepped || change == SwingChange::done));
    }
  }

  MonotonicTime now{1'000'000'000'000};
  SwingPlan plan;
};

constexpr SwingEvent nothing{};
constexpr SwingEvent stepped{SwingChange::stepped, SwingReason::none};

}  // namespace

TEST_CASE("a swing goes by its steps, one each `every`, and is done with the last",
          "[swing_plan]") {
  Story story;
  std::vector<uint16_t> seen;
  CHECK(story.after(0) == stepped);
  seen.push_back(story.plan.moved());
  for (int i = 0; i < 4; ++i) {
    CHECK(story.after(89) == nothing);
    CHECK(story.after(1) == stepped);
    seen.push_back(story.plan.moved());
  }
  CHECK(story.plan.next() == 10'000);
  CHECK(story.after(90) == SwingEvent{SwingChange::done, SwingReason::none});
  seen.push_back(story.plan.moved());
  CHECK(seen == std::vector<uint16_t>{500, 1000, 2500, 5000, 7500, 10'000});
  CHECK(story.plan.phase() == SwingPhase::done);
  CHECK(story.plan.next() == 10'000);
  CHECK_FALSE(story.plan.next_step());
  CHECK(story.after(1000) == nothing);
  CHECK(story.plan.moved() == 10'000);
}

TEST_CASE("a stored swing with all its steps made is done, whatever its phase", "[swing_plan]") {
  const Story story;
  const auto stored = [&](SwingPhase phase, uint32_t steps_made) {
    return SwingPlan(
        {}, story.now, story.wall(),
        {.phase = phase, .steps_made = steps_made, .begun_at = noon, .turned_at = noon});
  };
  for (const SwingPhase phase : {SwingPhase::moving, SwingPhase::held, SwingPhase::done}) {
    for (const uint32_t steps_made : {6U, 7U, UINT32_MAX}) {
      SwingPlan plan = stored(phase, steps_made);
      CHECK(plan.phase() == SwingPhase::done);
      CHECK_FALSE(plan.next_step());
      CHECK(plan.apply({}, story.now + Milliseconds(1'000'000)) == nothing);
      CHECK(plan.moved() == 10'000);
      CHECK(plan.next() == 10'000);
    }
  }
  SwingPlan stopped = stored(SwingPhase::stopped, 6);
  CHECK(stopped.resume(story.now));
  CHECK(stopped.phase() == SwingPhase::done);
  CHECK(stored(SwingPhase::moving, 5).phase() == SwingPhase::moving);
}

TEST_CASE("steps are never nearer to one another than two TTLs", "[swing_plan]") {
  CHECK(swing_every(Milliseconds(90'000), Ttl(30)) == Milliseconds(90'000));
  CHECK(swing_every(Milliseconds(90'000), Ttl(300)) == Milliseconds(600'000));
}

TEST_CASE("what is left says when the last step will be", "[swing_plan]") {
  Story story({.lead = Milliseconds(30'000)});
  CHECK(story.plan.time_left(story.now) == Milliseconds(30'000 + 5 * 90'000));
  CHECK(story.after(29) == nothing);
  CHECK(story.plan.time_left(story.now) == Milliseconds(1'000 + 5 * 90'000));
  CHECK(story.after(1) == stepped);
  CHECK(story.plan.time_left(story.now) == Milliseconds(5 * 90'000));
  story.step(5);
  CHECK_FALSE(story.plan.time_left(story.now));
}

TEST_CASE("a closed gate holds the swing where it is, and is told once", "[swing_plan]") {
  const SwingGates hot{.utilisation_now = 0.70, .utilisation_next = 0.80};
  Story story;
  story.step(3);
  CHECK(story.after(90, hot) == SwingEvent{SwingChange::held, SwingReason::would_overheat});
  CHECK(story.plan.phase() == SwingPhase::held);
  CHECK(story.plan.moved() == 2500);
  CHECK(story.after(90, hot) == nothing);
  SECTION("another reason is told too") {
    CHECK(story.after(90, {.target = SwingTarget::held}) ==
          SwingEvent{SwingChange::held, SwingReason::target_held});
    CHECK(story.after(90, {.may_step = false}) ==
          SwingEvent{SwingChange::held, SwingReason::not_now});
  }
  SECTION("it is tried again after `every`, not before, and goes on once the gate is open") {
    CHECK(story.after(89) == nothing);
    CHECK(story.after(1, {.utilisation_next = 0.7999}) == stepped);
    CHECK(story.plan.phase() == SwingPhase::moving);
    CHECK(story.plan.reason() == SwingReason::none);
    CHECK(story.plan.moved() == 5000);
  }
}

TEST_CASE("a target that is down when nothing is moved holds the swing, and reverses nothing",
          "[swing_plan]") {
  Story story;
  CHECK(story.after(0, {.target = SwingTarget::down}) ==
        SwingEvent{SwingChange::held, SwingReason::target_down});
  CHECK(story.plan.moved() == 0);
  CHECK(story.after(90) == stepped);
}

TEST_CASE("a target that goes down takes everything back at once", "[swing_plan]") {
  const SwingGates down{.target = SwingTarget::down};
  const SwingEvent reversed{SwingChange::reversed, SwingReason::target_down};
  Story story;
  SECTION("between two steps") {
    story.step(4);
    CHECK(story.after(1, down) == reversed);
  }
  SECTION("after the last one") {
    story.step(6);
    CHECK(story.after(3600, down) == reversed);
  }
  SECTION("after a step back") {
    story.step(4);
    CHECK(story.after(1, {.utilisation_now = 0.86}).change == SwingChange::went_back);
    CHECK(story.after(1, down) == reversed);
  }
  CHECK(story.plan.moved() == 0);
  CHECK(story.plan.phase() == SwingPhase::reversed);
  CHECK_FALSE(story.plan.next_step());
  CHECK(story.after(600) == nothing);  // it came back: a person decides
  CHECK(story.plan.moved() == 0);
  CHECK(story.plan.resume(story.now));
  CHECK(story.after(89) == nothing);
  CHECK(story.after(1) == stepped);
  CHECK(story.plan.moved() == 500);
}

TEST_CASE("a target that overheats gets one step less, and the swing waits for a person",
          "[swing_plan]") {
  Story story;
  story.step(4);
  CHECK(story.after(1, {.utilisation_now = 0.85}) == nothing);
  CHECK(story.after(1, {.utilisation_now = 0.86}) ==
        SwingEvent{SwingChange::went_back, SwingReason::overheats});
  CHECK(story.plan.moved() == 2500);
  CHECK(story.plan.phase() == SwingPhase::stopped);
  CHECK(story.after(1, {.utilisation_now = 0.95}) == nothing);  // caches still follow the old step
  CHECK(story.plan.moved() == 2500);
  CHECK(story.after(3600) == nothing);
  CHECK(story.plan.resume(story.now));
  CHECK_FALSE(story.plan.resume(story.now));
  CHECK(story.after(89) == nothing);
  CHECK(story.after(1) == stepped);
  CHECK(story.plan.moved() == 5000);
}

TEST_CASE("a target that is kept out with load moved waits, and reverses nothing", "[swing_plan]") {
  Story story;
  story.step(2);
  CHECK(story.after(1, {.target = SwingTarget::held}) == nothing);
  CHECK(story.plan.moved() == 1000);
  CHECK(story.after(89, {.target = SwingTarget::held}).reason == SwingReason::target_held);
  CHECK(story.plan.moved() == 1000);
}

TEST_CASE("a restart goes on where a swing was", "[swing_plan]") {
  Story story({.lead = Milliseconds(30'000)});
  const auto restart = [&](int64_t seconds, Milliseconds wall_jump = Milliseconds(0)) {
    const StoredSwing stored = story.plan.stored(story.now, story.wall());
    const WallTime wall = story.wall() + Milliseconds(seconds * 1000) + wall_jump;
    story.now = MonotonicTime{5'000'000'000};  // another boot
    story.plan = SwingPlan(story.plan.rules(), story.now, wall, stored);
  };
  SECTION("before its first step the lead goes on") {
    story.after(10);
    restart(5);
    CHECK(story.after(14) == nothing);
    CHECK(story.after(1) == stepped);
  }
  SECTION("between steps the time that it took counts") {
    story.step(3);
    story.after(20);
    restart(40);
    CHECK(story.plan.moved() == 2500);
    CHECK(story.plan.begun_at() == noon + Milliseconds(1'000'000));
    CHECK(story.after(29) == nothing);
    CHECK(story.after(1) == stepped);
  }
  SECTION("after an hour the next step is due at once, and just one") {
    story.step(3);
    restart(3600);
    CHECK(story.after(0) == stepped);
    CHECK(story.after(1) == nothing);
    CHECK(story.plan.moved() == 5000);
  }
  SECTION("a wall clock that jumped back costs one whole pause, no more") {
    story.step(3);
    restart(10, Milliseconds(-86'400'000));
    CHECK(story.after(89) == nothing);
    CHECK(story.after(1) == stepped);
  }
  SECTION("what waits for a person goes on waiting, and knows why") {
    story.step(3);
    REQUIRE(story.after(1, {.utilisation_now = 2}).change == SwingChange::went_back);
    restart(3600);
    CHECK(story.after(3600) == nothing);
    CHECK(story.plan.phase() == SwingPhase::stopped);
    CHECK(story.plan.reason() == SwingReason::overheats);
    CHECK(story.plan.moved() == 1000);
  }
  SECTION("a swing that is done stays so") {
    story.step(6);
    restart(60);
    CHECK(story.after(3600) == nothing);
    CHECK(story.plan.moved() == 10'000);
  }
}

TEST_CASE("each phase and each reason of a swing has a word", "[swing_plan]") {
  for (const SwingPhase phase : {SwingPhase::moving, SwingPhase::held, SwingPhase::done,
                                 SwingPhase::stopped, SwingPhase::reversed}) {
    CHECK(!word(phase).empty());
  }
  CHECK(word(SwingReason::target_down) == "target_down");
  CHECK(word(SwingReason::overheats) == "overheats");
}

}  // namespace swingover::steering
