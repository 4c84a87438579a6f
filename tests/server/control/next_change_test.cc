#include "server/control/next_change.h"

#include <catch2/catch.hpp>

#include "tests/server/control/small_world.h"

using namespace swingover;
using namespace swingover::control;
using health::Health;
using health::Hold;
using Input = NextChange::Input;

namespace {

const WallTime now{1'790'000'000'000};

/// A join and the snapshot of the same model, with everything known and up at first.
struct Known {
  explicit Known(tests::SmallWorld of_world = {})
      : world(std::move(of_world)),
        model(world.model()),
        join(model, world.monitors()),
        snapshot(zones::build_snapshot(model, {})) {
    for (uint32_t i = 0; i < join.checks().size(); ++i) tell(i, Health::up);
  }

  void tell(uint32_t check, Health health, Milliseconds changes_in = Milliseconds(0)) {
    CheckState state;
    state.health = health;
    state.heard = true;
    if (changes_in.value != 0) state.changes_at = now + changes_in;
    join.set_check(check, state);
    settle();
  }
  void settle() {
    for (const auto& change : join.settle(now).endpoints) {
      snapshot->eligibility->set(change.id, change.after.eligibility);
    }
  }
  uint32_t check(const std::string& monitor, const std::string& address) const {
    for (uint32_t i = 0; i < join.checks().size(); ++i) {
      const health::Check& one = join.checks()[i];
      if (one.monitor->name == monitor && one.address == address) return i;
    }
    throw std::out_of_range(monitor + " at " + address);
  }
  NextChange next(uint32_t service = 0) {
    return finder.find(join, *snapshot, ServiceId(service), now);
  }
  std::string words() { return change_words(next(), join, now); }

  tests::SmallWorld world;
  std::shared_ptr<const zones::Model> model;
  Join join;
  std::shared_ptr<const zones::Snapshot> snapshot;
  ChangeFinder finder;
};

}  // namespace

TEST_CASE("nothing speaks of a change while all checks agree with what is known", "[next_change]") {
  Known known;
  CHECK(known.next().input == Input::none);
  CHECK(known.words().empty());
  CHECK(change_time(known.next(), now) == zones::ChangeTimes::unknown);
  known.tell(known.check("web", "192.0.2.1"), Health::down);
  CHECK(known.next().input == Input::none);
}

TEST_CASE("the next change is the soonest of all that answers hang on", "[next_change]") {
  Known known;
  known.tell(known.check("web", "192.0.2.1"), Health::up, Milliseconds(900));
  CHECK(known.next().input == Input::verdicts);
  CHECK(known.next().at == now + Milliseconds(900));
  CHECK(known.words() == "endpoint 192.0.2.1: monitor web may go down in 0.9 s");
  CHECK(change_time(known.next(), now) == 1'790'000'000);

  SECTION("an endpoint behind those that answer is left out") {
    known.tell(known.check("web", "198.51.100.1"), Health::up, Milliseconds(100));
    CHECK(known.next().at == now + Milliseconds(900));
  }
  SECTION("until it answers; then the one before it may come back") {
    known.tell(known.check("web", "198.51.100.1"), Health::up, Milliseconds(20'500));
    known.tell(known.check("web", "192.0.2.1"), Health::down, Milliseconds(130'000));
    CHECK(known.next().at == now + Milliseconds(20'500));
    known.tell(known.check("web", "198.51.100.1"), Health::up);
    CHECK(known.words() == "endpoint 192.0.2.1: monitor web may come up in 2 min");
  }
  SECTION("a hold is one too") {
    const uint32_t check = known.check("web", "192.0.2.1");
    CheckState held = known.join.check(check);
    held.hold = Hold::flapping;
    held.changes_at = now + Milliseconds(45'000);
    known.join.set_check(check, held);
    known.settle();
    CHECK(known.words() ==
          "endpoint 192.0.2.1: monitor web holds it (flapping), which may end in 45 s");
  }
  SECTION("what is overdue may come at any moment") {
    known.tell(known.check("web", "192.0.2.1"), Health::up, Milliseconds(-50));
    CHECK(known.words() == "endpoint 192.0.2.1: monitor web may go down at any moment");
  }
}

TEST_CASE("a check without a verdict of this run may change answers at once", "[next_change]") {
  Known known;
  CheckState stored;
  stored.health = Health::up;
  stored.stored = true;
  known.join.set_check(known.check("web", "192.0.2.1"), stored);
  known.settle();
  CHECK(known.next().input == Input::unheard);
  CHECK(known.next().at == now);
  CHECK(known.words() == "endpoint 192.0.2.1: monitor web has no verdict of this run yet");
}

TEST_CASE("the checks of a cluster count for the endpoints in it", "[next_change]") {
  tests::SmallWorld world;
  world.cluster_monitors = {"ingress"};
  world.fra_ingress = {"192.0.2.9"};
  Known known(std::move(world));
  CHECK(known.next().input == Input::none);
  known.tell(known.check("ingress", "192.0.2.9"), Health::up, Milliseconds(400));
  CHECK(known.words() == "endpoint 192.0.2.1: monitor ingress at 192.0.2.9 may go down in 0.4 s");
}

TEST_CASE("of an endpoint that an intent decides, the end of the intent counts alone",
          "[next_change]") {
  Known known;
  Intents intents(1);
  const auto put = [&](std::optional<WallTime> expires) {
    intents.put({"1", IntentKind::drain, "cluster/fra", "ada", "rack work", now, expires});
    known.join.set_intents(intents);
    known.settle();
  };
  put(now + Milliseconds(12'000));
  known.tell(known.check("web", "192.0.2.1"), Health::up, Milliseconds(500));
  CHECK(known.next().input == Input::intent);
  CHECK(known.words() == "endpoint 192.0.2.1: drained by ada: rack work, which ends in 12 s");
  put(std::nullopt);
  CHECK(known.next().input == Input::none);
  SECTION("one that ends in a hundred years is as good as endless") {
    put(now + Milliseconds(100LL * 365 * 24 * 3600 * 1000));
    CHECK(change_time(known.next(), now) == zones::ChangeTimes::unknown);
  }
}

TEST_CASE("an endpoint that is a service of ours changes with the last of it that is up",
          "[next_change]") {
  tests::SmallWorld world;
  world.has_outer = true;
  Known known(std::move(world));
  const uint32_t fra = known.check("web", "192.0.2.1");
  const uint32_t ams = known.check("web", "198.51.100.1");
  CHECK(known.next(1).input == Input::none);
  known.tell(fra, Health::up, Milliseconds(900));
  CHECK(known.next(0).at == now + Milliseconds(900));
  CHECK(known.next(1).input == Input::none);  // ams stays
  known.tell(ams, Health::up, Milliseconds(2'000));
  CHECK(known.next(1).at == now + Milliseconds(2'000));
  CHECK(change_words(known.next(1), known.join, now) ==
        "endpoint 198.51.100.1: monitor web may go down in 2.0 s");
  known.tell(fra, Health::down);
  CHECK(known.next(1).at == now + Milliseconds(2'000));

  SECTION("and with the first that comes back when nothing is") {
    known.tell(ams, Health::down, Milliseconds(5'000));
    CHECK(known.next(1).at == now + Milliseconds(5'000));
    known.tell(fra, Health::down, Milliseconds(3'000));
    CHECK(known.next(1).at == now + Milliseconds(3'000));
  }
}
