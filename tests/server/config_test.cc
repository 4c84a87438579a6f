#include "server/config.h"

#include <unistd.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "base/random.h"
#include "health/monitor_file.h"
#include "tests/support/config_text.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tls_files.h"

using namespace swingover;
using server::parse_config;
using tests::changed;
using tests::good_config;

namespace {

/// As messages name them all.
std::string kinds_text() {
  std::string kinds;
  for (const auto& row : OptionWords<health::MonitorKind>::words) {
    kinds += (kinds.empty() ? "\"" : ", \"") + std::string(row.word) + '"';
  }
  return kinds;
}

std::vector<std::string> problems_of(std::string_view text) {
  const auto loaded = parse_config("t.toml", text);
  const auto lines = tests::headlines(loaded.problems, "t.toml");
  bool any_error = false;
  for (const std::string& line : lines) any_error |= line.find(": error: ") != std::string::npos;
  CHECK(loaded.config.has_value() == !any_error);
  return lines;
}

/// The one problem of the good config with `old` replaced.
std::string problem_of(std::string_view old, std::string_view by) {
  const auto lines = problems_of(changed(good_config, old, by));
  INFO(parse_config("t.toml", changed(good_config, old, by)).problems);
  REQUIRE(lines.size() == 1);
  return lines.front();
}

/// The one problem of the good config with `section` in front, where its lines count from 1.
std::string problem_before(std::string_view section) {
  return problem_of("[[zone]]", std::string(section) + "[[zone]]");
}

std::string source_file(const std::string& path) {
  return std::string(SWINGOVER_SOURCE_DIR) + "/" + path;
}

}  // namespace

TEST_CASE("the config of the description loads, with every value in its place", "[config]") {
  const tests::TemporaryFolder folder;  // it holds a secret, which nobody else may read
  folder.write("contract.toml", *read_file(source_file("tests/server/contract.toml")));
  using std::filesystem::perms;
  std::filesystem::permissions(folder.file("contract.toml"), perms::owner_read);
  const auto loaded = server::load_config(folder.file("contract.toml"));
  INFO(loaded.problems);
  REQUIRE(loaded.config);
  CHECK(loaded.problems.empty());
  const server::Config& config = *loaded.config;
  CHECK(config.server.listen.size() == 2);
  CHECK(config.server.identity == "edge-fra-1");
  CHECK(config.zones.at(0).file == "svc.example.com.zone");
  CHECK(config.zones.at(0).transfer_view == zones::TransferView::primary);
  REQUIRE(config.zones.at(0).secondaries.size() == 1);
  const zones::Secondary& secondary = config.zones.at(0).secondaries[0];
  CHECK(secondary.address.text() == "192.0.2.53:53");
  CHECK(secondary.key == *zones::parse_name("XFR.example.com."));
  CHECK(secondary.notify);
  REQUIRE(config.tsig_keys.size() == 1);
  CHECK(config.tsig_keys[0].algorithm() == zones::TsigAlgorithm::hmac_sha256);
  CHECK(config.topology.clusters.at(0).capacity == 1000.0);
  CHECK(config.topology.clusters.at(0).localities.at(0) == LocalityId(0));
  CHECK(config.topology.localities.at(0).clients.size() == 2);
  CHECK(config.topology.localities.at(0).coordinates == zones::Coordinates{50.11, 8.68});
  CHECK(config.topology.distances.at(0).cost == 1.5);
  CHECK(config.steering.cost_anywhere == 12);
  CHECK(config.topology.cost(no_locality, ClusterId(0)) == 12);
  CHECK(config.steering.move_budget == 0.2);
  REQUIRE(config.rules.size() == 2);
  CHECK(config.rules[0].min_clusters == Portion{50, true});
  CHECK(config.rules[1].service_ids == std::vector{ServiceId(0)});
  CHECK(config.rules[1].covers_demand == 1.2);
  REQUIRE(config.monitors.size() == 2);
  CHECK(config.monitors[0]->expect_body == "ok");
  const zones::Service& service = config.services.at(0);
  CHECK(service.name.text() == "shop.svc.example.com.");
  CHECK(service.may_be_steered);
  CHECK(service.demand == 400);
  CHECK(service.pools.at(0).endpoints.at(1).text() == "2001:db8::10");
  CHECK(service.pools.at(0).endpoints.at(1).id == EndpointId(1));
}

TEST_CASE("what a config does not say has the documented defaults", "[config]") {
  const auto loaded = parse_config("/etc/swingover/t.toml", good_config);
  REQUIRE(loaded.config);
  const server::Config& config = *loaded.config;
  REQUIRE(config.server.listen.size() == 2);
  CHECK(config.server.listen[0].text() == "0.0.0.0:53");
  CHECK(config.server.listen[1].text() == "[::]:53");
  CHECK(config.server.workers == 0);
  CHECK_FALSE(config.server.identity.empty());
  CHECK(config.server.state_dir == "/var/lib/swingover");
  CHECK(duration_text(config.server.journal_keep) == "90d");
  CHECK(config.admin.listen.at(0).text() == "127.0.0.1:8053");
  CHECK(config.rate_limit.responses_per_second == 200);
  CHECK(config.rate_limit.slip == 2);
  CHECK(config.rate_limit.amplification_max == 10);
  CHECK(config.server.answer_identity == server::AnswerIdentity::nsid);
  CHECK(config.server.version.empty());
  CHECK(config.server.client_subnet_from.at(1).text() == "::/0");
  CHECK(config.cookies.require == zones::CookieRequire::under_load);
  CHECK(config.cookies.secrets.empty());
  CHECK(config.rate_limit.exempt.at(0).text() == "127.0.0.0/8");
  CHECK(config.rate_limit.exempt.at(1).text() == "::1/128");
  CHECK_FALSE(config.topology.clusters.at(0).capacity);

  const health::MonitorOptions& monitor = *config.monitors.at(0);
  CHECK(monitor.kind == health::MonitorKind::http);
  CHECK(monitor.path == "/");
  CHECK(monitor.host.empty());
  CHECK(monitor.expect_status == std::vector<health::StatusRange>{{200, 299}});
  CHECK(monitor.tls_verify);
  CHECK(monitor.interval == Milliseconds(5000));
  CHECK(monitor.timeout == Milliseconds(1000));
  CHECK(monitor.confirm() == Milliseconds(500));
  CHECK(monitor.rise == 2);
  CHECK(monitor.fall == 3);

  const zones::Service& service = config.services.at(0);
  CHECK(service.policy == zones::Policy::failover);
  CHECK(service.ttl == Ttl(30));
  CHECK(service.answers == 1);
  CHECK(service.sticky == zones::Sticky::none);
  CHECK(service.when_all_down == zones::WhenAllDown::all);
  const zones::Pool& pool = service.pools.at(0);
  CHECK(pool.priority == 1);
  CHECK(pool.weight == Weight(100));
  CHECK_FALSE(pool.last_resort);
  CHECK(pool.endpoints.at(0).text() == "192.0.2.1");  // its cluster's
}

TEST_CASE("the policy all answers everything unless told otherwise", "[config]") {
  const auto all = parse_config("t.toml", changed(good_config, "monitors = [\"web\"]",
                                                  "policy = \"all\"\nmonitors = [\"web\"]"));
  REQUIRE(all.config);
  CHECK(all.config->services.at(0).answers == 0);
  const auto two =
      parse_config("t.toml", changed(good_config, "monitors = [\"web\"]",
                                     "policy = \"all\"\nanswers = 2\nmonitors = [\"web\"]"));
  REQUIRE(two.config);
  CHECK(two.config->services.at(0).answers == 2);
}

TEST_CASE("zero is a weight, a capacity and a TTL", "[config]") {
  CHECK(
      problems_of(changed(good_config, "  cluster = \"fra\"", "  cluster = \"fra\"\n  weight = 0"))
          .empty());
  CHECK(
      problems_of(changed(good_config, "name = \"ams\"", "name = \"ams\"\ncapacity = 0")).empty());
  CHECK(problems_of(changed(good_config, "name = \"shop", "ttl = \"0s\"\nname = \"shop")).empty());
}

TEST_CASE("the good config has no problem", "[config]") {
  CHECK(problems_of(good_config).empty());
}

TEST_CASE("unknown keys and sections are named, with what may be meant", "[config]") {
  CHECK(problem_of("region = \"eu\"", "region = \"eu\"\nclient = []") ==
        R"(9:1: error: unknown key "client"; did you mean "clients"?)");
  CHECK(problem_before("[admin]\nfrobnicate = 1\n") ==
        R"(2:1: error: unknown key "frobnicate" in [admin], which knows listen)");
  CHECK(problem_before("[servr]\n") ==
        R"(1:2: error: unknown section "servr"; did you mean [server]?)");
  CHECK(problem_before("[[srvice]]\n") ==
        R"(1:3: error: unknown section "srvice"; did you mean [[service]]?)");
  CHECK(problem_before("answer = 1\n") ==
        R"(1:1: error: unknown key "answer" outside of all sections)");
  CHECK(problem_before("[[server]]\n") ==
        "1:1: error: [[server]] is written [server]: there is only one");
  CHECK(problem_of("[[region]]", "[region]") ==
        "4:1: error: [region] is written [[region]]: there may be several");
  CHECK(problem_before("admin = 3\n") ==
        R"(1:1: error: "admin" is a section: write [admin] on a line of its own, its keys below)");
}

TEST_CASE("the daemon's own sections are checked", "[config]") {
  CHECK(problem_before("[server]\nworkers = 257\n") ==
        R"(2:11: error: "workers" must be from 0 to 256, not 257)");
  CHECK(problem_before("[server]\nworkers = true\n") ==
        R"(2:11: error: "workers" must be a whole number, not true)");
  CHECK(problem_before("[server]\nlisten = []\n") ==
        R"(2:10: error: "listen" needs at least one address)");
  CHECK(problem_before("[server]\nlisten = [\"127.0.0.1:53\", \"127.0.0.1\"]\n") ==
        R"(2:27: error: "listen" holds 127.0.0.1:53 twice)");
  CHECK(problem_before("[server]\nlisten = [\"unix:/x\"]\n") ==
        "2:11: error: queries come by UDP and TCP: give an address, not a Unix socket");
  CHECK(
      problem_before("[server]\nlisten = \"127.0.0.1:53\"\n") ==
      R"(2:10: error: "listen" must be a list of addresses with a port in [ ], not "127.0.0.1:53")");
  CHECK(
      problem_before("[server]\nlisten = [\"localhost\"]\n") ==
      R"(2:11: error: "listen" must be an address with a port such as "127.0.0.1:53" or "[::1]:53", not "localhost")");
  CHECK(
      problem_before("[server]\njournal_keep = 90\n") ==
      R"(2:16: error: "journal_keep" must be a duration in quotes such as "5s", not the number 90)");
  CHECK(problem_before("[server]\njournal_keep = \"5m\"\n") ==
        R"(2:16: error: "journal_keep" must be from 1h to 3650d, not 5m)");
  CHECK(problem_before("[server]\nidentity = \"\"\n") ==
        R"(2:12: error: "identity" must not be empty)");
  CHECK(problem_before("[admin]\nlisten = [\"192.0.2.1:8053\"]\n") ==
        "2:11: error: the admin address is never public, and 192.0.2.1 is not a loopback address: "
        "use 127.0.0.1, [::1] or "
        "unix:/path");
  CHECK(
      problem_before("[admin]\nlisten = [\"unix:run/x\"]\n") ==
      R"(2:11: error: "listen" must be an address with a port such as "127.0.0.1:53" or "[::1]:53", not "unix:run/x" (a Unix socket is written unix:/absolute/path, of at most 107 bytes))");
  CHECK(problem_before(
            "[server]\nlisten = [\"127.0.0.1:53\"]\n[admin]\nlisten = [\"127.0.0.1:53\"]\n") ==
        "4:11: error: 127.0.0.1:53 is one of [server] listen already");
  CHECK(
      problem_before("[rate_limit]\nexempt = [\"10.1.2.3/8\"]\n")
          .starts_with(
              R"(2:11: error: "exempt" must be an address prefix such as "192.0.2.0/24", not "10.1.2.3/8")"));
  CHECK(problem_of("file = \"svc.zone\"\n", "") == R"(1:1: error: [[zone]] needs the key "file")");
  CHECK(problem_before("[[zone]]\nname = \"SVC.example.com\"\nfile = \"b\"\n") ==
        R"(5:8: error: the name of the [[zone]] "svc.example.com." stands twice; first in line 2)");
}

TEST_CASE("a bound of the brake is a count or a percentage", "[config]") {
  const auto loaded = parse_config(
      "t.toml", "[brake]\nendpoints = 3\nclusters = \"50%\"\n" + std::string(good_config));
  REQUIRE(loaded.config);
  CHECK(loaded.config->brake.endpoints == Portion{3, false});
  CHECK(loaded.config->brake.clusters == Portion{50, true});
  CHECK(problems_of("[brake]\nendpoints = 1\nclusters = \"100%\"\n").empty());
  CHECK(problem_before("[brake]\nendpoints = \"0%\"\n") ==
        R"(2:13: error: "endpoints" must be a percentage from "1%" to "100%", not "0%")");
  CHECK(problem_before("[brake]\nclusters = \"101%\"\n") ==
        R"(2:12: error: "clusters" must be a percentage from "1%" to "100%", not "101%")");
  for (const char* no_percentage :
       {"\"50\"", "\"50 %\"", "\"-1%\"", "\"5.5%\"", "\"%\"", "\"half\""}) {
    CHECK(
        problem_before("[brake]\nclusters = " + std::string(no_percentage) + "\n") ==
        R"(2:12: error: "clusters" must be a count such as 2, or a percentage such as "50%", not )" +
            std::string(no_percentage));
  }
  CHECK(problem_before("[brake]\nclusters = 0\n") ==
        R"(2:12: error: "clusters" must be a count from 1 to 1000000, not the number 0)");
  CHECK(problem_before("[brake]\nendpoints = 1000001\n") ==
        R"(2:13: error: "endpoints" must be a count from 1 to 1000000, not the number 1000001)");
  CHECK(problem_before("[brake]\nwindow = \"2h\"\n") ==
        R"(2:10: error: "window" must be from 1s to 1h, not 2h)");
  CHECK(problem_before("[brake]\npools = 1\n").starts_with(R"(2:1: error: unknown key "pools")"));
}

TEST_CASE("targets of self_check are addresses to ping, or TCP ports", "[config]") {
  const auto loaded = parse_config(
      "t.toml", "[self_check]\ntargets = [\"192.0.2.1\", \"::1\", \"tcp://[2001:db8::53]:53\"]\n" +
                    std::string(good_config));
  REQUIRE(loaded.config);
  const std::vector<health::Check>& checks = loaded.config->self_check.checks;
  REQUIRE(checks.size() == 3);
  CHECK(checks[0].monitor->kind == health::MonitorKind::icmp);
  CHECK(checks[0].address == "192.0.2.1");
  CHECK(checks[1].address == "::1");
  CHECK(checks[2].monitor->kind == health::MonitorKind::tcp);
  CHECK(checks[2].monitor->port == 53);
  CHECK(checks[2].address == "2001:db8::53");

  const auto target = [](const std::string& text) {
    return problem_before("[self_check]\ntargets = [" + text + "]\n");
  };
  for (const char* no_address : {"\"gateway.example\"", "\"192.0.2.1:53\"", "\"[::1]\"",
                                 "\"udp://192.0.2.1:53\"", "\"unix:/x\""}) {
    CHECK(target(no_address) ==
          R"(2:12: error: "targets" takes an address, or tcp://ADDRESS:PORT)");
  }
  for (const char* no_port : {"\"tcp://192.0.2.1\"", "\"tcp://192.0.2.1:0\"",
                              "\"tcp://gateway:53\"", "\"tcp://\"", "\"tcp://unix:/x\""}) {
    CHECK(target(no_port) == R"(2:12: error: "targets" takes tcp://ADDRESS:PORT, or an address)");
  }
  CHECK(target("7") == R"(2:12: error: "targets" must be a text, not the number 7)");
  CHECK(target("\"\"") == R"(2:12: error: "targets" must not be empty)");
  CHECK(target("\"::1\", \"::1\"") == R"(2:19: error: "targets" holds ::1 twice)");
  CHECK(target("\"::1\", \"0:0::1\"") ==
        R"(2:19: error: "targets" holds ::1 twice, here as 0:0::1)");
  CHECK(target("\"tcp://[::1]:53\", \"tcp://[0::1]:53\"") ==
        R"(2:30: error: "targets" holds ::1 twice, here as tcp://[0::1]:53)");
  CHECK(problem_before("[self_check]\ntargets = \"192.0.2.1\"\n") ==
        R"(2:11: error: "targets" must be a list of texts in [ ], not "192.0.2.1")");
  CHECK(problem_before("[self_check]\ninterval = \"10ms\"\n") ==
        R"(2:12: error: "interval" must be from 100ms to 1m, not 10ms)");
  CHECK(problem_before("[self_check]\nwindow = \"2h\"\n") ==
        R"(2:10: error: "window" must be from 1s to 1h, not 2h)");
}

TEST_CASE("port 0 may stand twice in listen", "[config]") {
  CHECK(problems_of("[server]\nlisten = [\"127.0.0.1:0\", \"127.0.0.1:0\"]\n").empty());
}

TEST_CASE("problems come in the order of the file, twenty in one run", "[config]") {
  const std::vector<std::string> expected{
      R"(2:27: error: "listen" holds 127.0.0.1:53 twice)",
      R"(3:1: error: unknown key "wrokers"; did you mean "workers"?)",
      R"(4:11: error: "workers" must be from 0 to 256, not -1)",
      "6:11: error: the admin address is never public, and 0.0.0.0 is not a loopback address: use "
      "127.0.0.1, [::1] or "
      "unix:/path",
      R"(7:1: error: [[zone]] needs the key "file")",
      R"(11:10: error: no [[region]] is named "euu"; did you mean "eu"?)",
      R"(16:1: error: unknown key "adresses"; did you mean "addresses"?)",
      R"(17:12: error: "capacity" must be from 0 to 1e+15, not nan)",
      R"(20:8: error: "kind" must be one of )" + kinds_text() + R"(, not "carrier-pigeon")",
      R"(21:12: error: "interval" must be a duration in quotes such as "5s", not the number 5)",
      R"(22:1: error: [[monitor]] needs the key "name")",
      R"(22:1: error: [[monitor]] of the kind "tcp" needs the key "port")",
      R"(24:1: error: "path" means nothing to a monitor of the kind "tcp", which asks nothing by itself, without TLS)",
      R"(25:12: error: "timeout" (1s) must not be longer than "interval" (500ms))",
      R"(27:8: error: "name" must be a name of its own, without a wildcard, not "*.svc.example.com")",
      R"(28:10: error: "policy" must be one of "failover", "active-active", "local", "all", not "failovr"; did you mean "failover"?)",
      R"(29:7: error: "ttl" must be whole seconds, not "1500ms")",
      R"(30:12: error: "monitors" must be a list of texts in [ ], not "web")",
      R"(32:11: error: no [[cluster]] is named "frb"; did you mean "fra"?)",
      R"(35:13: error: no [[monitor]] is named "wbe"; did you mean "web"?)",
      R"(38:13: error: "endpoints" mixes a target with addresses; use one target alone, or addresses)",
      R"(39:2: error: unknown section "clustr"; did you mean [[cluster]]?)",
  };
  CHECK(problems_of(R"([server]
listen = ["127.0.0.1:53", "127.0.0.1:53"]
wrokers = 4
workers = -1
[admin]
listen = ["0.0.0.0:8053"]
[[zone]]
name = "svc.example.com."
[[locality]]
name = "a"
region = "euu"
[[region]]
name = "eu"
[[cluster]]
name = "fra"
adresses = ["192.0.2.1"]
capacity = nan
[[monitor]]
name = "web"
kind = "carrier-pigeon"
interval = 5
[[monitor]]
kind = "tcp"
path = "x"
interval = "500ms"
[[service]]
name = "*.svc.example.com"
policy = "failovr"
ttl = "1500ms"
monitors = "web"
[[service.pool]]
cluster = "frb"
[[service]]
name = "b.svc.example.com"
monitors = ["wbe", "web"]
[[service.pool]]
cluster = "fra"
endpoints = ["192.0.2.1", "x.example.net."]
[clustr]
)") == expected);
}

TEST_CASE("a header that is none costs its own problem, and no false ones below it", "[config]") {
  CHECK(problems_of("[server\nlisten = [\"127.0.0.1:0\"]\n").size() == 1);
  const auto two = problems_of("[server\nlisten = [\"127.0.0.1:0\"]\nwrokers = 4\n");
  REQUIRE(two.size() == 2);
  CHECK(two[0].starts_with("1:"));
  CHECK(two[0].find("not TOML") != std::string::npos);
  CHECK(two[1] == R"(3:1: error: unknown key "wrokers"; did you mean "workers"?)");
  SECTION("also one in a list of them") {
    const auto pools = problems_of(changed(good_config, "[[service.pool]]", "[[service.pool]"));
    REQUIRE(pools.size() == 1);
    CHECK(pools[0].starts_with("22:"));
  }
  SECTION("nor where nobody can tell what it should be") {
    CHECK(problems_of("[\"server\nlisten = [\"127.0.0.1:0\"]\n").size() == 1);
  }
}

TEST_CASE("a problem shows its file, its line and a caret", "[config]") {
  CHECK(parse_config("/etc/x.toml", "[server]\nworkers = -1\n").problems ==
        "/etc/x.toml:2:11: error: \"workers\" must be from 0 to 256, not -1\n  workers = -1\n      "
        "      ^\n");
}

TEST_CASE("what is legal and likely a slip is a warning, and the config loads", "[config]") {
  CHECK(problem_before("[[monitor]]\nname = \"idle\"\n") ==
        R"(2:8: warning: the monitor "idle" is used by no service and no cluster)");
  CHECK(problem_before("[[cluster]]\nname = \"lon\"\n") ==
        R"(2:8: warning: the cluster "lon" has no pool of any service)");
}

TEST_CASE("a file that cannot be read is one line", "[config]") {
  const auto loaded = server::load_config("/nonexistent/t.toml");
  CHECK_FALSE(loaded.config);
  CHECK(loaded.problems.starts_with("error: "));
  CHECK(loaded.problems.find("/nonexistent/t.toml") != std::string::npos);
}

TEST_CASE("a certificate authority is looked for beside the config file", "[config]") {
  const std::string with_ca =
      changed(good_config, "port = 8080", "kind = \"https\"\ntls_ca_file = \"ca.pem\"");
  const std::filesystem::path folder = std::filesystem::temp_directory_path() /
                                       ("swingover_config_test_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const std::string path = folder / "t.toml";
  CHECK(parse_config(path, with_ca)
            .problems.find("19:15: error: there is no file " + (folder / "ca.pem").string()) !=
        std::string::npos);
  std::ofstream(folder / "ca.pem") << "nothing of the kind\n";
  CHECK(parse_config(path, with_ca).problems.find("holds no certificate in PEM form") !=
        std::string::npos);
  std::ofstream(folder / "ca.pem") << "-----BEGIN CERTIFICATE-----\n";
  const auto loaded = parse_config(path, with_ca);
  REQUIRE(loaded.config);
  CHECK(loaded.config->monitors.at(0)->tls_ca_file == (folder / "ca.pem").string());
  std::filesystem::remove_all(folder);
}

TEST_CASE("what a monitor runs and reads is named from the config file on", "[config]") {
  const std::string own =
      changed(good_config, "port = 8080", "kind = \"exec\"\ncommand = [\"a/b\", \"a/b\"]");
  const auto loaded = parse_config("/etc/x/t.toml", own);
  REQUIRE(loaded.config);
  CHECK(loaded.problems.find("19:11: warning: there is no program /etc/x/a/b") !=
        std::string::npos);
  const auto& command = loaded.config->monitors.at(0)->command;
  CHECK(command == std::vector<health::Argument>{{"/etc/x/a/b"}, {"a/b"}});

  const auto in_path = parse_config(
      "/etc/x/t.toml", changed(good_config, "port = 8080", "kind = \"exec\"\ncommand = [\"b\"]"));
  REQUIRE(in_path.config);
  CHECK(in_path.problems.empty());
  CHECK(in_path.config->monitors.at(0)->command.at(0).value == "b");

  const auto file =
      parse_config("/etc/x/t.toml",
                   changed(good_config, "port = 8080", "kind = \"file\"\nfile = \"v/{address}\""));
  REQUIRE(file.config);
  CHECK(file.problems.empty());
  CHECK(file.config->monitors.at(0)->file == "/etc/x/v/{address}");
}

TEST_CASE("a bad zone file never takes the others with it", "[config]") {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("swingover_zones_test_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "svc.zone")
      << "$TTL 60\n@ SOA ns1 h 1 2 3 4 5\n  NS ns1\nns1 A 192.0.2.53\n";
  const std::string two =
      std::string(good_config) + "[[zone]]\nname = \"gone.example.\"\nfile = \"gone.zone\"\n";
  const auto config = parse_config(folder / "t.toml", two);
  REQUIRE(config.config);
  const auto loaded = server::load_zones(*config.config);
  INFO(loaded.problems);
  REQUIRE(loaded.zones.size() == 2);
  CHECK(loaded.zones[0].contents);
  CHECK_FALSE(loaded.zones[1].contents);
  CHECK(loaded.failed == std::vector<std::string>{"gone.example."});
  const std::string at_its_key = "t.toml:29:8: error: zone gone.example.: ";
  CHECK(loaded.problems.find(at_its_key) != std::string::npos);
  CHECK(loaded.problems.find("gone.zone: No such file") != std::string::npos);
  SECTION("and is told beside what else is wrong, which keeps it from being loaded") {
    const std::string path = folder / "t.toml";
    const std::string text = two + "[server]\nworkers = -1\n";
    const std::string problems = parse_config(path, text, &Files::on_disk()).problems;
    CHECK(problems.find(at_its_key) != std::string::npos);
    CHECK(problems.find("31:11: error: \"workers\"") != std::string::npos);
    CHECK(problems.find("svc.zone: No such file") == std::string::npos);
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("the packaged sample and the README's config are true", "[config]") {
  CHECK(server::load_config(source_file("packaging/swingover.toml")).problems.empty());
  const auto readme = read_file(source_file("README.md"));
  REQUIRE(readme);
  const size_t begin = readme->find("```toml\n");
  REQUIRE(begin != std::string::npos);
  const std::string text = readme->substr(begin + 8, readme->find("```", begin + 8) - begin - 8);
  CHECK(parse_config("README.md", text).problems.empty());
}

TEST_CASE("cookies have the secrets of their file, which is no secret when others read it",
          "[config]") {
  const tests::TemporaryFolder folder;
  folder.write("secrets", "000102030405060708090a0b0c0d0e0f\nffffffffffffffffffffffffffffffff\n");
  const auto parsed = [&](std::string_view key) {
    return parse_config(folder.file("t.toml"),
                        "[cookies]\n" + std::string(key) + "\n" + std::string(good_config));
  };
  std::filesystem::permissions(folder.file("secrets"), std::filesystem::perms(0640));
  const auto loaded = parsed("secret_file = \"secrets\"\nrequire = \"always\"");
  REQUIRE(loaded.config);
  CHECK(loaded.problems.empty());
  CHECK(loaded.config->cookies.secrets.size() == 2);
  CHECK(loaded.config->cookies.require == zones::CookieRequire::always);

  std::filesystem::permissions(folder.file("secrets"), std::filesystem::perms(0644));
  const auto open = parsed("secret_file = \"secrets\"");
  CHECK(open.config);
  CHECK(open.problems.find("2:15: warning: " + folder.file("secrets") +
                           " is open to others: chmod 640 keeps it a secret") != std::string::npos);

  folder.write("secrets", "0001\n");
  CHECK(parsed("secret_file = \"secrets\"")
            .problems.find("2:15: error: " + folder.file("secrets") +
                           ": line 1 is not a secret of 32 hexadecimal digits") !=
        std::string::npos);
  CHECK_FALSE(parsed("secret_file = \"nowhere\"").config);
  CHECK(problem_before("[cookies]\nrequire = \"maybe\"\n").starts_with("2:11: error:"));
}

TEST_CASE("where a cluster's load is read is checked", "[config]") {
  const std::string cluster = "[[cluster]]\nname = \"fra\"\n";
  const auto parsed = [&](const std::string& lines) {
    return parse_config("t.toml", cluster + lines).problems;
  };
  CHECK(parsed("load_url = \"http://192.0.2.1:9090/metrics\"\nload_metric = 'r_total{a=\"b\"}'\n")
            .find("load_") == std::string::npos);
  const std::vector<std::pair<const char*, const char*>> rows{
      {"load_url = \"ftp://192.0.2.1/\"\n", "3:12: error: not an http or https URL"},
      {"load_url = \"http://me@192.0.2.1/\"\n", "3:12: error: not an http or https URL"},
      {"load_metric = \"r\"\n", "3:15: error: [[cluster]] with \"load_metric\" needs \"load_url\""},
      {"load_url = \"http://a/\"\nload_metric = \"r{\"\n", "4:15: error: not a metric such as"},
      {"load_url = \"http://a/\"\nload_metric = \"r\"\nload_json = \"/r\"\n",
       "5:13: error: \"load_metric\" or \"load_json\""},
      {"load_url = \"http://a/\"\nload_json = \"r\"\n",
       "4:13: error: a JSON pointer begins with a slash"},
      {"load_url = \"http://a/\"\nload_tls_ca_file = \"nowhere.pem\"\n",
       "4:20: error: there is no file nowhere.pem"},
  };
  for (const auto& [lines, words] : rows) {
    INFO(parsed(lines));
    CHECK(parsed(lines).find(words) != std::string::npos);
  }
}

TEST_CASE("a band of requests under way has two ends", "[config]") {
  const auto parsed = [](const std::string& lines) {
    return parse_config("t.toml",
                        "[[cluster]]\nname = \"fra\"\n[[service]]\nname = \"a.example.\"\n"
                        "[[service.pool]]\ncluster = \"fra\"\nendpoints = [\"192.0.2.1\"]\n" +
                            lines)
        .problems;
  };
  CHECK(parsed("in_flight_low = 0.8\nin_flight_high = 2\n").find("in_flight") == std::string::npos);
  CHECK(parsed("in_flight_low = 0.8\n").find("8:17: error: \"in_flight_low\" and") !=
        std::string::npos);
  CHECK(parsed("in_flight_low = 3\nin_flight_high = 2\n")
            .find("8:17: error: \"in_flight_low\" must be below") != std::string::npos);
}

TEST_CASE("a config mangled at random is refused or read, and nothing worse", "[config]") {
  const auto contract = read_file(source_file("tests/server/contract.toml"));
  REQUIRE(contract);
  const std::string_view alphabet = "[]{}\"'=#.,\n\\ -0129aefkmstxé\t\0";
  size_t refused = 0;
  for (uint64_t seed = 1; seed <= 1500; ++seed) {
    Random random(seed);
    std::string text = *contract;
    for (uint64_t edits = 1 + random.below(6); edits > 0; --edits) {
      const size_t at = random.below(text.size());
      switch (random.below(4)) {
        case 0:
          text.erase(at, 1 + random.below(40));
          break;
        case 1:
          text.insert(at, 1, alphabet[random.below(alphabet.size())]);
          break;
        case 2:
          text[at] = static_cast<char>(random.below(256));
          break;
        default:
          text.insert(at, text.substr(random.below(text.size()), random.below(60)));
          break;
      }
    }
    const auto loaded = parse_config("t.toml", text);
    INFO(text);
    if (!loaded.config) REQUIRE(loaded.problems.find(": error: ") != std::string::npos);
    refused += loaded.config ? 0U : 1U;
  }
  CHECK(refused > 500);   // the mangling does bite
  CHECK(refused < 1500);  // and not every comment is an error
}

TEST_CASE("certificate and key of [tls] are read and checked where they are named", "[config]") {
  const tests::TemporaryFolder folder;
  const tests::TlsFiles good(folder.path(), "good");
  const tests::TlsFiles other(folder.path(), "other");
  const tests::TlsFiles expired(folder.path(), "expired",
                                {.from_seconds = -7200, .until_seconds = -3600});
  const tests::TlsFiles ending(folder.path(), "ending",
                               {.from_seconds = -7200, .until_seconds = 3 * 24 * 3600});
  folder.write("empty.pem", "");
  const auto problem = [&](const std::string& certificate, const std::string& key) {
    const auto loaded = parse_config(folder.file("t.toml"), "[tls]\ncertificate = \"" +
                                                                certificate + "\"\nkey = \"" + key +
                                                                "\"\n" + std::string(good_config));
    const auto lines = tests::headlines(loaded.problems, folder.file("t.toml"));
    CHECK((loaded.config && loaded.config->tls->credentials) ==
          (loaded.problems.find(": error: ") == std::string::npos));
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    return text;
  };
  const auto has = [](const std::string& text, const std::string& part) {
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
    return true;
  };
  CHECK(problem("good.crt", "good.key").empty());
  using std::filesystem::perms;
  std::filesystem::permissions(folder.file("other.key"), perms::owner_read | perms::others_read);
  has(problem("other.crt", "other.key"), "3:7: warning: ");
  has(problem("other.crt", "other.key"), "other.key can be read by everybody");
  has(problem("none.crt", "good.key"), "2:15: error: there is no file");
  has(problem("good.crt", "none.key"), "3:7: error: there is no file");
  has(problem("empty.pem", "good.key"), "2:15: error: ");
  has(problem("good.key", "good.key"), "holds no certificate in PEM form");
  has(problem("good.crt", "good.crt"), "holds no private key in PEM form");
  has(problem("good.crt", "other.key"), "3:7: error: ");
  has(problem("good.crt", "other.key"), "is not the key of the certificate in");
  has(problem("expired.crt", "expired.key"), "warning: the certificate in");
  has(problem("expired.crt", "expired.key"), "expired on");
  has(problem("ending.crt", "ending.key"), "expires on");
}

TEST_CASE("[tls] needs a certificate and a key, and an address of its own", "[config]") {
  const auto lines = problems_of("[tls]\n" + std::string(good_config));
  CHECK(lines.size() == 2);
  CHECK(problems_of("[server]\nlisten = [\"127.0.0.1:5300\"]\n[tls]\ncertificate = \"\"\n"
                    "listen = [\"127.0.0.1:5300\", \"unix:/x\"]\n" +
                    std::string(good_config))
            .size() == 4);
}

TEST_CASE("what is wrong with keys and secondaries is told, and no secret with it", "[config]") {
  const std::string zone = "  [[zone.secondary]]\n  address = \"192.0.2.2\"\n  key = \"k.\"\n";
  const auto with = [&](std::string_view key) {
    return changed(good_config, "[[region]]", zone + std::string(key) + "[[region]]");
  };
  const std::string head = "[[tsig_key]]\nname = \"K\"\nalgorithm = \"hmac-sha512\"\n";
  CHECK(problems_of(with(head + "secret = \"AAECAwQFBgcICQoLDA0ODw==\"\n")).empty());
  CHECK(problems_of(with("")) ==
        std::vector<std::string>{"6:9: error: no [[tsig_key]] is named k."});
  CHECK(problems_of(with(head)) ==
        std::vector<std::string>{
            R"(7:1: error: [[tsig_key]] needs "secret" or "secret_file", and not both)"});
  CHECK(problems_of(with(head + "secret_file = \"/nowhere/secret\"\n")) ==
        std::vector<std::string>{"10:15: error: there is no file /nowhere/secret"});
  CHECK(
      problems_of(with(head + "secret = \"AAEC\"\n")) ==
      std::vector<std::string>{"7:1: warning: the secret of the key K. has fewer than 16 octets"});
  for (const char* bad : {"hunter2!", "AAECA", "AA=C", "====", " "}) {
    const std::string text = with(head + "secret = \"" + bad + "\"\n");
    CHECK(problems_of(text) ==
          std::vector<std::string>{"7:1: error: the secret of the key K. is not base64"});
    if (bad[0] != ' ') CHECK(parse_config("t.toml", text).problems.find(bad) == std::string::npos);
  }
  CHECK(problem_of("[[region]]", "  [[zone.secondary]]\n  address = \"unix:/run/x\"\n[[region]]") ==
        "5:13: error: a secondary is reached by UDP: give an address, not a Unix socket");
  CHECK(problem_of("[[region]]", "  [[zone.secondary]]\n  address = \"0.0.0.0\"\n[[region]]") ==
        "5:13: error: 0.0.0.0 is no address of a server");
  CHECK(problem_of("[[region]]", zone.substr(0, 45) + zone.substr(0, 45) + "[[region]]")
            .find("stands twice") != std::string::npos);
}

TEST_CASE("the line [zone.dnssec] alone has a zone signed, as its keys say otherwise", "[config]") {
  const auto dnssec_of = [](std::string_view section) {
    const auto loaded = parse_config(
        "t.toml", changed(good_config, "[[region]]", std::string(section) + "[[region]]"));
    INFO(loaded.problems);
    CHECK(loaded.problems.empty());
    REQUIRE(loaded.config);
    return loaded.config->zones.at(0).dnssec;
  };
  CHECK_FALSE(dnssec_of(""));
  const auto plain = dnssec_of("  [zone.dnssec]\n");
  REQUIRE(plain);
  CHECK(plain->algorithm == dnssec::Algorithm::ecdsa_p256_sha256);
  CHECK(plain->keys == zones::KeyKinds::csk);
  CHECK(plain->signing().plan.lifetime == Milliseconds(14LL * 86'400'000));
  CHECK(plain->signing().plan.refresh == Milliseconds(5LL * 86'400'000));
  CHECK(plain->signing().plan.jitter == Milliseconds(86'400'000));
  CHECK(plain->signing().plan.skew == Milliseconds(3'600'000));
  CHECK(plain->signing().key_ttl == Ttl(3600));
  CHECK(plain->signing().signatures_max == 100'000);

  const auto told = dnssec_of(
      "  [zone.dnssec]\n  algorithm = \"ED25519\"\n  keys = \"ksk-zsk\"\n"
      "  signature_lifetime = \"1d\"\n  signature_refresh = \"10h\"\n"
      "  signature_jitter = \"2h\"\n  signature_skew = \"5m\"\n  key_ttl = \"10m\"\n"
      "  signatures_max = 5000\n");
  REQUIRE(told);
  CHECK(told->algorithm == dnssec::Algorithm::ed25519);
  CHECK(told->keys == zones::KeyKinds::ksk_zsk);
  CHECK(told->signing().plan.lifetime == Milliseconds(86'400'000));
  CHECK(told->signing().plan.refresh == Milliseconds(36'000'000));
  CHECK(told->signing().plan.jitter == Milliseconds(7'200'000));
  CHECK(told->signing().plan.skew == Milliseconds(300'000));
  CHECK(told->signing().key_ttl == Ttl(600));
  CHECK(told->signing().signatures_max == 5000);

  SECTION("of a config that is past, too") {
    const auto past = server::parse_past_config(
        "t.toml", changed(good_config, "[[region]]", "[zone.dnssec]\n[[region]]"));
    INFO(past.problems);
    REQUIRE(past.config);
    CHECK(past.config->zones.at(0).dnssec);
  }
}

TEST_CASE("what is wrong with a [zone.dnssec] is told where it stands", "[config]") {
  const auto problem = [](std::string_view keys) {
    return problem_of("[[region]]", "[zone.dnssec]\n" + std::string(keys) + "[[region]]");
  };
  CHECK(
      problem("algorithm = \"RSASHA256\"\n") ==
      R"(5:13: error: "algorithm" cannot be "RSASHA256": such keys are used where they were )"
      R"(imported, but none are made; leave the key out, or take "ECDSAP256SHA256" or "ED25519")");
  CHECK(problem("algorithm = \"ed25519\"\n") ==
        R"(5:13: error: "algorithm" must be one of "ECDSAP256SHA256", "ED25519", not "ed25519"; )"
        R"(did you mean "ED25519"?)");
  CHECK(problem("keys = \"zsk\"\n")
            .starts_with(R"(5:8: error: "keys" must be one of "csk", "ksk-zsk", not "zsk")"));
  CHECK(problem("signature_lifetime = \"6d\"\n") ==
        R"(5:22: error: "signature_lifetime" (6d) must be more than "signature_refresh" (5d) and )"
        R"("signature_jitter" (1d) together: a signature would be due when it is made)");
  CHECK(problem("signature_refresh = \"13d\"\n").starts_with("5:21: error: "));
  CHECK(problem("signature_jitter = \"9d\"\n").starts_with("5:20: error: "));
  CHECK(problem("signature_lifetime = \"1s\"\n") ==
        R"(5:22: error: "signature_lifetime" must be from 10s to 365d, not 1s)");
  CHECK(problem("signature_refresh = \"0s\"\n").find("must be from 1s to 365d") !=
        std::string::npos);
  CHECK(problem("signature_jitter = \"-1s\"\n").starts_with("5:20: error: "));
  CHECK(problem("signature_skew = \"8d\"\n").find("to 7d, not 8d") != std::string::npos);
  CHECK(problem("key_ttl = \"2d\"\n").find("must be from 1s to 1d, not 2d") != std::string::npos);
  CHECK(problem("signatures_max = 99\n").find("from 100 to 10000000, not 99") != std::string::npos);
  CHECK(problem("signature_lifetme = \"6d\"\n") ==
        R"(5:1: error: unknown key "signature_lifetme"; did you mean "signature_lifetime"?)");
  CHECK(problem_of("[[region]]", "dnssec = true\n[[region]]") ==
        R"(4:1: error: "dnssec" is a section: write [zone.dnssec] on a line of its own, its keys )"
        "below");
  CHECK(problem_of("[[region]]", "[[zone.dnssec]]\n[[region]]") ==
        "4:1: error: [[zone.dnssec]] is written [zone.dnssec]: there is only one");
  CHECK(problem_of("[[region]]",
                   "[[zone.secondary]]\naddress = \"192.0.2.2\"\n[zone.dnssec]\n[[region]]") ==
        "6:1: error: a signed zone cannot be transferred yet: a secondary would serve it without "
        "signatures, and validators would refuse that; remove [zone.dnssec], or the "
        "[[zone.secondary]] tables");
}

TEST_CASE("a secret is read from a file beside the config", "[config]") {
  const std::string folder = std::filesystem::temp_directory_path() /
                             ("swingover-secret-" + std::to_string(random_seed()));
  std::filesystem::create_directory(folder);
  std::ofstream(folder + "/k.secret") << "AAECAwQFBgcICQoLDA0ODw==\n";
  const std::string text =
      changed(good_config, "[[region]]",
              "[[tsig_key]]\nname = \"k\"\nalgorithm = \"hmac-sha256\"\nsecret_file = "
              "\"k.secret\"\n[[region]]");
  using std::filesystem::perms;
  std::filesystem::permissions(folder + "/k.secret", perms::owner_read);
  const auto loaded = parse_config(folder + "/t.toml", text);
  INFO(loaded.problems);
  CHECK(loaded.problems.empty());
  CHECK(loaded.config.has_value());
  std::filesystem::permissions(folder + "/k.secret", perms::owner_read | perms::others_read);
  CHECK(parse_config(folder + "/t.toml", text).problems.find("can be read by everybody") !=
        std::string::npos);

  const std::string with_secret =
      changed(good_config, "[[region]]",
              "[[tsig_key]]\nname = \"k\"\nalgorithm = \"hmac-sha256\"\nsecret = "
              "\"AAECAwQFBgcICQoLDA0ODw==\"\n[[region]]");
  std::ofstream(folder + "/t.toml") << with_secret;
  std::filesystem::permissions(folder + "/t.toml", perms::owner_read);
  CHECK(parse_config(folder + "/t.toml", with_secret).problems.empty());
  std::filesystem::permissions(folder + "/t.toml", perms::owner_read | perms::others_read);
  CHECK(parse_config(folder + "/t.toml", with_secret)
            .problems.find("t.toml holds the secret of the key k. and can be read by everybody") !=
        std::string::npos);
  std::filesystem::remove_all(folder);
}

TEST_CASE("a config is kept without its secrets", "[config]") {
  using server::without_secrets;
  CHECK(without_secrets("secret = \"abc\"\nname = \"x\"\n") == "secret = \"***\"\nname = \"x\"\n");
  CHECK(without_secrets("a = { secret='abc', name = 1 }") == "a = { secret='***', name = 1 }");
  CHECK(without_secrets("secret_file = \"k.secret\"") == "secret_file = \"k.secret\"");
  CHECK(without_secrets("# the secret is out\nsecret\t=\t\"abc") ==
        "# the secret is out\nsecret\t=\t\"***");
  CHECK(without_secrets("\"secret\" = \"abc\"") == "\"secret\" = \"***\"");
  CHECK(without_secrets("secret = \"\"\"\nabc\n\"\"\"\nb = 1") ==
        "secret = \"\"\"\n***\n\"\"\"\nb = 1");
  CHECK(without_secrets("secret = '''abc'''") == "secret = '''***'''");
  CHECK(without_secrets("secret =") == "secret =");
  CHECK(without_secrets(good_config) == good_config);
}

TEST_CASE("no problem of a config shows a secret", "[config]") {
  for (const char* line :
       {"secret = \"TOPSECRET\" junk", "secret = \"TOPSECRET", "secrett = \"TOPSECRET\"",
        "secret = [\"TOPSECRET\"]", "secret = TOPSECRET", "\"secret\" = \"TOPSECRET\" junk",
        "secret = \"\\q TOPSECRET\"", "secret = \"TOPSECRET\"\nsecret = \"TOPSECRET\""}) {
    const auto loaded = server::parse_config(
        "s.toml", std::string("[[tsig_key]]\nname = \"k.\"\nalgorithm = \"hmac-sha256\"\n") + line);
    INFO(loaded.problems);
    CHECK_FALSE(loaded.config);
    CHECK(loaded.problems.find("secret") != std::string::npos);
    CHECK(loaded.problems.find("TOPSECRET") == std::string::npos);
  }
}
