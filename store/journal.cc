#include "store/journal.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.h"

namespace swingover::store {
namespace {

constexpr size_t key_size = 12;
constexpr uint8_t entry_version = 1;

struct Key {
  uint64_t milliseconds = 0;
  uint32_t sequence = 0;
};

uint64_t key_time(WallTime time) {
  return static_cast<uint64_t>(std::max<int64_t>(time.unix_milliseconds, 0));
}

std::string encode_key(Key key) {
  std::string bytes(key_size, '\0');
  ByteWriter writer(std::span(reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()));
  writer.u64(key.milliseconds);
  writer.u32(key.sequence);
  return bytes;
}

std::optional<Key> decode_key(std::string_view bytes) {
  if (bytes.size() != key_size) return std::nullopt;
  ByteReader reader(Bytes(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
  const uint64_t milliseconds = reader.u64();
  return Key{milliseconds, reader.u32()};
}

/// The texts of an entry in the order in which version 1 stores them.
template <class Entry>
auto texts(Entry& entry) {
  return std::array{&entry.kind,   &entry.target, &entry.actor,
                    &entry.before, &entry.after,  &entry.reason};
}

bool about(const JournalEntry& entry, std::string_view target) {
  return target.empty() || entry.target == target ||
         (target.ends_with('/') && entry.target.starts_with(target));
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
                                      journal.newest_ = {static_cast<int64_t>(key->milliseconds)};
                                      journal.sequence_ = key->sequence;
                                      journal.is_empty_ = false;
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
  const WallTime at{std::max<int64_t>(entry.at.unix_milliseconds, 0)};
  if (is_empty_ || at > newest_) {
    newest_ = at;
    sequence_ = 0;
  } else if (++sequence_ == 0) {
    newest_ = newest_ + Milliseconds(1);
  }
  is_empty_ = false;
  batch.put(Table::journal, encode_key({key_time(newest_), sequence_}), encode_entry(entry));
}

Result<std::vector<JournalEntry>> Journal::read(const Store& store, const Query& query) {
  std::vector<JournalEntry> entries;
  if (query.most == 0) return entries;
  std::optional<Error> problem;
  // A key's time is never before its entry's, so nothing since `since` has a smaller key. There is no such
  // bound for `until`: a clock that ran ahead leaves keys ahead of their entries.
  const std::string first = query.since ? encode_key({key_time(*query.since), 0}) : std::string();
  const auto scanned = store.scan(Table::journal, first, "", Direction::descending,
                                  [&](std::string_view, std::string_view value) {
                                    auto entry = decode_entry(value);
                                    if (!entry) {
                                      problem = entry.error();
                                      return false;
                                    }
                                    const bool asked =
                                        (!query.since || entry->at >= *query.since) &&
                                        (!query.until || entry->at <= *query.until) &&
                                        about(*entry, query.target);
                                    if (asked) entries.push_back(*std::move(entry));
                                    return entries.size() < query.most;
                                  });
  if (!scanned) return scanned.error("reading the journal");
  if (problem) return problem->within("reading the journal");
  return entries;
}

Result<size_t> Journal::prune(const Store& store, WallTime before, size_t most, Batch& batch) {
  size_t erased = 0;
  if (most == 0 || before.unix_milliseconds <= 0) return erased;
  const auto scanned =
      store.scan(Table::journal, "", encode_key({key_time(before), 0}), Direction::ascending,
                 [&](std::string_view key, std::string_view) {
                   batch.erase(Table::journal, std::string(key));
                   return ++erased < most;
                 });
  if (!scanned) return scanned.error("pruning the journal");
  return erased;
}

}  // namespace swingover::store
