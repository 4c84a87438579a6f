#include "server/load_keys.h"

#include <fmt/format.h>
#include <sys/prctl.h>

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "base/log.h"
#include "server/dnssec/key_folder.h"

namespace swingover::server {

namespace {

using dnssec::Algorithm;
using dnssec::DsDigest;
using dnssec::KeyRole;
using dnssec::SigningKey;
using dnssec::StoredKey;
using Keys = std::vector<StoredKey>;

bool has(std::span<const StoredKey> keys, KeyRole role,
         std::optional<Algorithm> algorithm = std::nullopt) {
  return std::any_of(keys.begin(), keys.end(), [&](const StoredKey& stored) {
    return stored.key.role() == role && (!algorithm || stored.key.algorithm() == *algorithm);
  });
}

bool signs_keys(const SigningKey& key) {
  return key.role() == KeyRole::ksk;
}
bool signs_zone(const SigningKey& key, std::span<const StoredKey> all) {
  return key.role() == KeyRole::zsk || !has(all, KeyRole::zsk, key.algorithm());
}

zones::ZoneKeys zone_keys(const Keys& all) {
  zones::ZoneKeys keys;
  for (const StoredKey& stored : all) {
    keys.published.push_back(stored.key);
    if (signs_zone(stored.key, all)) keys.sign_zone.push_back(stored.key);
    if (!signs_keys(stored.key)) continue;
    keys.sign_keys.push_back(stored.key);
    keys.wanted_ds.push_back(stored.key);
  }
  return keys;
}

/// What these keys lack to sign a zone; empty: nothing.
std::string missing_of(const Keys& keys, const std::string& folder) {
  for (const StoredKey& stored : keys) {
    const SigningKey& key = stored.key;
    if (signs_keys(key) || has(keys, KeyRole::ksk, key.algorithm())) continue;
    return fmt::format(
        "the key {} ({}) in {} is a ZSK, and there is no KSK of its algorithm, which signs the "
        "keys "
        "and which the parent points at: put the two files of one there, or take this key away",
        key.tag(), algorithm_name(key.algorithm()), folder);
  }
  return {};
}

control::SignedZone::Key shown(const zones::Name& zone, const StoredKey& stored, const Keys& all) {
  const SigningKey& key = stored.key;
  const bool is_pointed_at = signs_keys(key);
  const bool is_of_zone = signs_zone(key, all);
  return {.tag = key.tag(),
          .algorithm_number = static_cast<uint8_t>(key.algorithm()),
          .algorithm = std::string(algorithm_name(key.algorithm())),
          .role = !is_pointed_at ? "zsk"
                  : is_of_zone   ? "csk"
                                 : "ksk",
          .created = stored.times.created,
          .signs_keys = is_pointed_at,
          .signs_zone = is_of_zone,
          .ds = is_pointed_at ? ds_record_text(zone, key, DsDigest::sha256) : std::string()};
}

/// A CDS has what the DS has (RFC 7344 section 3.1).
std::vector<std::string> cds_texts(const std::vector<control::SignedZone::Key>& keys) {
  constexpr std::string_view type = " DS ";
  std::vector<std::string> texts;
  for (const control::SignedZone::Key& key : keys) {
    if (!key.ds.empty()) texts.push_back(key.ds.substr(key.ds.find(type) + type.size()));
  }
  return texts;
}

const zones::ZoneSigning* signing_before(const zones::Snapshot* previous, const zones::Name& zone) {
  const zones::ZoneTree::Entry* entry = previous ? previous->zones.entry_of(zone) : nullptr;
  return entry ? entry->signing.get() : nullptr;
}

class Loader {
 public:
  Loader(const Config& config, Result<KeyFolder> folder, WallTime now,
         const zones::Snapshot* previous, LoadedZones& loaded)
      : config_(config),
        folder_(std::move(folder)),
        now_(now),
        previous_(previous),
        loaded_(loaded) {}

  control::SignedZone load(const ZoneOptions& zone, zones::ZoneSource& source) {
    control::SignedZone out{.name = zone.name, .options = zone.dnssec->signing()};
    const Result<Keys> keys = usable_keys(zone);
    if (!keys) {
      out.problem = keys.error().message;
      refuse(zone, source, out.problem);
      return out;
    }
    source.signing = zones::ZoneSigning::make(zone.name, zone_keys(*keys), out.options,
                                              signing_before(previous_, zone.name));
    for (const StoredKey& stored : *keys) out.keys.push_back(shown(zone.name, stored, *keys));
    out.cds = cds_texts(out.keys);
    if (zone.dnssec->keys == zones::KeyKinds::ksk_zsk && !has(*keys, KeyRole::zsk)) {
      tell(zone, "warning",
           R"("keys" is "ksk-zsk", and there is no ZSK: what is there signs everything)");
    }
    return out;
  }

 private:
  /// Whole lines stand for themselves: they say what file they are about.
  void tell(const ZoneOptions& zone, std::string_view kind, const std::string& message) {
    loaded_.problems += message.ends_with('\n')
                            ? message
                            : fmt::format("{}{}: zone {}: {}\n", at_key(config_, zone.dnssec_at),
                                          kind, zone.name.text(), message);
  }

  /// Its zone is answered as one whose file has errors is.
  void refuse(const ZoneOptions& zone, zones::ZoneSource& source, const std::string& problem) {
    tell(zone, "error", problem);
    source.contents.reset();
    source.unchanged.reset();
    if (std::ranges::count(loaded_.failed, zone.name.text()) == 0)
      loaded_.failed.push_back(zone.name.text());
  }

  Result<Keys> usable_keys(const ZoneOptions& zone) {
    if (!folder_) return folder_.error();
    KeyFolderReading reading = folder_->read(zone.name);
    for (const std::string& warning : reading.warnings) tell(zone, "warning", warning);
    if (!reading.errors.empty()) {
      Error last{ErrorCode::invalid, std::move(reading.errors.back())};
      reading.errors.pop_back();
      for (const std::string& error : reading.errors) tell(zone, "error", error);
      return last;
    }
    if (reading.keys.empty()) return new_keys(zone);
    if (std::string missing = missing_of(reading.keys, folder_->path()); !missing.empty())
      return Error{ErrorCode::invalid, std::move(missing)};
    return std::move(reading.keys);
  }

  Result<Keys> new_keys(const ZoneOptions& zone) {
    if (signing_before(previous_, zone.name)) {
      return Error{ErrorCode::not_found,
                   "its keys are gone from " + folder_->path() +
                       ": put them back; the parent points at them, and no others can stand in"};
    }
    std::vector<KeyRole> roles{KeyRole::ksk};
    if (zone.dnssec->keys == zones::KeyKinds::ksk_zsk) roles.push_back(KeyRole::zsk);
    Keys keys;
    for (const KeyRole role : roles) {
      auto made = folder_->make(zone.name, zone.dnssec->algorithm, role,
                                {.created = now_, .publish = now_, .activate = now_});
      if (!made) {
        // Alone it would be taken for a key that signs everything the next time.
        for (const StoredKey& stored : keys) (void)folder_->remove(zone.name, stored.key);
        return made.error();
      }
      keys.push_back(*std::move(made));
    }
    for (const StoredKey& stored : keys) {
      log_info("key made", {{"zone", zone.name.text()},
                            {"tag", std::to_string(stored.key.tag())},
                            {"algorithm", std::string(algorithm_name(stored.key.algorithm()))},
                            {"role", shown(zone.name, stored, keys).role}});
    }
    return keys;
  }

  const Config& config_;
  const Result<KeyFolder> folder_;
  const WallTime now_;
  const zones::Snapshot* const previous_;
  LoadedZones& loaded_;
};

/// Its parent may still say that it is signed, and nothing else tells whoever takes the section away.
void warn_of_unsigned(const Config& config, const zones::Snapshot* previous, LoadedZones& loaded) {
  for (const ZoneOptions& zone : config.zones) {
    if (zone.dnssec || !signing_before(previous, zone.name)) continue;
    loaded.problems += fmt::format(
        "{}warning: zone {}: is signed no more: while its parent has a DS of it, or a cache "
        "remembers one, validators refuse all its answers\n",
        at_key(config, zone.file_at), zone.name.text());
  }
}

}  // namespace

std::vector<control::SignedZone> load_keys(const Config& config, const std::string& folder,
                                           WallTime now, const zones::Snapshot* previous,
                                           LoadedZones& loaded) {
  warn_of_unsigned(config, previous, loaded);
  const auto is_signed = [](const ZoneOptions& zone) { return zone.dnssec.has_value(); };
  if (std::ranges::none_of(config.zones, is_signed)) return {};
  prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
  Loader loader(config, KeyFolder::open(folder), now, previous, loaded);
  std::vector<control::SignedZone> out;
  for (size_t i = 0; i < config.zones.size(); ++i) {
    if (config.zones[i].dnssec) out.push_back(loader.load(config.zones[i], loaded.zones[i]));
  }
  return out;
}

std::string key_folder_of(const std::string& state_dir) {
  return state_dir + "/keys";
}

}  // namespace swingover::server
