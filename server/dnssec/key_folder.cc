#include "server/dnssec/key_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <set>
#include <tuple>

#include "base/file.h"
#include "base/secret_file.h"

namespace swingover {
namespace {

using dnssec::KeyRecord;
using dnssec::StoredKey;

constexpr std::string_view public_suffix = ".key";
constexpr std::string_view private_suffix = ".private";
constexpr mode_t folder_mode = 0700;
constexpr mode_t private_mode = 0600;
constexpr mode_t public_mode = 0644;
constexpr mode_t others = S_IRWXG | S_IRWXO;
constexpr size_t file_size_max = size_t{16} * 1024;

Bytes octets_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

/// The names of all files that begin with `prefix`, in order, without their suffix where it is one of a key's.
struct FileNames {
  std::set<std::string> public_stems;
  std::set<std::string> private_stems;
};
FileNames names_in(const std::string& folder, const std::string& prefix, std::error_code& failed) {
  FileNames names;
  for (auto entry = std::filesystem::directory_iterator(folder, failed);
       !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(prefix)) continue;
    for (auto [suffix, stems] : {std::pair(public_suffix, &names.public_stems),
                                 std::pair(private_suffix, &names.private_stems)}) {
      if (name.ends_with(suffix)) stems->insert(name.substr(0, name.size() - suffix.size()));
    }
  }
  return names;
}

/// The key in STEM.key and STEM.private; nothing: `errors` has got why.
std::optional<StoredKey> read_key(const zones::Name& zone, const std::string& folder,
                                  const std::string& stem, std::vector<std::string>& errors) {
  const std::string public_path = fmt::format("{}/{}{}", folder, stem, public_suffix);
  const std::string private_path = fmt::format("{}/{}{}", folder, stem, private_suffix);
  const auto refuse = [&errors](std::string message) {
    errors.push_back(std::move(message));
    return std::nullopt;
  };

  const auto record_text = read_file(public_path, file_size_max);
  if (!record_text) return refuse(record_text.error().message);
  Diagnostics diagnostics(public_path, *record_text);
  const std::optional<KeyRecord> record = dnssec::parse_key_record(*record_text, diagnostics);
  if (!record) return refuse(diagnostics.text());
  if (record->owner.folded() != zone.folded()) {
    return refuse(fmt::format("{}: the DNSKEY is one of {}, and the file's name says {}",
                              public_path, record->owner.text(), zone.text()));
  }

  const auto private_text = read_secret_file(private_path, file_size_max);
  if (!private_text && private_text.error().code == ErrorCode::not_found) {
    return refuse(
        fmt::format("{}: the private part is missing: put {}{} beside it, or take it away",
                    public_path, stem, private_suffix));
  }
  if (!private_text) return refuse(private_text.error().message);
  dnssec::PrivateKeyReading reading =
      dnssec::parse_private_key(private_path, private_text->text(), *record);
  if (!reading.stored) return refuse(reading.diagnostics.text());
  const std::string right = dnssec::key_file_stem(zone, reading.stored->key);
  if (right != stem) {
    return refuse(fmt::format("{}: holds the key {}: rename both of its files to {}{} and {}{}",
                              public_path, reading.stored->key.tag(), right, public_suffix, right,
                              private_suffix));
  }
  return std::move(reading.stored);
}

}  // namespace

Result<KeyFolder> KeyFolder::open(std::string path) {
  if (mkdir(path.c_str(), folder_mode) != 0 && errno != EEXIST) return file_error(path, errno);
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return file_error(path, errno);
  if (!S_ISDIR(status.st_mode)) return Error{ErrorCode::invalid, path + ": is no folder"};
  if ((status.st_mode & others) != 0) {
    return Error{ErrorCode::invalid,
                 path + ": holds keys and others may enter it: chmod 700 it, and see who did"};
  }
  return KeyFolder(std::move(path));
}

KeyFolderReading KeyFolder::read(const zones::Name& zone) const {
  KeyFolderReading reading;
  std::error_code failed;
  const FileNames names = names_in(path_, dnssec::key_file_prefix(zone), failed);
  if (failed) reading.errors.push_back(path_ + ": " + failed.message());
  for (const std::string& stem : names.public_stems) {
    if (auto stored = read_key(zone, path_, stem, reading.errors))
      reading.keys.push_back(*std::move(stored));
  }
  for (const std::string& stem : names.private_stems) {
    if (names.public_stems.contains(stem)) continue;
    reading.warnings.push_back(
        fmt::format("{}: not used, since {}{} is not beside it: put it there, or delete this one",
                    file(stem) + std::string(private_suffix), stem, public_suffix));
  }
  std::ranges::sort(reading.keys, {}, [](const StoredKey& stored) {
    return std::tuple(stored.key.role() != dnssec::KeyRole::ksk, stored.key.algorithm(),
                      stored.key.tag());
  });
  return reading;
}

Result<StoredKey> KeyFolder::make(const zones::Name& zone, dnssec::Algorithm algorithm,
                                  dnssec::KeyRole role, const dnssec::KeyTimes& times) const {
  constexpr int attempts = 32;  // with a dozen keys one in 5,000 meets another's tag
  std::set<uint16_t> taken;
  for (const StoredKey& stored : read(zone).keys) taken.insert(stored.key.tag());
  for (int attempt = 0; attempt < attempts; ++attempt) {
    auto key = dnssec::SigningKey::generate(algorithm, role);
    if (!key) return key.error("making a key of " + zone.text());
    if (taken.contains(key->tag())) continue;
    StoredKey stored{.key = *std::move(key), .times = times};
    const Status added = add(zone, stored);
    if (!added && added.error().code == ErrorCode::conflict) continue;
    if (!added) return added.error();
    return stored;
  }
  return Error{ErrorCode::conflict, path_ + ": no tag is free for a new key of " + zone.text()};
}

Status KeyFolder::add(const zones::Name& zone, const StoredKey& stored) const {
  const std::string stem = file(dnssec::key_file_stem(zone, stored.key));
  const std::string private_path = stem + std::string(private_suffix);
  const Secret text = dnssec::private_key_text(stored.key, stored.times);
  const Status written = write_new_file(private_path, text.octets(), private_mode);
  if (!written) return written;
  const Status published =
      write_new_file(stem + std::string(public_suffix),
                     octets_of(dnssec::key_record_text(zone, stored.key)), public_mode);
  if (!published) unlink(private_path.c_str());
  return published;
}

Status KeyFolder::remove(const zones::Name& zone, const dnssec::SigningKey& key) const {
  const std::string stem = file(dnssec::key_file_stem(zone, key));
  const std::string public_path = stem + std::string(public_suffix);
  const std::string private_path = stem + std::string(private_suffix);
  if (unlink(public_path.c_str()) != 0 && errno != ENOENT) return file_error(public_path, errno);
  if (unlink(private_path.c_str()) != 0) return file_error(private_path, errno);
  return Done{};
}

}  // namespace swingover
