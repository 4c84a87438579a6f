#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/diagnostics.h"
#include "base/secret.h"
#include "zones/dnssec/key.h"
#include "zones/name.h"

namespace swingover::dnssec {

/// Keys in files as BIND's dnssec-keygen and ldns write them: NAME.key with the DNSKEY, NAME.private with the private
/// part and the times ("Private-key-format", v1.2 and v1.3). Control path.
///
/// Limits   A text of more than 16 KiB is refused before it is looked at; thus RDATA fits a record. Problems are quoted in
///          time that grows with their number and the text's length.
/// Secrets  No message and no quoted line shows what a private field holds. A line of a `.private` file is quoted as it
///          stands only where it is one of the fields known to hold no secret, and no longer than those are.

/// What a key is used for when, as far as somebody said so. Whole seconds in files.
struct KeyTimes {
  std::optional<WallTime> created{};
  std::optional<WallTime> publish{};
  std::optional<WallTime> activate{};
  std::optional<WallTime> revoke{};
  std::optional<WallTime> inactive{};
  std::optional<WallTime> remove{};      // "Delete"
  std::optional<WallTime> ds_publish{};  // "DSPublish": by the parent
  std::optional<WallTime> sync_publish{};
  std::optional<WallTime> sync_delete{};
  friend bool operator==(const KeyTimes&, const KeyTimes&) = default;
};

/// A DNSKEY of a zone.
struct KeyRecord {
  Name owner;
  Algorithm algorithm = Algorithm::ecdsa_p256_sha256;
  KeyRole role = KeyRole::zsk;
  std::optional<uint32_t> ttl_seconds{};
  std::vector<uint8_t> rdata;
};

/// The one DNSKEY of a `.key` file: a record of a master file (RFC 1035 section 5.1), with or without TTL and class, in
/// parentheses or not.
std::optional<KeyRecord> parse_key_record(std::string_view text, Diagnostics& diagnostics);

struct StoredKey {
  SigningKey key;
  KeyTimes times;
};
struct PrivateKeyReading {
  std::optional<StoredKey> stored;  // if there is no error
  Diagnostics diagnostics;
};
/// A `.private` file, `file` as the person named it, and the record that it must belong to.
PrivateKeyReading parse_private_key(std::string file, std::string_view text,
                                    const KeyRecord& record);

/// The `.private` file: keep it from others.
Secret private_key_text(const SigningKey& key, const KeyTimes& times);
/// The `.key` file.
std::string key_record_text(const Name& owner, const SigningKey& key);
/// "shop.example. IN DS 51771 13 2 8D6C…", for the parent.
std::string ds_record_text(const Name& owner, const SigningKey& key, DsDigest digest);
/// "Kshop.example.+", with which the names of all files of this zone's keys begin, and those of no other zone.
std::string key_file_prefix(const Name& owner);
/// What both files are called in front of their suffixes: "Kshop.example.+013+51771", as dnssec-keygen does.
std::string key_file_stem(const Name& owner, const SigningKey& key);

}  // namespace swingover::dnssec
