#include "server/control/restore.h"

#include "base/log.h"

namespace swingover::control {

namespace {

Status restore_intents(const store::Store& store, std::vector<Intent>& intents) {
  std::optional<Error> problem;
  const auto visit = [&](std::string_view key, std::string_view value) {
    Result<Intent> intent = decode_intent(value);
    if (!intent) {
      problem = intent.error("the record " + std::string(key));
      return false;
    }
    intents.push_back(std::move(*intent));
    return true;
  };
  Status scanned = store.scan(store::Table::state, intent_prefix, intent_prefix_end,
                              store::Direction::ascending, visit);
  if (problem) return *problem;
  return scanned;
}

/// Of what may be found anew, what can be read; the rest is told in the log as `what`.
template <class Decode, class Take>
Status restore_readable(const store::Store& store, std::string_view prefix, std::string_view end,
                        std::string_view what, Decode decode, Take take) {
  const auto visit = [&](std::string_view key, std::string_view value) {
    auto record = decode(value);
    if (!record || !take(key.substr(prefix.size()), std::move(*record)))
      log_warning("stored " + std::string(what) + " cannot be read", {{"key", std::string(key)}});
    return true;
  };
  return store.scan(store::Table::state, prefix, end, store::Direction::ascending, visit);
}

Status restore_found_anew(const store::Store& store, Remembered& remembered) {
  Status read = restore_readable(store, health_prefix, health_prefix_end, "health", decode_health,
                                 [&](std::string_view key, HealthRecord record) {
                                   remembered.health.emplace(key, std::move(record));
                                   return true;
                                 });
  if (!read) return read;
  read = restore_readable(store, kept_prefix, kept_prefix_end, "state of the brake", decode_kept,
                          [&](std::string_view key, KeptRecord record) {
                            remembered.kept.emplace_back(key, std::move(record));
                            return true;
                          });
  if (!read) return read;
  read = restore_readable(store, steering_prefix, steering_prefix_end, "steering", decode_steering,
                          [&](std::string_view key, SteeringRecord record) {
                            remembered.steering.emplace(key, std::move(record));
                            return true;
                          });
  if (!read) return read;
  return restore_readable(store, serial_prefix, serial_prefix_end, "serial", decode_serial,
                          [&](std::string_view key, zones::SerialState record) {
                            const Result<zones::Name> zone = zones::parse_name(key);
                            if (zone) remembered.serials.emplace(*zone, record);
                            return static_cast<bool>(zone);
                          });
}

}  // namespace

Result<Remembered> restore(const store::Store& store) {
  Remembered remembered;
  if (Status read = restore_intents(store, remembered.intents); !read) return read.error();
  if (Status read = restore_found_anew(store, remembered); !read) return read.error();
  const auto generation = store.get(store::Table::meta, generation_key);
  if (!generation) return generation.error();
  if (*generation) {
    Result<GenerationRecord> record = decode_generation(**generation);
    if (!record) return record.error("the record of the newest generation");
    remembered.generation = std::move(*record);
  }
  return remembered;
}

}  // namespace swingover::control
