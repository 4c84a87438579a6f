#include "zones/zone_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "base/text.h"
#include "zones/master_file.h"
#include "zones/protocol.h"
#include "zones/zone_checks.h"
#include "zones/zone_file_rdata.h"

namespace swingover::zones {
namespace {

constexpr size_t problems_max = 200;

// One record, its octets in the arenas of RecordTable.
struct ParsedRecord {
  size_t owner = 0;  // the owner in wire form, its sort key behind it
  size_t rdata = 0;
  uint32_t ttl = 0;
  Position at;
  uint16_t key_size = 0;
  uint16_t rdata_size = 0;
  uint16_t type = 0;
  uint8_t owner_size = 0;
};

// Octets whose memcmp order is the canonical order of names (RFC 4034 section 6.1): labels from the right,
// folded, each ended by 0; the octets 0 and 1 become pairs so that nothing in a label equals that end.
void append_sort_key(const Name& name, std::vector<uint8_t>& out) {
  std::array<uint8_t, 128> starts;
  size_t labels = 0;
  const Bytes wire = name.wire();
  for (size_t at = 0; wire[at] != 0; at += 1U + wire[at])
    starts[labels++] = static_cast<uint8_t>(at);
  while (labels > 0) {
    const size_t at = starts[--labels];
    for (const uint8_t octet : wire.subspan(at + 1, wire[at])) {
      if (octet <= 1) out.push_back(1);
      out.push_back(octet <= 1 ? static_cast<uint8_t>(octet + 1) : folded_octet(octet));
    }
    out.push_back(0);
  }
}

// Where the one name begins that the rest of such data is; two spellings of it are the same data.
std::optional<size_t> name_offset(uint16_t type) {
  switch (type) {
    case type::ns:
    case type::cname:
    case type::ptr:
    case type::dname:
      return 0;
    case type::mx:
    case type::afsdb:
    case type::rt:
    case type::kx:
      return 2;
    case type::srv:
      return 6;
    default:
      return std::nullopt;
  }
}

// All records as read, small: two arenas and 40 octets a record. Then sorted into a ZoneContents.
class RecordTable {
 public:
  void set_owner(const Name& name) {
    owner_ = owners_.size();
    owner_size_ = static_cast<uint8_t>(name.wire().size());
    owners_.insert(owners_.end(), name.wire().begin(), name.wire().end());
    append_sort_key(name, owners_);
    key_size_ = static_cast<uint16_t>(owners_.size() - owner_ - owner_size_);
  }
  std::vector<uint8_t>& rdata_arena() { return rdatas_; }
  // The data is what rdata_arena() holds from `rdata` on.
  void add(uint16_t type, uint32_t ttl, size_t rdata, Position at) {
    records_.push_back({owner_, rdata, ttl, at, key_size_,
                        static_cast<uint16_t>(rdatas_.size() - rdata), type, owner_size_});
  }

  // Sorts; reports duplicates and sets of several TTLs; `places` as for check_zone().
  std::shared_ptr<const ZoneContents> build(const Name& apex, Diagnostics& diagnostics,
                                            std::vector<Position>& places);

 private:
  Bytes owner_of(const ParsedRecord& r) const { return {owners_.data() + r.owner, r.owner_size}; }
  Bytes key_of(const ParsedRecord& r) const {
    return {owners_.data() + r.owner + r.owner_size, r.key_size};
  }
  Bytes rdata_of(const ParsedRecord& r) const { return {rdatas_.data() + r.rdata, r.rdata_size}; }
  int compare_owners(const ParsedRecord& a, const ParsedRecord& b) const;
  int compare_rdatas(const ParsedRecord& a, const ParsedRecord& b) const;
  bool precedes(const ParsedRecord& a, const ParsedRecord& b) const;
  Rrset build_set(std::span<const ParsedRecord> records, Diagnostics& diagnostics,
                  std::vector<Position>& places, std::vector<uint8_t>& octets) const;

  std::vector<ParsedRecord> records_;
  std::vector<uint8_t> owners_;
  std::vector<uint8_t> rdatas_;
  size_t owner_ = 0;
  uint16_t key_size_ = 0;
  uint8_t owner_size_ = 0;
};

int RecordTable::compare_owners(const ParsedRecord& a, const ParsedRecord& b) const {
  if (a.owner == b.owner) return 0;
  const int order =
      std::memcmp(key_of(a).data(), key_of(b).data(), std::min(a.key_size, b.key_size));
  return order != 0 ? order : a.key_size - b.key_size;
}

int RecordTable::compare_rdatas(const ParsedRecord& a, const ParsedRecord& b) const {
  const Bytes mine = rdata_of(a);
  const Bytes theirs = rdata_of(b);
  const size_t common = std::min(mine.size(), theirs.size());
  const size_t exact = std::min(common, name_offset(a.type).value_or(common));
  // An RDATA may be empty (APL), and memcmp() takes no null pointer even for no octets.
  const int order = exact == 0 ? 0 : std::memcmp(mine.data(), theirs.data(), exact);
  if (order != 0) return order;
  for (size_t i = exact; i < common; ++i) {
    const int folded = folded_octet(mine[i]) - folded_octet(theirs[i]);
    if (folded != 0) return folded;
  }
  return static_cast<int>(mine.size()) - static_cast<int>(theirs.size());
}

bool RecordTable::precedes(const ParsedRecord& a, const ParsedRecord& b) const {
  if (const int order = compare_owners(a, b); order != 0) return order < 0;
  if (a.type != b.type) return a.type < b.type;
  if (const int order = compare_rdatas(a, b); order != 0) return order < 0;
  return a.at < b.at;
}

// `records`: the same owner and type, sorted by data.
Rrset RecordTable::build_set(std::span<const ParsedRecord> records, Diagnostics& diagnostics,
                             std::vector<Position>& places, std::vector<uint8_t>& octets) const {
  const ParsedRecord& first = *std::ranges::min_element(records, {}, &ParsedRecord::at);
  Rrset set;
  set.type = first.type;
  set.ttl = Ttl(first.ttl);
  set.line = first.at.line;
  size_t count = 0;
  octets.clear();
  const ParsedRecord* previous = nullptr;
  for (const ParsedRecord& record : records) {
    if (previous && compare_rdatas(*previous, record) == 0) {
      diagnostics.error(
          record.at, "this record is already there, on line " + std::to_string(previous->at.line));
      continue;
    }
    previous = &record;
    // Signatures take the TTL of what they sign (RFC 4034 section 3): theirs may differ.
    if (record.type == type::rrsig) {
      set.ttl = std::min(set.ttl, Ttl(record.ttl));
    } else if (record.ttl != first.ttl) {
      diagnostics.error(record.at, "the TTL " + std::to_string(record.ttl) +
                                       " differs from that of the " + type_text(first.type) +
                                       " record on line " + std::to_string(first.at.line) + ", " +
                                       std::to_string(first.ttl) +
                                       ": a set has one TTL (RFC 2181 section 5.2)");
    }
    RdataList::append(rdata_of(record), octets);
    places.push_back(record.at);
    ++count;
  }
  set.rdatas = RdataList(count, octets);
  return set;
}

std::shared_ptr<const ZoneContents> RecordTable::build(const Name& apex, Diagnostics& diagnostics,
                                                       std::vector<Position>& places) {
  std::ranges::sort(records_, [this](const auto& a, const auto& b) { return precedes(a, b); });
  ZoneContentsWriter writer(apex);
  places.reserve(records_.size());
  const size_t apex_size = apex.wire().size();
  std::vector<uint8_t> octets;
  const std::span<const ParsedRecord> all(records_);
  for (size_t from = 0; from < all.size();) {
    const Bytes owner = owner_of(all[from]);
    if (from == 0 || compare_owners(all[from - 1], all[from]) != 0)
      writer.begin_owner(owner.first(owner.size() - apex_size));
    size_t to = from + 1;
    while (to < all.size() && all[to].type == all[from].type &&
           compare_owners(all[from], all[to]) == 0)
      ++to;
    writer.add_set(build_set(all.subspan(from, to - from), diagnostics, places, octets));
    from = to;
  }
  return writer.finish();
}

Position behind(const MasterToken& word) {
  const size_t quotes = word.quoted ? 2 : 0;
  return {word.at.line, static_cast<unsigned>(word.at.column + word.text.size() + quotes)};
}

// Entry after entry: directives, owners, TTLs, classes and types; the data goes to encode_rdata().
class ZoneFileParser {
 public:
  ZoneFileParser(std::string_view text, const Name& apex, Diagnostics& diagnostics)
      : reader_(text, diagnostics),
        apex_(apex),
        origin_(apex),
        diagnostics_(diagnostics),
        errors_before_(diagnostics.errors()) {}

  std::shared_ptr<const ZoneContents> parse(std::span<const Service> services) {
    MasterEntry entry;
    bool whole = true;
    while (whole && reader_.next(entry)) {
      read(entry);
      whole = errors() < problems_max;
      if (!whole) {
        error(behind(entry.tokens.back()), "too many problems: the rest of the file was not read");
      }
    }
    const bool complete = errors() == 0;
    std::vector<Position> places;
    const auto zone = table_.build(apex_, diagnostics_, places);
    table_ = {};
    check_zone(*zone, places, complete, services, diagnostics_);
    return errors() == 0 ? zone : nullptr;
  }

 private:
  void read(const MasterEntry& entry);
  void read_directive(const MasterEntry& entry);
  bool read_owner(const MasterToken& word);
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
  std::optional<Name> owner_;  // of the last record, for lines that start with a blank
  bool owner_is_bad_ = false;  // it was reported; the records that share it are passed over
  std::optional<uint32_t> default_ttl_;  // $TTL
  std::optional<uint32_t> last_ttl_;     // the last that a record stated
  std::optional<uint32_t> soa_minimum_;
};

void ZoneFileParser::read(const MasterEntry& entry) {
  const std::span<const MasterToken> words(entry.tokens);
  const MasterToken& first = words[0];
  if (entry.blank_start) {
    if (!owner_ && !owner_is_bad_) {
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
  owner_.reset();
  if (word.quoted) return error(word.at, "an owner is not quoted; a blank in it is written \\032");
  const auto name = parse_relative_name(word.text, origin_);
  if (!name) return error(word.at, name.error().message);
  if (!name->is_at_or_below(apex_)) {
    return error(word.at, name->text() + " is outside the zone " + apex_.text());
  }
  owner_ = *name;
  owner_is_bad_ = false;
  table_.set_owner(*owner_);
  return true;
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
