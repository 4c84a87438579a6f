#include "server/control/metrics.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "tests/server/control/control_life.h"
#include "tests/server/control/what_if_world.h"

using namespace swingover;
using namespace swingover::control;
using health::Health;
using tests::Life;

namespace {

using Labels = std::set<std::string>;

struct Documented {
  std::string type;
  Labels labels;
};

/// The rows of docs/metrics.md: | `name{label,label}` | type | …
std::map<std::string, Documented> documented() {
  std::ifstream page(SWINGOVER_SOURCE_DIR "/docs/metrics.md");
  REQUIRE(page);
  std::map<std::string, Documented> all;
  const std::string start = "| `swingover_";
  for (std::string line; std::getline(page, line);) {
    if (!line.starts_with(start)) continue;
    const size_t end = line.find('`', 3);
    const std::string metric = line.substr(3, end - 3);
    const size_t brace = metric.find('{');
    Documented& row = all[metric.substr(0, brace)];
    const size_t type = end + 4;  // behind "` | "
    row.type = line.substr(type, line.find(' ', type) - type);
    if (brace == std::string::npos) continue;
    std::istringstream labels(metric.substr(brace + 1, metric.size() - brace - 2));
    for (std::string label; std::getline(labels, label, ',');) row.labels.insert(label);
  }
  return all;
}

/// By metric, the labels of its series in a page; no label value of these tests has a comma or a brace.
std::map<std::string, Labels> shown(const std::string& text) {
  std::map<std::string, Labels> all;
  std::set<std::string> histograms;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, what, name, type;
    if (line.starts_with("# TYPE ")) {
      words >> hash >> what >> name >> type;
      if (type == "histogram") histograms.insert(name);
    }
    if (line.starts_with("#")) continue;
    name = line.substr(0, line.find_first_of("{ "));
    for (const char* part : {"_bucket", "_sum", "_count"}) {
      if (!name.ends_with(part)) continue;
      const std::string whole = name.substr(0, name.size() - std::string(part).size());
      if (histograms.count(whole) > 0) name = whole;
    }
    Labels& labels = all[name];
    const size_t brace = line.find('{');
    if (brace == std::string::npos) continue;
    std::istringstream pairs(line.substr(brace + 1, line.find('}') - brace - 1));
    for (std::string pair; std::getline(pairs, pair, ',');) {
      const std::string label = pair.substr(0, pair.find('='));
      if (label != "le") labels.insert(label);
    }
  }
  return all;
}

bool has(const std::string& text, const std::string& line) {
  return text.find("\n" + line + "\n") != std::string::npos;
}
bool has_any(const std::string& text, const std::string& metric) {
  return text.find("\n" + metric + "{") != std::string::npos;
}

std::string page_of(const Life& life) {
  return metrics_text(collect_metrics(life.control, {}, {}));
}

const std::string of_fra = R"({service="shop.svc.example.test.",pool="fra",endpoint="192.0.2.1")";

}  // namespace

TEST_CASE("docs/metrics.md has every metric that can be shown, with its type, and no other",
          "[metrics]") {
  std::set<std::string> told;
  for (const auto& [name, row] : documented()) told.insert(name + " " + row.type);
  const std::vector<std::string> names = metric_names();
  CHECK(told == std::set<std::string>(names.begin(), names.end()));
  CHECK(told.size() == names.size());
}

TEST_CASE("docs/metrics.md has the labels of each metric", "[metrics]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  Life life(store, clock);
  MetricsPage page = collect_metrics(life.control, {}, {});
  page.monitors.emplace_back().monitor = "web";
  page.traffic.types[1] = 1;
  page.traffic.answers = [] {
    return std::vector<Traffic::Answers>{{"shop.svc.example.test.", "fra", 1}};
  };
  page.traffic.dropped.push_back({"proxy", 1});
  page.traffic.tls_handshakes.emplace_back("full", 1);
  page.monitors[0].duration_buckets.resize(health::probe_duration_bounds().size() + 1);
  page.load.lag_buckets.resize(health::probe_lag_bounds().size() + 1);
  page.endpoints[0] = {Health::up, health::Hold::flapping, KeptBy::brake, IntentKind::drain, true};
  page.clusters[0] = {Health::unknown, KeptBy::doubt, IntentKind::drain};
  page.reports.push_back({"beat", "cluster/fra", 0.5, 1});
  page.heard.emplace_back(0, clock.wall());
  page.loads.emplace_back().load = 5;
  page.load_sources.at(0).newest = clock.now();
  page.load_sources.at(0).is_pulled = true;
  page.serials.emplace_back("svc.example.test.", 1);
  page.old_answers.push_back({PoolId(0), 0.3});
  page.rules.emplace_back("two-sites", true);
  page.moved = 0.1;
  tests::WhatIfWorld steered(2);
  steered.add("s", {{'A', 100}, {'B', 100}}, 50);
  steered.begin();
  page.steering = steered.steering.inputs();
  WhatIf what_if = steered.what_if();
  page.n1 = std::make_shared<const N1Report>(n1_report(what_if, 1, {}));

  const std::map<std::string, Labels> found = shown(metrics_text(page));
  const std::map<std::string, Documented> told = documented();
  CHECK(found.size() == told.size());
  for (const auto& [name, row] : told) {
    INFO(name);
    REQUIRE(found.count(name) == 1);
    CHECK(found.at(name) == row.labels);
  }
}

TEST_CASE("an unknown endpoint or check is told from one that is down", "[metrics]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  Life life(store, clock);
  const std::string check =
      "swingover_check_not_up{monitor=\"web\",address=\"192.0.2.1\","
      "host=\"shop.svc.example.test\",health=";
  std::string text = page_of(life);
  CHECK(has(text, "swingover_endpoint_up" + of_fra + "} 0"));
  CHECK(has(text, "swingover_endpoint_unknown" + of_fra + "} 1"));
  CHECK(has(text, check + "\"unknown\"} 1"));
  CHECK(has(text, R"(swingover_checks{monitor="web",health="unknown"} 2)"));
  CHECK(has(text, R"(swingover_cluster_unknown{cluster="ams"} 1)"));

  life.all_up();
  text = page_of(life);
  for (const char* metric :
       {"endpoint_unknown", "endpoint_held", "endpoint_kept", "endpoint_overridden", "check_not_up",
        "cluster_kept", "cluster_overridden"}) {
    INFO(metric);
    CHECK_FALSE(has_any(text, "swingover_" + std::string(metric)));
  }
  CHECK(has(text, R"(swingover_checks{monitor="web",health="up"} 2)"));

  life.verdict("192.0.2.1", Health::down);
  text = page_of(life);
  CHECK(has(text, "swingover_endpoint_up" + of_fra + "} 0"));
  CHECK_FALSE(has_any(text, "swingover_endpoint_unknown"));
  CHECK(has(text, check + "\"down\"} 1"));
}

TEST_CASE("a check that is only observed, or worked out of others, has a state too", "[metrics]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  tests::SmallWorld world;
  world.service_monitors = {};
  world.service_observing = {"disk", "both"};
  world.more_monitors = {tests::SmallWorld::calculated("both", {"web", "db"})};
  const Life life(store, clock, world);
  const std::string text = page_of(life);
  for (const char* monitor : {"disk", "both", "web", "db"}) {
    INFO(monitor);
    CHECK(has(text,
              "swingover_checks{monitor=\"" + std::string(monitor) + "\",health=\"unknown\"} 2"));
  }
}

TEST_CASE("who overrides an endpoint, and who keeps it, has a series each", "[metrics]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  tests::SmallWorld world;
  world.brake.endpoints = Portion{0, false};
  Life life(store, clock, world);
  life.all_up();
  life.verdict("192.0.2.1", Health::down);
  std::string text = page_of(life);
  CHECK(has(text, "swingover_endpoint_kept" + of_fra + ",by=\"brake\"} 1"));
  CHECK(has(text, "swingover_brake_kept 1"));

  life.control.steer_brake({"release", "ada", "looked at it"}, [](const auto&) {});
  REQUIRE(life.loop.run_until([&] { return !life.control.brake().is_engaged(); }, 5'000));
  text = page_of(life);
  CHECK_FALSE(has_any(text, "swingover_endpoint_kept"));
  CHECK(has(text, R"(swingover_swings_total{service="shop.svc.example.test.",cause="brake"} 1)"));

  REQUIRE(life.set({"drain", "cluster/fra", "ada", "work", ""}));
  text = page_of(life);
  CHECK(has(text, "swingover_endpoint_overridden" + of_fra + ",intent=\"drain\"} 1"));
  CHECK(has(text, R"(swingover_cluster_overridden{cluster="fra",intent="drain"} 1)"));
}

TEST_CASE("swings are counted over a reload", "[metrics]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  Life life(store, clock);
  life.all_up();
  life.verdict("192.0.2.1", Health::down);
  const std::string swung =
      R"(swingover_swings_total{service="shop.svc.example.test.",cause="failover"} 1)";
  CHECK(has(page_of(life), swung));
  REQUIRE(life.reload().reloaded);
  CHECK(has(page_of(life), swung));
}

TEST_CASE("a push monitor shows when it was told last, load or no load", "[metrics]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  tests::SmallWorld world;
  world.service_monitors = {"beat"};
  world.more_monitors = {tests::SmallWorld::push("beat")};
  Life life(store, clock, world);
  CHECK_FALSE(has_any(page_of(life), "swingover_push_report_time_seconds"));
  REQUIRE(life.control.push({"beat", "192.0.2.1", {}, "up", {}, {}}));
  const std::string text = page_of(life);
  CHECK(text.find("swingover_push_report_time_seconds{monitor=\"beat\",from=\"192.0.2.1\"} ") !=
        std::string::npos);
  CHECK_FALSE(has_any(text, "swingover_reported_load"));
}
