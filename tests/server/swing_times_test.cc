#include "server/swing_times.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <map>
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

// Monitors named by how often they look. Each is confirmed within a tenth of its interval: fall 2, and rise 2.
const std::string monitors_of_all_kinds = [] {
  std::string text = R"(
[[zone]]
name = "svc.example.com."
file = "svc.example.com.zone"
)";
  for (const std::string interval : {"1s", "10s", "100s"}) {
    text += "[[monitor]]\nname = \"each" + interval + "\"\nport = 80\nfall = 2\ninterval = \"" +
            interval + "\"\n";
  }
  return text + R"(
[[monitor]]
name = "by-hand"
port = 80
resume = "manual"
[[monitor]]
name = "warms-up"
port = 80
hold_up = "200s"
[[monitor]]
name = "beat"
kind = "push"
deadline = "15s"
)";
}();

const std::string two_clusters = R"(
[[cluster]]
name = "fra"
addresses = ["192.0.2.10"]
[[cluster]]
name = "ams"
addresses = ["198.51.100.10"]
)";

/// With one pool in each; where they say nothing else, at the cluster's address.
std::string service(const std::string& keys, const std::string& fra = "",
                    const std::string& ams = "") {
  return "[[service]]\nname = \"shop.svc.example.com.\"\n" + keys +
         "\n[[service.pool]]\ncluster = \"fra\"\n" + fra +
         "\n[[service.pool]]\ncluster = \"ams\"\npriority = 2\n" + ams + "\n";
}

/// What stands behind each fault, without the spaces: "6.0 s 11 s 21 s 40 s"; of that service alone, if one is named.
std::map<std::string, std::string> rows(const std::string& config_text,
                                        const std::string& of_service = "") {
  const LoadedConfig loaded = parse_config("swing.toml", monitors_of_all_kinds + config_text);
  INFO(loaded.problems);
  REQUIRE(loaded.config);
  std::map<std::string, std::string> rows;
  const std::string text = swing_times_text(*loaded.config);
  const size_t begin = of_service.empty() ? 0 : text.find("\n" + of_service + "\n");
  REQUIRE(begin != std::string::npos);
  std::istringstream lines(text.substr(begin));
  size_t services = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!of_service.empty() && !line.empty() && line[0] != ' ' && ++services > 1) break;
    std::istringstream words(line);
    std::string fault;
    words >> fault;
    std::string& rest = rows[fault];
    for (std::string word; words >> word;) rest += (rest.empty() ? "" : " ") + word;
  }
  return rows;
}

/// The bound of the answers alone.
std::string worst(const std::string& row) {
  std::istringstream words(row);
  std::string word, unit, bound, bound_unit;
  words >> word >> unit >> bound >> bound_unit;
  return bound + " " + bound_unit;
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
  SECTION("nor that a process hangs, as the kernel takes it, and a ping as little") {
    CHECK_FALSE(detection(monitor(MonitorKind::tcp), Fault::silent));
    CHECK_FALSE(detection(monitor(MonitorKind::icmp), Fault::silent));
    CHECK(detection(monitor(MonitorKind::tls), Fault::silent));
    CHECK(detection(monitor(MonitorKind::tcp), Fault::gone));
    CHECK(detection(monitor(MonitorKind::icmp), Fault::gone));
  }
  SECTION("where one failure is enough, one refusal is") {
    MonitorOptions quick = monitor();
    quick.fall = 1;
    CHECK(time_of(quick, Fault::refused).answers.worst == Milliseconds(1'000));
  }
  SECTION("a command that hangs is confirmed by one that hangs as long behind it") {
    const MonitorOptions command = monitor(MonitorKind::exec);
    CHECK(time_of(command, Fault::silent).answers.worst == Milliseconds(1'000 + 3 * 500));
  }
}

TEST_CASE("keep-alives of a watched connection find a host that is gone", "[swing_times]") {
  MonitorOptions watched = monitor();
  watched.interval = Milliseconds(600'000);
  const Delay probed = time_of(watched, Fault::gone).answers;
  CHECK(probed.median > Milliseconds(300'000));
  watched.watch = true;
  // Within the ten seconds to the next keep-alive and two more; then probes 20 ms apart, each with its timeout.
  CHECK(time_of(watched, Fault::gone).answers == Delay{Milliseconds(7'540), probed.worst});
  // One that hangs answers them: its host does.
  CHECK(time_of(watched, Fault::silent).answers == probed);
  SECTION("where probes are as quick, they do") {
    watched.interval = Milliseconds(1'000);
    CHECK(time_of(watched, Fault::gone).answers.median == Milliseconds(1'200));
  }
}

TEST_CASE("who reports is gone at the deadline, which is seen coming from half of it on",
          "[swing_times]") {
  MonitorOptions push = monitor(MonitorKind::push);
  push.deadline = Milliseconds(30'000);
  push.fall = 1;
  const SwingTime gone = time_of(push, Fault::gone);
  CHECK(gone.answers.worst == Milliseconds(30'000));
  CHECK(gone.clients.worst == Milliseconds(15'000 + 30'000));
  CHECK(time_of(push, Fault::error).answers.worst == Milliseconds(30'000));
  push.fall = 3;
  CHECK(time_of(push, Fault::gone).answers.worst == Milliseconds(90'000));
}

TEST_CASE("the first critical monitor that fails decides, and the last one that is back",
          "[swing_times]") {
  const auto got = rows(two_clusters + service(R"(monitors = ["each1s", "each10s"])"));
  CHECK(worst(got.at("error")) == "1.1 s");
  CHECK(worst(got.at("back")) == "11 s");
  SECTION("and both the sooner, the more of them look") {
    const auto alone = rows(two_clusters + service(R"(monitors = ["each10s"])"));
    const auto three = rows(two_clusters + service(R"(monitors = ["each10s", "warms-up"])"));
    CHECK(alone.at("error").substr(0, 5) == "6.0 s");
    CHECK(three.at("error").substr(0, 5) == "2.9 s");  // the median of the sooner of two
  }
}

TEST_CASE("of votes the one that completes the majority decides", "[swing_times]") {
  const auto three =
      rows(two_clusters + service(R"(voting_monitors = ["each1s", "each10s", "each100s"])"));
  CHECK(worst(three.at("error")) == "11 s");
  CHECK(worst(three.at("back")) == "11 s");
  const auto two = rows(two_clusters + service(R"(voting_monitors = ["each1s", "each100s"])"));
  CHECK(worst(two.at("error")) == "110 s");  // one of two is no majority
  CHECK(worst(two.at("back")) == "1.1 s");   // and nor is it any more
  SECTION("critical ones beside them decide alone") {
    const auto both = rows(two_clusters + service(R"(monitors = ["each100s"]
voting_monitors = ["each1s", "each10s"])"));
    CHECK(worst(both.at("error")) == "11 s");
    CHECK(worst(both.at("back")) == "110 s");
    const auto slow = rows(two_clusters + service(R"(monitors = ["each1s"]
voting_monitors = ["warms-up"])"));
    CHECK(worst(slow.at("back")) == "206 s");
  }
  SECTION("until enough see a fault at all nobody swings") {
    const auto blind = rows(two_clusters + R"([[monitor]]
name = "ping"
kind = "icmp"
)" + service(R"(voting_monitors = ["each1s", "ping"])"));
    CHECK(blind.at("error") == "not seen by any monitor of it");
    CHECK(worst(blind.at("gone")) == "7.0 s");
  }
}

TEST_CASE("a service may hang on its clusters' monitors alone", "[swing_times]") {
  const auto cluster = [](const std::string& keys) {
    return "[[cluster]]\nname = \"fra\"\naddresses = [\"192.0.2.10\"]\n" + keys +
           "\n[[cluster]]\nname = \"ams\"\naddresses = [\"198.51.100.10\"]\n" + keys + "\n";
  };
  const auto critical = rows(cluster(R"(monitors = ["each10s"])") + service(""));
  CHECK(worst(critical.at("error")) == "11 s");
  const auto votes = rows(cluster(R"(voting_monitors = ["each1s", "each10s"])") + service(""));
  CHECK(worst(votes.at("error")) == "11 s");
  CHECK(worst(votes.at("back")) == "1.1 s");

  SECTION("beside its own they see the endpoints at the cluster's addresses") {
    const std::string own = R"(monitors = ["each100s"])";
    const auto there = rows(cluster(R"(monitors = ["each1s"])") + service(own));
    CHECK(worst(there.at("error")) == "1.1 s");
    const auto elsewhere =
        rows(cluster(R"(monitors = ["each1s"])") +
             service(own, R"(endpoints = ["192.0.2.80"])", R"(endpoints = ["192.0.2.81"])"));
    CHECK(worst(elsewhere.at("error")) == "110 s");
    const auto reported = rows(cluster(R"(monitors = ["beat"])") + service(own));
    CHECK(worst(reported.at("error")) == "110 s");
  }
  SECTION("the way back waits for the cluster's, however many a service has of its own") {
    const std::string own = R"(monitors = ["each1s"])";
    CHECK(worst(rows(cluster(R"(monitors = ["each10s"])") + service(own)).at("back")) == "11 s");
    CHECK(worst(rows(cluster(R"(monitors = ["warms-up"])") + service(own)).at("back")) == "206 s");
    CHECK(rows(cluster(R"(monitors = ["by-hand"])") + service(own)).at("back") ==
          "when a person lets it: swingctl resume");
  }
  SECTION("one that is up at any address is up: all of them must fail") {
    const auto wide = rows(R"([[cluster]]
name = "fra"
addresses = ["192.0.2.10", "192.0.2.11", "192.0.2.12"]
monitors = ["each10s"]
[[cluster]]
name = "ams"
)" + service("", R"(endpoints = ["192.0.2.80"])", R"(endpoints = ["192.0.2.81"])"));
    // The median of the last of three is four fifths of the interval.
    CHECK(wide.at("error").substr(0, 10) == "9.0 s 11 s");
    CHECK(wide.at("error").ends_with("not seen in ams"));
  }
}

TEST_CASE("the slowest pool stands for the service, and those without a word are named",
          "[swing_times]") {
  const auto got = rows(two_clusters + R"(
[[service]]
name = "shop.svc.example.com."
[[service.pool]]
cluster = "fra"
monitors = ["each1s"]
[[service.pool]]
cluster = "ams"
monitors = ["each10s", "by-hand"]
)");
  CHECK(worst(got.at("refused")) == "5.1 s");
  CHECK(got.at("back").ends_with("by a person in ams"));
  CHECK(worst(got.at("back")) == "1.1 s");
  SECTION("with no monitor anywhere nothing ever happens by itself") {
    CHECK(rows(two_clusters + service("")).at("no") == "monitor looks: people alone swing it");
  }
}

TEST_CASE("a calculated monitor fails with the child that leaves too few", "[swing_times]") {
  const auto of = [](const std::string& keys) {
    return rows(two_clusters + R"([[monitor]]
name = "sum"
kind = "calculated"
of = ["each1s", "each10s", "each100s"]
)" + keys + "\n" +
                service(R"(monitors = ["sum"])"));
  };
  CHECK(worst(of("").at("error")) == "1.1 s");
  CHECK(worst(of("").at("back")) == "110 s");
  CHECK(worst(of(R"(need = "any")").at("error")) == "110 s");
  CHECK(worst(of(R"(need = "any")").at("back")) == "1.1 s");
  CHECK(worst(of("need = 2").at("error")) == "11 s");
  CHECK(worst(of("need = 2").at("back")) == "11 s");
  SECTION("an inverted one fails for no fault, and is back when its children fail") {
    CHECK(of("inverted = true").at("error") == "not seen by any monitor of it");
    CHECK(worst(of("inverted = true").at("back")) == "2.1 s");  // each1s, silent for its timeout
    const auto beside = rows(two_clusters + R"([[monitor]]
name = "open"
kind = "calculated"
of = ["each1s"]
inverted = true
)" + service(R"(monitors = ["open", "each10s"])"));
    CHECK(worst(beside.at("error")) == "11 s");
  }
  SECTION("twice inverted is not inverted") {
    const auto twice = rows(two_clusters + R"([[monitor]]
name = "not"
kind = "calculated"
of = ["each10s"]
inverted = true
[[monitor]]
name = "so"
kind = "calculated"
of = ["not"]
inverted = true
)" + service(R"(monitors = ["so"])"));
    CHECK(worst(twice.at("error")) == "11 s");
    CHECK(worst(twice.at("back")) == "11 s");
  }
}

TEST_CASE("a service of services goes with what its targets hang on", "[swing_times]") {
  const auto got = [](const std::string& inner_keys, const std::string& outer_keys = "") {
    const std::string inner = R"(
[[service]]
name = "inner.svc.example.com."
[[service.pool]]
cluster = "fra"
)" + inner_keys + R"([[service.pool]]
cluster = "ams"
monitors = ["each10s"]
)";
    const std::string outer = R"([[service]]
name = "shop.svc.example.com."
)" + outer_keys + R"([[service.pool]]
cluster = "fra"
endpoints = ["inner.svc.example.com."]
)";
    return rows(two_clusters + inner + outer, "shop.svc.example.com.");
  };
  const auto plain = got("monitors = [\"each1s\"]\n");
  CHECK(worst(plain.at("error")) == "11 s");  // with its last pool
  CHECK(worst(plain.at("back")) == "1.1 s");  // with its first one

  SECTION("what never goes down inside keeps it up") {
    CHECK(got("").at("error") == "not seen by any monitor of it");
  }
  SECTION("and with its own monitors") {
    const auto own = got("monitors = [\"each1s\"]\n", "monitors = [\"each1s\"]\n");
    CHECK(worst(own.at("error")) == "1.1 s");
  }
  SECTION("nothing looks where nothing looks inside either") {
    CHECK(rows(two_clusters + R"(
[[service]]
name = "inner.svc.example.com."
[[service.pool]]
cluster = "fra"
[[service]]
name = "shop.svc.example.com."
[[service.pool]]
cluster = "fra"
endpoints = ["inner.svc.example.com."]
)")
              .at("no") == "monitor looks: people alone swing it");
  }
}

TEST_CASE("the way back of a service within capacity waits, and goes in steps", "[swing_times]") {
  const auto back = [](const std::string& keys, const std::string& capacity = "capacity = 10\n",
                       const std::string& more = "") {
    return rows(two_clusters +
                service("monitors = [\"each1s\"]\nttl = \"30s\"\n" + keys, capacity, capacity) +
                more)
        .at("back");
  };
  const std::string plain = back("", "");
  CHECK(worst(plain) == "1.1 s");
  CHECK(plain.find("first") == std::string::npos);
  CHECK(back("failback = \"at_once\"\n") == plain);
  CHECK(back("") == plain + " first 10 %, all 120 s later");
  CHECK(back("", "capacity = 10\n", "[steering]\nramp = \"0s\"\n") == plain);
  const std::string held = back("failback = \"hold\"\nfailback_hold = \"5m\"\n");
  CHECK(worst(held) == "301 s");
  CHECK(held.ends_with("after failback_hold of 300 s; first 10 %, all 120 s later"));
  CHECK(back("failback = \"manual\"\n") ==
        "when a person lets it: swingctl resume; first 10 %, all 120 s later");

  SECTION("of capacities that services share, with the most cautious of them") {
    const std::string shared = R"(
[[cluster]]
name = "fra"
addresses = ["192.0.2.10"]
capacity = 10
[[cluster]]
name = "ams"
addresses = ["198.51.100.10"]
capacity = 10
[[service]]
name = "other.svc.example.com."
monitors = ["each1s"]
failback = "manual"
[[service.pool]]
cluster = "ams"
)";
    const auto got =
        rows(shared + service("monitors = [\"each1s\"]\nttl = \"30s\"\n"), "shop.svc.example.com.");
    CHECK(got.at("back").find("by a person in ams") != std::string::npos);
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
