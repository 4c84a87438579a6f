#include "zones/transfer_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "base/base64.h"
#include "base/file.h"
#include "base/text.h"
#include "base/toml_tables.h"

namespace swingover::zones {
namespace {

constexpr size_t secret_file_size_max = 4096;
constexpr size_t secret_octets_wise = 16;

bool is_open_to_all(const std::string& path) {
  using std::filesystem::perms;
  std::error_code failed;
  const perms mode = std::filesystem::status(path, failed).permissions();
  return !failed && (mode & perms::others_read) != perms::none;
}

/// Problems stand at the table: the line of the secret itself is never shown.
std::optional<std::vector<uint8_t>> read_secret(const TsigKeyOptions& key, const TomlValue& table,
                                                const std::string& config_file,
                                                Diagnostics& diagnostics) {
  if (key.secret.empty() == key.secret_file.empty()) {
    diagnostics.error(table.at, R"([[tsig_key]] needs "secret" or "secret_file", and not both)");
    return std::nullopt;
  }
  std::string text = key.secret;
  if (key.secret_file.empty()) {
    if (is_open_to_all(config_file)) {
      diagnostics.warning(
          table.at, fmt::format("{} holds the secret of the key {} and can be read by everybody",
                                config_file, key.name.text()));
    }
  } else {
    const Position at = table.position_of("secret_file");
    const std::string path = path_beside(config_file, key.secret_file);
    std::error_code failed;
    const auto status = std::filesystem::status(path, failed);
    if (failed || !std::filesystem::is_regular_file(status)) {
      diagnostics.error(at, fmt::format("there is no file {}", path));
      return std::nullopt;
    }
    if (is_open_to_all(path))
      diagnostics.warning(at, fmt::format("{} can be read by everybody", path));
    auto read = read_file(path, secret_file_size_max);
    if (!read) {
      diagnostics.error(at, read.error().message);
      return std::nullopt;
    }
    text = std::move(*read);
  }
  auto secret = decode_base64(trimmed(text));
  if (!secret || secret->empty()) {
    diagnostics.error(table.at,
                      fmt::format("the secret of the key {} is not base64", key.name.text()));
    return std::nullopt;
  }
  if (secret->size() < secret_octets_wise) {
    diagnostics.warning(table.at, fmt::format("the secret of the key {} has fewer than {} octets",
                                              key.name.text(), secret_octets_wise));
  }
  return secret;
}

std::vector<Name> key_names(const TomlDocument& document) {
  std::vector<Name> names;
  for (const std::string& text : names_in(document.root, "tsig_key")) {
    if (const auto name = parse_name(text)) names.push_back(*name);
  }
  return names;
}

void check_secondary(const TomlDocument& document, const TomlValue& table,
                     const Secondary& secondary, Diagnostics& diagnostics) {
  const Position at = table.position_of("address");
  if (secondary.address.is_unix()) {
    diagnostics.error(at, "a secondary is reached by UDP: give an address, not a Unix socket");
  } else if (table.find("address") && secondary.address.address.is_any()) {
    diagnostics.error(at, secondary.address.address.text() + " is no address of a server");
  }
  if (!secondary.key || !document.complete) return;
  const std::vector<Name> known = key_names(document);
  if (std::ranges::count(known, *secondary.key) == 0) {
    diagnostics.error(table.position_of("key"),
                      fmt::format("no [[tsig_key]] is named {}", secondary.key->text()));
  }
}

}  // namespace

std::vector<TsigKey> parse_tsig_keys(const TomlDocument& document, const std::string& config_file,
                                     Diagnostics& diagnostics) {
  std::vector<TsigKey> keys;
  UniqueNames names("the name of the [[tsig_key]]", diagnostics);
  for (const TomlValue* table : tables_of(document.root, "tsig_key")) {
    TsigKeyOptions key;
    const size_t before = diagnostics.errors();
    read_options(*table, tsig_key_options, key,
                 {.header = "[[tsig_key]]", .complete = document.complete}, diagnostics);
    if (diagnostics.errors() != before) continue;
    if (!names.add(key.name.folded().text(), key.name.text(), table->position_of("name"))) continue;
    if (const auto secret = read_secret(key, *table, config_file, diagnostics))
      keys.emplace_back(key.name, key.algorithm, *secret);
  }
  return keys;
}

std::vector<Secondary> parse_secondaries(const TomlDocument& document, const TomlValue& zone,
                                         Diagnostics& diagnostics) {
  std::vector<Secondary> secondaries;
  if (const TomlMember* member = zone.find("secondary"))
    check_shape(*member, {.name = "secondary", .repeated = true}, "zone.", diagnostics);
  UniqueNames addresses("the address of the [[zone.secondary]]", diagnostics);
  for (const TomlValue* table : tables_of(zone, "secondary")) {
    Secondary secondary;
    const size_t before = diagnostics.errors();
    read_options(*table, secondary_options, secondary,
                 {.header = "[[zone.secondary]]", .complete = document.complete}, diagnostics);
    if (diagnostics.errors() != before) continue;
    check_secondary(document, *table, secondary, diagnostics);
    const std::string text = secondary.address.text();
    if (addresses.add(text, text, table->position_of("address"))) secondaries.push_back(secondary);
  }
  return secondaries;
}

}  // namespace swingover::zones
