// What people are shown of steering: as the admin address tells it of a daemon that decides for real.

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <nlohmann/json.hpp>

#include "server/control/admin.h"
#include "server/control/metrics.h"
#include "server/control/records.h"
#include "server/control/views.h"
#include "tests/server/control/control_life.h"
#include "tests/support/zone_text.h"

namespace swingover::tests {
namespace {

using health::Health;
using Json = nlohmann::json;

const std::string shop = "shop.svc.example.test.";
const std::string shop_target = "service/" + shop;
const std::string fra_endpoint = "192.0.2.1";

SmallWorld steered(double demand = 500) {
  SmallWorld world;
  world.capacity = 1'000;
  world.demand = demand;
  world.offloads_at_once = true;
  world.housekeeping_every = Milliseconds(1);
  world.zone = zone_text("svc.example.test.",
                         "@ 300 IN SOA ns1 hostmaster 1 3600 600 604800 60\n"
                         "@ 300 IN NS ns1\n"
                         "ns1 300 IN A 192.0.2.53\n");
  return world;
}

struct Shown : Life {
  Shown(store::MemoryStore& on_store, ManualClock& by_clock, const SmallWorld& of_world)
      : Life(on_store, by_clock, of_world),
        admin(loop, control, [this] { return control::collect_metrics(control, {}, {}); }) {
    all_up();
    settle();
  }

  /// `step` goes by with each turn of the loop.
  void until(const std::function<bool()>& is_so, Milliseconds step = Milliseconds(1'000)) {
    loop.run_until(
        [&] {
          clock.advance(step);
          return is_so();
        },
        patience);
    REQUIRE(is_so());
  }
  void settle() {
    until([&] { return control.steering().is_idle(); }, Milliseconds(1));
  }

  Json asked(const std::string& path, std::map<std::string, std::string> arguments = {}) {
    std::optional<control::HttpReply> reply;
    control::HttpRequest request{.method = "GET",
                                 .path = path,
                                 .arguments = std::move(arguments),
                                 .body = {},
                                 .client = "127.0.0.1"};
    admin.handle(request, [&](control::HttpReply given) { reply = std::move(given); });
    loop.run_until([&] { return reply.has_value(); }, patience);
    REQUIRE(reply.has_value());
    return Json::parse(reply->large_body ? *reply->large_body : reply->body);
  }
  Json status() { return asked("/v1/status"); }
  Json service() { return asked("/v1/services/" + shop); }

  /// "result: reason" of the step in the explanation of the shop.
  std::string explained(const std::string& step) {
    const Json told = asked("/v1/explain", {{"name", shop}});
    for (const Json& one : told.at("steps")) {
      if (one.at("step") == step)
        return one.at("result").get<std::string>() + ": " + one.at("reason").get<std::string>();
    }
    return "no such step in " + told.at("steps").dump();
  }
  Json cluster(const std::string& name) {
    const Json told = status();
    for (const Json& one : told.at("clusters")) {
      if (one.at("name") == name) return one;
    }
    return {};
  }
  /// A moment later it is back.
  void fra_goes_and_comes() {
    verdict(fra_endpoint, Health::down);
    settle();
    verdict(fra_endpoint, Health::up);
    settle();
  }
  std::string in_force(const IntentRequest& request) {
    const auto result = set(request);
    REQUIRE(result);
    settle();
    return result->intent.id;
  }

  control::Admin admin;
};

bool has(const std::string& text, const std::string& part) {
  INFO(text << "\n  lacks: " << part);
  const bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

}  // namespace

TEST_CASE("an explanation says what keeps a pool that is back from its share", "[views_steering]") {
  store::MemoryStore store;
  ManualClock clock;
  SmallWorld world = steered();

  SECTION("a person has to say so") {
    world.failback = zones::Failback::manual;
    Shown life(store, clock, world);
    life.fra_goes_and_comes();
    const std::string told = life.explained("pool fra");
    has(told, "passed over: ");
    has(told, "waits for a person: `swingctl resume pool/" + shop + "/fra`");
  }
  SECTION("until it has been up for failback_hold") {
    world.failback = zones::Failback::hold;
    Shown life(store, clock, world);
    life.fra_goes_and_comes();
    has(life.explained("pool fra"), "on hold until 2");
    has(life.explained("pool fra"), " (failback_hold)");
    CHECK(life.service().at("pools")[0].at("comeback_until").is_string());
  }
  SECTION("in steps") {
    Shown life(store, clock, world);
    life.fra_goes_and_comes();
    has(life.explained("pool fra"), "comes back in steps: 10 % of its capacity count");
    CHECK(life.service().at("pools")[0].at("comeback_until").is_null());
  }
}

TEST_CASE("an explanation says by what a pool has its share, or has none", "[views_steering]") {
  store::MemoryStore store;
  ManualClock clock;
  SECTION("one that costs more than those with room") {
    Shown life(store, clock, steered(500));
    has(life.explained("pool fra"), "share 100.00 %, chosen: ");
    has(life.explained("pool fra"), "cost 0, load 500 of 1000 (50 %, target 70 %)");
    has(life.explained("pool ams"), "passed over: ");
    has(life.explained("pool ams"), "cost 1, load 0 of 1000 (0 %, target 70 %)");
    has(life.explained("pool ams"), "costs more than others that have room");
  }
  SECTION("one that takes what the cheaper ones have no room for") {
    Shown life(store, clock, steered(1'000));
    has(life.explained("pool fra"), "share 70.00 %");
    has(life.explained("pool fra"), "cost 0, load 700 of 1000 (70 %, target 70 %)");
    has(life.explained("pool ams"), "share 30.00 %");
    has(life.explained("pool ams"), "takes what cheaper ones have no room for");
  }
}

TEST_CASE("each intent that shapes the answers is a step of their explanation",
          "[views_steering]") {
  store::MemoryStore store;
  ManualClock clock;
  Shown life(store, clock, steered());

  SECTION("a freeze, with its end") {
    const std::string id = life.in_force({"freeze", shop_target, "ada", "hold on", "2h"});
    const std::string told = life.explained("intent " + id);
    has(told, "freeze of " + shop_target + ": by ada: hold on; until 20");
  }
  SECTION("a freeze of everything") {
    const std::string id = life.in_force({"freeze", "everything", "ada", "hold on", ""});
    has(life.explained("intent " + id), "freeze of everything: by ada: hold on; until cancelled");
  }
  SECTION("a weight") {
    IntentRequest request{"weight", "pool/" + shop + "/fra", "ada", "half of it", ""};
    request.weight = 50;
    const std::string id = life.in_force(request);
    has(life.explained("intent " + id), "weight 50 of pool/" + shop + "/fra: by ada: half of it");
  }
  SECTION("a drain in steps, and how far it is") {
    IntentRequest request{"drain", "cluster/fra", "ada", "rack work", ""};
    request.over = "15m";
    const std::string id = life.in_force(request);
    life.until([&] { return life.control.planned_swings().view(id)->moved > 0; });
    has(life.explained("intent " + id),
        "drain of cluster/fra: by ada: rack work; moving, 5 %; until cancelled");
  }
  SECTION("a swing") {
    IntentRequest request{"swing", shop_target, "ada", "new switches", ""};
    request.over = "15m";
    request.from = "fra";
    request.to = "ams";
    const std::string id = life.in_force(request);
    has(life.explained("intent " + id),
        "swing of " + shop_target + " from fra to ams: by ada: new switches; moving, 0 %");
  }
}

TEST_CASE("an endpoint that is held is called so wherever it is shown", "[views_steering]") {
  store::MemoryStore store;
  ManualClock clock;
  Shown life(store, clock, steered());
  life.verdict(fra_endpoint, Health::up, 0, health::Hold::flapping);
  life.settle();
  CHECK(life.service().at("pools")[0].at("endpoints")[0].at("eligibility") == "held");
  has(life.explained("endpoint " + fra_endpoint), "not answered: held: ");
}

TEST_CASE("the status shows a drain that is under way, and how far it is", "[views_steering]") {
  store::MemoryStore store;
  ManualClock clock;
  Shown life(store, clock, steered());
  IntentRequest request{"drain", "cluster/fra", "ada", "rack work", ""};
  request.over = "15m";
  const std::string id = life.in_force(request);
  life.until([&] { return life.control.planned_swings().view(id)->moved > 0; });
  const Json fra = life.cluster("fra");
  CHECK(fra.at("intent") == "drain");
  CHECK(fra.at("progress") == "moving, 5 %");
  CHECK(fra.at("eligible") == true);
  CHECK(life.cluster("ams").at("intent").is_null());
  CHECK(life.cluster("ams").at("progress").is_null());
}

TEST_CASE("what is frozen is shown with who froze it", "[views_steering]") {
  store::MemoryStore store;
  ManualClock clock;
  Shown life(store, clock, steered());
  CHECK(life.service().at("frozen_by").is_null());
  CHECK(life.status().at("freezes") == Json::array());
  const std::string target = GENERATE(as<std::string>(), shop_target, "cluster/ams", "everything");
  INFO(target);
  life.in_force({"freeze", target, "ada", "hold on", ""});
  const Json by = life.service().at("frozen_by");
  CHECK(by.at("target") == target);
  CHECK(by.at("owner") == "ada");
  CHECK(life.asked("/v1/services").at("services")[0].at("frozen_by").at("reason") == "hold on");
  const Json freezes = life.status().at("freezes");
  REQUIRE(freezes.size() == 1);
  CHECK(freezes[0].at("target") == target);
  CHECK(freezes[0].at("reason") == "hold on");
  const Json intents = life.asked("/v1/intents").at("intents");
  CHECK(intents[0].at("difference").at("frozen_services") == Json::array({shop}));
}

TEST_CASE("the status shows at a glance what is full", "[views_steering]") {
  store::MemoryStore store;
  ManualClock clock;
  Shown life(store, clock, steered(2'600));
  const Json status = life.status();
  CHECK(status.at("regimes") == Json{{"normal", 0}, {"tight", 0}, {"overload", 1}});
  CHECK(status.at("overloaded") == Json::array({shop}));
  const Json fra = life.cluster("fra");
  CHECK(fra.at("capacity") == 1'000);
  CHECK(fra.at("usable_capacity") == 1'000);
  CHECK(fra.at("load").get<double>() == Approx(1'300));
  CHECK(fra.at("utilisation").get<double>() == Approx(1.3));

  SECTION("and nothing of what is not steered") {
    store::MemoryStore other;
    SmallWorld world;
    world.offloads_at_once = true;
    Shown plain(other, clock, world);
    CHECK(plain.status().at("regimes").is_null());
    CHECK(plain.cluster("fra").at("utilisation").is_null());
  }
}

TEST_CASE("a pool whose way back yields is shown with what is used of it", "[views_steering]") {
  store::MemoryStore store;
  ManualClock clock;
  SmallWorld world = steered(1'700);       // more than one can carry
  world.failback = zones::Failback::hold;  // of a ramp as much would soon be behind it
  Shown life(store, clock, world);
  life.fra_goes_and_comes();
  const Json fra = life.service().at("pools").at(0);
  CHECK(fra.at("comeback") == "needed by the others");
  CHECK(fra.at("usable_capacity").get<double>() == Approx(1'000));
  CHECK(fra.at("load").get<double>() == Approx(850).margin(1));
  CHECK(fra.at("utilisation").get<double>() == Approx(0.85).margin(0.001));
  CHECK(life.cluster("fra").at("utilisation").get<double>() == Approx(0.85).margin(0.001));
  has(life.explained("pool fra"), "needed: the others cannot carry the demand");
}

TEST_CASE("a pool of a steered service is shown with its part of the demand", "[views_steering]") {
  store::MemoryStore store;
  ManualClock clock;
  SmallWorld world = steered(1'000);
  world.localities = {"fra-a", "ams-a"};
  control::SteeringRecord record{.localities = {"", "fra-a", "ams-a"},
                                 .clusters = {"fra", "ams"},
                                 .shares = {10'000, 0, 6'000, 4'000, 6'000, 4'000},
                                 .demands = {0, 500, 500},
                                 .is_reported = true,
                                 .back_since = {{}, {}}};
  store::Batch batch;
  batch.put(store::Table::state, control::steering_key(shop), control::encode_steering(record));
  REQUIRE(store.commit(batch));
  Shown life(store, clock, world);
  for (const Json& told : {life.service(), life.asked("/v1/services").at("services")[0]}) {
    const double fra = told.at("pools")[0].at("demand_part").get<double>();
    const double ams = told.at("pools")[1].at("demand_part").get<double>();
    CHECK(fra == Approx(0.7).margin(0.001));
    CHECK(ams == Approx(0.3).margin(0.001));
  }
  SECTION("and of another one with none") {
    store::MemoryStore other;
    Shown plain(other, clock, SmallWorld());
    CHECK(plain.service().at("pools")[0].at("demand_part").is_null());
  }
}

}  // namespace swingover::tests
