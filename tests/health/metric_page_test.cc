#include "health/metric_page.h"

#include <catch2/catch.hpp>
#include <set>

#include "base/random.h"

namespace swingover::health {
namespace {

constexpr std::string_view page = R"(# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{service="shop.example.",code="200"} 1027 1395066363000
requests_total{service="shop.example.",code="500"} 3
requests_total{ code = "200" , service="a\"b\\c\nd", } 1.5e2
requests_total 7
# TYPE requests_total_in_flight gauge
requests_total_in_flight{service="shop.example."} 99
in_flight{service="x"} NaN
in_flight{service="y"} +4 # {trace_id="1"} 0.5
# TYPE depth_total gauge
depth_total 5
broken{a=b} 1
empty
less -1
endless +Inf
)";

MetricSamples read(const char* selector) {
  const auto parsed = parse_metric_selector(selector);
  REQUIRE(parsed);
  auto samples = read_metric(page, *parsed);
  INFO(selector);
  REQUIRE(samples);
  return *samples;
}
std::string problem(const char* selector) {
  const auto samples = read_metric(page, *parse_metric_selector(selector));
  return samples ? "" : samples.error().message;
}

}  // namespace

TEST_CASE("samples of the metric are read with their service, and no others", "[metric_page]") {
  const MetricSamples all = read("requests_total");
  CHECK(all.is_counter);
  REQUIRE(all.samples.size() == 4);
  CHECK(all.samples[0].service == "shop.example.");
  CHECK(all.samples[0].value == 1027);
  CHECK(all.samples[2].service == "a\"b\\c\nd");
  CHECK(all.samples[2].value == 150);
  CHECK(all.samples[3].service.empty());
  std::set<uint64_t> series;
  for (const MetricSample& sample : all.samples) series.insert(sample.series);
  CHECK(series.size() == 4);

  CHECK(read(R"(requests_total{code="500"})").samples.size() == 1);
  CHECK(read(R"(requests_total{code="200",service="shop.example."})").samples.size() == 1);
}

TEST_CASE("a metric is a counter by its TYPE, else by its name", "[metric_page]") {
  CHECK_FALSE(read("depth_total").is_counter);
  CHECK_FALSE(read("requests_total_in_flight").is_counter);
  CHECK_FALSE(read("in_flight").is_counter);
  CHECK(read_metric("x_count 1\n", {"x_count", {}})->is_counter);
}

TEST_CASE("NaN counts as absent, and what follows a value is passed over", "[metric_page]") {
  const MetricSamples samples = read("in_flight");
  REQUIRE(samples.samples.size() == 1);
  CHECK(samples.samples[0].service == "y");
  CHECK(samples.samples[0].value == 4);
}

TEST_CASE("what is wrong with a page is said with its line", "[metric_page]") {
  CHECK(problem("nothing") == "the page has no nothing");
  CHECK(problem(R"(requests_total{code="404"})") ==
        "the page has no requests_total with these labels");
  CHECK(problem("broken") == "line 13: not a sample of broken");
  CHECK(problem("empty") == "line 14: no number behind empty");
  CHECK(problem("less") == "line 15: less is no amount");
  CHECK(problem("endless") == "line 16: endless is no amount");
}

TEST_CASE("a selector is a name and labels", "[metric_page]") {
  const auto selector = parse_metric_selector(R"( a:b_1 {x="1", y="\"" } )");
  REQUIRE(selector);
  CHECK(selector->name == "a:b_1");
  CHECK(selector->labels ==
        std::vector<std::pair<std::string, std::string>>{{"x", "1"}, {"y", "\""}});
  for (const char* wrong : {"", "1a", "a b", "a{", "a{x}", "a{x=1}", "a{x=\"1\"", "{}", "a{}b"}) {
    INFO(wrong);
    CHECK_FALSE(parse_metric_selector(wrong));
  }
}

TEST_CASE("a page mangled at random is read or refused, and nothing worse", "[metric_page]") {
  Random random(7);
  size_t refused = 0;
  for (int round = 0; round < 3'000; ++round) {
    std::string text(page);
    for (uint64_t edits = 1 + random.below(8); edits > 0; --edits)
      text[random.below(text.size())] = static_cast<char>(random.below(256));
    const auto samples = read_metric(text, {"requests_total", {}});
    if (!samples) ++refused;
    if (samples) CHECK(samples->samples.size() <= 5);
  }
  CHECK(refused > 0);
  CHECK(refused < 3'000);
}

}  // namespace swingover::health
