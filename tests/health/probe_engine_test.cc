#include "health/probe_engine.h"

#include <catch2/catch.hpp>

#include "tests/support/listener.h"
#include "tests/support/manual_clock.h"

namespace swingover::health {

namespace {

/// Probes that end when the test says so.
struct World {
  struct FakeProbe : Probe {
    FakeProbe(World& w, Done d) : world(w), done(std::move(d)) { world.running.push_back(this); }
    ~FakeProbe() override { std::erase(world.running, this); }
    World& world;
    Done done;
  };
  struct FakeTarget : Target {
    explicit FakeTarget(World& w) : world(w) {}
    ~FakeTarget() override { world.orphans += world.running.size(); }
    std::unique_ptr<Probe> start(Probe::Done done) override {
      ++world.started;
      return std::make_unique<FakeProbe>(world, std::move(done));
    }
    World& world;
  };

  explicit World(uint32_t running_max = 100)
      : engine(
            loop, clock,
            {.schedule = {.running_max = running_max, .seed = 1}, .descriptors_max = 200},
            {.make_target = [this](const Check&) { return std::make_unique<FakeTarget>(*this); },
             .deliver =
                 [this](std::vector<CheckUpdate> batch) {
                   ++batches;
                   for (CheckUpdate& update : batch) updates.push_back(std::move(update));
                 },
             .on_probe_end = [](const Check&, const Finding&) {},
             .on_turn = [this](const Schedule& s, const Watch&) { delayed = s.counters().delayed; },
             .on_start = [this](MonotonicTime due,
                                MonotonicTime at) { lags.push_back(at - due); }}) {}

  void turn() {
    loop.run_until([] { return false; }, 3);
  }
  /// The manual clock goes on in steps that the engine takes for a living process.
  void pass_time(int milliseconds) {
    for (int gone = 0; gone < milliseconds; gone += 20) {
      clock.advance(Milliseconds(20));
      engine.pump();
    }
    turn();
  }
  void end_all(Verdict verdict, Failure failure = Failure::soft) {
    while (!running.empty()) {
      const Probe::Done done = running.front()->done;
      done({.verdict = verdict,
            .reason = verdict == Verdict::fail ? "no" : "",
            .duration_nanoseconds = 1,
            .failure = failure});
    }
    turn();
  }
  static Check check(const std::string& address, Health initial) {
    MonitorOptions options;
    options.name = "web";
    options.interval = Milliseconds(1000);
    return {std::make_shared<const MonitorOptions>(options), address, "", initial};
  }

  loop::Loop loop;
  tests::ManualClock clock;
  std::vector<FakeProbe*> running;
  std::vector<CheckUpdate> updates;
  int batches = 0;
  int started = 0;
  std::vector<Milliseconds> lags;  // from due to started
  size_t orphans = 0;              // probes that ran when a target ended
  uint64_t delayed = 0;
  ProbeEngine engine;
};

}  // namespace

TEST_CASE("how late a probe starts is told, with the time that it waited for room",
          "[probe_engine]") {
  World world(1);
  world.engine.replace(
      {World::check("192.0.2.1", Health::up), World::check("192.0.2.2", Health::up)}, 1);
  world.pass_time(40);
  REQUIRE(world.lags.size() == 1);  // the second has no room
  CHECK(world.lags[0] <= Milliseconds(20));
  world.pass_time(300);
  world.end_all(Verdict::pass);
  REQUIRE(world.lags.size() >= 2);
  CHECK(world.lags[1] >= Milliseconds(250));
  CHECK(world.lags[1] <= Milliseconds(400));
}

TEST_CASE("a late probe of an up target gets company until enough could decide", "[probe_engine]") {
  World world;
  world.engine.replace({World::check("a", Health::up)}, 1);
  world.pass_time(20);
  CHECK(world.running.size() == 1);
  world.pass_time(100);
  CHECK(world.running.size() == 2);
  world.pass_time(100);
  CHECK(world.running.size() == 3);
  world.pass_time(1500);
  CHECK(world.running.size() == 3);  // as many as `fall`, and no more

  world.end_all(Verdict::fail);
  REQUIRE_FALSE(world.updates.empty());
  CHECK(world.updates.back().health == Health::down);
  CHECK(world.updates.back().changed);
  world.pass_time(940);
  CHECK(world.running.size() == 1);  // known to be down: one look a beat
  world.pass_time(300);
  CHECK(world.running.size() == 1);
}

TEST_CASE("a beat that falls into a look is made up for when that ends", "[probe_engine]") {
  World world;
  world.engine.replace({World::check("a", Health::down)}, 1);
  world.pass_time(20);
  CHECK(world.started == 1);
  world.pass_time(1'000);
  CHECK(world.started == 1);
  world.end_all(Verdict::fail);
  world.pass_time(20);
  CHECK(world.started == 2);
  world.end_all(Verdict::fail);  // no beat fell into this one
  world.pass_time(20);
  CHECK(world.started == 2);
}

TEST_CASE("a missed beat is not made up for where room is short, nor for a command",
          "[probe_engine]") {
  SECTION("half of the looks that may run do") {
    World world(3);
    world.engine.replace({World::check("a", Health::down), World::check("b", Health::down)}, 1);
    world.pass_time(1'020);
    REQUIRE(world.started == 2);
    world.running.front()->done({.verdict = Verdict::fail, .reason = "no"});
    world.pass_time(20);
    CHECK(world.started == 2);
  }
  SECTION("a command") {
    World world;
    MonitorOptions own;
    own.name = "own";
    own.kind = MonitorKind::exec;
    own.interval = Milliseconds(1000);
    world.engine.replace({{std::make_shared<const MonitorOptions>(own), "a", "", Health::down}}, 1);
    world.pass_time(1'020);
    REQUIRE(world.started == 1);
    world.end_all(Verdict::fail);
    world.pass_time(20);
    CHECK(world.started == 1);
  }
}

TEST_CASE("failures of probes that ran while this process stood still are not believed",
          "[probe_engine]") {
  World world;
  world.engine.replace({World::check("a", Health::up)}, 1);
  world.pass_time(240);
  REQUIRE(world.running.size() == 3);
  world.clock.advance(Milliseconds(3'600'000));
  world.end_all(Verdict::fail);
  CHECK(world.updates.empty());

  SECTION("the target is looked at again soon, and those looks count") {
    world.pass_time(120);
    CHECK(world.running.size() == 1);
    world.end_all(Verdict::fail);
    REQUIRE(world.updates.size() == 1);
    CHECK(world.updates[0].health == Health::up);
    world.pass_time(100);
    world.end_all(Verdict::fail);
    world.pass_time(100);
    world.end_all(Verdict::fail);
    CHECK(world.updates.back().health == Health::down);
  }
}

TEST_CASE("the updates of one turn are delivered together", "[probe_engine]") {
  World world;
  std::vector<Check> checks;
  for (int i = 0; i < 50; ++i) checks.push_back(World::check(std::to_string(i), Health::unknown));
  world.engine.replace(checks, 1);
  world.pass_time(40);
  REQUIRE(world.running.size() == 50);
  world.end_all(Verdict::pass);
  CHECK(world.updates.size() == 50);
  CHECK(world.batches == 1);
}

TEST_CASE("no more probes run than may, and the others follow as these end", "[probe_engine]") {
  World world(10);
  std::vector<Check> checks;
  for (int i = 0; i < 50; ++i) checks.push_back(World::check(std::to_string(i), Health::unknown));
  world.engine.replace(checks, 1);
  world.pass_time(40);
  CHECK(world.running.size() == 10);
  CHECK(world.delayed == 40);
  for (int i = 0; i < 40; ++i) {
    const Probe::Done done = world.running.front()->done;
    done({});
    REQUIRE(world.running.size() == 10);
  }
}

TEST_CASE("what is replaced away is cancelled, and its room is free", "[probe_engine]") {
  World world(2);
  world.engine.replace({World::check("a", Health::unknown), World::check("b", Health::unknown)}, 1);
  world.pass_time(20);
  REQUIRE(world.running.size() == 2);
  world.engine.replace({World::check("c", Health::unknown), World::check("d", Health::unknown)}, 2);
  CHECK(world.running.empty());
  world.pass_time(20);
  CHECK(world.running.size() == 2);
}

TEST_CASE("a target without verdicts becomes unknown, and a hold ends, without any probe",
          "[probe_engine]") {
  World world;
  world.engine.replace({World::check("a", Health::up)}, 1);
  world.pass_time(20);
  world.end_all(Verdict::pass);
  world.pass_time(5000);  // its probes hang; interval and timeout of a second
  REQUIRE(world.updates.size() == 2);
  CHECK(world.updates.back().health == Health::unknown);
  CHECK(world.updates.back().reason == "no verdict for 4s");

  SECTION("but not because this process stood still") {
    world.end_all(Verdict::pass);
    world.updates.clear();
    world.clock.advance(Milliseconds(60'000));
    world.pass_time(2000);
    CHECK(world.updates.empty());
  }
}

TEST_CASE("what is down and waits for room is not silent", "[probe_engine]") {
  World world(1);
  const Health known = GENERATE(Health::down, Health::up);
  world.engine.replace({World::check("a", known), World::check("b", known)}, 1);
  world.pass_time(20'000);  // the first one's probe hangs
  REQUIRE(world.running.size() == 1);
  CHECK(world.updates.size() == (known == Health::down ? 0 : 2));
}

TEST_CASE("the end of a watched connection starts three looks, 20 ms apart", "[probe_engine]") {
  World world;
  tests::Listener backend("127.3.0.9");
  Check check = World::check("127.3.0.9", Health::up);
  MonitorOptions options = *check.monitor;
  options.kind = MonitorKind::tcp;
  options.port = backend.port();
  options.interval = Milliseconds(600'000);
  options.watch = true;
  check.monitor = std::make_shared<const MonitorOptions>(options);
  world.engine.replace({check}, 1);
  world.pass_time(20);
  world.end_all(Verdict::pass);
  REQUIRE(world.started == 1);
  REQUIRE(
      world.loop.run_until([&] { return world.engine.watch().counters().connected == 1; }, 10'000));
  world.pass_time(1000);
  CHECK(world.started == 1);

  tests::end(backend.accepted());
  REQUIRE(world.loop.run_until([&] { return world.started == 2; }, 10'000));
  SECTION("and the target is down when two of them are refused") {
    world.end_all(Verdict::fail, Failure::hard);
    world.pass_time(20);
    CHECK(world.started == 3);
    world.end_all(Verdict::fail, Failure::hard);
    CHECK(world.updates.back().health == Health::down);
    CHECK(world.engine.watch().counters().connected == 0);
  }
  SECTION("and it is left in peace when it passes them") {
    for (int look = 2; look <= 4; ++look) {
      CHECK(world.started == look);
      world.end_all(Verdict::pass);
      world.pass_time(20);
    }
    world.pass_time(1000);
    CHECK(world.started == 4);
    CHECK(world.updates.size() == 1);
  }
}

TEST_CASE("what people resume is delivered", "[probe_engine]") {
  World world;
  Check held = World::check("a", Health::up);
  held.initial.hold = Hold::resume;
  MonitorOptions options = *held.monitor;
  options.resume = Resume::by_hand;
  held.monitor = std::make_shared<const MonitorOptions>(options);
  world.engine.replace({held}, 7);
  world.pass_time(20);
  world.end_all(Verdict::pass);
  REQUIRE(world.updates.size() == 1);
  CHECK(world.updates[0].hold == Hold::resume);
  world.engine.resume({0});
  world.turn();
  REQUIRE(world.updates.size() == 2);
  CHECK(world.updates[1].hold == Hold::none);
  CHECK(world.updates[1].epoch == 7);
}

TEST_CASE("probes end before the target that they look at", "[probe_engine]") {
  World world;
  world.engine.replace({World::check("a", Health::up)}, 1);
  world.pass_time(240);
  REQUIRE(world.running.size() == 3);
  world.engine.replace({}, 2);
  CHECK(world.running.empty());
  CHECK(world.orphans == 0);
}

}  // namespace swingover::health
