#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "health/health.h"
#include "health/stored_state.h"
#include "zones/steering/swing_plan.h"
#include "zones/transfer_zone.h"

namespace swingover::control {

// Everything that the daemon keeps in the store, and its bytes. Each record begins with one byte, its
// version; an encoder writes the newest, a decoder reads every version that was ever released
// (tests/server/control/records_test.cc keeps samples of each). Numbers are big-endian; a text is its
// length in four bytes and then its bytes. Bytes behind the last field are an error: a record that
// another version wrote must not be half understood.

/// The health of one check as it was last seen. Table state, key health_key(Check::key()).
struct HealthRecord {
  health::Health health = health::Health::unknown;
  WallTime since{};    // of this health
  std::string reason;  // the failing verdict in words; empty when up
  // From version 2 on:
  health::Hold hold = health::Hold::none;
  double penalty = 0;  // of its flaps, at penalty_at
  WallTime penalty_at{};

  friend bool operator==(const HealthRecord&, const HealthRecord&) = default;
};

enum class IntentKind : uint8_t { drain, force_up, force_down, swing, freeze, weight };

/// How a drain or a swing goes in steps, and how far it is.
struct PlannedSwing {
  std::string from;      // of a swing: the cluster whose pool it leaves; of a drain: empty
  std::string to;        // likewise: the one that it goes to
  Milliseconds every{};  // from step to step
  Milliseconds lead{};   // before the first: the old TTL
  steering::StoredSwing progress{};
  std::optional<WallTime>
      empty_at{};         // of a drain whose steps are made: then no old answer is left
  bool is_empty = false;  // and that has come: nothing brings it back by itself
  friend bool operator==(const PlannedSwing&, const PlannedSwing&) = default;
};

/// What a person asked for. Table state, key intent_key(id).
struct Intent {
  std::string id;
  IntentKind kind = IntentKind::drain;
  std::string target;  // canonical: see Target in intents.h
  std::string owner;
  std::string reason;
  WallTime created{};
  std::optional<WallTime> expires{};  // none: until it is taken back
  // From version 2 on:
  std::optional<PlannedSwing> plan{};  // of a swing, and of a drain in steps
  uint32_t weight = 0;                 // of kind weight
  // From version 3 on:
  std::string override_reason{};  // why rules and the move budget do not bind it; empty: they do
  friend bool operator==(const Intent&, const Intent&) = default;
};

/// Why something that its probes say is down stays in answers.
enum class KeptBy : uint8_t { nobody, brake, doubt, person, reports };
inline constexpr std::array all_keepers{KeptBy::brake, KeptBy::doubt, KeptBy::person,
                                        KeptBy::reports};

/// An endpoint or cluster that is kept. Table state, key kept_key(its target).
struct KeptRecord {
  KeptBy by = KeptBy::nobody;
  WallTime since{};
  std::string reason;  // of the brake, or of the person
  friend bool operator==(const KeptRecord&, const KeptRecord&) = default;
};

/// The newest generation that was ever in force. Table meta, key generation_key.
struct GenerationRecord {
  uint64_t generation = 0;
  WallTime at{};
  std::string config_hash;  // a key of table config
  std::string version;      // of the program
  friend bool operator==(const GenerationRecord&, const GenerationRecord&) = default;
};

/// A config that was in force. Table config, key config_hash(text).
struct ConfigRecord {
  WallTime in_force_since{};
  std::string text;
  friend bool operator==(const ConfigRecord&, const ConfigRecord&) = default;
};

/// How a service within capacity was steered last, all by names. Table state, key steering_key(service).
struct SteeringRecord {
  std::vector<std::string> localities;  // by row; of clients of no known locality: an empty name
  std::vector<std::string> clusters;    // by pool
  std::vector<uint16_t> shares;         // [row × clusters + cluster], parts of 10,000
  std::vector<double> demands;          // by row, in the service's unit of load
  bool is_reported = false;             // the demands rest on reports, not on what is configured
  std::vector<WallTime> back_since;     // by pool: since when its share grows again; 0: it does not
  /// In back_since: it waits for a person.
  static constexpr WallTime waits{INT64_MAX};
  friend bool operator==(const SteeringRecord&, const SteeringRecord&) = default;
};

// zones::SerialState: the serial under which a zone was served last, and what was served. Table state, key
// serial_key(zone).

std::string encode_health(const HealthRecord& record);
std::string encode_intent(const Intent& record);
std::string encode_kept(const KeptRecord& record);
std::string encode_generation(const GenerationRecord& record);
std::string encode_config(const ConfigRecord& record);
std::string encode_serial(const zones::SerialState& record);
std::string encode_steering(const SteeringRecord& record);

/// Errors: corrupt, for bytes that no version of the encoder writes.
Result<HealthRecord> decode_health(std::string_view bytes);
Result<Intent> decode_intent(std::string_view bytes);
Result<KeptRecord> decode_kept(std::string_view bytes);
Result<GenerationRecord> decode_generation(std::string_view bytes);
Result<ConfigRecord> decode_config(std::string_view bytes);
Result<zones::SerialState> decode_serial(std::string_view bytes);
Result<SteeringRecord> decode_steering(std::string_view bytes);

// Keys. A range [prefix, prefix_end) holds all records of one kind.
inline constexpr std::string_view health_prefix = "health/";
inline constexpr std::string_view health_prefix_end = "health0";
inline constexpr std::string_view intent_prefix = "intent/";
inline constexpr std::string_view intent_prefix_end = "intent0";
inline constexpr std::string_view serial_prefix = "serial/";
inline constexpr std::string_view serial_prefix_end = "serial0";
inline constexpr std::string_view kept_prefix = "kept/";
inline constexpr std::string_view kept_prefix_end = "kept0";
inline constexpr std::string_view steering_prefix = "steering/";
inline constexpr std::string_view steering_prefix_end = "steering0";
inline constexpr std::string_view generation_key = "generation";
std::string health_key(std::string_view check_key);
std::string intent_key(std::string_view id);
std::string kept_key(std::string_view target);
std::string serial_key(const zones::Name& zone);
std::string steering_key(std::string_view service);
/// 16 hexadecimal digits (FNV-1a, 64 bit): names a text, protects nothing.
std::string config_hash(std::string_view text);

}  // namespace swingover::control
