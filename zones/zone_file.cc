#include "zones/zone_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "base/text.h"
#include "zones/master_file.h"
#include "zones/protocol.h"
#include "zones/record_table.h"
#include "zones/zone_checks.h"
#include "zones/zone_file_rdata.h"

namespace swingover::zones {
namespace {

constexpr size_t problems_max = 200;

Position behind(const MasterToken& word) {
  const size_t quotes = word.quoted ? 2 : 0;
  return {word.at.line, static_cast<unsigned>(word.at.column + word.text.size() + quotes)};
}

// Entry after entry: directives, owners, TTLs, classes and types; the data goes to encode_rdata().
class ZoneFileParser {
 public:
  ZoneFileParser(std::string_view text, const Name& apex, Diagnostics& diagnostics)
      : reader_(text, diagnostics),
        table_(text.size(), static_cast<size_t>(std::ranges::count(text, '\n')) + 1),
        apex_(apex),
        origin_(apex),
        diagnostics_(diagnostics),
        errors_before_(diagnostics.errors()) {}

  std::shared_ptr<const ZoneContents> parse(std::span<const Service> services) {
    MasterEntry entry;
    bool whole = true;
    while (whole && reader_.next(entry)) {
      read(entry);
      whole = errors() < problems_max && table_.has_room();
      if (!whole) {
        error(behind(entry.tokens.back()),
              table_.has_room() ? "too many problems: the rest of the file was not read"
                                : "more than 4 GiB of names and data: the rest was not read");
      }
    }
    const bool complete = errors() == 0;
    std::vector<Position> places;
    const auto zone = table_.build(apex_, diagnostics_, places);
    check_zone(*zone, places, complete, services, diagnostics_);
    return errors() == 0 ? zone : nullptr;
  }

 private:
  void read(const MasterEntry& entry);
  void read_directive(const MasterEntry& entry);
  bool read_owner(const MasterToken& word);
  bool is_at_or_below_apex(Bytes name) const;
  void read_record(std::span<const MasterToken> words, Position at, Position end);
  bool read_ttl_and_class(std::span<const MasterToken>& words, std::optional<uint32_t>& ttl);
  std::optional<uint32_t> implied_ttl(uint16_t type, Bytes rdata) const;

  size_t errors() const { return diagnostics_.errors() - errors_before_; }
  bool error(Position at, std::string message) {
    diagnostics_.error(at, std::move(message));
    return false;
  }

  MasterFileReader reader_;
  RecordTable table_;
  const Name& apex_;
  Name origin_;
  Diagnostics& diagnostics_;
  const size_t errors_before_;
  bool has_owner_ = false;     // of the last record, for lines that start with a blank
  bool owner_is_bad_ = false;  // it was reported; the records that share it are passed over
  std::optional<uint32_t> default_ttl_;  // $TTL
  std::optional<uint32_t> last_ttl_;     // the last that a record stated
  std::optional<uint32_t> soa_minimum_;
};

void ZoneFileParser::read(const MasterEntry& entry) {
  const std::span<const MasterToken> words(entry.tokens);
  const MasterToken& first = words[0];
  if (entry.blank_start) {
    if (!has_owner_ && !owner_is_bad_) {
      error(
          first.at,
          "a line that starts with a blank takes the owner of the record in front: there is none");
      owner_is_bad_ = true;
    }
    if (!owner_is_bad_) read_record(words, first.at, behind(words.back()));
  } else if (!first.quoted && first.text.starts_with('$')) {
    read_directive(entry);
  } else if (read_owner(first)) {
    read_record(words.subspan(1), first.at, behind(words.back()));
  }
}

void ZoneFileParser::read_directive(const MasterEntry& entry) {
  const MasterToken& word = entry.tokens[0];
  const std::string directive = lower(word.text);
  if (directive == "$include") {
    error(word.at, "$INCLUDE is not read: put the records themselves into this file");
    return;
  }
  if (directive == "$generate") {
    error(word.at, "$GENERATE is not expanded: write each record");
    return;
  }
  if (directive != "$origin" && directive != "$ttl") {
    error(word.at, "no such directive: $ORIGIN and $TTL are read; an owner's $ is written \\$");
    return;
  }
  if (entry.tokens.size() != 2) {
    const bool missing = entry.tokens.size() < 2;
    error(missing ? behind(word) : entry.tokens[2].at,
          missing ? "what it sets is missing" : "a directive ends before this");
    return;
  }
  const MasterToken& value = entry.tokens[1];
  if (directive == "$origin") {
    const auto origin = parse_relative_name(value.text, origin_);
    if (!origin) {
      error(value.at, origin.error().message);
      return;
    }
    origin_ = *origin;
  } else {
    const auto ttl = parse_ttl(value.text);
    if (!ttl) {
      error(value.at, ttl.error().message);
      return;
    }
    default_ttl_ = *ttl;
  }
}

bool ZoneFileParser::read_owner(const MasterToken& word) {
  owner_is_bad_ = true;
  has_owner_ = false;
  if (word.quoted) return error(word.at, "an owner is not quoted; a blank in it is written \\032");
  std::array<uint8_t, Name::size_max> plain;
  Bytes wire = read_plain_name(word.text, origin_, plain);
  Name name;
  if (wire.empty()) {
    const auto read = parse_relative_name(word.text, origin_);
    if (!read) return error(word.at, read.error().message);
    name = *read;
    wire = name.wire();
  }
  if (!is_at_or_below_apex(wire)) {
    return error(word.at, Name::from_wire(wire)->text() + " is outside the zone " + apex_.text());
  }
  has_owner_ = true;
  owner_is_bad_ = false;
  table_.set_owner(wire.first(wire.size() - apex_.wire().size()));
  return true;
}

bool ZoneFileParser::is_at_or_below_apex(Bytes name) const {
  const Bytes apex = apex_.wire();
  if (name.size() < apex.size()) return false;
  const size_t front = name.size() - apex.size();
  size_t at = 0;
  while (at < front) at += 1U + name[at];
  if (at != front) return false;
  return std::memcmp(&name[front], apex.data(), apex.size()) == 0 ||
         std::ranges::equal(name.subspan(front), apex, {}, folded_octet, folded_octet);
}

// In any order, each at most once; `words` then begins with the type.
bool ZoneFileParser::read_ttl_and_class(std::span<const MasterToken>& words,
                                        std::optional<uint32_t>& ttl) {
  for (bool has_class = false; !words.empty() && !words[0].quoted; words = words.subspan(1)) {
    const MasterToken& word = words[0];
    if (!ttl && word.text[0] >= '0' && word.text[0] <= '9') {
      const auto seconds = parse_ttl(word.text);
      if (!seconds) return error(word.at, seconds.error().message);
      ttl = *seconds;
      continue;
    }
    if (has_class || word.text.size() > 10) return true;
    // Nearly always the type: classes begin with one of these.
    if (std::string_view("cChHiInNaA").find(word.text[0]) == std::string_view::npos) return true;
    if (word.text.size() == 1) return true;
    const std::string text = lower(word.text);
    if (text == "in" || text == "class1") {
      has_class = true;
      continue;
    }
    const bool other = text == "ch" || text == "hs" || text == "cs" || text == "none" ||
                       text == "any" || (text.starts_with("class") && parse_number(text.substr(5)));
    if (other) return error(word.at, "only records of class IN are served");
    return true;
  }
  return true;
}

// RFC 2308 section 4 ($TTL), RFC 1035 section 5.1 (the last one stated), else what the SOA gives.
std::optional<uint32_t> ZoneFileParser::implied_ttl(uint16_t type, Bytes rdata) const {
  if (default_ttl_) return default_ttl_;
  if (last_ttl_) return last_ttl_;
  if (type != type::soa) return soa_minimum_;
  return std::min<uint32_t>(ByteReader(rdata.last(4)).u32(), INT32_MAX);
}

bool is_for_queries(uint16_t type) {
  return type == 41 || (type >= 128 && type <= 255);
}

void ZoneFileParser::read_record(std::span<const MasterToken> words, Position at, Position end) {
  std::optional<uint32_t> ttl;
  if (!read_ttl_and_class(words, ttl)) return;
  if (ttl) last_ttl_ = ttl;
  if (words.empty()) {
    error(end, "the record's type is missing");
    return;
  }
  const MasterToken& word = words[0];
  const uint16_t type = word.quoted ? uint16_t{0} : parse_type(word.text);
  if (type == 0 || is_for_queries(type)) {
    error(word.at, type == 0 ? "no record type of this name; others are written TYPE123"
                             : std::string(word.text) + " is a type for queries, not for records");
    return;
  }
  const size_t rdata = table_.rdata_arena().size();
  if (!encode_rdata(type, words.subspan(1), end, origin_, diagnostics_, table_.rdata_arena()))
    return;
  const Bytes data(table_.rdata_arena().data() + rdata, table_.rdata_arena().size() - rdata);
  if (!ttl) ttl = implied_ttl(type, data);
  if (type == type::soa) {
    soa_minimum_ = std::min<uint32_t>(ByteReader(data.last(4)).u32(), INT32_MAX);
  }
  if (!ttl) {
    error(word.at, "no TTL: write one in front of the type, or $TTL at the top of the file");
    return;
  }
  table_.add(type, *ttl, rdata, at);
}

}  // namespace

std::shared_ptr<const ZoneContents> parse_zone_file(std::string_view text, const Name& apex,
                                                    Diagnostics& diagnostics,
                                                    std::span<const Service> services) {
  return ZoneFileParser(text, apex, diagnostics).parse(services);
}

}  // namespace swingover::zones
