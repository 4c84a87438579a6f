#include "server/control/state_log.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "server/control/records.h"
#include "store/format.h"
#include "store/time_key.h"

namespace swingover::control {

namespace {

using Kind = StateRecord::Kind;

/// Adds one place's value; places come ascending.
template <class Value>
void add_value(std::vector<StateValues::Run<Value>>& runs, uint32_t place, Value value) {
  if (!runs.empty() && runs.back().first + runs.back().count == place &&
      runs.back().value == value) {
    ++runs.back().count;
  } else {
    runs.push_back({place, 1, value});
  }
}

uint8_t octet_of(const zones::EligibilityMap& map, EndpointId id) {
  const auto value = static_cast<uint8_t>(map.get(id));
  return map.is_stored(id) ? value | StateValues::stored_bit : value;
}

std::vector<uint32_t> take_sorted(std::vector<uint32_t>& noted) {
  std::vector<uint32_t> all = std::exchange(noted, {});
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

uint32_t endpoints_of(const zones::Service& service) {
  size_t count = 0;
  for (const zones::Pool& pool : service.pools) count += pool.endpoints.size();
  return static_cast<uint32_t>(count);
}

/// The newest record, with its key; nothing in a new store.
Result<std::optional<std::pair<StateKey, StateRecord>>> newest_record(const store::Store& store) {
  std::optional<std::pair<StateKey, StateRecord>> newest;
  std::optional<Error> problem;
  Status scanned =
      store.scan(store::Table::past, std::string(1, record_table), std::string(1, record_table + 1),
                 store::Direction::descending, [&](std::string_view key, std::string_view value) {
                   const auto place = parse_state_key(key);
                   Result<StateRecord> record = decode_state(value);
                   if (!place || !record) {
                     problem = record ? Error{ErrorCode::corrupt, "a damaged key"} : record.error();
                   } else {
                     newest = {*place, *std::move(record)};
                   }
                   return false;
                 });
  if (!scanned) return scanned.error();
  if (problem) return *problem;
  return newest;
}

}  // namespace

Status StateLog::open(const store::Store& store) {
  const auto newest = newest_record(store);
  if (!newest) return newest.error("reading the log of states");
  if (*newest) {
    const auto& [key, record] = **newest;
    newest_ = key;
    if (record.kind != Kind::end && record.kind != Kind::lost) {
      WallTime known = record.to;
      const auto alive = store.get(store::Table::meta, alive_key);
      if (alive && *alive) {
        const auto until = store::decode_number(**alive);
        if (until) known = std::max(known, WallTime{static_cast<int64_t>(*until)});
      }
      left_open_ = {.kind = Kind::lost, .from = known, .to = known};
    }
  }
  return store.scan(store::Table::config, files_prefix, files_prefix_end,
                    store::Direction::ascending, [&](std::string_view key, std::string_view value) {
                      texts_.emplace(key, value.size());
                      const Result<FileList> list = decode_files(value);
                      if (!list) return true;
                      for (const KeptFile& file : list->files) {
                        if (file.form != KeptFile::Form::kept) continue;
                        if (texts_.emplace(file.content_key(), file.size).second)
                          texts_octets_ += file.size;
                      }
                      return true;
                    });
}

void StateLog::begin(std::shared_ptr<const zones::Snapshot> snapshot, WallTime from,
                     const std::string& config_path, const std::string& config_hash,
                     const std::vector<ReadFile>& files) {
  look_at_clock();
  // What the last one began with is written down as of that one.
  if (beginning_) finish_beginning(encode_state(beginning_->record));
  if (const auto left_open = std::exchange(left_open_, std::nullopt)) push(*left_open);
  // It was set back while nobody ran: what is older and what comes now have the same times.
  if (!snapshot_ && newest_.milliseconds > store::key_time(clock_.wall()) + 1)
    tell_clock({static_cast<int64_t>(newest_.milliseconds)}, clock_.wall());
  snapshot_ = std::move(snapshot);
  store::Batch batch;
  keep_texts(config_path, config_hash, files, batch);
  cycle_.generation = snapshot_->generation;
  cycle_.pick_secret = snapshot_->pick_secret;
  cycle_.version = version_;
  cycle_.services = static_cast<uint32_t>(snapshot_->model->services.size());
  cycle_.endpoints = snapshot_->counts.endpoints;
  cycle_.rows = static_cast<uint32_t>(snapshot_->shares->rows());
  cycle_.serials.clear();
  for (const auto& [zone, state] : snapshot_->serials)
    cycle_.serials.emplace_back(zone.text(), state);
  begin_whole(from, std::move(batch));
}

/// Those that are not stored yet, and the list of all.
void StateLog::keep_texts(const std::string& config_path, const std::string& config_hash,
                          const std::vector<ReadFile>& files, store::Batch& batch) {
  FileList list{config_path, config_hash, {}};
  used_ = {config_hash};
  for (const ReadFile& file : files) {
    KeptFile kept{file.path, file.size, file.hash};
    if (file.is_missing) {
      kept.form = KeptFile::Form::missing;
    } else if (!file.content) {
      kept.form = KeptFile::Form::large;
    } else if (!texts_.contains(kept.content_key())) {
      if (texts_octets_ + file.size > texts_octets_max) {
        kept.form = KeptFile::Form::no_room;
      } else {
        texts_.emplace(kept.content_key(), file.size);
        texts_octets_ += file.size;
        batch.put(store::Table::config, kept.content_key(), *file.content);
      }
    }
    if (kept.form == KeptFile::Form::kept) used_.insert(kept.content_key());
    list.files.push_back(std::move(kept));
  }
  std::string encoded = encode_files(list);
  cycle_.files = files_key(encoded);
  used_.insert(cycle_.files);
  if (texts_.emplace(cycle_.files, encoded.size()).second)
    batch.put(store::Table::config, cycle_.files, std::move(encoded));
}

/// All values at once, as only a new generation needs it: copied here, since they change, and put into octets elsewhere.
/// Their place in the log is that of now, in front of all changes that come meanwhile; until they are there an end stands for them.
void StateLog::begin_whole(WallTime from, store::Batch batch) {
  for (std::vector<uint32_t>* noted : {&endpoints_, &changes_, &rows_}) noted->clear();
  first_note_.reset();
  telling_.reset();
  beginning_ = std::make_shared<Beginning>();
  StateRecord& record = beginning_->record;
  record.kind = Kind::begin;
  record.from = from;
  for (uint32_t i = 0; i < snapshot_->counts.endpoints; ++i)
    add_value(record.values.endpoints, i, octet_of(*snapshot_->eligibility, EndpointId(i)));
  for (uint32_t i = 0; i < snapshot_->model->services.size(); ++i) {
    add_value(record.values.changes, i, snapshot_->changes->get(ServiceId(i)));
    if (snapshot_->shares->has_rows(ServiceId(i)))
      record.values.rows.push_back(rows_of(ServiceId(i)));
  }
  record.to = clock_.wall();
  push({.kind = Kind::end,
        .from = from,
        .to = record.to,
        .words = "what a new generation began with was not written down"},
       batch);
  beginning_->key = next_key(record.to);
  octets_ = 0;
  alive_told_ = clock_.now();
  writer_.write(batch, {});
  offload_([work = beginning_] { work->bytes = encode_state(work->record); },
           [this, work = beginning_, alive = std::weak_ptr(alive_)] {
             if (!alive.expired() && work == beginning_) finish_beginning(std::move(work->bytes));
           });
}

void StateLog::finish_beginning(std::string bytes) {
  const std::shared_ptr<Beginning> done = std::exchange(beginning_, nullptr);
  const size_t of_changes = octets_;
  whole_octets_ = bytes.size();
  store::Batch batch;
  put(done->key, std::move(bytes), batch);
  octets_ = of_changes;
  close_cycle(done->key, done->key, batch);
  batch.put(store::Table::meta, std::string(alive_key),
            store::encode_number(store::key_time(done->record.to)));
  writer_.write(batch, {});
  drop_beginning();
}

/// The end that stands for it stays, unless it has been written.
void StateLog::drop_beginning() {
  beginning_.reset();
  for (auto& waiting : std::exchange(wait_for_beginning_, {})) store_alive(std::move(waiting));
}

StateValues::Rows StateLog::rows_of(ServiceId id) const {
  const size_t pools = snapshot_->model->services[id.value].pools.size();
  StateValues::Rows rows{id.value, static_cast<uint32_t>(pools), {}};
  rows.shares.resize(snapshot_->shares->rows() * pools);
  for (size_t row = 0; row < snapshot_->shares->rows(); ++row)
    snapshot_->shares->read(id, row, std::span(rows.shares).subspan(row * pools, pools));
  return rows;
}

/// `first` holds the first of the values, and `last` the last of them.
void StateLog::close_cycle(StateKey first, StateKey last, store::Batch& batch) const {
  StateCycle cycle = cycle_;
  cycle.first = first;
  batch.put(store::Table::past, state_key(cycle_table, last), encode_cycle(cycle));
}

/// Of what is told late the time may be long before the newest place: only a clock that is itself begins an epoch.
StateKey StateLog::next_key(WallTime at) {
  const WallTime newest{static_cast<int64_t>(newest_.milliseconds)};
  const bool is_clock_behind = clock_.wall() + store::epoch_step < newest;
  newest_ = store::next_key(newest_, is_clock_behind ? at : std::max(at, newest));
  return newest_;
}

StateKey StateLog::push(const StateRecord& record, store::Batch& batch) {
  const StateKey key = next_key(record.to);
  put(key, encode_state(record), batch);
  return key;
}

void StateLog::put(StateKey key, std::string bytes, store::Batch& batch) {
  octets_ += bytes.size();
  if (writer_.state().healthy) {
    waiting_octets_ = 0;
  } else {
    waiting_octets_ += bytes.size();
  }
  batch.put(store::Table::past, state_key(record_table, key), std::move(bytes));
}

void StateLog::push(const StateRecord& record) {
  store::Batch batch;
  push(record, batch);
  writer_.write(batch, {});
}

void StateLog::end_turn() {
  if (!first_note_) return;
  const WallTime from = *std::exchange(first_note_, std::nullopt);
  const std::vector<uint32_t> endpoints = take_sorted(endpoints_);
  const std::vector<uint32_t> changes = take_sorted(changes_);
  const std::vector<uint32_t> rows = take_sorted(rows_);
  if (lost_since_) return;
  if (waiting_octets_ > waiting_octets_max) {
    lost_since_ = from;
    telling_.reset();
    drop_beginning();
    log_warning("answers of this time cannot be explained later: the disk takes no more",
                {{"since", rfc3339(from)}});
    return;
  }
  StateRecord record{.kind = Kind::change, .from = from, .to = clock_.wall()};
  for (const uint32_t id : endpoints)
    add_value(record.values.endpoints, id, octet_of(*snapshot_->eligibility, EndpointId(id)));
  for (const uint32_t id : changes)
    add_value(record.values.changes, id, snapshot_->changes->get(ServiceId(id)));
  for (const uint32_t id : rows) record.values.rows.push_back(rows_of(ServiceId(id)));
  look_at_clock();
  push(record);
  if (!telling_ && !beginning_ && octets_ > std::max(cycle_octets_min, 4 * whole_octets_))
    begin_cycle();
}

int64_t StateLog::offset() const {
  for (int attempt = 0;; ++attempt) {
    const MonotonicTime before = clock_.now();
    const WallTime wall = clock_.wall();
    // Whoever slept between the two readings would see a step where there is none.
    if (attempt == 3 || clock_.now() - before <= Milliseconds(2))
      return wall.unix_milliseconds - before.nanoseconds / 1'000'000;
  }
}

void StateLog::look_at_clock() {
  const int64_t now = offset();
  const int64_t before = std::exchange(offset_, now).value_or(now);
  const int64_t step = now - before;
  if (std::abs(step) <= clock_step.value || !snapshot_) return;
  const WallTime wall = clock_.wall();
  log_warning("the clock was set",
              {{"from", rfc3339(wall + Milliseconds(-step))}, {"to", rfc3339(wall)}});
  tell_clock(wall + Milliseconds(-step), wall);
}

void StateLog::tell_clock(WallTime from, WallTime to) {
  const StateRecord set{.kind = Kind::clock, .from = from, .to = to};
  store::Batch batch;
  const StateKey key = push(set, batch);
  batch.put(store::Table::past, state_key(clock_table, key), encode_state(set));
  // Else a restart would take this run to have lived until the time that it was set back from.
  batch.put(store::Table::meta, std::string(alive_key), store::encode_number(store::key_time(to)));
  writer_.write(batch, {});
}

void StateLog::begin_cycle() {
  telling_ = Telling{};
}

/// Some services more, as they are now.
void StateLog::tell_part() {
  StateRecord record{.kind = Kind::part};
  const std::vector<zones::Service>& services = snapshot_->model->services;
  size_t values = 0;
  while (telling_->service < services.size() && values < values_a_part) {
    const zones::Service& service = services[telling_->service++];
    for (const zones::Pool& pool : service.pools) {
      for (const zones::Endpoint& endpoint : pool.endpoints) {
        add_value(record.values.endpoints, endpoint.id.value,
                  octet_of(*snapshot_->eligibility, endpoint.id));
      }
    }
    values += endpoints_of(service) + 1;
    add_value(record.values.changes, service.id.value, snapshot_->changes->get(service.id));
    if (!snapshot_->shares->has_rows(service.id)) continue;
    record.values.rows.push_back(rows_of(service.id));
    values += record.values.rows.back().shares.size();
  }
  record.from = record.to = clock_.wall();
  store::Batch batch;
  const size_t before = octets_;
  const StateKey key = push(record, batch);
  telling_->octets += octets_ - before;
  if (!std::exchange(telling_->has_begun, true)) telling_->first = key;
  if (telling_->service == services.size()) {
    close_cycle(telling_->first, key, batch);
    whole_octets_ = telling_->octets;
    octets_ = 0;
    telling_.reset();
  }
  writer_.write(batch, {});
}

void StateLog::look() {
  end_turn();
  if (!snapshot_) return;
  look_at_clock();
  if (lost_since_) {
    if (!writer_.state().healthy) return;
    const WallTime since = *std::exchange(lost_since_, std::nullopt);
    push({.kind = Kind::end, .from = since, .to = since, .words = "the disk took no more"});
    begin_whole(clock_.wall(), {});
    return;
  }
  if (telling_) tell_part();
  if (beginning_ || clock_.now() - alive_told_ < alive_every) return;
  alive_told_ = clock_.now();
  store::Batch batch;
  batch.put(store::Table::meta, std::string(alive_key),
            store::encode_number(store::key_time(clock_.wall())));
  writer_.write(batch, {});
}

void StateLog::end() {
  end_turn();
  if (!snapshot_) return;
  if (beginning_) finish_beginning(encode_state(beginning_->record));
  const WallTime now = clock_.wall();
  push({.kind = Kind::end, .from = now, .to = now, .words = "the daemon was stopped"});
  snapshot_.reset();
}

void StateLog::when_stored(std::function<void(Status)> done) {
  end_turn();
  if (beginning_) {
    wait_for_beginning_.push_back(std::move(done));
  } else {
    store_alive(std::move(done));
  }
}

void StateLog::store_alive(std::function<void(Status)> done) {
  store::Batch batch;
  batch.put(store::Table::meta, std::string(alive_key),
            store::encode_number(store::key_time(clock_.wall())));
  writer_.commit(std::move(batch), {}, {}, std::move(done));
}

}  // namespace swingover::control
