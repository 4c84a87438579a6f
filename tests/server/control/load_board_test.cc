#include "server/control/load_board.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "server/control/views_load.h"
#include "small_world.h"

namespace swingover::control {
namespace {

constexpr const char* shop = "shop.svc.example.test.";
constexpr const char* copy = "copy-1.svc.example.test.";

/// The small world's board under a clock of seconds; clusters fra and ams, localities fra-a and ams-a.
struct World {
  LoadBoard board;
  std::shared_ptr<zones::Model> model;
  std::vector<bool> pulled{false, false};

  explicit World(uint32_t copies = 2) {
    tests::SmallWorld small;
    small.copies = copies;
    model = std::make_shared<zones::Model>(*small.model());
    model->topology.localities = {{.name = "fra-a", .region = {}, .clients = {}},
                                  {.name = "ams-a", .region = {}, .clients = {}}};
    put();
  }
  void put() { board.replace(std::make_shared<ServiceNames>(model), {}, pulled, {}, at(0)); }

  static LoadBoard::Now at(int64_t second) {
    return {{(1'000 + second) * 1'000'000'000}, {1'700'000'000'000 + second * 1'000}};
  }
  static WallTime wall(int64_t second) { return at(second).wall; }
  LoadBoard::Outcome take(const LoadReport& report, int64_t second) {
    auto outcome = board.take(std::span(&report, 1), at(second));
    REQUIRE(outcome);
    return *outcome;
  }
  std::vector<LoadBoard::Load> fresh(uint32_t service, int64_t second) const {
    return board.fresh(ServiceId(service), at(second).now);
  }
};

LoadReport report(const char* cluster, const char* service, double load) {
  LoadReport made;
  made.cluster = cluster;
  made.service = service;
  made.load = load;
  return made;
}

}  // namespace

TEST_CASE("a report is fresh for age_max, then the demand is frozen, then held", "[load_board]") {
  World world;
  CHECK(world.board.state(ServiceId(0), World::at(0).now) == LoadBoard::State::none);
  CHECK(world.take(report("fra", shop, 120), 10).taken == 1);
  REQUIRE(world.fresh(0, 35).size() == 1);
  CHECK(world.fresh(0, 35)[0].load == 120);
  CHECK(world.fresh(0, 35)[0].cluster == ClusterId(0));
  CHECK(world.board.state(ServiceId(0), World::at(35).now) == LoadBoard::State::fresh);
  CHECK(world.fresh(0, 36).empty());
  CHECK(world.board.state(ServiceId(0), World::at(36).now) == LoadBoard::State::frozen);
  CHECK(world.board.state(ServiceId(0), World::at(610).now) == LoadBoard::State::frozen);
  CHECK(world.board.state(ServiceId(0), World::at(611).now) == LoadBoard::State::held);
  CHECK(world.board.state(ServiceId(1), World::at(611).now) == LoadBoard::State::none);
}

TEST_CASE("names are blind to case and to the final dot", "[load_board]") {
  World world;
  CHECK(world.take(report("fra", "SHOP.svc.Example.test", 5), 1).taken == 1);
  CHECK(world.fresh(0, 1).size() == 1);
}

TEST_CASE("what cannot be meant is not taken, and said", "[load_board]") {
  World world;
  SECTION("an unknown cluster, service, or a service that is not there, alone") {
    for (const auto& [wrong, words] :
         {std::pair{report("fro", shop, 1), "no cluster of this name: fro"},
          {report("fra", "nowhere.example.", 1), "no service of this name: nowhere.example."},
          {report("fra", "\\", 1), "no service of this name: \\"}}) {
      const auto outcome = world.board.take(std::span(&wrong, 1), World::at(1));
      REQUIRE_FALSE(outcome);
      CHECK(outcome.error().code == ErrorCode::not_found);
      CHECK(outcome.error().message == words);
    }
  }
  SECTION("among others they are noted, and the others taken") {
    const std::vector<LoadReport> reports{report("fra", "nowhere.example.", 1),
                                          report("fra", shop, 7)};
    const auto outcome = world.board.take(reports, World::at(1));
    REQUIRE(outcome);
    CHECK(outcome->taken == 1);
    CHECK(outcome->ignored == 1);
    REQUIRE(outcome->notes.size() == 1);
    CHECK(outcome->notes[0].index == 0);
    CHECK(outcome->notes[0].taking == LoadTaking::unknown);
  }
  SECTION("one older than what is known") {
    LoadReport late = report("fra", shop, 10);
    late.at = World::wall(20);
    world.take(late, 22);
    late.load = 5;
    late.at = World::wall(12);
    const auto outcome = world.take(late, 23);
    CHECK(outcome.ignored == 1);
    CHECK(outcome.notes[0].words == "a report that is 8s younger is known");
    CHECK(world.fresh(0, 23)[0].load == 10);
  }
  SECTION("what is no amount") {
    for (const double load : {-1., 1e16, HUGE_VAL, std::nan("")}) {
      const auto outcome = world.take(report("fra", shop, load), 1);
      CHECK(outcome.taken == 0);
      CHECK(outcome.notes[0].taking == LoadTaking::senseless);
    }
    CHECK(world.fresh(0, 1).empty());
  }
  SECTION("one that is too old to count") {
    LoadReport old = report("fra", shop, 10);
    old.at = World::wall(0);
    const auto outcome = world.take(old, 26);
    CHECK(outcome.notes[0].words == "it is 26s old, and counts for 25s");
    CHECK(world.fresh(0, 26).empty());
  }
  SECTION("one from the future counts as of now") {
    LoadReport early = report("fra", shop, 10);
    early.at = World::wall(100);
    const auto outcome = world.take(early, 10);
    CHECK(outcome.taken == 1);
    CHECK(outcome.notes[0].words == "its time is 90s ahead: taken as of now");
    CHECK(world.fresh(0, 35).size() == 1);
    CHECK(world.fresh(0, 36).empty());
    CHECK(world.take(report("fra", shop, 11), 11).taken == 1);  // what follows is not older
    early.at = World::at(12).wall + Milliseconds(900);
    CHECK(world.take(early, 12).notes.empty());  // clocks are never quite the same
  }
}

TEST_CASE("a report's age counts from its own time", "[load_board]") {
  World world;
  LoadReport late = report("fra", shop, 10);
  late.at = World::wall(0);
  world.take(late, 20);
  CHECK(world.fresh(0, 25)[0].taken == World::at(0).now);
  CHECK(world.fresh(0, 26).empty());
}

TEST_CASE("a whole cluster's load is split by what is predicted", "[load_board]") {
  World world(3);
  world.take(report("fra", "", 100), 10);
  const auto predict = [](ServiceId service, ClusterId) {
    return service.value == 1 ? 30.0 : 10.0;
  };
  CHECK(world.board.take_new(predict).size() == 3);
  CHECK(world.fresh(0, 10)[0].load == Approx(20));
  CHECK(world.fresh(1, 10)[0].load == Approx(60));
  CHECK(world.fresh(2, 10)[0].load == Approx(20));
  CHECK(world.fresh(0, 10)[0].is_split);
  CHECK(world.board.take_new(predict).empty());

  SECTION("services that report themselves keep their own") {
    world.take(report("fra", shop, 70), 20);
    world.take(report("fra", "", 110), 20);
    world.board.take_new(predict);
    CHECK(world.fresh(0, 20)[0].load == Approx(70));
    CHECK(world.fresh(1, 20)[0].load == Approx(30));
    CHECK(world.fresh(2, 20)[0].load == Approx(10));
  }
  SECTION("a service's own word replaces its part, however late it was measured") {
    LoadReport own = report("fra", shop, 5);
    own.at = World::wall(8);
    CHECK(world.take(own, 11).taken == 1);
    CHECK(world.fresh(0, 11)[0].load == 5);
  }
  SECTION("evenly where nothing is predicted") {
    world.take(report("fra", "", 90), 20);
    world.board.take_new([](ServiceId, ClusterId) { return 0.0; });
    CHECK(world.fresh(2, 20)[0].load == Approx(30));
  }
}

TEST_CASE("news is told once, by service", "[load_board]") {
  World world;
  world.take(report("ams", copy, 1), 1);
  world.take(report("fra", shop, 1), 1);
  world.take(report("ams", shop, 1), 1);
  CHECK(world.board.take_new({}) == std::vector{ServiceId(0), ServiceId(1)});
  CHECK(world.board.take_new({}).empty());
}

TEST_CASE("capacity and in-flight hold while the report is fresh", "[load_board]") {
  World world;
  LoadReport full = report("fra", shop, 10);
  full.capacity = 900;
  full.in_flight = 12;
  world.take(full, 10);
  LoadReport whole = report("ams", "", 10);
  whole.capacity = 5'000;
  world.take(whole, 10);
  const MonotonicTime then = World::at(35).now;
  CHECK(world.board.capacity(ServiceId(0), ClusterId(0), then) == 900);
  CHECK(world.board.in_flight(ServiceId(0), ClusterId(0), then) == 12);
  CHECK(world.board.capacity(ClusterId(1), then) == 5'000);
  const MonotonicTime later = World::at(36).now;
  CHECK_FALSE(world.board.capacity(ServiceId(0), ClusterId(0), later));
  CHECK_FALSE(world.board.in_flight(ServiceId(0), ClusterId(0), later));
  CHECK_FALSE(world.board.capacity(ClusterId(1), later));
  CHECK_FALSE(world.board.capacity(ServiceId(1), ClusterId(0), then));
}

TEST_CASE("a reported capacity counts within bounds of the configured one, and that is told",
          "[load_board]") {
  World world;
  world.model->topology.clusters[0].capacity = 1'000;
  zones::Pool& own = world.model->services[0].pools[1];
  own.capacity = 50;
  own.has_own_capacity = true;
  world.put();
  const std::string cluster = world.model->topology.clusters[0].name;
  const auto told = [&](const char* service, double capacity, int64_t second) {
    LoadReport one = report(*service ? "ams" : cluster.c_str(), service, 10);
    one.capacity = capacity;
    return world.take(one, second);
  };
  const auto counts = [&](int64_t second) {
    return world.board.capacity(ClusterId(0), World::at(second).now);
  };
  told("", 1'900, 1);
  CHECK(counts(1) == 1'900);
  told("", 100, 2);
  CHECK(counts(2) == 100);
  told("", 0, 3);  // it wants nobody
  CHECK(counts(3) == 0);
  CHECK(world.board.take_boundings().empty());

  const LoadBoard::Outcome outcome = told("", 5'000'000, 4);
  CHECK(counts(4) == 2'000);
  CHECK(outcome.taken == 1);
  const std::string words =
      "the capacity that it reports, 5e+06, counts as 2000: 1000 are configured";
  REQUIRE(outcome.notes.size() == 1);
  CHECK(outcome.notes[0].words == words);
  CHECK(outcome.notes[0].taking == LoadTaking::taken);
  told("", 3, 5);
  CHECK(counts(5) == 100);
  auto boundings = world.board.take_boundings();
  REQUIRE(boundings.size() == 1);  // not with every report
  CHECK(boundings[0].cluster == cluster);
  CHECK(boundings[0].is_bounded);
  CHECK(boundings[0].reason == words);
  world.put();
  told("", 4, 6);
  CHECK(world.board.take_boundings().empty());  // nor with every reload
  told("", 900, 7);
  boundings = world.board.take_boundings();
  REQUIRE(boundings.size() == 1);
  CHECK_FALSE(boundings[0].is_bounded);

  SECTION("of a pool's own by the pool's") {
    REQUIRE(world.model->topology.clusters[own.cluster.value].name == "ams");
    told(shop, 400, 8);
    CHECK(world.board.capacity(ServiceId(0), own.cluster, World::at(8).now) == 100);
    CHECK(world.board.take_boundings().size() == 1);
  }
  SECTION("where nothing is configured it counts as it is") {
    LoadReport free = report("ams", "", 10);
    free.capacity = 1e9;
    world.take(free, 8);
    CHECK(world.board.capacity(own.cluster, World::at(8).now) == 1e9);
  }
}

TEST_CASE("a split by locality stands by the model's localities", "[load_board]") {
  World world;
  LoadReport split = report("fra", shop, 100);
  split.by_locality = {{"ams-a", 25}, {"fra-a", 50}, {"mars", 25}};
  const auto outcome = world.take(split, 10);
  CHECK(outcome.taken == 1);
  CHECK(outcome.notes[0].words == "by_locality: no locality of this name: mars");
  const auto loads = world.fresh(0, 10);
  REQUIRE(loads[0].by_locality.size() == 2);
  CHECK(loads[0].by_locality[0] == 50);
  CHECK(loads[0].by_locality[1] == 25);
  world.take(report("fra", shop, 100), 11);
  CHECK(world.fresh(0, 11)[0].by_locality.empty());
}

TEST_CASE("silence of a cluster is an event, and its end", "[load_board]") {
  World world;
  CHECK(world.board.tick(World::at(1'000)).empty());  // nobody ever reported, nobody is asked
  world.take(report("fra", shop, 1), 1'010);
  auto events = world.board.tick(World::at(1'010));
  REQUIRE(events.size() == 1);
  CHECK(events[0].after == LoadBoard::State::fresh);
  CHECK(events[0].before == LoadBoard::State::none);
  CHECK(world.board.tick(World::at(1'035)).empty());
  CHECK(world.board.is_heard(ClusterId(0), World::at(1'035).now));
  events = world.board.tick(World::at(1'036));
  REQUIRE(events.size() == 1);
  CHECK(events[0].cluster == ClusterId(0));
  CHECK(events[0].after == LoadBoard::State::frozen);
  CHECK(events[0].reason == "no load reported for 26s");
  CHECK_FALSE(world.board.is_heard(ClusterId(0), World::at(1'036).now));
  events = world.board.tick(World::at(1'611));
  REQUIRE(events.size() == 1);
  CHECK(events[0].after == LoadBoard::State::held);
  world.take(report("fra", shop, 1), 2'000);
  events = world.board.tick(World::at(2'000));
  REQUIRE(events.size() == 1);
  CHECK(events[0].before == LoadBoard::State::held);
  CHECK(events[0].after == LoadBoard::State::fresh);
}

TEST_CASE("a cluster that is asked and never answers is silent since it is asked", "[load_board]") {
  World world;
  world.pulled = {false, true};
  world.put();
  world.board.pulled(ClusterId(1), "connect: connection refused", Milliseconds(3), World::at(10));
  CHECK(world.board.tick(World::at(25)).empty());
  const auto events = world.board.tick(World::at(26));
  REQUIRE(events.size() == 1);
  CHECK(events[0].cluster == ClusterId(1));
  CHECK(events[0].reason == "no load was ever reported: connect: connection refused");
  const auto view = world.board.cluster(ClusterId(1), World::at(26).now);
  CHECK(view.pulls == 1);
  CHECK(view.failed_pulls == 1);
}

TEST_CASE("a reload keeps what is known of names that stay", "[load_board]") {
  World world(3);
  world.take(report("fra", copy, 42), 10);
  world.take(report("ams", copy, 43), 10);
  world.take(report("fra", shop, 1), 10);
  world.board.take_new({});
  auto next = std::make_shared<zones::Model>(*world.model);
  std::swap(next->topology.clusters[0], next->topology.clusters[1]);  // ams, fra
  next->services.erase(next->services.begin());                       // shop is gone
  for (zones::Service& service : next->services) {
    for (zones::Pool& pool : service.pools) pool.cluster = ClusterId(1 - pool.cluster.value);
    std::erase_if(service.pools,
                  [](const zones::Pool& pool) { return pool.cluster_name == "ams"; });
  }
  number(next->services);
  world.board.replace(std::make_shared<ServiceNames>(next), {1, 2}, {false, false}, {},
                      World::at(15));
  REQUIRE(world.fresh(0, 15).size() == 1);
  CHECK(world.fresh(0, 15)[0].load == 42);
  CHECK(world.fresh(0, 15)[0].cluster == ClusterId(1));
  CHECK(world.fresh(1, 15).empty());
  CHECK(world.board.is_heard(ClusterId(0), World::at(15).now));
  CHECK(world.board.take_new({}) == std::vector{ServiceId(0)});
}

TEST_CASE("the body of a report is read, and what is wrong named", "[load_board]") {
  const auto one = parse_load_reports(
      R"({"cluster": "fra", "service": "shop.svc.example.com.", "load": 123.4, "capacity": 900,
          "in_flight": 3, "by_locality": {"fra-a": 100, "ams-a": 23.4}, "at": "2026-11-22T08:15:00Z"})");
  REQUIRE(one);
  REQUIRE(one->size() == 1);
  CHECK(one->front().load == 123.4);
  CHECK(one->front().capacity == 900);
  CHECK(one->front().in_flight == 3);
  CHECK(one->front().by_locality.size() == 2);
  CHECK(rfc3339(*one->front().at) == "2026-11-22T08:15:00.000Z");

  const auto list = parse_load_reports(R"([{"cluster": "fra", "load": 1}, {"cluster": "ams",
    "service": "a.", "by_locality": {"x": 1, "y": 2}, "capacity": null}])");
  REQUIRE(list);
  CHECK(list->size() == 2);
  CHECK(list->back().load == 3);
  CHECK(parse_load_reports("[]")->empty());

  const std::vector<std::pair<const char*, const char*>> wrong{
      {"{", "the body is no JSON"},
      {"3", "the body: must be a JSON object, or a list of them"},
      {"[3]", "[0]: must be a JSON object, or a list of them"},
      {R"({"load": 1})", "cluster: needed"},
      {R"({"cluster": "fra"})", "load: needed, or by_locality"},
      {R"({"cluster": 3, "load": 1})", "cluster: must be a string"},
      {R"([{"cluster": "a", "load": 1}, {"cluster": "fra", "load": "much"}])",
       "[1].load: must be a number"},
      {R"({"cluster": "fra", "load": -1})", "load: must not be below 0"},
      {R"({"cluster": "fra", "load": 1e300})", "load: must not be above 1e15"},
      {R"({"cluster": "fra", "load": 1, "capacity": []})", "capacity: must be a number"},
      {R"({"cluster": "fra", "load": 1, "lode": 1})", "no member of this name belongs here: lode"},
      {R"({"cluster": "fra", "service": "a.", "load": 1, "by_locality": {"x": "y"}})",
       "by_locality.x: must be a number"},
      {R"({"cluster": "fra", "service": "a.", "load": 1, "by_locality": 3})",
       "by_locality: must be an object of names and loads"},
      {R"({"cluster": "fra", "load": 1, "by_locality": {"x": 1}})",
       "by_locality: only of one service"},
      {R"({"cluster": "fra", "load": 1, "in_flight": 1})", "in_flight: only of one service"},
      {R"({"cluster": "fra", "load": 1, "at": 5})",
       "at: must be a time such as 2026-11-22T08:15:00Z"},
  };
  for (const auto& [body, words] : wrong) {
    const auto read = parse_load_reports(body);
    INFO(body);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == ErrorCode::invalid);
    CHECK(read.error().message == words);
  }
  const auto zero =
      parse_load_reports(R"({"cluster": "fra", "load": 1, "at": "2026-11-22T08:15:00.5+00:00"})");
  REQUIRE(zero);
  CHECK(rfc3339(*zero->front().at) == "2026-11-22T08:15:00.500Z");
  const auto bad_time = parse_load_reports(R"({"cluster": "fra", "load": 1, "at": "noon"})");
  REQUIRE_FALSE(bad_time);
  CHECK(bad_time.error().message.starts_with("at: "));
}

TEST_CASE("a load is found by its JSON pointer, of the whole or by service", "[load_board]") {
  const std::string_view text =
      R"({"data": {"rps": 12.5, "a/b": [1, 2, "x"], "low": -1, "of": {"a.": 1, "b.": 2}}})";
  using Loads = std::vector<std::pair<std::string, double>>;
  CHECK(*loads_at(text, "/data/rps") == Loads{{"", 12.5}});
  CHECK(*loads_at(text, "/data/a~1b/1") == Loads{{"", 2}});
  CHECK(*loads_at("7", "") == Loads{{"", 7}});
  CHECK(*loads_at(text, "/data/of") == Loads{{"a.", 1}, {"b.", 2}});
  const std::vector<std::pair<const char*, const char*>> wrong{
      {"/data/rpm", "/data/rpm: nothing is there"},
      {"/data/a~1b/2", "/data/a~1b/2: must be a number"},
      {"/data/a~1b/9", "/data/a~1b/9: nothing is there"},
      {"/data/a~2b", "/data/a~2b: nothing is there"},
      {"/data/low", "/data/low: must not be below 0"},
      {"/data", "/data/a/b: must be a number"},
  };
  for (const auto& [pointer, words] : wrong) {
    INFO(pointer);
    REQUIRE_FALSE(loads_at(text, pointer));
    CHECK(loads_at(text, pointer).error().message == words);
  }
  CHECK(loads_at("rps 5", "/data").error().message == "the body is no JSON");
}

}  // namespace swingover::control
