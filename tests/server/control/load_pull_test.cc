#include "server/control/load_pull.h"

#include <catch2/catch.hpp>

#include "tests/server/control/control_life.h"

namespace swingover::control {
namespace {

constexpr Milliseconds gap_max{25'000};

constexpr MonotonicTime at_second(int64_t second) {
  return {second * 1'000'000'000};
}

LoadPage page_of(const char* metric, const char* text) {
  zones::LoadSource source;
  source.metric = metric;
  return read_load_page(source, text);
}

}  // namespace

TEST_CASE("gauges are loads as they are, summed by service", "[load_pull]") {
  PulledLoads loads;
  const LoadPage page = page_of("in_flight",
                                "in_flight{service=\"a.\",pod=\"1\"} 3\n"
                                "in_flight{service=\"a.\",pod=\"2\"} 4\n"
                                "in_flight{service=\"b.\"} 5\nin_flight 6\n");
  CHECK(page.problem.empty());
  const auto reports = loads.reports("fra", page, at_second(1), {1}, gap_max);
  REQUIRE(reports.size() == 3);
  CHECK(reports[0].service.empty());
  CHECK(reports[0].load == 6);
  CHECK(reports[1].service == "a.");
  CHECK(reports[1].load == 7);
  CHECK(reports[1].cluster == "fra");
  CHECK(reports[1].at == WallTime{1});
}

TEST_CASE("counters become rates between two pulls", "[load_pull]") {
  PulledLoads loads;
  const char* first =
      "r_total{service=\"a.\",pod=\"1\"} 1000\nr_total{service=\"a.\",pod=\"2\"} 50\n";
  CHECK(loads.reports("fra", page_of("r_total", first), at_second(10), {}, gap_max).empty());
  const char* second =
      "r_total{service=\"a.\",pod=\"1\"} 1600\nr_total{service=\"a.\",pod=\"2\"} 80\n";
  auto reports = loads.reports("fra", page_of("r_total", second), at_second(20), {}, gap_max);
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].load == Approx(63));

  SECTION("one that fell began anew, a new series waits for its second sample") {
    const char* third =
        "r_total{service=\"a.\",pod=\"1\"} 100\nr_total{service=\"a.\",pod=\"2\"} 180\n"
        "r_total{service=\"a.\",pod=\"3\"} 9999\n";
    reports = loads.reports("fra", page_of("r_total", third), at_second(30), {}, gap_max);
    REQUIRE(reports.size() == 1);
    CHECK(reports[0].load == Approx(20));
  }
  SECTION("clusters do not mix, and who is not asked any more is forgotten") {
    CHECK(loads.reports("ams", page_of("r_total", second), at_second(21), {}, gap_max).empty());
    loads.keep({});
    CHECK(loads.reports("fra", page_of("r_total", second), at_second(30), {}, gap_max).empty());
  }
  SECTION("over a long gap they are no rate of now, and the page after it has one again") {
    CHECK(loads.reports("fra", page_of("r_total", second), at_second(46), {}, gap_max).empty());
    const char* third =
        "r_total{service=\"a.\",pod=\"1\"} 2600\nr_total{service=\"a.\",pod=\"2\"} 80\n";
    reports = loads.reports("fra", page_of("r_total", third), at_second(71), {}, gap_max);
    REQUIRE(reports.size() == 1);
    CHECK(reports[0].load == Approx(40));
  }
  SECTION("two pages of one instant are no rate") {
    CHECK(loads.reports("fra", page_of("r_total", second), at_second(20), {}, gap_max).empty());
  }
}

TEST_CASE("a page that says nothing says why", "[load_pull]") {
  CHECK(page_of("r_total", "other 5\n").problem == "the page has no r_total");
  zones::LoadSource json;
  json.json = "/rps";
  CHECK(read_load_page(json, "{}").problem == "/rps: nothing is there");
  PulledLoads loads;
  const auto reports = loads.reports("fra", read_load_page(json, R"({"rps": {"a.": 1, "b.": 2}})"),
                                     at_second(1), {}, gap_max);
  REQUIRE(reports.size() == 2);
  CHECK(reports[1].service == "b.");
}

TEST_CASE("each cluster with a load_url is pulled", "[load_pull]") {
  zones::Topology topology;
  topology.clusters.resize(2);
  topology.clusters[0].name = "fra";
  topology.clusters[1].name = "ams";
  topology.clusters[1].load = {.url = "https://lb.ams.example:9443/metrics?a=b",
                               .metric = "r_total",
                               .json = {},
                               .interval = Milliseconds(2'000),
                               .tls_ca_file = "ca.pem"};
  const auto pulls = load_pulls(topology);
  REQUIRE(pulls.size() == 1);
  CHECK(pulls[0].name == "ams");
  CHECK(pulls[0].interval == Milliseconds(2'000));
  CHECK(pulls[0].request.timeout == Milliseconds(2'000));
  CHECK(pulls[0].request.url.port == 9'443);
  CHECK(pulls[0].request.url.path == "/metrics?a=b");
  CHECK(pulls[0].request.tls.ca_file == "ca.pem");
}

TEST_CASE("what was pulled is on the board, and so is why it could not be", "[load_pull]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  tests::SmallWorld world;
  world.fra_load = {
      .url = "http://192.0.2.9/load", .metric = {}, .json = "/rps", .tls_ca_file = {}};
  world.offloads_at_once = true;
  tests::Life life(store, clock, world);
  life.control.on_pulled({"fra", {.problem = {}, .body = R"({"rps": 70})"}, clock.now()});
  life.control.loads().take_new({});
  const auto loads = life.control.loads().fresh(ServiceId(0), clock.now());
  REQUIRE(loads.size() == 1);
  CHECK(loads[0].load == 70);

  life.control.on_pulled({"fra", {.problem = "connect: connection refused", .body = {}}, {}});
  auto view = life.control.loads().cluster(ClusterId(0), clock.now());
  CHECK(view.pulls == 2);
  CHECK(view.failed_pulls == 1);
  CHECK(view.pull_problem == "connect: connection refused");
  CHECK(view.state == LoadBoard::State::fresh);

  life.control.on_pulled({"fra", {.problem = {}, .body = "<html>"}, clock.now()});
  CHECK(life.control.loads().cluster(ClusterId(0), clock.now()).pull_problem ==
        "the body is no JSON");
  const std::string strange = R"({"rps": {"strange.example.": 1}})";
  life.control.on_pulled({"fra", {.problem = {}, .body = strange}, clock.now()});
  CHECK(life.control.loads().cluster(ClusterId(0), clock.now()).pull_problem ==
        "no service of this name: strange.example.");
  life.control.on_pulled({"ams", {.problem = "x", .body = {}}, {}});  // nobody asks it
  CHECK(life.control.loads().cluster(ClusterId(1), clock.now()).pulls == 0);
}

}  // namespace swingover::control
