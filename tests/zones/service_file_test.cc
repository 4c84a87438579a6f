#include "zones/service_file.h"

#include <catch2/catch.hpp>

#include "base/toml_source.h"
#include "base/toml_tables.h"
#include "tests/support/config_text.h"
#include "tests/support/problems.h"
#include "zones/steering_file.h"
#include "zones/topology_file.h"

using namespace swingover;
using namespace swingover::zones;
using tests::changed;
using tests::good_config;

namespace {

std::vector<std::string> problems_of(std::string_view text) {
  Diagnostics diagnostics("t.toml", text);
  const TomlDocument document = parse_toml(text, diagnostics);
  const std::vector<std::string> monitors = names_in(document.root, "monitor");
  std::vector<Name> zones;
  for (const std::string& zone : names_in(document.root, "zone"))
    zones.push_back(*parse_name(zone));
  const Topology topology = parse_topology(document, monitors, diagnostics);
  parse_services(document,
                 {.topology = topology,
                  .monitors = monitors,
                  .zones = zones,
                  .steering = parse_steering(document, diagnostics)},
                 diagnostics);
  return tests::listed(diagnostics);
}

std::string problem_of(std::string_view old, std::string_view by) {
  const auto problems = problems_of(changed(good_config, old, by));
  CAPTURE(problems);
  REQUIRE(problems.size() == 1);
  return problems.front();
}

/// The one problem of the good config with `more` behind it, from line 26 on.
std::string problem_behind(std::string_view more) {
  const auto problems = problems_of(std::string(good_config) + std::string(more));
  CAPTURE(problems);
  REQUIRE(problems.size() == 1);
  return problems.front();
}

constexpr std::string_view shop = "name = \"shop.svc.example.com.\"";
constexpr std::string_view two_endpoints = "endpoints = [\"198.51.100.1\", \"198.51.100.2\"]";

/// The good config with a capacity for both clusters, and these keys of its service.
std::string within_capacity(const std::string& keys) {
  const std::string capacities =
      changed(changed(good_config, "name = \"fra\"\n", "name = \"fra\"\ncapacity = 100\n"),
              "name = \"ams\"\n", "name = \"ams\"\ncapacity = 100\n");
  return changed(capacities, shop, std::string(shop) + "\n" + keys);
}

}  // namespace

TEST_CASE("overflow goes to last-resort pools only where there are any", "[service_file]") {
  CHECK(
      problem_of(shop, std::string(shop) + "\noverflow = \"last_resort\"") ==
      R"(21:12: "overflow" is "last_resort", but no pool of this service has "last_resort = true")");
}

TEST_CASE("a service's target is at most its limit", "[service_file]") {
  CHECK(problem_of(shop, std::string(shop) + "\ntarget = 0.9\nlimit = 0.8") ==
        R"(21:10: "target" must be at most "limit", which is 0.8)");
  CHECK(problems_of(within_capacity("target = 0.8\nlimit = 0.8\ndemand = 500\n"
                                    "failback = \"hold\"\nfailback_hold = \"1m\"\n"
                                    "bytes_per_unit = 20000"))
            .empty());
}

TEST_CASE("a service's target or limit fits the other one of [steering]", "[service_file]") {
  const auto with = [](const std::string& line) {
    return changed(good_config, shop, std::string(shop) + "\n" + line);
  };
  CHECK(problems_of(with("limit = 0.5")) ==
        std::vector<std::string>{
            R"(21:9: "limit" must be at least "target", which is 0.7 by [steering])"});
  CHECK(problems_of(with("target = 5")) ==
        std::vector<std::string>{
            R"(21:10: "target" must be at most "limit", which is 1 by [steering])"});
  CHECK(problems_of(within_capacity("demand = 5\ntarget = 1")).empty());
  CHECK(problems_of(within_capacity("demand = 5\nlimit = 0.7")).empty());
  CHECK(problems_of(within_capacity("demand = 5\nlimit = 0.5\ntarget = 0.4")).empty());
  SECTION("as it is written there") {
    const std::string lower = "[steering]\nlow = 0.2\ntarget = 0.4\nhigh = 0.5\nlimit = 0.6\n";
    CHECK(problems_of(within_capacity("demand = 5\nlimit = 0.5") + lower).empty());
    CHECK(problems_of(with("target = 0.7") + lower).size() == 1);
  }
}

TEST_CASE("names that refer to nothing are errors at the name", "[service_file]") {
  CHECK(problem_of("monitors = [\"web\"]", "monitors = [\"wep\"]") ==
        R"(21:13: no [[monitor]] is named "wep"; did you mean "web"?)");
  CHECK(problem_of("cluster = \"ams\"", "cluster = \"london\"") ==
        R"(25:13: no [[cluster]] is named "london")");
  CHECK(problem_of("localities = [\"fra-a\"]", "localities = [\"fra-b\"]") ==
        R"(12:15: no [[locality]] is named "fra-b"; did you mean "fra-a"?)");
  CHECK(problem_of("region = \"eu\"", "region = \"us\"")
            .starts_with(R"(8:10: no [[region]] is named "us")"));
  CHECK(problem_of("addresses = [\"192.0.2.1\"]",
                   "addresses = [\"192.0.2.1\"]\nmonitors = [\"ingress\"]") ==
        R"(14:13: no [[monitor]] is named "ingress")");
}

TEST_CASE("a reference to something that has a problem of its own is no further problem",
          "[service_file]") {
  CHECK(problem_of("name = \"ams\"", "name = \"ams\"\ncapacity = -1") ==
        R"(16:12: "capacity" must be from 0 to 1e+15, not -1)");
}

TEST_CASE("what stands twice is an error at the second place", "[service_file]") {
  CHECK(problem_of("[[cluster]]\nname = \"ams\"",
                   "[[cluster]]\nname = \"ams\"\n[[cluster]]\nname = \"Ams\"") ==
        R"(17:8: the name of the [[cluster]] "Ams" stands twice; first in line 15)");
  CHECK(problem_of("[[region]]", "[[region]]\nname = \"eu\"\n[[region]]") ==
        R"(7:8: the name of the [[region]] "eu" stands twice; first in line 5)");
  CHECK(problem_behind("[[locality]]\nname = \"fra-a\"\n") ==
        R"(28:8: the name of the [[locality]] "fra-a" stands twice; first in line 7)");
  CHECK(problem_behind("[[locality]]\nname = \"fra-b\"\nclients = [\"10.1.0.0/16\"]\n") ==
        R"(29:12: the client network "10.1.0.0/16" stands twice; first in line 9)");
  CHECK(
      problem_behind(
          "[[service]]\nname = \"SHOP.svc.example.com\"\n[[service.pool]]\ncluster = \"fra\"\n") ==
      R"(28:8: the name of the [[service]] "SHOP.svc.example.com." stands twice; first in line 20)");
  CHECK(
      problem_behind("  [[service.pool]]\n  cluster = \"fra\"\n  endpoints = [\"192.0.2.9\"]\n") ==
      R"(28:13: a pool in the cluster "fra" stands twice; first in line 23)");
  CHECK(problem_of("\"198.51.100.2\"", "\"198.51.100.1\"") ==
        R"(26:32: "endpoints" holds 198.51.100.1 twice)");
  CHECK(problem_of("\"198.51.100.2\"", "\"192.0.2.1\"") ==
        R"(26:32: the endpoint "192.0.2.1" stands twice; first in line 23)");
}

TEST_CASE("a service lies in a zone, outside of others' debug names", "[service_file]") {
  CHECK(problem_of(shop, "name = \"shop.example.net.\"") ==
        "20:8: shop.example.net. is in no [[zone]]; there is svc.example.com.");
  CHECK(problem_of(shop, "name = \"*.svc.example.com.\"") ==
        R"(20:8: "name" must be a name of its own, without a wildcard, not "*.svc.example.com.")");
  CHECK(problem_of(shop, "name = \"a..b\"")
            .starts_with(R"(20:8: "name" must be a DNS name such as)"));
  CHECK(problem_behind("[[service]]\nname = "
                       "\"x.on.shop.svc.example.com.\"\n[[service.pool]]\ncluster = \"fra\"\n") ==
        "28:8: x.on.shop.svc.example.com. lies in on.shop.svc.example.com., where the pools of "
        "shop.svc.example.com. are "
        "answered one by one; choose another name");
  CHECK(problem_behind("[[service]]\nname = "
                       "\"a.b.ON.shop.svc.example.com.\"\n[[service.pool]]\ncluster = \"fra\"\n") ==
        "28:8: a.b.ON.shop.svc.example.com. lies in ON.shop.svc.example.com., where the pools of "
        "shop.svc.example.com. are answered one by one; choose another name");
  CHECK(problems_of(std::string(good_config) +
                    "[[service]]\nname = \"on.svc.example.com.\"\n[[service.pool]]\ncluster = "
                    "\"fra\"\nendpoints = [\"192.0.2.77\"]\n")
            .empty());
  const std::string label(63, 'a');
  const std::string longest =
      label + "." + label + "." + label + "." + std::string(40, 'a') + ".svc.example.com.";
  CHECK(problem_of(shop, "name = \"" + longest + "\"") ==
        "20:8: " + longest + " is too long: fra.on in front of it must fit in 255 octets");
}

TEST_CASE("endpoints are addresses, or one target", "[service_file]") {
  CHECK(problem_of(two_endpoints, "endpoints = [\"lb.example.net\", \"198.51.100.2\"]") ==
        R"(26:15: "endpoints" mixes a target with addresses; use one target alone, or addresses)");
  CHECK(problem_of(two_endpoints, "endpoints = [\"lb.example.net\", \"lc.example.net\"]") ==
        R"(26:15: "endpoints" holds more than one target; a name can have one CNAME only)");
  CHECK(problem_of(two_endpoints, "endpoints = []") ==
        R"(26:15: "endpoints" must not be empty; leave it out to use the cluster's "addresses")");
  CHECK(problem_of(two_endpoints, "") ==
        R"(24:3: [[service.pool]] needs "endpoints": the cluster "ams" has no "addresses")");
  CHECK(
      problem_of("\"198.51.100.2\"", "\"198.51.100.256\"") ==
      R"(26:32: "endpoints" must be an address such as "192.0.2.1" or "2001:db8::1", not "198.51.100.256")");
  CHECK(problem_of("\"198.51.100.2\"", "\"0.0.0.0\"") ==
        R"(26:32: "endpoints" must be an address that a client can reach, not "0.0.0.0")");
  CHECK(problem_of("\"198.51.100.2\"", "\"::ffff:198.51.100.2\"") ==
        R"(26:32: "endpoints" must be "198.51.100.2", not "::ffff:198.51.100.2")");
  CHECK(
      problem_of(two_endpoints, "endpoints = [\"loadbalancer\"]") ==
      R"(26:16: "endpoints" must be an address, or a whole name such as "lb.fra.example.net.", not "loadbalancer")");
  CHECK(
      problems_of(changed(good_config, two_endpoints, "endpoints = [\"lb.example.net\"]")).empty());
}

TEST_CASE("a target stands where a CNAME can stand", "[service_file]") {
  CHECK(problem_of(two_endpoints, "endpoints = [\"Shop.svc.example.com\"]") ==
        "26:15: the target Shop.svc.example.com. is the service itself");
  const std::string apex = changed(good_config, "shop.svc.example.com.", "svc.example.com.");
  CHECK(problems_of(changed(apex, two_endpoints, "endpoints = [\"lb.example.net\"]")) ==
        std::vector<std::string>{"26:15: svc.example.com. is the top of its zone, where no CNAME "
                                 "can stand; use addresses"});
  const std::string all = changed(good_config, shop, std::string(shop) + "\npolicy = \"all\"");
  CHECK(
      problems_of(changed(all, two_endpoints, "endpoints = [\"lb.example.net\"]")) ==
      std::vector<std::string>{
          R"(27:15: a target cannot stand beside others in one answer, as the policy "all" wants; use addresses)"});
}

TEST_CASE("a policy has what it needs", "[service_file]") {
  CHECK(
      problem_of(shop, std::string(shop) + "\npolicy = \"local\"") ==
      R"(26:13: the cluster "ams" has no "localities", which the policy "local" of shop.svc.example.com. needs)");
  CHECK(
      problem_of(shop, std::string(shop) + "\nwhen_all_down = \"last_resort\"") ==
      R"(21:17: "when_all_down" is "last_resort", but no pool of this service has "last_resort = true")");
  const std::string one =
      changed(good_config, "cluster = \"fra\"", "cluster = \"fra\"\n  last_resort = true");
  CHECK(problems_of(one).empty());
  CHECK(problems_of(changed(one, "cluster = \"ams\"", "cluster = \"ams\"\n  last_resort = true")) ==
        std::vector<std::string>{
            R"(19:1: every pool of this [[service]] is "last_resort"; one at least must not be)"});
}

TEST_CASE("keys of services and pools have bounds", "[service_file]") {
  CHECK(problem_of(shop, std::string(shop) + "\nttl = \"2147483648s\"") ==
        R"(21:7: "ttl" must be from 0s to 2147483647s, not 2147483648s)");
  CHECK(problem_of(shop, std::string(shop) + "\nttl = 30") ==
        R"(21:7: "ttl" must be a duration in quotes such as "30s", not the number 30)");
  CHECK(problem_of(shop, std::string(shop) + "\nttl_min = \"31s\"") ==
        R"(21:11: "ttl_min" must be at most "ttl", which is 30s)");
  CHECK(problem_of(shop, std::string(shop) + "\nanswers = 101") ==
        R"(21:11: "answers" must be from 0 to 100, not 101)");
  CHECK(problem_of("cluster = \"fra\"", "cluster = \"fra\"\n  weight = -1") ==
        R"(24:12: "weight" must be from 0 to 65535, not -1)");
  CHECK(problem_of("cluster = \"fra\"", "cluster = \"fra\"\n  weight = 1.5") ==
        R"(24:12: "weight" must be a whole number, not the number 1.5)");
  CHECK(problem_of("cluster = \"fra\"", "cluster = \"fra\"\n  last_resort = \"yes\"") ==
        R"(24:17: "last_resort" must be true or false, not "yes")");
  CHECK(problem_of("cluster = \"fra\"", "priority = 2")
            .starts_with(R"(22:3: [[service.pool]] needs the key "cluster")"));
  CHECK(problem_behind("[[service]]\nname = \"x.svc.example.com\"\n") ==
        "27:1: [[service]] needs at least one [[service.pool]]");
}

TEST_CASE("a pool can carry what its cluster can, unless it says so itself", "[service_file]") {
  const std::string text =
      changed(changed(good_config, "name = \"ams\"", "name = \"ams\"\ncapacity = 40"),
              "cluster = \"fra\"", "cluster = \"fra\"\ncapacity = 12.5");
  Diagnostics diagnostics("t.toml", text);
  const TomlDocument document = parse_toml(text, diagnostics);
  const std::vector<std::string> monitors = names_in(document.root, "monitor");
  const std::vector<Name> zones{*parse_name("svc.example.com.")};
  const Topology topology = parse_topology(document, monitors, diagnostics);
  const auto services = parse_services(
      document, {.topology = topology, .monitors = monitors, .zones = zones}, diagnostics);
  CAPTURE(diagnostics.problems().size());
  REQUIRE(services.size() == 1);
  REQUIRE(services[0].pools.size() == 2);
  CHECK(services[0].pools[0].capacity == 12.5);
  CHECK(services[0].pools[1].capacity == 40);
  CHECK(services[0].is_steered());
  CHECK(problem_of("cluster = \"fra\"", "cluster = \"fra\"\ncapacity = -1")
            .ends_with(R"("capacity" must be from 0 to 1e+15, not -1)"));
}

TEST_CASE("a service may leave capacity alone, and is warned of keys that ask for it",
          "[service_file]") {
  CHECK(problems_of(within_capacity("steered = false")).empty());
  const auto problems = problems_of(within_capacity("steered = false\nfailback = \"manual\""));
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].ends_with(R"("failback" has no effect: shares of shop.svc.example.com. do not )"
                              R"(follow capacity, "steered" is false)"));
  CHECK(problems_of(within_capacity("demand = 5\nfailback = \"manual\"")).empty());
  CHECK(problem_of(shop, std::string(shop) + "\ntarget = 0.5")
            .ends_with(R"(neither its pool in "fra" nor that cluster has a "capacity")"));
  CHECK(problem_of(shop, std::string(shop) + "\npolicy = \"all\"\ndemand = 5")
            .ends_with(R"(follow capacity, its policy is "all")"));
}

TEST_CASE("nobody saying what is asked for is warned of once, until somebody may",
          "[service_file]") {
  const auto problems = problems_of(within_capacity(""));
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].find("nobody says what is asked of shop.svc.example.com.: without") !=
        std::string::npos);
  CHECK(problems_of(within_capacity("demand = 0")).empty());
  CHECK(problems_of(
            changed(within_capacity(""), "name = \"ams\"\n",
                    "name = \"ams\"\nload_url = \"http://192.0.2.1/\"\nload_json = \"/load\"\n"))
            .empty());
  SECTION("however many there are") {
    const std::string more =
        "[[service]]\nname = \"x.svc.example.com\"\n  [[service.pool]]\n  cluster = \"ams\"\n"
        "  endpoints = [\"192.0.2.9\"]\n";
    const auto all = problems_of(within_capacity("") + more);
    REQUIRE(all.size() == 1);
    CHECK(all[0].find("(nor of 1 other service)") != std::string::npos);
  }
}

TEST_CASE("a weight of a service within capacity is warned of", "[service_file]") {
  const std::string weights =
      changed(changed(good_config, "cluster = \"fra\"\n", "cluster = \"fra\"\n  weight = 95\n"),
              "cluster = \"ams\"\n", "cluster = \"ams\"\n  weight = 5\n");
  CHECK(problems_of(weights).empty());
  const auto with_capacities =
      changed(changed(changed(weights, shop, std::string(shop) + "\ndemand = 5"),
                      "name = \"fra\"\n", "name = \"fra\"\ncapacity = 100\n"),
              "name = \"ams\"\n", "name = \"ams\"\ncapacity = 100\n");
  const auto problems = problems_of(with_capacities);
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].starts_with(
      R"(27:12: warning: "weight" has no effect while shares follow capacity)"));
  CHECK(problems[1].starts_with("30:12: "));
  SECTION("not where they are equal") {
    CHECK(problems_of(changed(with_capacities, "weight = 95", "weight = 5")).empty());
  }
  SECTION("not where one pool has none") {
    CHECK(problems_of(changed(weights, "name = \"fra\"\n", "name = \"fra\"\ncapacity = 100\n"))
              .empty());
  }
}

TEST_CASE("services in services lead somewhere, and not too deep", "[service_file]") {
  const auto service = [](const std::string& name, const std::string& target) {
    return "[[service]]\nname = \"" + name + ".svc.example.com.\"\n  [[service.pool]]\n" +
           "  cluster = \"ams\"\n  endpoints = [\"" + target + "\"]\n";
  };
  CHECK(problem_behind(service("a", "B.svc.example.com.") + service("b", "c.svc.example.com.") +
                       service("c", "a.svc.example.com.")) ==
        "41:15: the target a.svc.example.com. is a service that leads back to c.svc.example.com.");
  std::string chain = service("n0", "192.0.2.9");
  for (int i = 1; i <= 10; ++i)
    chain += service("n" + std::to_string(i), "n" + std::to_string(i - 1) + ".svc.example.com.");
  CHECK(problems_of(std::string(good_config) + chain).empty());
  // Two are too deep, and the first of them is where it is to be mended.
  chain += service("n11", "n10.svc.example.com.") + service("n12", "n11.svc.example.com.");
  CHECK(problem_behind(chain) ==
        "86:15: services may lie in one another 10 levels deep; with the target "
        "n10.svc.example.com. they would 11");
  SECTION("however many stand in one chain, the first of them deepest") {
    std::string long_chain;
    for (int i = 0; i < 40'000; ++i)
      long_chain +=
          service("m" + std::to_string(i), "m" + std::to_string(i + 1) + ".svc.example.com.");
    CHECK(problem_behind(long_chain).ends_with("they would 11"));
  }
}

TEST_CASE("a service of more endpoints than any answer holds is refused", "[service_file]") {
  const auto endpoints = [](unsigned count) {
    std::string out = "endpoints = [";
    for (unsigned i = 0; i < count; ++i)
      out += "\"10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250) + "\",";
    return out + "]";
  };
  CHECK(problem_of(two_endpoints, endpoints(4'096)) ==
        "20:8: a service has at most 4096 endpoints and as many pools; shop.svc.example.com. has "
        "4097 endpoints in 2 pools");
  CHECK(problems_of(changed(good_config, two_endpoints, endpoints(4'095))).empty());
}

TEST_CASE("a pool's bounds can be reached by its endpoints, of either family", "[service_file]") {
  const auto with = [](const std::string& keys) {
    return problem_of(two_endpoints, std::string(two_endpoints) + "\n" + keys);
  };
  CHECK(
      problems_of(changed(good_config, two_endpoints,
                          std::string(two_endpoints) +
                              "\nmin_healthy = 2\nmin_healthy_ipv4 = \"50%\"\nmin_healthy_up = 2"))
          .empty());
  CHECK(with("min_healthy = 3") ==
        R"(27:15: "min_healthy" can never be reached: there are 2 endpoints in this pool)");
  CHECK(
      with("min_healthy_ipv6 = 1") ==
      R"(27:20: "min_healthy_ipv6" can never be reached: there are 0 IPv6 endpoints in this pool)");
  CHECK(with("min_healthy_up = 2") == R"(27:18: "min_healthy_up" needs "min_healthy")");
  CHECK(with("min_healthy = 2\nmin_healthy_up = 1") ==
        R"(28:18: "min_healthy_up" must not be less than "min_healthy")");
}

TEST_CASE("a cluster's bounds count the endpoints of all services in it", "[service_file]") {
  const std::string fra = "name = \"fra\"\nmin_healthy = ";
  CHECK(problems_of(changed(good_config, "name = \"fra\"\n", fra + "1\n")).empty());
  CHECK(
      problem_of("name = \"fra\"\n", fra + "2\n") ==
      R"(12:15: "min_healthy" can never be reached: there is 1 endpoint in this cluster, in all services together)");
}

TEST_CASE("a fence names regions, and pools take that of their service", "[service_file]") {
  CHECK(problem_of(shop, std::string(shop) + "\nonly_regions = [\"us\"]") ==
        R"(21:17: no [[region]] is named "us")");
  CHECK(problem_of("cluster = \"fra\"", "cluster = \"fra\"\nonly_regions = [\"uo\"]") ==
        R"(24:17: no [[region]] is named "uo")");

  const std::string text = changed(
      changed(good_config, shop, std::string(shop) + "\nonly_regions = [\"eu\"]"),
      "cluster = \"ams\"\n  endpoints", "cluster = \"ams\"\n  only_regions = []\n  endpoints");
  Diagnostics diagnostics("t.toml", text);
  const TomlDocument document = parse_toml(text, diagnostics);
  const std::vector<std::string> monitors{"web"};
  const std::vector<Name> zones{*parse_name("svc.example.com.")};
  const Topology topology = parse_topology(document, monitors, diagnostics);
  const auto services = parse_services(
      document, {.topology = topology, .monitors = monitors, .zones = zones}, diagnostics);
  CHECK(diagnostics.problems().empty());
  CHECK(services.at(0).pools.at(0).only_regions == std::vector<std::string>{"eu"});
  CHECK(services.at(0).pools.at(1).only_regions.empty());
  CHECK(services.at(0).pools.at(0).serves(topology, LocalityId(0)));
  CHECK_FALSE(services.at(0).pools.at(0).serves(topology, no_locality));
  CHECK(services.at(0).pools.at(1).serves(topology, no_locality));
}
