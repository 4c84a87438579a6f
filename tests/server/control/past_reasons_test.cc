#include "server/control/past_reasons.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "server/control/views_explain.h"
#include "store/journal.h"
#include "store/memory_store.h"
#include "tests/server/control/control_life.h"

using namespace swingover;
using namespace swingover::control;
using health::Health;
using tests::Life;
using tests::SmallWorld;

namespace {

constexpr WallTime noon{1'790'000'000'000};
const std::string endpoint_fra = "endpoint/shop.svc.example.test./192.0.2.1";

/// A journal by hand, and what endpoint 0 was.
struct Story {
  explicit Story(zones::Eligibility was) {
    snapshot->eligibility->set(EndpointId(0), was, false);
    tell("health", endpoint_fra, "up", "down", "connect: refused");
  }
  void tell(const std::string& kind, const std::string& target, const std::string& before,
            const std::string& after, const std::string& reason) {
    store::Batch batch;
    journal.append(batch, {.at = at = at + Milliseconds(1'000),
                           .kind = kind,
                           .target = target,
                           .actor = kind == "intent" ? "ada" : "swingoverd",
                           .before = before,
                           .after = after,
                           .reason = reason});
    REQUIRE(store.commit(batch));
  }
  std::string why() const { return PastReasons(store, at, *snapshot).of(EndpointId(0)); }

  store::MemoryStore store;
  store::Journal journal = *store::Journal::open(store);
  std::shared_ptr<const zones::Snapshot> snapshot = SmallWorld().setup().snapshot;
  WallTime at = noon;
};

const std::string down_words =
    "down since " + rfc3339(noon + Milliseconds(1'000)) + ": connect: refused";

/// Asks through all of it, as the admin address does.
Result<std::string> explain(Past& past, const store::Store& store, WallTime at) {
  Question question = *parse_question("shop.svc.example.test", "A", "");
  question.at = at;
  return past_json(past, store, question);
}

}  // namespace

TEST_CASE("what people asked of shares does not explain an endpoint that was down",
          "[past_reasons]") {
  Story story(zones::Eligibility::down);
  CHECK(story.why() == down_words);
  story.tell("intent", "service/shop.svc.example.test.", "", "freeze until tomorrow", "a sale");
  story.tell("intent", "pool/shop.svc.example.test./fra", "", "weight", "half of it is old");
  CHECK(story.why() == down_words);
  story.tell("intent", endpoint_fra, "", "force_down", "broken");
  CHECK(story.why() == "force_down by ada at " + rfc3339(story.at) + ": broken");
  story.tell("intent", endpoint_fra, "force_down", "cancelled", "mended");
  CHECK(story.why() == down_words);
}

TEST_CASE("a drain explains an endpoint once it is out, and a force one that is in",
          "[past_reasons]") {
  const auto told = [](zones::Eligibility was, const std::string& kind) {
    Story story(was);
    story.tell("intent", "cluster/fra", "", kind, "rack work");
    return story.why();
  };
  CHECK(told(zones::Eligibility::excluded, "drain until later")
            .starts_with("drain until later by ada"));
  CHECK(told(zones::Eligibility::down, "drain") == down_words);  // in steps, and these go on
  CHECK(told(zones::Eligibility::eligible, "force_up").starts_with("force_up by ada"));
  CHECK(told(zones::Eligibility::unknown, "force_up") == down_words);
}

TEST_CASE("a frozen target that is drained too was out because of the drain", "[past_reasons]") {
  Story story(zones::Eligibility::excluded);
  story.tell("intent", "cluster/fra", "", "drain", "rack work");
  story.tell("intent", "cluster/fra", "", "freeze", "nothing may move");
  story.tell("intent", "cluster/fra", "freeze", "expired", "nothing may move");
  CHECK(story.why().starts_with("drain by ada"));
}

TEST_CASE("thousands of entries about shares and about others hide no reason", "[past_reasons]") {
  Story story(zones::Eligibility::down);
  store::Batch batch;
  for (size_t i = 0; i < 2 * PastReasons::entries_max; ++i) {
    const std::string name = "copy-" + std::to_string(i) + ".svc.example.test.";
    story.journal.append(
        batch, {story.at, "shares", "service/" + name, "swingoverd", "", "*: ams 10000", "health"});
    story.journal.append(batch, {story.at, "health", "endpoint/" + name + "/192.0.2.1",
                                 "swingoverd", "up", "down", "x"});
  }
  REQUIRE(story.store.commit(batch));
  CHECK(story.why() == down_words);
}

TEST_CASE("the reason of then is told from what the daemon wrote down", "[past_reasons]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  SmallWorld world;
  world.capacity = 100;
  world.demand = 50;
  Life life(store, clock, world);
  life.all_up();
  clock.advance(Milliseconds(1'000));
  REQUIRE(life.set({"freeze", "service/shop.svc.example.test", "ada", "a sale", "1h"}));
  life.verdict("192.0.2.1", Health::down);
  clock.advance(Milliseconds(1'000));
  const WallTime down_at = clock.wall();
  clock.advance(Milliseconds(1'000));
  REQUIRE(life.set({"drain", "cluster/fra", "eve", "rack work", ""}));
  clock.advance(Milliseconds(1'000));
  int idle = 0;
  life.loop.run_until([&] { return life.control.is_all_told() && ++idle > 5; }, tests::patience);
  life.control.when_past_is_stored([](const Status&) {});
  life.writer.flush(Milliseconds(tests::patience));

  Past past(store, [&](const PastTexts&, const StateCycle&) -> Result<PastGeneration> {
    return PastGeneration{world.setup().snapshot, {}};
  });
  const auto why = [&](WallTime at) {
    REQUIRE(past.seek(at));
    return PastReasons(store, at, past.snapshot()).of(EndpointId(0));
  };
  CHECK(why(down_at).find("connect: refused") != std::string::npos);
  CHECK(why(clock.wall()).starts_with("drain by eve"));
}

TEST_CASE("a large generation does not stay in memory when a question about it fails",
          "[past_reasons]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  SmallWorld world;
  world.copies = Past::kept_services_max + 1;
  {
    Life life(store, clock, world);
    clock.advance(Milliseconds(1'000));
    life.writer.flush(Milliseconds(tests::patience));
  }
  clock.advance(Milliseconds(1'000));
  std::weak_ptr<const zones::Snapshot> large;
  std::vector<zones::Name> lost;
  Past past(store, [&](const PastTexts&, const StateCycle&) -> Result<PastGeneration> {
    auto snapshot = world.setup().snapshot;
    large = snapshot;
    return PastGeneration{std::move(snapshot), lost};
  });
  SECTION("nobody answered then") {
    CHECK_FALSE(explain(past, store, clock.wall()));
  }
  SECTION("its zone file is gone") {
    lost = {*zones::parse_name("svc.example.test.")};
    CHECK_FALSE(explain(past, store, clock.wall() + Milliseconds(-1'500)));
  }
  CHECK(large.expired());
}
