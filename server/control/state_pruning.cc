// What of the log of states is older than the history, and which texts only that needed.

#include "server/control/state_log.h"

namespace swingover::control {

namespace {

using store::Direction;
using store::Table;

/// The newest cycle that was whole before then: whoever asks for a later instant begins there.
Result<std::optional<StateCycle>> cycle_before(const store::Store& store, WallTime before) {
  const auto found = store::newest_before(store, Table::past, std::string(1, cycle_table), before);
  if (!found) return found.error();
  if (!*found) return std::optional<StateCycle>();
  const Result<StateCycle> cycle = decode_cycle((*found)->value);
  if (!cycle) return cycle.error();
  return std::optional<StateCycle>(*cycle);
}

/// Every key of table config that a list of files still names, and those lists.
Result<std::unordered_set<std::string>> named_texts(const store::Store& store) {
  std::unordered_set<std::string> named;
  std::optional<Error> problem;
  Status scanned =
      store.scan(Table::past, std::string(1, cycle_table), std::string(1, cycle_table + 1),
                 Direction::ascending, [&](std::string_view, std::string_view value) {
                   const Result<StateCycle> cycle = decode_cycle(value);
                   if (cycle) {
                     named.insert(cycle->files);
                   } else {
                     problem = cycle.error();
                   }
                   return static_cast<bool>(cycle);
                 });
  if (!scanned) return scanned.error();
  if (problem) return *problem;
  for (const std::string& key : std::vector<std::string>(named.begin(), named.end())) {
    const auto bytes = store.get(Table::config, key);
    if (!bytes) return bytes.error();
    if (!*bytes) continue;
    const Result<FileList> list = decode_files(**bytes);
    if (!list) return list.error();
    named.insert(list->config_hash);
    for (const KeptFile& file : list->files) named.insert(file.content_key());
  }
  return named;
}

}  // namespace

Result<StateLog::Old> StateLog::find_old(const store::Store& store, WallTime before, size_t most) {
  Old old;
  const auto cycle = cycle_before(store, before);
  if (!cycle) return cycle.error();
  if (!*cycle) return old;
  for (const char table : {record_table, cycle_table, clock_table}) {
    Status scanned =
        store.scan(Table::past, std::string(1, table), state_key(table, (*cycle)->first),
                   Direction::ascending, [&](std::string_view key, std::string_view) {
                     old.is_all = old.records.size() < most;
                     if (old.is_all) old.records.emplace_back(key);
                     return old.is_all;
                   });
    if (!scanned) return scanned.error();
  }
  // Cycles that are erased just now still name their texts: the next time finds those.
  if (!old.records.empty()) return old;
  const auto named = named_texts(store);
  if (!named) return named.error();
  Status scanned = store.scan(Table::config, "", "", Direction::ascending,
                              [&](std::string_view key, std::string_view) {
                                if (!named->contains(std::string(key))) old.texts.emplace_back(key);
                                return true;
                              });
  if (!scanned) return scanned.error();
  return old;
}

void StateLog::erase(const Old& old) {
  store::Batch batch;
  for (const std::string& key : old.records) batch.erase(Table::past, key);
  for (const std::string& key : old.texts) {
    if (used_.contains(key)) continue;  // needed again since that was found
    batch.erase(Table::config, key);
    const auto known = texts_.find(key);
    if (known == texts_.end()) continue;
    if (key.starts_with(content_prefix)) texts_octets_ -= known->second;
    texts_.erase(known);
  }
  if (!batch.empty()) writer_.write(batch, {});
}

}  // namespace swingover::control
