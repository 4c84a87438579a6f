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

Status restore_health(const store::Store& store,
                      std::unordered_map<std::string, HealthRecord>& health) {
  const auto visit = [&](std::string_view key, std::string_view value) {
    Result<HealthRecord> record = decode_health(value);
    if (record) {
      health.emplace(key.substr(health_prefix.size()), std::move(*record));
    } else {
      log_warning("stored health cannot be read", {{"key", std::string(key)}});
    }
    return true;
  };
  return store.scan(store::Table::state, health_prefix, health_prefix_end,
                    store::Direction::ascending, visit);
}

Status restore_kept(const store::Store& store,
                    std::vector<std::pair<std::string, KeptRecord>>& kept) {
  const auto visit = [&](std::string_view key, std::string_view value) {
    Result<KeptRecord> record = decode_kept(value);
    if (record) {
      kept.emplace_back(key.substr(kept_prefix.size()), std::move(*record));
    } else {
      log_warning("stored state of the brake cannot be read", {{"key", std::string(key)}});
    }
    return true;
  };
  return store.scan(store::Table::state, kept_prefix, kept_prefix_end, store::Direction::ascending,
                    visit);
}

Status restore_serials(const store::Store& store, zones::Serials& serials) {
  const auto visit = [&](std::string_view key, std::string_view value) {
    const Result<zones::SerialState> record = decode_serial(value);
    const Result<zones::Name> zone = zones::parse_name(key.substr(serial_prefix.size()));
    if (record && zone) {
      serials.emplace(*zone, *record);
    } else {
      log_warning("stored serial cannot be read", {{"key", std::string(key)}});
    }
    return true;
  };
  return store.scan(store::Table::state, serial_prefix, serial_prefix_end,
                    store::Direction::ascending, visit);
}

}  // namespace

Result<Remembered> restore(const store::Store& store) {
  Remembered remembered;
  if (Status read = restore_intents(store, remembered.intents); !read) return read.error();
  if (Status read = restore_health(store, remembered.health); !read) return read.error();
  if (Status read = restore_kept(store, remembered.kept); !read) return read.error();
  if (Status read = restore_serials(store, remembered.serials); !read) return read.error();
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
