#include "zones/source_map.h"

#include <catch2/catch.hpp>

namespace swingover::zones {
namespace {

Topology two_localities() {
  Topology topology;
  topology.localities = {
      {"fra-a", "eu", {*parse_ip_prefix("10.1.0.0/16"), *parse_ip_prefix("2001:db8:1::/48")}},
      {"ams-a", "eu", {*parse_ip_prefix("10.0.0.0/8")}}};
  return topology;
}

TEST_CASE("a client lives in the locality of its longest prefix", "[source_map]") {
  const SourceMap map(two_localities());
  CHECK(map.find(*parse_ip_address("10.1.2.3")).locality == LocalityId(0));
  CHECK(map.find(*parse_ip_address("10.2.2.3")).locality == LocalityId(1));
  CHECK(map.find(*parse_ip_address("2001:db8:1::5")).locality == LocalityId(0));
  CHECK(map.find(*parse_ip_address("192.0.2.1")).locality == no_locality);
  CHECK(SourceMap().find(*parse_ip_address("10.1.2.3")).locality == no_locality);
}

TEST_CASE("the scope of a found locality is as wide as its result holds", "[source_map]") {
  const SourceMap map(two_localities());
  CHECK(map.find(*parse_ip_address("10.1.2.3")).length == 16);
  CHECK(map.find(*parse_ip_address("10.128.0.1")).length == 9);
  CHECK(map.find(*parse_ip_address("2001:db8:1::5")).length == 48);
}

TEST_CASE("an IPv4-mapped client is found as IPv4, its scope counted in the form it gave",
          "[source_map]") {
  const auto found = SourceMap(two_localities()).find(*parse_ip_address("::ffff:10.1.2.3"));
  CHECK(found.locality == LocalityId(0));
  CHECK(found.length == 96 + 16);
}

}  // namespace
}  // namespace swingover::zones
