#include "zones/dnssec/rollover.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <random>
#include <set>
#include <string>
#include <utility>

namespace swingover::dnssec::tests {
namespace {

constexpr Milliseconds hour{3'600'000};
constexpr RolloverTimes times{.ds = hour * 24, .dnskey = hour, .signatures = hour * 4};
constexpr WallTime start{1'767'225'600'000};  // 2026-01-01

RolloverKey csk(uint16_t tag, Algorithm algorithm = Algorithm::ecdsa_p256_sha256) {
  return {.tag = tag, .algorithm = algorithm};
}
RolloverKey ksk(uint16_t tag, Algorithm algorithm = Algorithm::ecdsa_p256_sha256) {
  return {.tag = tag, .algorithm = algorithm, .signs_zone = false};
}
RolloverKey zsk(uint16_t tag, Algorithm algorithm = Algorithm::ecdsa_p256_sha256) {
  return {.tag = tag, .algorithm = algorithm, .signs_keys = false};
}

/// The keys that come in and go out of one zone, whose parent acts two hours after it was asked.
struct Zone {
  Rollover rollover{RolloverState{}, times};
  WallTime now = start;

  /// "4h DNSKEY +2 -1": what happens, with the hours since `start`; a request as "ask DS".
  std::vector<std::string> run() {
    std::vector<std::string> lines;
    for (const RolloverStep& step : rollover.forecast(now, hour * 2)) lines.push_back(line(step));
    // What was said in advance then comes.
    std::vector<std::string> come;
    std::optional<WallTime> parent_acts;
    for (;;) {
      for (const RolloverStep& step : rollover.advance(now)) come.push_back(line(step));
      if (rollover.waits_for_parent() && !parent_acts) parent_acts = now + hour * 2;
      std::optional<WallTime> next = rollover.next_look();
      if (parent_acts && (!next || *parent_acts <= *next)) next = parent_acts;
      if (!next) break;
      now = *next;
      if (parent_acts != next) continue;
      parent_acts.reset();
      const KeySet before = rollover.state().places[0].keys;
      const KeySet after = rollover.wanted_ds();
      CHECK(rollover.see_parent(after, now));
      come.push_back(line({now, KeyPlace::ds, after & ~before, before & ~after}));
    }
    CHECK(come == lines);
    CHECK(rollover.is_settled());
    return come;
  }
  std::string line(const RolloverStep& step) const {
    std::string out = std::to_string((step.at - start).value / hour.value) + "h " +
                      (step.is_request ? "ask " : "") + std::string(key_place_name(step.place));
    for (const auto& [keys, sign] : {std::pair(step.added, " +"), std::pair(step.removed, " -")}) {
      for (size_t i = 0; i < rollover.state().keys.size(); ++i) {
        if ((keys >> i & 1) != 0) out += sign + std::to_string(rollover.state().keys[i].tag);
      }
    }
    return out;
  }
  void begin(std::initializer_list<RolloverKey> keys) {
    for (const RolloverKey& key : keys) REQUIRE(rollover.bring_in(key));
    run();
    now = start;
    // As of a zone that has been so for long.
    RolloverState state = rollover.state();
    for (PlaceVersions& place : state.places) place.since = {};
    rollover = Rollover(state, times);
  }
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a zone is signed first, and its parent asked when nobody remembers it unsigned",
          "[rollover]") {
  Zone zone;
  RolloverState unsigned_zone;
  zone.rollover = Rollover(unsigned_zone, times);
  REQUIRE(zone.rollover.bring_in(csk(1)));
  CHECK(zone.run() == Lines{"0h RRSIG +1", "0h DNSKEY +1", "4h ask DS +1", "6h DS +1"});
}

TEST_CASE(
    "a ZSK is published first, signs when every cache has it, and stays while its signatures do",
    "[rollover]") {  // RFC 6781 section 4.1.1.1
  Zone zone;
  zone.begin({ksk(1), zsk(2)});
  REQUIRE(zone.rollover.bring_in(zsk(3)));
  REQUIRE(zone.rollover.take_out(2, Algorithm::ecdsa_p256_sha256));
  CHECK(zone.run() == Lines{"0h DNSKEY +3", "1h RRSIG +3 -2", "5h DNSKEY -2"});
  const auto gone = zone.rollover.forget();
  REQUIRE(gone.size() == 1);
  CHECK(gone[0].tag == 2);
  CHECK(zone.rollover.is_settled());
}

TEST_CASE("a KSK changes between two DS at the parent", "[rollover]") {  // RFC 6781 section 4.1.2
  Zone zone;
  zone.begin({ksk(1), zsk(2)});
  REQUIRE(zone.rollover.bring_in(ksk(3)));
  REQUIRE(zone.rollover.take_out(1, Algorithm::ecdsa_p256_sha256));
  CHECK(zone.run() == Lines{"0h ask DS +3", "2h DS +3", "26h DNSKEY +3", "26h DNSKEY -1",
                            "27h ask DS -1", "29h DS -1"});
}

TEST_CASE("a CSK changes between two DS, published before it signs", "[rollover]") {
  Zone zone;
  zone.begin({csk(1)});
  REQUIRE(zone.rollover.bring_in(csk(2)));
  REQUIRE(zone.rollover.take_out(1, Algorithm::ecdsa_p256_sha256));
  CHECK(zone.run() == Lines{"0h ask DS +2", "2h DS +2", "26h DNSKEY +2", "27h RRSIG +2 -1",
                            "31h DNSKEY -1", "31h ask DS -1", "33h DS -1"});
}

TEST_CASE("a new algorithm signs first and the old one signs last", "[rollover]") {
  // RFC 6781 section 4.1.4
  Zone zone;
  zone.begin({csk(1, Algorithm::rsa_sha256)});
  REQUIRE(zone.rollover.bring_in(csk(2)));
  REQUIRE(zone.rollover.take_out(1, Algorithm::rsa_sha256));
  CHECK(zone.run() == Lines{"0h RRSIG +2", "4h DNSKEY +2", "5h ask DS +2", "5h ask DS -1",
                            "7h DS +2 -1", "31h DNSKEY -1", "32h RRSIG -1"});
}

TEST_CASE("a zone becomes insecure when nobody has its DS any more", "[rollover]") {
  Zone zone;
  zone.begin({ksk(1), zsk(2)});
  REQUIRE(zone.rollover.take_out(1, Algorithm::ecdsa_p256_sha256));
  REQUIRE(zone.rollover.take_out(2, Algorithm::ecdsa_p256_sha256));
  CHECK(zone.run() ==
        Lines{"0h ask DS -1", "2h DS -1", "26h DNSKEY -1", "26h DNSKEY -2", "26h RRSIG -2"});
  CHECK_FALSE(zone.rollover.is_signed());
  CHECK(zone.rollover.forget().size() == 2);
  CHECK(zone.rollover.state().keys.empty());
}

TEST_CASE("while the parent does nothing, nothing goes on", "[rollover]") {
  Zone zone;
  zone.begin({ksk(1), zsk(2)});
  REQUIRE(zone.rollover.bring_in(ksk(3)));
  REQUIRE(zone.rollover.take_out(1, Algorithm::ecdsa_p256_sha256));
  REQUIRE(zone.rollover.advance(start).size() == 1);
  for (int day = 1; day < 100; ++day) {
    CHECK(zone.rollover.advance(start + hour * (24 * day)).empty());
    CHECK_FALSE(zone.rollover.see_parent(1, start + hour * (24 * day)));
    CHECK(zone.rollover.waits_for_parent());
  }
  CHECK_FALSE(zone.rollover.next_look());
}

TEST_CASE("a key that is there is not brought in again, and one that is not cannot go",
          "[rollover]") {
  Rollover rollover(RolloverState{}, times);
  CHECK(rollover.bring_in(csk(1)));
  CHECK_FALSE(rollover.bring_in(csk(1)));
  CHECK(rollover.bring_in(csk(1, Algorithm::ed25519)));
  CHECK_FALSE(rollover.take_out(2, Algorithm::ed25519));
  for (uint16_t tag = 2; tag < rollover_keys_max; ++tag) CHECK(rollover.bring_in(csk(tag)));
  CHECK_FALSE(rollover.bring_in(csk(1000)));
}

TEST_CASE("a parent that made the zone bogus by itself is followed at once", "[rollover]") {
  Zone zone;
  zone.begin({csk(1, Algorithm::rsa_sha256)});
  REQUIRE(zone.rollover.bring_in(csk(2)));
  REQUIRE(zone.rollover.advance(start).size() == 1);  // it signs, and has to wait
  REQUIRE(zone.rollover.see_parent(3, start));        // somebody was in a hurry
  const auto steps = zone.rollover.advance(start);
  REQUIRE(steps.size() == 1);
  CHECK(zone.line(steps[0]) == "0h DNSKEY +2");
}

namespace {

/// What a place showed from when on.
struct Shown {
  WallTime at;
  std::set<uint16_t> keys;
};
using History = std::vector<Shown>;

/// Each set that a resolver may have now which keeps what it got for less than `ttl`.
std::set<std::set<uint16_t>> kept(const History& history, WallTime now, Milliseconds ttl) {
  std::set<std::set<uint16_t>> out;
  for (size_t i = 0; i < history.size(); ++i) {
    const bool is_shown = i + 1 == history.size();
    if (is_shown || now - history[i + 1].at < ttl) out.insert(history[i].keys);
  }
  return out;
}

struct World {
  std::mt19937_64 random;
  Rollover rollover{RolloverState{}, times};
  std::vector<RolloverKey> known;  // all keys that ever were
  History histories[key_places];
  WallTime now = start;

  explicit World(uint64_t seed) : random(seed) { note(); }

  int64_t below(int64_t end) { return std::uniform_int_distribution<int64_t>(0, end - 1)(random); }
  const RolloverKey& key(uint16_t tag) const {
    return *std::ranges::find(known, tag, &RolloverKey::tag);
  }
  void note() {
    for (size_t place = 0; place < key_places; ++place) {
      std::set<uint16_t> tags;
      for (size_t i = 0; i < rollover.state().keys.size(); ++i) {
        if ((rollover.state().places[place].keys >> i & 1) != 0)
          tags.insert(rollover.state().keys[i].tag);
      }
      histories[place].push_back({now, tags});
    }
  }

  /// As a validator that holds the zone to every algorithm (RFC 4035 section 2.2).
  bool is_bogus(const std::set<uint16_t>& ds, const std::set<uint16_t>& dnskey,
                const std::set<uint16_t>& signatures) const {
    if (ds.empty()) return false;
    std::set<Algorithm> chained;
    std::set<Algorithm> needed;
    for (const uint16_t tag : ds) {
      needed.insert(key(tag).algorithm);
      if (dnskey.contains(tag)) chained.insert(key(tag).algorithm);
    }
    if (chained != needed) return true;
    for (const uint16_t tag : dnskey) {
      const bool is_signed = std::ranges::any_of(signatures, [&](uint16_t signer) {
        return key(signer).algorithm == key(tag).algorithm && dnskey.contains(signer);
      });
      if (!is_signed) return true;
    }
    return false;
  }
  /// Resolvers with every mix of sets that their caches allow.
  void look() const {
    for (const auto& ds : kept(histories[0], now, times.ds)) {
      for (const auto& dnskey : kept(histories[1], now, times.dnskey)) {
        for (const auto& signatures : kept(histories[2], now, times.signatures))
          REQUIRE_FALSE(is_bogus(ds, dnskey, signatures));
      }
    }
  }
};

/// Random keys come and go, the parent takes its time and reads old requests, the daemon restarts, keys are forgotten.
void live(uint64_t seed) {
  INFO("seed " << seed);
  World world(seed);
  uint16_t next_tag = 1;
  std::vector<RolloverKey> wanted;
  KeySet last_request = 0;
  const auto bring = [&](RolloverKey key) {
    REQUIRE(world.rollover.bring_in(key));
    world.known.push_back(key);
    wanted.push_back(key);
  };
  const auto change = [&] {
    // A whole set of another making: one CSK, or KSK and ZSK, or none at all.
    const Algorithm algorithm = std::array{Algorithm::rsa_sha256, Algorithm::ecdsa_p256_sha256,
                                           Algorithm::ed25519}[static_cast<size_t>(world.below(3))];
    for (const RolloverKey& key : std::exchange(wanted, {}))
      REQUIRE(world.rollover.take_out(key.tag, key.algorithm));
    const int64_t kind = world.below(5);
    if (kind == 0) return;
    if (kind < 3) {
      bring(csk(next_tag++, algorithm));
    } else {
      bring(ksk(next_tag++, algorithm));
      bring(zsk(next_tag++, algorithm));
    }
  };
  const auto tick = [&](bool is_quick) {
    world.now = world.now + Milliseconds(world.below(is_quick ? hour.value * 2 : hour.value));
    if (!world.rollover.advance(world.now).empty()) world.note();
    world.look();
    if (world.rollover.waits_for_parent() && world.below(is_quick ? 2 : 20) == 0) {
      // It may act by what it read some time ago.
      const auto& offered = world.rollover.state().offered;
      last_request =
          is_quick
              ? offered.back()
              : offered[static_cast<size_t>(world.below(static_cast<int64_t>(offered.size())))];
      world.rollover.see_parent(last_request, world.now);
      world.note();
    }
    world.look();
    if (world.below(10) == 0) world.rollover = Rollover(world.rollover.state(), times);
    if (world.below(10) == 0) world.rollover.forget();
  };
  for (int changes = 0; changes < 6; ++changes) {
    change();
    for (int64_t i = world.below(200); i > 0; --i) tick(false);
  }
  // In the end all is as wanted, whatever came in between.
  for (int i = 0; i < 2000 && !world.rollover.is_settled(); ++i) tick(true);
  REQUIRE(world.rollover.is_settled());
  const RolloverState& state = world.rollover.state();
  for (const RolloverKey& key : wanted) {
    const auto found = std::ranges::find(state.keys, key.tag, &RolloverKey::tag);
    REQUIRE(found != state.keys.end());
    const auto index = static_cast<size_t>(found - state.keys.begin());
    CHECK((state.places[1].keys >> index & 1) == 1);
    CHECK((state.places[0].keys >> index & 1) == (key.signs_keys ? 1U : 0U));
  }
}

}  // namespace

TEST_CASE("whatever comes and goes, no validator ever finds the zone bogus, and it gets there",
          "[rollover]") {
  for (uint64_t seed = 1; seed <= 100; ++seed) live(seed);
}

TEST_CASE("the validators of these tests do find bogus zones", "[rollover]") {
  World world(1);
  world.known = {csk(1), csk(2), csk(3, Algorithm::ed25519)};
  CHECK_FALSE(world.is_bogus({}, {}, {}));
  CHECK_FALSE(world.is_bogus({1}, {1}, {1}));
  CHECK_FALSE(world.is_bogus({1, 2}, {2}, {2}));
  CHECK(world.is_bogus({1}, {2}, {2}));
  CHECK(world.is_bogus({1}, {1}, {2}));
  CHECK(world.is_bogus({1}, {1}, {}));
  CHECK(world.is_bogus({1}, {1, 3}, {1}));
  CHECK(world.is_bogus({1, 3}, {1}, {1, 3}));
}

}  // namespace swingover::dnssec::tests
