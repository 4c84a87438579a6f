#include "server/control/share_text.h"

#include <catch2/catch.hpp>

using namespace swingover;
using namespace swingover::control;

namespace {

zones::Service shop() {
  zones::Service service;
  for (const char* cluster : {"fra", "ams", "par"}) {
    zones::Pool pool;
    pool.cluster_name = cluster;
    service.pools.push_back(pool);
  }
  return service;
}

zones::Topology three_localities() {
  zones::Topology topology;
  for (const char* name : {"fra-a", "fra-b", "ams-a"}) {
    zones::Locality locality;
    locality.name = name;
    topology.localities.push_back(locality);
  }
  return topology;
}

using Shares = std::vector<uint16_t>;

}  // namespace

TEST_CASE("shares are told row by row, equal rows together, and read back", "[share_text]") {
  const Shares shares{10'000, 0, 0, 6'364, 3'636, 0, 6'364, 3'636, 0, 0, 0, 0};
  const std::string text = share_text(shares, shop(), three_localities());
  CHECK(text == "-: fra 10000; ams-a: none; *: fra 6364, ams 3636");
  CHECK(*parse_share_text(text, shop(), three_localities()) == shares);
}

TEST_CASE("a service without any share has nothing to tell", "[share_text]") {
  const Shares none(12, 0);
  CHECK(share_text(none, shop(), three_localities()).empty());
  CHECK(*parse_share_text("", shop(), three_localities()) == none);
}

TEST_CASE("what a later config no longer has is left out of old shares", "[share_text]") {
  const auto read = parse_share_text("gone-a: fra 10000; fra-b: lon 5000, par 5000; *: ams 10000",
                                     shop(), three_localities());
  CHECK(*read == Shares{0, 10'000, 0, 0, 10'000, 0, 0, 0, 5'000, 0, 10'000, 0});
}

TEST_CASE("what tells no shares is refused", "[share_text]") {
  for (const char* text : {"fra", "*: ", "*: fra", "*: fra x", "*: fra 10001", "*: fra -1"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_share_text(text, shop(), three_localities()));
  }
}
