#include "zones/dnssec/key_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>

#include "base/base64.h"
#include "base/text.h"
#include "zones/master_file.h"

namespace swingover::dnssec {
namespace {

using zones::MasterToken;

constexpr std::string_view blanks = " \t\r";
constexpr std::string_view format_field = "Private-key-format";
constexpr std::string_view algorithm_field = "Algorithm";
constexpr size_t file_size_max = size_t{16} * 1024;
constexpr std::string_view too_long = "longer than 16 KiB, which no key file is";
constexpr size_t private_text_max = 8192;  // RSA of 4096 bits takes some 3,300

// What BIND also writes: for its own plan of rollovers, which is not ours.
constexpr std::array<std::string_view, 4> ignored_fields{"Predecessor", "Successor", "MaxTTL",
                                                         "RollPeriod"};

// In the order of SigningKey::from_private().
constexpr std::array<std::string_view, 8> rsa_fields{
    "Modulus", "PublicExponent", "PrivateExponent", "Prime1",
    "Prime2",  "Exponent1",      "Exponent2",       "Coefficient"};
constexpr std::array<std::string_view, 1> other_fields{"PrivateKey"};

std::span<const std::string_view> fields_of(Algorithm algorithm) {
  if (algorithm == Algorithm::rsa_sha256) return rsa_fields;
  return other_fields;
}
bool is_private_field(std::string_view name) {
  return std::ranges::count(rsa_fields, name) > 0 || std::ranges::count(other_fields, name) > 0;
}

struct TimeField {
  std::string_view name;
  std::optional<WallTime> KeyTimes::*time;
};
constexpr std::array time_fields{
    TimeField{"Created", &KeyTimes::created},
    TimeField{"Publish", &KeyTimes::publish},
    TimeField{"Activate", &KeyTimes::activate},
    TimeField{"Revoke", &KeyTimes::revoke},
    TimeField{"Inactive", &KeyTimes::inactive},
    TimeField{"Delete", &KeyTimes::remove},
    TimeField{"DSPublish", &KeyTimes::ds_publish},
    TimeField{"SyncPublish", &KeyTimes::sync_publish},
    TimeField{"SyncDelete", &KeyTimes::sync_delete},
};

const TimeField* time_field(std::string_view name) {
  const auto found = std::ranges::find(time_fields, name, &TimeField::name);
  return found == time_fields.end() ? nullptr : &*found;
}

/// YYYYMMDDHHMMSS in UTC.
std::optional<WallTime> parse_time(std::string_view text) {
  if (text.size() != 14 || !parse_number(text)) return std::nullopt;
  const auto part = [text](size_t at, size_t size) { return text.substr(at, size); };
  const auto time = parse_rfc3339(fmt::format("{}-{}-{}T{}:{}:{}Z", part(0, 4), part(4, 2),
                                              part(6, 2), part(8, 2), part(10, 2), part(12, 2)));
  return time ? std::optional(*time) : std::nullopt;
}

std::string time_text(WallTime time) {
  std::string digits;
  for (const char c : rfc3339(time).substr(0, 19)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  return digits;
}

/// A line "Name: value" of a private-key file.
struct Field {
  std::string_view name;
  std::string_view value;
  Position at;
  Position value_at;
};

unsigned column_of(std::string_view part, std::string_view line) {
  return static_cast<unsigned>(part.data() - line.data() + 1);
}

std::optional<Field> field_in(std::string_view line, unsigned number) {
  const std::string_view content = trimmed(line);
  const size_t colon = content.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view value = content.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(blanks), value.size()));
  return Field{.name = trimmed(content.substr(0, colon)),
               .value = value,
               .at = {number, column_of(content, line)},
               .value_at = {number, column_of(value, line)}};
}

bool is_public_field(std::string_view name) {
  return name == format_field || name == algorithm_field || time_field(name) ||
         std::ranges::count(ignored_fields, name) > 0;
}
bool is_known_field(std::string_view name) {
  return is_public_field(name) || is_private_field(name);
}

/// Whether all of the line may be quoted. A name that a field without secrets has is not enough: where lines ran
/// together, a key stands behind it.
bool is_shown(const Field& field) {
  constexpr size_t shown_value_max = 24;  // "13 (ECDSAP256SHA256)" has 20 octets
  return is_public_field(field.name) && field.value.size() <= shown_value_max &&
         field.value.find(':') == std::string_view::npos;
}

/// The text as it may be quoted: stars for all that might be a secret, thus also for names that are not known.
std::string without_secrets(std::string_view text) {
  std::string out(text);
  size_t begin = 0;
  for (const std::string_view line : split(text, '\n')) {
    const std::optional<Field> field = field_in(line, 0);
    size_t at = 0;
    if (field && is_shown(*field)) {
      at = line.size();
    } else if (field && is_known_field(field->name)) {
      at = static_cast<size_t>(field->value.data() - line.data());
    }
    for (; at < line.size(); ++at) {
      char& c = out[begin + at];
      if (blanks.find(c) == std::string_view::npos) c = '*';
    }
    begin += line.size() + 1;
  }
  return out;
}

class PrivateKeyReader {
 public:
  PrivateKeyReader(std::string_view text, const KeyRecord& record, Diagnostics& diagnostics)
      : record_(record), diagnostics_(diagnostics) {
    unsigned number = 0;
    for (const std::string_view line : split(text, '\n')) {
      ++number;
      const std::string_view content = trimmed(line);
      if (content.empty()) continue;
      if (const std::optional<Field> field = field_in(line, number)) {
        fields_.push_back(*field);
      } else {
        diagnostics_.error({number, column_of(content, line)},
                           "not a line such as \"Algorithm: 13 (ECDSAP256SHA256)\"");
      }
    }
  }

  std::optional<StoredKey> read() {
    check_format();
    check_names();
    const std::optional<Algorithm> algorithm = read_algorithm();
    KeyTimes times;
    for (const TimeField& row : time_fields) read_time(row, times);
    if (!algorithm) return std::nullopt;
    const std::vector<Secret> numbers = read_numbers(*algorithm);
    if (diagnostics_.has_errors()) return std::nullopt;

    auto key = SigningKey::from_private(*algorithm, record_.role, numbers);
    const Position at = find(fields_of(*algorithm).front())->value_at;
    if (!key) {
      diagnostics_.error(at, key.error().message);
      return std::nullopt;
    }
    if (!std::ranges::equal(key->dnskey_rdata(), record_.rdata)) {
      diagnostics_.error(at, fmt::format("this private key is not that of the DNSKEY {}, {}",
                                         key_tag(record_.rdata), record_.owner.text()));
      return std::nullopt;
    }
    return StoredKey{.key = *std::move(key), .times = times};
  }

 private:
  const Field* find(std::string_view name) const {
    const auto found = std::ranges::find(fields_, name, &Field::name);
    return found == fields_.end() ? nullptr : &*found;
  }

  void check_format() {
    const Field* format = find(format_field);
    if (!format || format != &fields_.front()) {
      diagnostics_.error(fields_.empty() ? Position{} : fields_.front().at,
                         "the first line must be \"Private-key-format: v1.3\"");
    } else if (format->value != "v1.2" && format->value != "v1.3") {
      diagnostics_.error(format->value_at, "only the formats v1.2 and v1.3 are known");
    }
  }

  void check_names() {
    for (const Field& field : fields_) {
      // What is not known is not named either: it may be a secret.
      if (!is_known_field(field.name)) {
        diagnostics_.warning(field.at, "a field that is not read");
      } else if (&field != find(field.name)) {
        diagnostics_.error(field.at, fmt::format("{} stands twice", field.name));
      }
    }
  }

  std::optional<Algorithm> read_algorithm() {
    const Field* field = find(algorithm_field);
    if (!field) {
      diagnostics_.error({}, "there is no line \"Algorithm: \" with a number");
      return std::nullopt;
    }
    const auto number = parse_number(field->value.substr(0, field->value.find_first_of(blanks)));
    const auto algorithm =
        number && *number < 256 ? algorithm_of(static_cast<uint8_t>(*number)) : std::nullopt;
    if (!algorithm) {
      diagnostics_.error(field->value_at,
                         "must be 8 (RSASHA256), 13 (ECDSAP256SHA256) or 15 (ED25519)");
    } else if (*algorithm != record_.algorithm) {
      diagnostics_.error(field->value_at,
                         fmt::format("the DNSKEY is one of {}", algorithm_name(record_.algorithm)));
    }
    return algorithm;
  }

  void read_time(const TimeField& row, KeyTimes& times) {
    const Field* field = find(row.name);
    if (!field) return;
    times.*row.time = parse_time(field->value);
    if (!(times.*row.time))
      diagnostics_.error(field->value_at, "not a time in UTC such as 20260301120000");
  }

  std::vector<Secret> read_numbers(Algorithm algorithm) {
    const std::span<const std::string_view> needed = fields_of(algorithm);
    for (const Field& field : fields_) {
      if (is_private_field(field.name) && std::ranges::count(needed, field.name) == 0) {
        diagnostics_.error(
            field.at, fmt::format("a key of {} has no {}", algorithm_name(algorithm), field.name));
      }
    }
    std::vector<Secret> numbers;
    for (const std::string_view name : needed) {
      const Field* field = find(name);
      if (!field) {
        diagnostics_.error({}, fmt::format("there is no line \"{}: \", which a key of {} needs",
                                           name, algorithm_name(algorithm)));
        continue;
      }
      Secret number(base64_octets_max(field->value.size()));
      const auto size = decode_base64(field->value, number.octets());
      if (!size || *size == 0) {
        diagnostics_.error(field->value_at, "not base64");
        continue;
      }
      number.shrink(*size);
      numbers.push_back(std::move(number));
    }
    return numbers;
  }

  const KeyRecord& record_;
  Diagnostics& diagnostics_;
  std::vector<Field> fields_;
};

class KeyRecordReader {
 public:
  KeyRecordReader(std::string_view text, Diagnostics& diagnostics)
      : diagnostics_(diagnostics), errors_before_(diagnostics.errors()), file_(text, diagnostics) {}

  std::optional<KeyRecord> read() {
    if (!file_.next(entry_)) {
      if (!file_.skipped_any()) diagnostics_.error({}, "there is no DNSKEY record");
      return std::nullopt;
    }
    KeyRecord record;
    read_owner(record);
    read_ttl_and_class(record);
    read_data(record);
    if (file_.next(entry_))
      diagnostics_.error(entry_.tokens[0].at, "a second record; a key file holds one");
    if (diagnostics_.errors() > errors_before_) return std::nullopt;
    return record;
  }

 private:
  void read_owner(KeyRecord& record) {
    const MasterToken& word = entry_.tokens[next_++];
    const auto owner = zones::parse_name(word.text);
    if (!owner) {
      diagnostics_.error(word.at, owner.error().message);
    } else if (!is_whole_name(word.text)) {
      diagnostics_.error(word.at, "the name must be whole: with a dot at its end");
    } else {
      record.owner = *owner;
    }
  }

  /// A dot that a backslash makes plain ends nothing.
  static bool is_whole_name(std::string_view text) {
    if (!text.ends_with('.')) return false;
    text.remove_suffix(1);
    const size_t plain = text.find_last_not_of('\\');
    const size_t backslashes = text.size() - (plain == text.npos ? 0 : plain + 1);
    return backslashes % 2 == 0;
  }

  /// Each may stand first, and neither has to.
  void read_ttl_and_class(KeyRecord& record) {
    bool has_ttl = false;
    bool has_class = false;
    for (; const MasterToken* word = peek(); ++next_) {
      if (!has_class && lower(word->text) == "in") {
        has_class = true;
      } else if (!has_ttl && word->text[0] >= '0' && word->text[0] <= '9') {
        has_ttl = true;
        const auto ttl = zones::parse_ttl(word->text);
        if (ttl) {
          record.ttl_seconds = *ttl;
        } else {
          diagnostics_.error(word->at, ttl.error().message);
        }
      } else {
        return;
      }
    }
  }

  void read_data(KeyRecord& record) {
    const MasterToken* type = peek();
    if (!type || lower(type->text) != "dnskey")
      return diagnostics_.error(type ? type->at : last().at, "must be a DNSKEY record");
    ++next_;
    const auto flags = take_number(65535);
    if (flags && *flags != 256 && *flags != 257)
      diagnostics_.error(last().at, "the flags must be 256 (zone key) or 257 (key-signing key)");
    const auto protocol = flags ? take_number(255) : std::nullopt;
    if (protocol && *protocol != 3) diagnostics_.error(last().at, "the protocol must be 3");
    const auto number = protocol ? take_number(255) : std::nullopt;
    if (!number) {
      return diagnostics_.error(
          peek() ? peek()->at : last().at,
          "flags, protocol and algorithm must be numbers, as in \"257 3 13\"");
    }
    const auto algorithm = algorithm_of(static_cast<uint8_t>(*number));
    if (!algorithm) {
      return diagnostics_.error(last().at,
                                "the algorithm must be 8 (RSASHA256), 13 (ECDSAP256SHA256) or 15 "
                                "(ED25519)");
    }
    record.role = static_cast<KeyRole>(*flags);
    record.algorithm = *algorithm;
    read_key(record);
  }

  void read_key(KeyRecord& record) {
    const MasterToken* first = peek();
    if (!first) return diagnostics_.error(last().at, "the key is missing behind the algorithm");
    std::string text;
    for (; peek(); ++next_) text += peek()->text;
    const auto key = decode_base64(text);
    if (!key) return diagnostics_.error(first->at, "not base64");
    const auto flags = static_cast<uint16_t>(record.role);
    record.rdata = {static_cast<uint8_t>(flags >> 8), static_cast<uint8_t>(flags), 3,
                    static_cast<uint8_t>(record.algorithm)};
    record.rdata.insert(record.rdata.end(), key->begin(), key->end());
    if (!has_public_key(record.rdata)) {
      diagnostics_.error(first->at,
                         fmt::format("not a public key of {}", algorithm_name(record.algorithm)));
    }
  }

  const MasterToken* peek() const {
    return next_ < entry_.tokens.size() ? &entry_.tokens[next_] : nullptr;
  }
  const MasterToken& last() const { return entry_.tokens[next_ - 1]; }
  std::optional<uint64_t> take_number(uint64_t most) {
    const MasterToken* word = peek();
    const auto number = word ? parse_number(word->text) : std::nullopt;
    if (!number || *number > most) return std::nullopt;
    ++next_;
    return number;
  }

  Diagnostics& diagnostics_;
  const size_t errors_before_;
  zones::MasterFileReader file_;
  zones::MasterEntry entry_;
  size_t next_ = 0;
};

/// A name in lower case as BIND has it in the names of files: all but letters, digits, "-" and "_" as %XX, so that
/// neither a slash nor a dot inside a label means anything.
std::string name_in_files(const Name& owner) {
  std::string text;
  const Bytes wire = owner.wire();
  for (size_t at = 0; wire[at] != 0; at += 1U + wire[at]) {
    for (const uint8_t octet : wire.subspan(at + 1, wire[at])) {
      const bool is_plain = (octet >= 'a' && octet <= 'z') || (octet >= '0' && octet <= '9') ||
                            octet == '-' || octet == '_';
      text += is_plain ? std::string(1, static_cast<char>(octet)) : fmt::format("%{:02X}", octet);
    }
    text += '.';
  }
  return text.empty() ? "." : text;
}

/// Text in a Secret of its own, which does not grow.
class SecretWriter {
 public:
  void put(std::string_view text) {
    assert(text.size() <= secret_.size() - at_);
    std::ranges::copy(text, secret_.octets().begin() + static_cast<std::ptrdiff_t>(at_));
    at_ += text.size();
  }
  void put_base64(Bytes octets) {
    const size_t size = base64_size(octets.size());
    assert(size <= secret_.size() - at_);
    encode_base64(octets, {reinterpret_cast<char*>(secret_.octets().data()) + at_, size});
    at_ += size;
  }
  Secret finish() {
    secret_.shrink(at_);
    return std::move(secret_);
  }

 private:
  Secret secret_{private_text_max};
  size_t at_ = 0;
};

}  // namespace

std::optional<KeyRecord> parse_key_record(std::string_view text, Diagnostics& diagnostics) {
  if (text.size() > file_size_max) {
    diagnostics.error({}, std::string(too_long));
    return std::nullopt;
  }
  return KeyRecordReader(text, diagnostics).read();
}

PrivateKeyReading parse_private_key(std::string file, std::string_view text,
                                    const KeyRecord& record) {
  if (text.size() > file_size_max) {
    Diagnostics diagnostics(std::move(file), {});
    diagnostics.error({}, std::string(too_long));
    return {.stored = std::nullopt, .diagnostics = std::move(diagnostics)};
  }
  PrivateKeyReading reading{.stored = std::nullopt,
                            .diagnostics = Diagnostics(std::move(file), without_secrets(text))};
  reading.stored = PrivateKeyReader(text, record, reading.diagnostics).read();
  return reading;
}

Secret private_key_text(const SigningKey& key, const KeyTimes& times) {
  const std::vector<Secret> numbers = key.private_numbers();
  const std::span<const std::string_view> names = fields_of(key.algorithm());
  assert(numbers.size() == names.size());
  SecretWriter writer;
  writer.put(fmt::format("{}: v1.3\n{}: {} ({})\n", format_field, algorithm_field,
                         static_cast<unsigned>(key.algorithm()), algorithm_name(key.algorithm())));
  for (size_t i = 0; i < names.size(); ++i) {
    writer.put(names[i]);
    writer.put(": ");
    writer.put_base64(numbers[i].octets());
    writer.put("\n");
  }
  for (const TimeField& row : time_fields) {
    if (const auto& time = times.*row.time)
      writer.put(fmt::format("{}: {}\n", row.name, time_text(*time)));
  }
  return writer.finish();
}

std::string key_record_text(const Name& owner, const SigningKey& key) {
  const bool is_ksk = key.role() == KeyRole::ksk;
  return fmt::format("; This is a {}-signing key, keyid {}, for {}\n{} IN DNSKEY {} 3 {} {}\n",
                     is_ksk ? "key" : "zone", key.tag(), owner.text(), owner.text(),
                     static_cast<unsigned>(key.role()), static_cast<unsigned>(key.algorithm()),
                     encode_base64(key.dnskey_rdata().subspan(dnskey_fixed_size)));
}

std::string ds_record_text(const Name& owner, const SigningKey& key, DsDigest digest) {
  constexpr size_t fixed_size = 4;
  const std::vector<uint8_t> rdata = ds_rdata(owner, key.dnskey_rdata(), digest);
  std::string hash;
  for (const uint8_t octet : Bytes(rdata).subspan(fixed_size)) hash += fmt::format("{:02X}", octet);
  return fmt::format("{} IN DS {} {} {} {}", owner.text(), key.tag(),
                     static_cast<unsigned>(key.algorithm()), static_cast<unsigned>(digest), hash);
}

std::string key_file_prefix(const Name& owner) {
  return "K" + name_in_files(owner.folded()) + "+";
}

std::string key_file_stem(const Name& owner, const SigningKey& key) {
  return fmt::format("{}{:03}+{:05}", key_file_prefix(owner),
                     static_cast<unsigned>(key.algorithm()), key.tag());
}

}  // namespace swingover::dnssec
