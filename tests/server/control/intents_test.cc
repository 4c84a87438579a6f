#include "server/control/intents.h"

#include <catch2/catch.hpp>

#include "tests/server/control/small_world.h"

using namespace swingover;
using namespace swingover::control;

namespace {

const WallTime now{1'790'000'000'000};
const auto model = tests::SmallWorld().model();

IntentRequest drain(std::string target, std::string expires = "") {
  return {"drain", std::move(target), "ada", "rack work", std::move(expires)};
}

Error refused(Intents& intents, const IntentRequest& request) {
  const auto prepared = intents.prepare(request, *model, now);
  REQUIRE_FALSE(prepared);
  return prepared.error();
}

}  // namespace

TEST_CASE("an intent needs a known kind, a target that exists, an owner and a reason",
          "[intents]") {
  Intents intents(1);
  CHECK(refused(intents, {"drian", "cluster/fra", "ada", "x", ""}).code == ErrorCode::invalid);
  CHECK(refused(intents, {"drain", "cluster/fra", "", "x", ""}).message.find("owner") == 0);
  CHECK(refused(intents, {"drain", "cluster/fra", "ada", " ", ""}).message.find("reason") == 0);
  CHECK(refused(intents, drain("cluster/mars")).code == ErrorCode::not_found);
  CHECK(refused(intents, drain("planet/mars")).code == ErrorCode::invalid);
  CHECK(refused(intents, drain("pool/shop.svc.example.test./mars")).code == ErrorCode::not_found);
  CHECK(refused(intents, drain("service/shop.svc.example.test.")).code == ErrorCode::invalid);
  CHECK(refused(intents, drain("cluster/fra", "yesterday")).message.find("expires") == 0);
  CHECK(refused(intents, drain("cluster/fra", "2020-01-01T00:00:00Z")).code == ErrorCode::invalid);
  CHECK(intents.size() == 0);
}

TEST_CASE("a target may be spelled as people do, and is kept in one form", "[intents]") {
  Intents intents(1);
  const auto pool = intents.prepare(drain("pool/SHOP.svc.example.test/fra"), *model, now);
  REQUIRE(pool);
  CHECK(pool->intent.target == "pool/shop.svc.example.test./fra");
  const auto endpoint =
      intents.prepare(drain("endpoint/shop.svc.example.test/192.0.2.1"), *model, now);
  REQUIRE(endpoint);
  CHECK(endpoint->intent.target == "endpoint/shop.svc.example.test./192.0.2.1");
}

TEST_CASE("the same kind replaces, another kind is a conflict", "[intents]") {
  Intents intents(1);
  const auto first = intents.prepare(drain("cluster/fra", "1h"), *model, now);
  REQUIRE(first);
  intents.put(first->intent);
  CHECK(first->intent.expires == now + Milliseconds(3'600'000));

  const auto second = intents.prepare(drain("cluster/fra"), *model, now);
  REQUIRE(second);
  REQUIRE(second->replaces);
  CHECK(second->replaces->id == first->intent.id);
  CHECK(second->intent.id != first->intent.id);
  intents.put(second->intent);
  CHECK(intents.size() == 1);

  const Error conflict = refused(intents, {"force_up", "cluster/fra", "bob", "x", ""});
  CHECK(conflict.code == ErrorCode::conflict);
  CHECK(conflict.message.find(second->intent.id) != std::string::npos);
}

TEST_CASE("a freeze where no shares follow capacity is refused", "[intents]") {
  Intents intents(1);
  for (const char* target : {"cluster/fra", "service/shop.svc.example.test.", "everything"}) {
    INFO(target);
    const Error error = refused(intents, {"freeze", target, "bob", "a launch", "1h"});
    CHECK(error.code == ErrorCode::invalid);
    CHECK(error.message.find("a freeze pins shares that follow capacity") != std::string::npos);
  }
}

TEST_CASE("a freeze and a weight stand beside what moves shares, and each is replaced by its kind",
          "[intents]") {
  Intents intents(1);
  tests::SmallWorld world;
  world.capacity = 1'000;
  const auto steered = world.model();
  const auto set = [&](const IntentRequest& request) {
    const auto prepared = intents.prepare(request, *steered, now);
    REQUIRE(prepared);
    intents.put(prepared->intent);
    return *prepared;
  };
  const IntentRequest freeze{"freeze", "cluster/fra", "bob", "a launch", "1h"};
  const std::string drained = set(drain("cluster/fra", "2h")).intent.id;
  const auto frozen = set(freeze);
  CHECK_FALSE(frozen.replaces);
  CHECK(intents.size() == 2);
  CHECK(intents.of_target("cluster/fra")->kind == IntentKind::drain);
  CHECK(intents.of_target("cluster/fra", IntentFamily::freeze)->id == frozen.intent.id);
  CHECK(intents.of_target("cluster/fra", IntentFamily::weight) == nullptr);
  CHECK(set(freeze).replaces->id == frozen.intent.id);
  CHECK(set(drain("cluster/fra", "2h")).replaces->id == drained);
  CHECK(intents.size() == 2);

  // What decides over endpoints is one of a kind, whatever else there is.
  const Error conflict = refused(intents, {"force_up", "cluster/fra", "bob", "x", ""});
  CHECK(conflict.message.find("(drain by ada)") != std::string::npos);
  const auto expired = intents.expire(now + Milliseconds(3'600'000));
  REQUIRE(expired.size() == 1);
  CHECK(expired.front().kind == IntentKind::freeze);
  CHECK(intents.next_expiry() == now + Milliseconds(7'200'000));
  CHECK(intents.of_target("cluster/fra")->kind == IntentKind::drain);
  CHECK(intents.of_target("cluster/fr") == nullptr);
}

TEST_CASE("what has expired is gone, also when the clock then jumps back", "[intents]") {
  Intents intents(1);
  intents.put(intents.prepare(drain("cluster/fra", "10s"), *model, now)->intent);
  CHECK(intents.next_expiry() == now + Milliseconds(10'000));
  CHECK(intents.expire(now + Milliseconds(9'999)).empty());
  CHECK(intents.expire(now + Milliseconds(10'000)).size() == 1);
  CHECK(intents.expire(now).empty());
  CHECK(intents.size() == 0);
}

TEST_CASE("a time is RFC 3339, or a duration from now or back from it", "[intents]") {
  CHECK(*parse_when("2h", now, true) == now + Milliseconds(7'200'000));
  CHECK(*parse_when("1h", now, false) == now + Milliseconds(-3'600'000));
  CHECK(*parse_when(rfc3339(now), WallTime{}, true) == now);
  CHECK_FALSE(parse_when("", now, true));
}
