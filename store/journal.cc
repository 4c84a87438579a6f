#include "store/journal.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.h"

namespace swingover::store {
namespace {

constexpr uint8_t entry_version = 1;

/// The texts of an entry in the order in which version 1 stores them.
template <class Entry>
auto texts(Entry& entry) {
  return std::array{&entry.kind,   &entry.target, &entry.actor,
                    &entry.before, &entry.after,  &entry.reason};
}

/// What decides whether an entry is asked for, read where it stands.
struct Head {
  WallTime at{};
  std::string_view kind;
  std::string_view target;
};

std::optional<Head> read_head(std::string_view bytes) {
  ByteReader reader(Bytes(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
  if (reader.u8() != entry_version) return std::nullopt;
  Head head{.at = {static_cast<int64_t>(reader.u64())}, .kind = {}, .target = {}};
  for (std::string_view* text : {&head.kind, &head.target}) {
    const Bytes read = reader.take(reader.u32());
    *text = {reinterpret_cast<const char*>(read.data()), read.size()};
  }
  if (reader.failed()) return std::nullopt;
  return head;
}

bool is_of(std::string_view target, std::string_view asked) {
  return asked.empty() || target == asked || (asked.ends_with('/') && target.starts_with(asked));
}

bool is_asked(const Head& head, const Journal::Query& query) {
  if (query.since && head.at < *query.since) return false;
  if (query.until && head.at > *query.until) return false;
  if (!query.kinds.empty() && std::ranges::find(query.kinds, head.kind) == query.kinds.end())
    return false;
  if (!is_of(head.target, query.target)) return false;
  return query.targets.empty() || std::ranges::any_of(query.targets, [&](const std::string& one) {
           return is_of(head.target, one);
         });
}

}  // namespace

std::string encode_entry(const JournalEntry& entry) {
  size_t size = 1 + 8;
  for (const std::string* text : texts(entry)) size += 4 + text->size();
  std::string bytes(size, '\0');
  ByteWriter writer(std::span(reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()));
  writer.u8(entry_version);
  writer.u64(static_cast<uint64_t>(entry.at.unix_milliseconds));
  for (const std::string* text : texts(entry)) {
    writer.u32(static_cast<uint32_t>(text->size()));
    writer.put(Bytes(reinterpret_cast<const uint8_t*>(text->data()), text->size()));
  }
  return bytes;
}

Result<JournalEntry> decode_entry(std::string_view bytes) {
  ByteReader reader(Bytes(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
  const uint8_t version = reader.u8();
  if (version != entry_version) {
    return Error{ErrorCode::corrupt,
                 "a journal entry of unknown version " + std::to_string(version)};
  }
  JournalEntry entry;
  entry.at = {static_cast<int64_t>(reader.u64())};
  for (std::string* text : texts(entry)) {
    const Bytes read = reader.take(reader.u32());
    text->assign(reinterpret_cast<const char*>(read.data()), read.size());
  }
  if (reader.failed() || reader.left() != 0) {
    return Error{ErrorCode::corrupt, "a journal entry of the wrong length"};
  }
  return entry;
}

Result<Journal> Journal::open(const Store& store) {
  Journal journal;
  std::optional<Error> problem;
  const auto scanned = store.scan(Table::journal, "", "", Direction::descending,
                                  [&](std::string_view bytes, std::string_view) {
                                    if (const auto key = decode_key(bytes)) {
                                      journal.newest_ = *key;
                                    } else {
                                      problem = Error{ErrorCode::corrupt, "a damaged journal key"};
                                    }
                                    return false;
                                  });
  if (!scanned) return scanned.error("opening the journal");
  if (problem) return *problem;
  return journal;
}

void Journal::append(Batch& batch, const JournalEntry& entry) {
  newest_ = next_key(newest_, entry.at);
  batch.put(Table::journal, encode_key(newest_), encode_entry(entry));
}

Result<std::vector<JournalEntry>> Journal::read(const Store& store, const Query& query) {
  std::vector<JournalEntry> entries;
  std::optional<Error> problem;
  std::optional<TimeKey> seen;
  size_t looked_at = 0;
  const auto goes_on = [&] {
    return !problem && entries.size() < query.most && looked_at < query.looked_at_most;
  };
  const auto visit = [&](std::string_view, std::string_view value) {
    ++looked_at;
    const std::optional<Head> head = read_head(value);
    if (head && !is_asked(*head, query)) return goes_on();
    auto entry = decode_entry(value);
    if (entry) {
      entries.push_back(*std::move(entry));
    } else {
      problem = entry.error();
    }
    return goes_on();
  };
  const auto look = [&](std::string_view key, std::string_view) {
    seen = decode_key(key);
    if (!seen) problem = Error{ErrorCode::corrupt, "a damaged journal key"};
    return false;
  };
  // Within an epoch a key's time is not before its entry's, and not long after it.
  constexpr Milliseconds slack = epoch_step + Milliseconds(2);
  for (std::string end; goes_on();) {
    seen.reset();
    Status scanned = store.scan(Table::journal, "", end, Direction::descending, look);
    if (scanned && seen) {
      const uint16_t epoch = seen->epoch;
      const std::string first = encode_key({query.since ? key_time(*query.since) : 0, 0, epoch});
      if (query.until) {
        std::string last = encode_key({key_time(*query.until + slack), 0, epoch});
        if (end.empty() || last < end) end = std::move(last);
      }
      scanned = store.scan(Table::journal, first, end, Direction::descending, visit);
      end = encode_key({0, 0, epoch});
    }
    if (!scanned) return scanned.error("reading the journal");
    if (!seen) break;
  }
  if (problem) return problem->within("reading the journal");
  return entries;
}

Result<size_t> Journal::prune(const Store& store, WallTime before, size_t most, Batch& batch) {
  size_t erased = 0;
  if (most == 0 || before.unix_milliseconds <= 0) return erased;
  const auto newest = newest_before(store, Table::journal, {}, before);
  if (!newest) return newest.error("pruning the journal");
  if (!*newest) return erased;
  const auto scanned =
      store.scan(Table::journal, "", encode_key({key_time(before), 0, (*newest)->key.epoch}),
                 Direction::ascending, [&](std::string_view key, std::string_view) {
                   batch.erase(Table::journal, std::string(key));
                   return ++erased < most;
                 });
  if (!scanned) return scanned.error("pruning the journal");
  return erased;
}

}  // namespace swingover::store
