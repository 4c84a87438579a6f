#include "server/swing_times.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

using namespace swingover;
using namespace swingover::server;
using health::MonitorKind;
using health::MonitorOptions;

namespace {

MonitorOptions monitor(MonitorKind kind = MonitorKind::http) {
  MonitorOptions options;
  options.kind = kind;
  options.interval = Milliseconds(1'000);
  options.timeout = Milliseconds(500);
  return options;
}

SwingTime time_of(const MonitorOptions& options, Fault fault, uint32_t ttl = 30,
                  uint32_t ttl_min = 5) {
  const auto found = detection(options, fault);
  REQUIRE(found);
  return swing_time(*found, Ttl(ttl), Ttl(ttl_min));
}

}  // namespace

TEST_CASE("answers move after the wait for a probe and those that confirm it", "[swing_times]") {
  // Interval 1 s, confirm interval 100 ms, fall 3; two hard failures 50 ms apart.
  CHECK(time_of(monitor(), Fault::refused).answers ==
        Delay{Milliseconds(550), Milliseconds(1'050)});
  CHECK(time_of(monitor(), Fault::error).answers == Delay{Milliseconds(700), Milliseconds(1'200)});
  CHECK(time_of(monitor(), Fault::silent).answers ==
        Delay{Milliseconds(1'200), Milliseconds(1'700)});
  CHECK(time_of(monitor(), Fault::back).answers == Delay{Milliseconds(600), Milliseconds(1'100)});

  SECTION("a watched connection tells at once, when there is one") {
    MonitorOptions watched = monitor();
    watched.watch = true;
    CHECK(time_of(watched, Fault::refused).answers.median == Milliseconds(20));
    CHECK(time_of(watched, Fault::refused).answers.worst ==
          time_of(monitor(), Fault::refused).answers.worst);
    CHECK(time_of(watched, Fault::error).answers.median == Milliseconds(700));
  }
  SECTION("a hold makes the return later, and a person as late as he likes") {
    MonitorOptions slow = monitor();
    slow.hold_up = Milliseconds(60'000);
    CHECK(time_of(slow, Fault::back).answers.worst == Milliseconds(61'100));
    slow.resume = health::Resume::by_hand;
    CHECK_FALSE(detection(slow, Fault::back));
  }
  SECTION("a connection alone sees no status") {
    CHECK_FALSE(detection(monitor(MonitorKind::tcp), Fault::error));
    CHECK(detection(monitor(MonitorKind::grpc), Fault::error));
  }
}

TEST_CASE("clients follow a TTL behind the first verdict, not behind the swing", "[swing_times]") {
  const SwingTime time = time_of(monitor(), Fault::error);
  // The last answer with the whole TTL was given just before the first failing probe.
  CHECK(time.clients.worst == Milliseconds(31'000));
  CHECK(time.clients.median.value > 14'000);
  CHECK(time.clients.median.value < 17'000);
  SECTION("where that is sooner than ttl_min behind the swing, that decides") {
    MonitorOptions slow = monitor();
    slow.hold_up = Milliseconds(60'000);
    CHECK(time_of(slow, Fault::back).clients.worst == Milliseconds(61'100 + 5'000));
  }
  SECTION("a TTL of 0 is followed at once") {
    const SwingTime at_once = time_of(monitor(), Fault::error, 0, 0);
    CHECK(at_once.clients.worst == at_once.answers.worst);
    CHECK(std::abs((at_once.clients.median - at_once.answers.median).value) <= 20);
  }
  SECTION("a TTL that is never above ttl_min does not count down") {
    CHECK(time_of(monitor(), Fault::error, 30, 30).clients.worst == Milliseconds(31'200));
  }
}

TEST_CASE("the examples of docs/health.md are what the check says", "[swing_times]") {
  const std::string page = [] {
    std::ifstream file(std::string(SWINGOVER_SOURCE_DIR) + "/docs/health.md");
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }();
  // A config in a toml fence, and behind it what `swingctl check` says of it in a console fence.
  const std::string around = R"(
[[zone]]
name = "svc.example.com."
file = "svc.example.com.zone"
[[cluster]]
name = "fra"
addresses = ["192.0.2.10"]
[[cluster]]
name = "ams"
addresses = ["198.51.100.10"]
)";
  size_t examples = 0;
  for (size_t at = page.find("```toml\n"); at != std::string::npos;
       at = page.find("```toml\n", at)) {
    at += 8;
    const size_t end = page.find("```", at);
    const std::string config_text = around + page.substr(at, end - at);
    const size_t said = page.find("```text\n", end);
    REQUIRE(said != std::string::npos);
    const std::string wanted = page.substr(said + 8, page.find("```", said + 8) - said - 8);
    const LoadedConfig loaded = parse_config("health.toml", config_text);
    INFO(loaded.problems);
    REQUIRE(loaded.config);
    CHECK(swing_times_text(*loaded.config) == wanted);
    ++examples;
  }
  CHECK(examples >= 3);
}
