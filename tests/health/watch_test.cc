#include "health/watch.h"

#include <catch2/catch.hpp>

#include "tests/support/listener.h"
#include "tests/support/manual_clock.h"

namespace swingover::health {

namespace {

using tests::Listener;

struct World {
  explicit World(uint32_t open_max = 10)
      : watch(loop, clock, {.open_max = open_max},
              [this](Watch::Slot slot) { alarms.push_back(slot); }) {}

  void add(Watch::Slot slot, const std::string& address, uint16_t port) {
    MonitorOptions options;
    options.name = "web";
    options.port = port;
    watch.add(slot, {std::make_shared<const MonitorOptions>(options), address, "", {}});
  }
  /// Whether `slot` gets there within ten seconds of real time.
  bool reaches(Watch::Slot slot, WatchState state) {
    return loop.run_until([&] { return watch.state(slot) == state; }, 10'000);
  }
  void pass_time(int64_t milliseconds) {
    clock.advance(Milliseconds(milliseconds));
    watch.tick();
  }
  /// The target is up; its connection at the backend's end.
  int connect(Watch::Slot slot, Listener& backend) {
    watch.settled(slot, true);
    pass_time(0);
    REQUIRE(reaches(slot, WatchState::connected));
    return backend.accepted();
  }
  /// The backend ends the connection at this age, and passes its probes.
  void ends_harmlessly(Watch::Slot slot, int connection, int64_t age) {
    pass_time(age);
    tests::end(connection);
    REQUIRE(reaches(slot, WatchState::waiting));
    watch.settled(slot, true);
  }

  loop::Loop loop;
  tests::ManualClock clock;
  std::vector<Watch::Slot> alarms;
  Watch watch;
};

}  // namespace

TEST_CASE("the end of a watched connection is told at once", "[watch]") {
  World world;
  Listener backend("127.3.0.5");
  world.add(7, "127.3.0.5", backend.port());
  CHECK(world.watch.state(7) == WatchState::off);
  const int connection = world.connect(7, backend);
  CHECK(world.watch.open() == 1);
  CHECK(world.watch.counters().connected == 1);

  SECTION("whether it is a FIN") {
    tests::end(connection);
  }
  SECTION("or a RST") {
    tests::reset(connection);
  }
  SECTION("or a FIN after words that nobody has read") {
    REQUIRE(send(connection, "220 hello\r\n", 11, 0) == 11);
    world.loop.run_until([] { return false; }, 20);
    CHECK(world.watch.state(7) == WatchState::connected);
    tests::end(connection);
  }
  REQUIRE(world.loop.run_until([&] { return !world.alarms.empty(); }, 10'000));
  CHECK(world.alarms == std::vector<Watch::Slot>{7});
  CHECK(world.watch.open() == 0);
  CHECK(world.watch.counters().connected == 0);
  CHECK(world.watch.counters().alarms == 1);
}

TEST_CASE("what is down is not watched, and what comes up is watched at once", "[watch]") {
  World world;
  Listener backend("127.3.0.5");
  world.add(1, "127.3.0.5", backend.port());
  world.watch.settled(1, false);
  world.pass_time(60'000);
  CHECK_FALSE(backend.has_connection());

  const int connection = world.connect(1, backend);
  world.watch.settled(1, false);
  CHECK(world.watch.state(1) == WatchState::off);
  CHECK(tests::has_ended(connection));
  tests::end(connection);
  tests::end(world.connect(1, backend));
  CHECK(world.reaches(1, WatchState::waiting));
  CHECK(world.alarms.size() == 1);
}

TEST_CASE("one that is removed tells nothing", "[watch]") {
  World world;
  Listener backend("127.3.0.5");
  world.add(1, "127.3.0.5", backend.port());
  const int connection = world.connect(1, backend);
  world.watch.remove(1);
  CHECK(world.watch.open() == 0);
  CHECK(tests::has_ended(connection));
  tests::end(connection);
  world.loop.run_until([] { return false; }, 20);
  CHECK(world.alarms.empty());
}

TEST_CASE("a backend that lives is connected to again after a pause", "[watch]") {
  World world;
  Listener backend("127.3.0.5");
  world.add(1, "127.3.0.5", backend.port());
  world.ends_harmlessly(1, world.connect(1, backend), 60'000);
  world.pass_time(900);
  CHECK_FALSE(backend.has_connection());
  world.pass_time(100);
  CHECK(world.reaches(1, WatchState::connected));
}

TEST_CASE("a backend that soon closes idle connections is no longer watched", "[watch]") {
  World world;
  Listener backend("127.3.0.5");
  world.add(1, "127.3.0.5", backend.port());
  world.ends_harmlessly(1, world.connect(1, backend), 5'000);
  for (int i = 0; i < 2; ++i) {
    world.pass_time(2'000);
    REQUIRE(world.reaches(1, WatchState::connected));
    world.ends_harmlessly(1, backend.accepted(), 5'100);
  }
  CHECK(world.watch.state(1) == WatchState::habit);
  CHECK(world.watch.counters().habits == 1);
  world.watch.settled(1, true);
  world.pass_time(600'000);
  CHECK(world.watch.state(1) == WatchState::habit);
  CHECK_FALSE(backend.has_connection());

  SECTION("until it has been down: another process may do better") {
    world.watch.settled(1, false);
    CHECK(world.watch.counters().habits == 0);
    world.connect(1, backend);
  }
  SECTION("until an hour has gone by") {
    world.pass_time(3'000'000);
    CHECK(world.reaches(1, WatchState::connected));
  }
}

TEST_CASE("a backend that closes idle connections after a while gets a new one before that",
          "[watch]") {
  World world;
  Listener backend("127.3.0.5");
  world.add(1, "127.3.0.5", backend.port());
  world.ends_harmlessly(1, world.connect(1, backend), 60'000);
  for (int i = 0; i < 2; ++i) {
    world.pass_time(4'000);
    REQUIRE(world.reaches(1, WatchState::connected));
    world.ends_harmlessly(1, backend.accepted(), 60'000);
  }
  CHECK(world.watch.state(1) == WatchState::waiting);
  world.pass_time(8'000);
  REQUIRE(world.reaches(1, WatchState::connected));
  int connection = backend.accepted();
  for (int i = 0; i < 3; ++i) {
    world.pass_time(44'000);
    CHECK_FALSE(tests::has_ended(connection));
    world.pass_time(1'000);
    REQUIRE(world.reaches(1, WatchState::connected));
    CHECK(tests::has_ended(connection));
    tests::end(connection);
    connection = backend.accepted();
    REQUIRE(connection >= 0);
  }
  CHECK(world.alarms.size() == 3);
  tests::end(connection);
  CHECK(world.loop.run_until([&] { return world.alarms.size() == 4; }, 10'000));
}

TEST_CASE("no more connections are open than may be, and who waits comes next", "[watch]") {
  World world(1);
  Listener backend("127.3.0.5");
  world.add(1, "127.3.0.5", backend.port());
  world.add(2, "127.3.0.5", backend.port());
  world.connect(1, backend);
  world.watch.settled(2, true);
  world.pass_time(20'000);
  CHECK(world.watch.state(2) == WatchState::waiting);
  CHECK(world.watch.open() == 1);
  world.watch.remove(1);
  world.pass_time(20'000);
  CHECK(world.reaches(2, WatchState::connected));
}

TEST_CASE("what cannot be connected to is tried again, and alarms nobody", "[watch]") {
  World world;
  Listener backend("127.3.0.5");
  world.add(1, "127.3.0.5", backend.port());
  backend.close();
  world.watch.settled(1, true);
  for (int i = 0; i < 3; ++i) {
    world.pass_time(5'000);
    CHECK(world.reaches(1, WatchState::waiting));
    CHECK(world.watch.open() == 0);
  }
  CHECK(world.alarms.empty());
}

TEST_CASE("a name is not watched", "[watch]") {
  World world;
  world.add(1, "backend.example.test", 80);
  world.watch.settled(1, true);
  world.pass_time(1000);
  CHECK(world.watch.state(1) == WatchState::off);
  CHECK(world.watch.open() == 0);
}

}  // namespace swingover::health
