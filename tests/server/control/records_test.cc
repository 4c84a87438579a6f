#include "server/control/records.h"

#include <catch2/catch.hpp>

using namespace swingover;
using namespace swingover::control;

namespace {

/// Octets from hexadecimal text, blanks ignored.
std::string bytes(std::string_view hex) {
  std::string digits;
  for (const char c : hex) {
    if (c != ' ') digits += c;
  }
  std::string out;
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    out += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  }
  return out;
}

}  // namespace

TEST_CASE("each record reads back as it was written", "[records]") {
  const HealthRecord health{health::Health::down,
                            {1'790'000'000'123},
                            "connect: timed out",
                            health::Hold::flapping,
                            2871.25,
                            {1'790'000'000'124}};
  CHECK(*decode_health(encode_health(health)) == health);

  Intent intent{"a1b2", IntentKind::force_down, "cluster/fra", "ada", "a leak", {17}, {}};
  CHECK(*decode_intent(encode_intent(intent)) == intent);
  intent.expires = WallTime{1'790'000'000'999};
  CHECK(*decode_intent(encode_intent(intent)) == intent);

  intent = {"a1b3", IntentKind::weight, "pool/shop.svc.example./fra", "ada", "a canary", {17}};
  intent.weight = 65'535;
  CHECK(*decode_intent(encode_intent(intent)) == intent);
  intent.override_reason = "fire alarm";
  CHECK(*decode_intent(encode_intent(intent)) == intent);
  Intent swing{"c1", IntentKind::swing, "service/shop.svc.example.", "ada", "nearer", {17}};
  swing.plan = {.from = "fra",
                .to = "ams",
                .every = Milliseconds(120'000),
                .lead = Milliseconds(30'000),
                .progress = {.phase = steering::SwingPhase::held,
                             .reason = steering::SwingReason::would_overheat,
                             .steps_made = 3,
                             .begun_at = {17},
                             .turned_at = {400'017}}};
  CHECK(*decode_intent(encode_intent(swing)) == swing);
  swing.plan->empty_at = WallTime{500'017};
  swing.plan->is_empty = true;
  CHECK(*decode_intent(encode_intent(swing)) == swing);

  const GenerationRecord generation{7, {1}, "00ff", "0.1.0"};
  CHECK(*decode_generation(encode_generation(generation)) == generation);

  const ConfigRecord config{{2}, std::string("[server]\n\0\xff", 11)};
  CHECK(*decode_config(encode_config(config)) == config);

  const zones::SerialState serial{.serial = 0xfffffffe, .digest = {.low = 1, .high = 1ULL << 63}};
  CHECK(*decode_serial(encode_serial(serial)) == serial);
  CHECK(serial_key(*zones::parse_name("Svc.Example.")) == "serial/svc.example.");

  const SteeringRecord steering{.localities = {"", "fra-a"},
                                .clusters = {"fra", "ams"},
                                .shares = {0, 0, 6'364, 3'636},
                                .demands = {0, 1'100.5},
                                .back_since = {{}, {1'790'000'000'000}}};
  CHECK(*decode_steering(encode_steering(steering)) == steering);
  CHECK(*decode_steering(encode_steering({})) == SteeringRecord{});
}

TEST_CASE("records of version 1 are read for ever", "[records]") {
  const auto health = decode_health(bytes("01 02 000001a0c4c3aa7b 00000005 72657365 74"));
  REQUIRE(health);
  CHECK(health->health == health::Health::down);
  CHECK(health->since.unix_milliseconds == 0x1a0c4c3aa7b);
  CHECK(health->reason == "reset");
  CHECK(health->hold == health::Hold::none);
  CHECK(health->penalty == 0);

  const auto intent = decode_intent(
      bytes("01 00000002 6131 00 0000000b 636c75737465722f667261 00000003 616461 00000004 776f726b"
            "0000000000000011 01 0000000000000012"));
  REQUIRE(intent);
  CHECK(*intent == Intent{"a1", IntentKind::drain, "cluster/fra", "ada", "work", {17}, {{18}}});

  const auto generation = decode_generation(
      bytes("01 0000000000000007 0000000000000001 00000002 3030 00000003 302e31"));
  REQUIRE(generation);
  CHECK(*generation == GenerationRecord{7, {1}, "00", "0.1"});

  const auto config = decode_config(bytes("01 0000000000000002 00000003 613d31"));
  REQUIRE(config);
  CHECK(*config == ConfigRecord{{2}, "a=1"});

  const auto serial = decode_serial(bytes("01 0000000000000009 0000000000000001 8000000000000000"));
  REQUIRE(serial);
  CHECK(*serial == zones::SerialState{.serial = 9, .digest = {.low = 1, .high = 1ULL << 63}});
}

TEST_CASE("records of version 2 are read for ever", "[records]") {
  const auto health =
      decode_health(bytes("02 01 000001a0c4c3aa7b 00000000 03 408f400000000000 000001a0c4c3aa7c"));
  REQUIRE(health);
  CHECK(*health ==
        HealthRecord{
            health::Health::up, {0x1a0c4c3aa7b}, "", health::Hold::resume, 1000, {0x1a0c4c3aa7c}});

  const std::string head =
      "02 00000002 6131 00 0000000b 636c75737465722f667261 00000003 616461 00000004 776f726b"
      "0000000000000011 00 0000000000000000";
  const auto plain = decode_intent(bytes(head + "00"));
  REQUIRE(plain);
  CHECK(*plain == Intent{"a1", IntentKind::drain, "cluster/fra", "ada", "work", {17}});
  const auto drain = decode_intent(bytes(head + "01 00000000 00000000 000000000001d4c0"
                                                "0000000000007530 02 00 0000000000000006"
                                                "0000000000000011 0000000000000012"
                                                "01 0000000000000013 01"));
  REQUIRE(drain);
  CHECK(*drain->plan == PlannedSwing{.from = "",
                                     .to = "",
                                     .every = Milliseconds(120'000),
                                     .lead = Milliseconds(30'000),
                                     .progress = {.phase = steering::SwingPhase::done,
                                                  .reason = steering::SwingReason::none,
                                                  .steps_made = 6,
                                                  .begun_at = {17},
                                                  .turned_at = {18}},
                                     .empty_at = WallTime{19},
                                     .is_empty = true});
  // There is no sixth phase.
  CHECK_FALSE(decode_intent(bytes(head + "01 00000000 00000000 000000000001d4c0"
                                         "0000000000007530 05 00 0000000000000006"
                                         "0000000000000011 0000000000000012 00 00")));
}

TEST_CASE("records of version 3 are read for ever", "[records]") {
  const auto intent = decode_intent(
      bytes("03 00000002 6131 00 0000000b 636c75737465722f667261 00000003 616461 00000004 776f726b"
            "0000000000000011 00 0000000000000000 00000004 66697265 00"));
  REQUIRE(intent);
  Intent wanted{"a1", IntentKind::drain, "cluster/fra", "ada", "work", {17}};
  wanted.override_reason = "fire";
  CHECK(*intent == wanted);
}

TEST_CASE("bytes that no version writes are corrupt, whatever is wrong with them", "[records]") {
  const std::string good =
      encode_intent({"id", IntentKind::drain, "cluster/fra", "ada", "work", {17}, {{18}}});
  for (size_t size = 0; size < good.size(); ++size) {
    const auto cut = decode_intent(std::string_view(good).substr(0, size));
    REQUIRE_FALSE(cut);
    CHECK(cut.error().code == ErrorCode::corrupt);
  }
  CHECK_FALSE(decode_intent(good + "x"));
  std::string newer = good;
  newer[0] = 4;
  CHECK_FALSE(decode_intent(newer));
  std::string strange_kind = good;
  strange_kind[7] = 6;
  CHECK_FALSE(decode_intent(strange_kind));
  CHECK_FALSE(decode_serial(bytes("01 0000000100000009 0000000000000001 8000000000000000")));
  CHECK_FALSE(decode_health(bytes("01 03 0000000000000000 00000000")));
  const std::string held = "02 01 0000000000000000 00000000 ";
  CHECK(decode_health(bytes(held + "00 0000000000000000 0000000000000000")));
  CHECK_FALSE(decode_health(bytes(held)));  // of version 1 but for the number
  CHECK_FALSE(decode_health(bytes(held + "04 0000000000000000 0000000000000000")));
  CHECK_FALSE(decode_health(bytes(held + "00 7ff0000000000000 0000000000000000")));  // infinite
  CHECK_FALSE(decode_health(bytes(held + "00 c08f400000000000 0000000000000000")));  // negative
  CHECK_FALSE(decode_health(bytes("03" + held.substr(2) + "00 0000000000000000 0000000000000000")));
  CHECK_FALSE(decode_health(bytes("00 01 0000000000000000 00000000")));
}

TEST_CASE("a config is named by its text", "[records]") {
  CHECK(config_hash("") == "cbf29ce484222325");
  CHECK(config_hash("a") == "af63dc4c8601ec8c");
}
