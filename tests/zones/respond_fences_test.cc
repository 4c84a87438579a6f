// Fences through whole answers: who counts as inside of a region, at services and at the names of their pools.
#include <catch2/catch.hpp>

#include "tests/support/served.h"
#include "zones/explain.h"
#include "zones/protocol.h"

namespace swingover::tests {
namespace {

using namespace zones;

/// `shop` has a pool for clients in the EU and one for everybody. 10.1.0.0/16 is listed in the EU, a database has
/// 198.51.100.0/24 there by country, and 203.0.113.0/24 by coordinates alone.
Model model() {
  Model out;
  out.topology = two_clusters();
  out.zones = {zone_source("svc.example.", "@ 60 IN SOA n h 1 2 3 4 5\n@ 60 IN NS n\n")};
  Pool fenced = pool_of("fra", {"192.0.2.10"});
  fenced.only_regions = {"eu"};
  out.services = {service_of("shop.svc.example.", {fenced, pool_of("ams", {"192.0.2.20"}, 2)})};
  ClientSources sources;
  std::vector<GeoMap::Rule> rules{
      {*parse_ip_prefix("198.51.100.0/24"), {.by_country = LocalityId(0)}},
      {*parse_ip_prefix("203.0.113.0/24"), {.by_coordinates = LocalityId(0)}}};
  sources.databases = {{.file = "geo.mmdb",
                        .text = {},
                        .map = std::make_shared<const GeoMap>(GeoMap(std::move(rules)))}};
  sources.map = compile_sources(out.topology, sources);
  out.clients = std::move(sources);
  return out;
}

std::vector<uint8_t> subnet_option(std::string_view prefix) {
  const IpPrefix parsed = *parse_ip_prefix(prefix);
  const Bytes octets = parsed.address.bytes().first((parsed.length + 7) / 8);
  std::vector<uint8_t> out{
      0, 8, 0, static_cast<uint8_t>(4 + octets.size()), 0, 1, static_cast<uint8_t>(parsed.length),
      0};
  out.insert(out.end(), octets.begin(), octets.end());
  return out;
}

struct Asked {
  std::string_view resolver;
  std::string_view subnet{};  // empty: none is sent
};

std::string ask(Served& server, std::string_view name, const Asked& asked) {
  server.set_client(*parse_ip_address(asked.resolver));
  QueryText query{.name = name};
  if (!asked.subnet.empty()) query.options = subnet_option(asked.subnet);
  const PacketText answer = server.ask(query);
  CHECK(answer.rcode == rcode::no_error);
  if (answer.answer.empty()) return "nodata";
  return answer.answer.back().substr(answer.answer.back().rfind(' ') + 1);
}

}  // namespace

TEST_CASE("inside of a region is who is listed there, or by its network's owner or country",
          "[respond_fences]") {
  Served server(model());
  server.set_all(Eligibility::eligible);
  const bool is_pool = GENERATE(false, true);
  const std::string_view name = is_pool ? "fra.on.shop.svc.example." : "shop.svc.example.";
  const std::string inside = "192.0.2.10";
  const std::string outside = is_pool ? "nodata" : "192.0.2.20";

  CHECK(ask(server, name, {"10.1.0.1"}) == inside);
  CHECK(ask(server, name, {"198.51.100.1"}) == inside);
  CHECK(ask(server, name, {"203.0.113.1"}) == outside);  // near it
  CHECK(ask(server, name, {"192.0.2.200"}) == outside);

  // A subnet that is sent says where the client is; whose resolver asks no longer counts.
  CHECK(ask(server, name, {"192.0.2.200", "198.51.100.0/24"}) == inside);
  CHECK(ask(server, name, {"10.1.0.1", "100.0.0.0/24"}) == outside);
  CHECK(ask(server, name, {"10.1.0.1", "203.0.113.0/24"}) == outside);
  CHECK(ask(server, name, {"10.1.0.1", "0.0.0.0/0"}) == inside);
  CHECK(ask(server, "ams.on.shop.svc.example.", {"192.0.2.200"}) == "192.0.2.20");
}

TEST_CASE("the name of a fenced pool says how far its answer holds, and why there is none",
          "[respond_fences]") {
  Served server(model());
  server.set_client(*parse_ip_address("192.0.2.200"));
  QueryText query{.name = "fra.on.shop.svc.example.", .options = subnet_option("198.51.100.0/24")};
  CHECK(server.ask(query).options.at(7) > 16);  // the scope: not of the addresses around
  query.options = {};
  const PacketText refused = server.ask(query);
  CHECK(refused.answer.empty());
  REQUIRE(refused.options.size() > 6);
  CHECK(refused.options[5] == 18);
}

TEST_CASE("explain says why a client that is only near is outside", "[respond_fences]") {
  Served server(model());
  server.set_all(Eligibility::eligible);
  const auto steps = [&](std::string_view name) {
    std::string out;
    const Explanation told =
        explain(server.snapshot(), *parse_name(name), type::a, *parse_ip_address("203.0.113.1"));
    for (const auto& step : told.steps) out += step.step + " " + step.result + "\n";
    return out;
  };
  const std::string service = steps("shop.svc.example.");
  CHECK(service.find("locality fra-a\n") != std::string::npos);
  CHECK(service.find("only_regions outside\n") != std::string::npos);
  CHECK(service.find("pool fra prohibited\n") != std::string::npos);
  CHECK(steps("fra.on.shop.svc.example.").find("pool fra prohibited\n") != std::string::npos);
}

}  // namespace swingover::tests
