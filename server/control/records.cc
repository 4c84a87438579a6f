#include "server/control/records.h"

#include <array>
#include <bit>
#include <cmath>
#include <vector>

#include "base/bytes.h"

namespace swingover::control {

namespace {

constexpr uint8_t version = 1;  // of every record but those below
constexpr uint8_t health_version = 2;
constexpr uint8_t intent_version = 3;

class Encoder {
 public:
  explicit Encoder(uint8_t record_version = version) { u8(record_version); }
  Encoder& u8(uint8_t value) { return number(value, 1); }
  Encoder& u16(uint16_t value) { return number(value, 2); }
  Encoder& u64(uint64_t value) { return number(value, 8); }
  Encoder& real(double value) { return u64(std::bit_cast<uint64_t>(value)); }
  Encoder& time(WallTime value) { return u64(static_cast<uint64_t>(value.unix_milliseconds)); }
  Encoder& text(std::string_view value) {
    number(value.size(), 4);
    bytes_.append(value);
    return *this;
  }
  std::string take() { return std::move(bytes_); }

 private:
  Encoder& number(uint64_t value, unsigned size) {
    for (unsigned i = size; i-- > 0;) bytes_.push_back(static_cast<char>(value >> 8 * i & 0xff));
    return *this;
  }
  std::string bytes_;
};

class Decoder {
 public:
  explicit Decoder(std::string_view bytes, uint8_t newest = version)
      : reader_({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}),
        version_(reader_.u8()),
        good_(version_ >= 1 && version_ <= newest) {}
  uint8_t record_version() const { return version_; }
  uint8_t u8() { return reader_.u8(); }
  uint16_t u16() { return reader_.u16(); }
  uint64_t u64() { return reader_.u64(); }
  uint64_t at_most(uint64_t most) {
    const uint64_t value = u64();
    if (value > most) good_ = false;
    return value;
  }
  /// Of 0 and above: nothing else is ever written.
  double real() {
    const auto value = std::bit_cast<double>(reader_.u64());
    if (!std::isfinite(value) || std::signbit(value)) good_ = false;
    return value;
  }
  WallTime time() { return {static_cast<int64_t>(reader_.u64())}; }
  std::string text() {
    const Bytes bytes = reader_.take(reader_.u32());
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  /// A value of an enumeration whose largest is `last`.
  template <class Enum>
  Enum one_of(Enum last) {
    const uint8_t value = u8();
    if (value > static_cast<uint8_t>(last)) good_ = false;
    return static_cast<Enum>(value);
  }
  /// Nothing was wrong so far.
  bool is_good() const { return good_ && !reader_.failed(); }
  bool is_whole() const { return good_ && !reader_.failed() && reader_.left() == 0; }

 private:
  ByteReader reader_;
  uint8_t version_;
  bool good_;
};

enum class Flag : uint8_t { no, yes };

Error corrupt(std::string_view what) {
  return {ErrorCode::corrupt,
          "a stored " + std::string(what) + " is not in a form that this version knows"};
}

}  // namespace

std::string encode_health(const HealthRecord& record) {
  return Encoder(health_version)
      .u8(static_cast<uint8_t>(record.health))
      .time(record.since)
      .text(record.reason)
      .u8(static_cast<uint8_t>(record.hold))
      .real(record.penalty)
      .time(record.penalty_at)
      .take();
}

Result<HealthRecord> decode_health(std::string_view bytes) {
  Decoder decoder(bytes, health_version);
  HealthRecord record;
  record.health = decoder.one_of(health::Health::down);
  record.since = decoder.time();
  record.reason = decoder.text();
  if (decoder.record_version() >= 2) {
    record.hold = decoder.one_of(health::Hold::resume);
    record.penalty = decoder.real();
    record.penalty_at = decoder.time();
  }
  if (!decoder.is_whole()) return corrupt("health");
  return record;
}

std::string encode_intent(const Intent& record) {
  Encoder encoder(intent_version);
  encoder.text(record.id)
      .u8(static_cast<uint8_t>(record.kind))
      .text(record.target)
      .text(record.owner)
      .text(record.reason)
      .time(record.created)
      .u8(record.expires ? 1 : 0);
  if (record.expires) encoder.time(*record.expires);
  encoder.u64(record.weight).text(record.override_reason).u8(record.plan ? 1 : 0);
  if (!record.plan) return encoder.take();
  const PlannedSwing& plan = *record.plan;
  encoder.text(plan.from)
      .text(plan.to)
      .u64(static_cast<uint64_t>(plan.every.value))
      .u64(static_cast<uint64_t>(plan.lead.value))
      .u8(static_cast<uint8_t>(plan.progress.phase))
      .u8(static_cast<uint8_t>(plan.progress.reason))
      .u64(plan.progress.steps_made)
      .time(plan.progress.begun_at)
      .time(plan.progress.turned_at)
      .u8(plan.empty_at ? 1 : 0);
  if (plan.empty_at) encoder.time(*plan.empty_at);
  return encoder.u8(plan.is_empty ? 1 : 0).take();
}

namespace {

PlannedSwing read_plan(Decoder& decoder) {
  constexpr uint64_t length_max = 366ULL * 24 * 3600 * 1000;
  PlannedSwing plan;
  plan.from = decoder.text();
  plan.to = decoder.text();
  plan.every = Milliseconds(static_cast<int64_t>(decoder.at_most(length_max)));
  plan.lead = Milliseconds(static_cast<int64_t>(decoder.at_most(length_max)));
  plan.progress.phase = decoder.one_of(steering::SwingPhase::reversed);
  plan.progress.reason = decoder.one_of(steering::SwingReason::not_now);
  plan.progress.steps_made = static_cast<uint32_t>(decoder.at_most(UINT32_MAX));
  plan.progress.begun_at = decoder.time();
  plan.progress.turned_at = decoder.time();
  if (decoder.one_of(Flag::yes) == Flag::yes) plan.empty_at = decoder.time();
  plan.is_empty = decoder.one_of(Flag::yes) == Flag::yes;
  return plan;
}

}  // namespace

Result<Intent> decode_intent(std::string_view bytes) {
  Decoder decoder(bytes, intent_version);
  Intent record;
  record.id = decoder.text();
  record.kind =
      decoder.one_of(decoder.record_version() >= 2 ? IntentKind::weight : IntentKind::force_down);
  record.target = decoder.text();
  record.owner = decoder.text();
  record.reason = decoder.text();
  record.created = decoder.time();
  enum class Presence : uint8_t { absent, present };
  if (decoder.one_of(Presence::present) == Presence::present) record.expires = decoder.time();
  if (decoder.record_version() >= 2) {
    record.weight = static_cast<uint32_t>(decoder.at_most(UINT32_MAX));
    if (decoder.record_version() >= 3) record.override_reason = decoder.text();
    if (decoder.one_of(Flag::yes) == Flag::yes) record.plan = read_plan(decoder);
  }
  if (!decoder.is_whole()) return corrupt("intent");
  return record;
}

std::string encode_kept(const KeptRecord& record) {
  return Encoder()
      .u8(static_cast<uint8_t>(record.by))
      .time(record.since)
      .text(record.reason)
      .take();
}

Result<KeptRecord> decode_kept(std::string_view bytes) {
  Decoder decoder(bytes);
  KeptRecord record;
  record.by = decoder.one_of(KeptBy::reports);
  record.since = decoder.time();
  record.reason = decoder.text();
  if (!decoder.is_whole()) return corrupt("kept state");
  return record;
}

std::string encode_generation(const GenerationRecord& record) {
  return Encoder()
      .u64(record.generation)
      .time(record.at)
      .text(record.config_hash)
      .text(record.version)
      .take();
}

Result<GenerationRecord> decode_generation(std::string_view bytes) {
  Decoder decoder(bytes);
  GenerationRecord record;
  record.generation = decoder.u64();
  record.at = decoder.time();
  record.config_hash = decoder.text();
  record.version = decoder.text();
  if (!decoder.is_whole()) return corrupt("generation");
  return record;
}

std::string encode_config(const ConfigRecord& record) {
  return Encoder().time(record.in_force_since).text(record.text).take();
}

Result<ConfigRecord> decode_config(std::string_view bytes) {
  Decoder decoder(bytes);
  ConfigRecord record;
  record.in_force_since = decoder.time();
  record.text = decoder.text();
  if (!decoder.is_whole()) return corrupt("config");
  return record;
}

std::string encode_serial(const zones::SerialState& record) {
  return Encoder().u64(record.serial).u64(record.digest.low).u64(record.digest.high).take();
}

Result<zones::SerialState> decode_serial(std::string_view bytes) {
  Decoder decoder(bytes);
  const uint64_t serial = decoder.u64();
  zones::SerialState record{.serial = static_cast<uint32_t>(serial), .digest = {}};
  record.digest.low = decoder.u64();
  record.digest.high = decoder.u64();
  if (!decoder.is_whole() || serial > UINT32_MAX) return corrupt("serial");
  return record;
}

std::string encode_steering(const SteeringRecord& record) {
  Encoder encoder;
  encoder.u16(static_cast<uint16_t>(record.localities.size()));
  for (const std::string& name : record.localities) encoder.text(name);
  encoder.u16(static_cast<uint16_t>(record.clusters.size()));
  for (const std::string& name : record.clusters) encoder.text(name);
  for (const uint16_t share : record.shares) encoder.u16(share);
  for (const double demand : record.demands) encoder.real(demand);
  encoder.u8(record.is_reported ? 1 : 0);
  for (const WallTime since : record.back_since) encoder.time(since);
  return encoder.take();
}

Result<SteeringRecord> decode_steering(std::string_view bytes) {
  Decoder decoder(bytes);
  SteeringRecord record;
  const size_t rows = decoder.u16();
  for (size_t i = 0; i < rows && decoder.is_good(); ++i)
    record.localities.push_back(decoder.text());
  const size_t pools = decoder.u16();
  for (size_t i = 0; i < pools && decoder.is_good(); ++i) record.clusters.push_back(decoder.text());
  for (size_t i = 0; i < rows * pools && decoder.is_good(); ++i)
    record.shares.push_back(decoder.u16());
  for (size_t i = 0; i < rows && decoder.is_good(); ++i) record.demands.push_back(decoder.real());
  record.is_reported = decoder.one_of(Flag::yes) == Flag::yes;
  for (size_t i = 0; i < pools && decoder.is_good(); ++i)
    record.back_since.push_back(decoder.time());
  if (!decoder.is_whole()) return corrupt("steering");
  return record;
}

std::string health_key(std::string_view check_key) {
  return std::string(health_prefix).append(check_key);
}

std::string intent_key(std::string_view id) {
  return std::string(intent_prefix).append(id);
}

std::string kept_key(std::string_view target) {
  return std::string(kept_prefix).append(target);
}

std::string serial_key(const zones::Name& zone) {
  return std::string(serial_prefix).append(zone.folded().text());
}

std::string steering_key(std::string_view service) {
  return std::string(steering_prefix).append(service);
}

std::string config_hash(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3U;
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string out(16, '0');
  for (size_t i = 0; i < out.size(); ++i) out[i] = digits[hash >> (60 - 4 * i) & 15];
  return out;
}

}  // namespace swingover::control
