#include "zones/edns.h"

#include <catch2/catch.hpp>

#include <vector>

#include "zones/protocol.h"

namespace swingover::zones {
namespace {

using Wire = std::vector<uint8_t>;

Edns read(const Wire& options) {
  Edns edns;
  REQUIRE(parse_opt(1232, 0, options, edns) == OptOutcome::fine);
  return edns;
}

bool is_malformed(const Wire& options) {
  Edns edns;
  const bool malformed = parse_opt(1232, 0, options, edns) == OptOutcome::malformed;
  if (malformed) {
    CHECK(edns.present);
    CHECK_FALSE(edns.nsid_asked);
    CHECK(edns.cookie.empty());
    CHECK_FALSE(edns.subnet.present());
  }
  return malformed;
}

Wire option(uint8_t code, const Wire& data) {
  Wire out{0, code, 0, static_cast<uint8_t>(data.size())};
  out.insert(out.end(), data.begin(), data.end());
  return out;
}

Wire joined(std::initializer_list<Wire> parts) {
  Wire out;
  for (const Wire& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

/// The options of the record that write_opt() makes with `room` octets behind a message of `message` octets.
Wire written(const OptAnswer& answer, size_t room, size_t message = 100) {
  Wire out(room, 0xa5);
  const size_t size = write_opt(out, message, answer);
  REQUIRE(size >= opt_size_least(answer));
  REQUIRE(size <= room);
  REQUIRE(read_u16(&out[9]) == size - 11);
  out.resize(size);
  out.erase(out.begin(), out.begin() + 11);
  return out;
}

const Wire nsid = option(3, {});
const Wire subnet = option(8, {0, 1, 24, 0, 192, 0, 2});
const Wire cookie = option(10, {1, 2, 3, 4, 5, 6, 7, 8});

}  // namespace

TEST_CASE("options are read in any order, unknown ones stepped over", "[edns]") {
  const Edns edns = read(joined({option(99, {1, 2, 3}), cookie, nsid, option(12, {0, 0}), subnet,
                                 option(11, {}), option(99, {})}));
  CHECK(edns.nsid_asked);
  CHECK(edns.padding_asked);
  CHECK(edns.keepalive == Edns::Keepalive::asked);
  CHECK(edns.cookie.size() == 8);
  CHECK(edns.subnet.source == 24);
  CHECK(read(option(11, {0, 1})).keepalive == Edns::Keepalive::malformed);
  CHECK(read({}).keepalive == Edns::Keepalive::none);
}

TEST_CASE("an option that breaks a rule makes the query malformed, and leaves no other set",
          "[edns]") {
  CHECK(is_malformed({0}));
  CHECK(is_malformed({0, 3, 0}));
  CHECK(is_malformed({0, 3, 0, 1}));
  CHECK(is_malformed(joined({nsid, {0, 99, 0, 2, 1}})));
  CHECK(is_malformed(joined({nsid, cookie, option(8, {0, 1, 24, 0, 192, 0})})));
  CHECK(is_malformed(joined({nsid, subnet, option(10, {1, 2, 3, 4, 5, 6, 7})})));
  CHECK(is_malformed(option(10, {})));
  CHECK(is_malformed(option(10, Wire(15, 1))));
  CHECK(is_malformed(option(10, Wire(41, 1))));
}

TEST_CASE("of two cookies the first counts, two client subnets are malformed", "[edns]") {
  CHECK(read(joined({cookie, option(10, Wire(16, 9))})).cookie.size() == 8);
  CHECK(is_malformed(joined({subnet, subnet})));
}

TEST_CASE("of the flags DO and CO are read", "[edns]") {
  const auto flags = [](uint32_t bits) {
    Edns edns;
    CHECK(parse_opt(1232, bits, {}, edns) == OptOutcome::fine);
    return std::pair(edns.dnssec_ok, edns.compact_ok);
  };
  CHECK(flags(0) == std::pair(false, false));
  CHECK(flags(0x8000) == std::pair(true, false));
  CHECK(flags(0x4000) == std::pair(false, true));
  CHECK(flags(0xffff) == std::pair(true, true));
}

TEST_CASE("options of a version that we do not know are not looked at", "[edns]") {
  Edns edns;
  const Wire nonsense{0, 3, 0};
  CHECK(parse_opt(1232, 0x010000, nonsense, edns) == OptOutcome::bad_version);
  CHECK(edns.version == 1);
}

TEST_CASE("an answer's OPT brings what was asked for", "[edns]") {
  const Wire answer_cookie(24, 7);
  ClientSubnet asked;
  const Wire data{0, 1, 24, 0, 192, 0, 2};
  REQUIRE(parse_client_subnet(data, asked));
  const Wire identity{'e', '1'};
  const ExtendedError error{20, "why"};
  OptAnswer answer;
  answer.udp_size = 1232;
  answer.rcode = 23;
  answer.dnssec_ok = true;
  CHECK(opt_size_least(answer) == 11);
  Wire out(11);
  REQUIRE(write_opt(out, 100, answer) == 11);
  CHECK(out == Wire{0, 0, 41, 4, 208, 1, 0, 0x80, 0, 0, 0});
  answer.compact_ok = true;
  REQUIRE(write_opt(out, 100, answer) == 11);
  CHECK(out == Wire{0, 0, 41, 4, 208, 1, 0, 0xc0, 0, 0, 0});
  answer.compact_ok = false;

  answer.cookie = answer_cookie;
  answer.subnet = &asked;
  answer.subnet_scope = 16;
  answer.keepalive = 100;
  answer.error = &error;
  answer.identity = identity;
  const Wire needed = joined(
      {option(10, answer_cookie), option(8, {0, 1, 24, 16, 192, 0, 2}), option(11, {0, 100})});
  const size_t least = opt_size_least(answer);
  CHECK(least == 11 + needed.size());
  const Wire full_error = option(15, {0, 20, 'w', 'h', 'y'});
  const Wire full = joined({needed, full_error, option(3, identity)});
  CHECK(written(answer, 500) == full);

  SECTION("what is optional is left out where there is no room") {
    for (size_t room = least; room <= least + 9 + 6; ++room) {
      const Wire options = written(answer, room);
      CHECK(Wire(options.begin(), options.begin() + static_cast<long>(needed.size())) == needed);
    }
    CHECK(written(answer, least) == needed);
    CHECK(written(answer, least + 6) == joined({needed, option(15, {0, 20})}));
    CHECK(written(answer, least + 9) == joined({needed, full_error}));
    CHECK(written(answer, least + 15) == full);
  }
  SECTION("padding fills a block of 468 octets, or the room") {
    answer.pad = true;
    for (const size_t message : {100UL, 300UL, 393UL, 394UL, 395UL, 400UL, 468UL, 1000UL}) {
      const size_t size = message + 11 + written(answer, 1200, message).size();
      CHECK(size % 468 == 0);
    }
    CHECK(written(answer, least + 15 + 50).size() + 11 == least + 15 + 50);
    CHECK(written(answer, least + 15 + 3) == full);
    CHECK(written(answer, least + 15 + 4) == joined({full, option(12, {})}));
  }
}

}  // namespace swingover::zones
