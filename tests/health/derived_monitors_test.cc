#include "health/derived_monitors.h"

#include <catch2/catch.hpp>

#include "base/random.h"
#include "health/monitor_file.h"
#include "tests/support/problems.h"

using namespace swingover;
using namespace swingover::health;

namespace {

std::vector<std::string> problems_of(const std::string& text,
                                     std::vector<MonitorOptions>* parsed = nullptr) {
  Diagnostics diagnostics("t.toml", text);
  const TomlDocument document = parse_toml(text, diagnostics);
  std::vector<MonitorOptions> monitors = parse_monitors(document, diagnostics);
  if (parsed) *parsed = std::move(monitors);
  return tests::listed(diagnostics);
}

using Problems = std::vector<std::string>;

const std::string web = "[[monitor]]\nname = \"web\"\n";

std::string site(const std::string& keys) {
  return web + "[[monitor]]\nname = \"site\"\nkind = \"calculated\"\n" + keys + "\n";
}

}  // namespace

TEST_CASE("what is calculated is known exactly when no unknown child could change it",
          "[derived_monitors]") {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    Random random(seed);
    MonitorOptions monitor;
    monitor.inverted = random.below(2) == 0;
    Tally now;
    Tally worst;
    Tally best;
    const uint64_t count = 1 + random.below(5);
    for (uint64_t i = 0; i < count; ++i) {
      const auto child = static_cast<Health>(random.below(3));
      now.add(child);
      worst.add(child == Health::unknown ? Health::down : child);
      best.add(child == Health::unknown ? Health::up : child);
    }
    monitor.need.portion = {static_cast<uint32_t>(1 + random.below(count)), false};
    const Health at_worst = calculated(monitor, worst);
    const Health at_best = calculated(monitor, best);
    INFO("seed " << seed);
    CHECK(calculated(monitor, now) == (at_worst == at_best ? at_worst : Health::unknown));
    CHECK((at_best == Health::up) == ((best.up >= monitor.need.portion.value) != monitor.inverted));
  }
}

TEST_CASE("a calculated monitor says of what, and how many of it", "[derived_monitors]") {
  std::vector<MonitorOptions> monitors;
  CHECK(problems_of(site("of = [\"web\"]\nneed = \"50%\"\ninverted = true"), &monitors).empty());
  REQUIRE(monitors.size() == 2);
  CHECK(monitors[1].need.portion == Portion{50, true});
  CHECK(problems_of(site("of = [\"web\"]\nneed = \"any\"")).empty());
  CHECK(problems_of(site("of = [\"web\"]\nneed = \"all\"")).empty());
  CHECK(problems_of(site("")) ==
        Problems{R"(3:1: [[monitor]] of the kind "calculated" needs the key "of")"});
  CHECK(problems_of(site("of = [\"wob\"]")) ==
        Problems{R"(6:7: no [[monitor]] is named "wob"; did you mean "web"?)"});
  CHECK(problems_of(site("of = [\"web\"]\nneed = 2")) ==
        Problems{R"(7:8: "need" can never be reached: "of" holds 1 monitors)"});
  CHECK(problems_of(site("of = [\"web\"]\nneed = \"most\"")) ==
        Problems{R"(7:8: "need" must be "all", "any", a count such as 2, or "50%", not "most")"});
  CHECK(
      problems_of(site("of = [\"web\"]\nfall = 2")) ==
      Problems{
          R"(7:1: "fall" means nothing to a monitor of the kind "calculated", which is what its children are, at once)"});
}

TEST_CASE("what is calculated of itself is refused where it closes the circle",
          "[derived_monitors]") {
  CHECK(problems_of(site("of = [\"web\", \"site\"]")) ==
        Problems{R"(6:14: the monitor "site" is calculated of itself: site of site)"});
  const std::string circle =
      site("of = [\"pair\"]") +
      "[[monitor]]\nname = \"pair\"\nkind = \"calculated\"\nof = [\"web\", \"site\"]\n";
  CHECK(problems_of(circle) ==
        Problems{R"(6:7: the monitor "pair" is calculated of itself: pair of site of pair)"});
}

TEST_CASE("a push monitor is told, once each deadline", "[derived_monitors]") {
  std::vector<MonitorOptions> monitors;
  const std::string beat = "[[monitor]]\nname = \"beat\"\nkind = \"push\"\n";
  CHECK(problems_of(beat + "deadline = \"10s\"\n", &monitors).empty());
  REQUIRE(monitors.size() == 1);
  CHECK(monitors[0].rise == 1);
  CHECK(monitors[0].fall == 1);
  CHECK(monitors[0].deadline == Milliseconds(10'000));
  CHECK(
      problems_of(beat + "interval = \"10s\"\n") ==
      Problems{
          R"(4:1: "interval" means nothing to a monitor of the kind "push", which is told, and looks at nothing)"});
  CHECK(problems_of(web + "deadline = \"10s\"\n").size() == 1);
}
