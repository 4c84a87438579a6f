#include "server/control/past.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

#include "base/file.h"
#include "base/files.h"
#include "server/control/records.h"

namespace swingover::control {

namespace {

using Kind = StateRecord::Kind;
using store::Direction;
using store::Table;

constexpr uint32_t last_sequence = std::numeric_limits<uint32_t>::max();

StateKey end_of(WallTime at, uint16_t epoch) {
  return {store::key_time(at), last_sequence, epoch};
}

Error nothing_known(std::string words) {
  return {ErrorCode::not_found, std::move(words)};
}

bool is_same_generation(const StateCycle& one, const StateCycle& other) {
  return one.generation == other.generation && one.files == other.files &&
         one.pick_secret == other.pick_secret;
}

}  // namespace

Result<std::string> PastTexts::read(const std::string& path) const {
  const auto file = std::ranges::find(list_.files, path, &KeptFile::path);
  if (file == list_.files.end() || file->form == KeptFile::Form::missing)
    return nothing_known(path + " could not be read then");
  if (file->form == KeptFile::Form::kept) {
    auto kept = store_.get(Table::config, file->content_key());
    if (!kept) return kept.error();
    if (*kept) return **std::move(kept);
  } else if (auto today = read_file(path, file->size);
             today && today->size() == file->size && content_hash(*today) == file->hash) {
    return *std::move(today);
  }
  return Error{ErrorCode::conflict,
               fmt::format("{} as it was then is not kept{}, and it is another by now", path,
                           file->form == KeptFile::Form::large ? ", for it is too large" : "")};
}

/// The epoch of the log in which the clock showed it. Where it was set forward there was no such instant, where it was set
/// back there were two; one that was skipped may have come after all, when the clock was set back later.
Result<uint16_t> Past::epoch_of(WallTime at) const {
  std::optional<Error> problem;
  std::optional<StateKey> first;
  Status scanned =
      store_.scan(Table::past, std::string(1, record_table), std::string(1, record_table + 1),
                  Direction::ascending, [&](std::string_view key, std::string_view) {
                    first = parse_state_key(key);
                    return false;
                  });
  if (!scanned) return scanned.error();
  if (!first) return uint16_t{0};
  // From one setting of the clock to the next it showed each time once.
  struct Span {
    WallTime from{};
    uint16_t epoch = 0;
    bool is_in_order = true;
  };
  Span span{{static_cast<int64_t>(first->milliseconds)}, first->epoch};
  uint16_t epoch = first->epoch;
  size_t shown = 0;
  const auto end_span = [&](WallTime to) {
    if (at < span.from || to < at) return;
    if (!span.is_in_order) {
      if (shown == 0)
        problem = Error{ErrorCode::conflict,
                        "what was so then was written down without order, for the clock was set "
                        "back far before"};
      return;
    }
    ++shown;
    epoch = span.epoch;
  };
  std::optional<StateRecord> skipped;
  std::optional<StateRecord> repeated;
  std::optional<Error> damage;
  scanned = store_.scan(Table::past, std::string(1, clock_table), std::string(1, clock_table + 1),
                        Direction::ascending, [&](std::string_view key, std::string_view value) {
                          const auto place = parse_state_key(key);
                          Result<StateRecord> set = decode_state(value);
                          if (!place || !set) {
                            damage = set ? Error{ErrorCode::corrupt, "a damaged key"} : set.error();
                            return false;
                          }
                          if (*first < *place) end_span(set->from);
                          // A store of a program that knew of no epochs.
                          const bool is_far_back = set->to + store::epoch_step < set->from;
                          span = {set->to, place->epoch,
                                  !is_far_back || place->epoch != span.epoch || !(*first < *place)};
                          if (set->from < at && at < set->to) skipped = *set;
                          if (set->to <= at && at <= set->from) repeated = *set;
                          return true;
                        });
  if (!scanned) return scanned.error();
  if (damage) return *damage;
  end_span({std::numeric_limits<int64_t>::max()});
  if (shown > 1 && repeated) {
    return Error{ErrorCode::conflict,
                 fmt::format("this instant came twice: the clock was set back from {} to {}",
                             rfc3339(repeated->from), rfc3339(repeated->to))};
  }
  if (shown == 0 && problem) return *problem;
  if (shown == 0 && skipped) {
    return nothing_known(
        fmt::format("this instant never was: the clock was set forward from {} to {}",
                    rfc3339(skipped->from), rfc3339(skipped->to)));
  }
  return epoch;
}

Result<StateCycle> Past::cycle_at(StateKey end) const {
  std::optional<Result<StateCycle>> found;
  Status scanned =
      store_.scan(Table::past, std::string(1, cycle_table), state_key(cycle_table, end),
                  Direction::descending, [&](std::string_view, std::string_view value) {
                    found = decode_cycle(value);
                    return false;
                  });
  if (!scanned) return scanned.error();
  if (found) return *found;
  std::string begin = "nothing is recorded";
  scanned = store_.scan(Table::past, std::string(1, cycle_table), std::string(1, cycle_table + 1),
                        Direction::ascending, [&](std::string_view key, std::string_view) {
                          if (const auto first = parse_state_key(key)) {
                            const WallTime time{static_cast<int64_t>(first->milliseconds)};
                            begin = "what answers came from is known since " + rfc3339(time);
                          }
                          return false;
                        });
  if (!scanned) return scanned.error();
  return nothing_known("before the history: " + begin);
}

Status Past::build(const StateCycle& cycle) {
  rest();
  generation_ = {};
  cycle_.reset();
  const auto list_bytes = store_.get(Table::config, cycle.files);
  if (!list_bytes) return list_bytes.error();
  if (!*list_bytes) return Error{ErrorCode::conflict, "its list of files is not kept any more"};
  Result<FileList> list = decode_files(**list_bytes);
  if (!list) return list.error();
  const auto config_bytes = store_.get(Table::config, list->config_hash);
  if (!config_bytes) return config_bytes.error();
  if (!*config_bytes) return Error{ErrorCode::conflict, "its config is not kept any more"};
  Result<ConfigRecord> config = decode_config(**config_bytes);
  if (!config) return config.error();
  Result<PastGeneration> built =
      build_(PastTexts(store_, *std::move(list), std::move(config->text)), cycle);
  if (!built) return built.error(fmt::format("the config of generation {}", cycle.generation));
  const zones::Snapshot& snapshot = *built->snapshot;
  if (snapshot.model->services.size() != cycle.services ||
      snapshot.counts.endpoints != cycle.endpoints || snapshot.shares->rows() != cycle.rows) {
    return Error{ErrorCode::conflict,
                 fmt::format("version {} read the config of generation {} otherwise than this one",
                             cycle.version, cycle.generation)};
  }
  generation_ = *std::move(built);
  cycle_ = cycle;
  return Done{};
}

/// A damaged record must not write where nothing is.
Status Past::apply(const StateValues& values) const {
  const zones::Snapshot& snapshot = *generation_.snapshot;
  const auto fits = [](const auto& run, size_t size) {
    return run.first <= size && run.count <= size - run.first;
  };
  for (const auto& run : values.endpoints) {
    const uint8_t value = run.value & static_cast<uint8_t>(~StateValues::stored_bit);
    if (!fits(run, snapshot.counts.endpoints) ||
        value > static_cast<uint8_t>(zones::Eligibility::eligible))
      return Error{ErrorCode::corrupt, "a stored state is of endpoints that are not there"};
    for (uint32_t i = 0; i < run.count; ++i) {
      snapshot.eligibility->set(EndpointId(run.first + i), static_cast<zones::Eligibility>(value),
                                (run.value & StateValues::stored_bit) != 0);
    }
  }
  for (const auto& run : values.changes) {
    if (!fits(run, snapshot.changes->size()))
      return Error{ErrorCode::corrupt, "a stored state is of services that are not there"};
    for (uint32_t i = 0; i < run.count; ++i)
      snapshot.changes->set(ServiceId(run.first + i), run.value);
  }
  for (const StateValues::Rows& rows : values.rows) {
    const ServiceId id(rows.service);
    if (rows.service >= snapshot.plans.size() || !snapshot.shares->has_rows(id) ||
        snapshot.shares->pools(id) != rows.pools ||
        rows.shares.size() != size_t{rows.pools} * snapshot.shares->rows())
      return Error{ErrorCode::corrupt, "a stored state is of shares that are not there"};
    for (size_t row = 0; row < snapshot.shares->rows(); ++row)
      snapshot.shares->set(id, row, std::span(rows.shares).subspan(row * rows.pools, rows.pools));
  }
  return Done{};
}

Result<Past::Instant> Past::read_on(StateKey first, StateKey end, WallTime at) {
  Instant instant{.at = at,
                  .since = since_,
                  .until = {},
                  .is_changing = since_ >= at,
                  .generation = cycle_->generation};
  std::optional<StateRecord> ended;
  std::optional<Error> problem;
  const auto visit = [&](std::string_view key, std::string_view value) {
    const auto place = parse_state_key(key);
    Result<StateRecord> record = decode_state(value);
    if (!place || !record) {
      problem = record ? Error{ErrorCode::corrupt, "a damaged key"} : record.error();
      return false;
    }
    const bool is_set_back = record->kind == Kind::clock && record->to < record->from;
    if (record->kind == Kind::part || record->kind == Kind::clock) {
      if (end < *place) {
        if (!is_set_back || ended || !instant.unsure.empty()) return true;
        instant.until = record->from;  // what comes then has other times
        return false;
      }
      if (is_set_back) {
        instant.since = std::min(instant.since, record->to);
        instant.is_changing = false;
      }
    } else if (ended && record->kind != Kind::begin && record->kind != Kind::end) {
      return true;  // of a generation whose begin is not there
    } else if (ended || end < *place) {
      if (record->from <= at && place->epoch == end.epoch) instant.is_changing = true;
      if (!instant.unsure.empty())
        instant.unsure += ", and another one answers since " + rfc3339(record->from);
      instant.until = record->from;
      return false;
    } else if (record->kind == Kind::lost) {
      instant.unsure =
          fmt::format("the daemon ended at {} or later, without a word", rfc3339(record->from));
      return true;
    } else if (record->kind == Kind::end) {
      ended = *std::move(record);
      return true;
    } else {
      instant.since = record->to;
      if (record->to >= at) instant.is_changing = true;
    }
    if (Status applied = apply(record->values); !applied) problem = applied.error();
    read_to_ = *place;
    return !problem;
  };
  Status scanned = store_.scan(Table::past, state_key(record_table, first),
                               std::string(1, record_table + 1), Direction::ascending, visit);
  if (!scanned) return scanned.error();
  if (problem) return *problem;
  if (ended) {
    read_to_.reset();
    return nothing_known(fmt::format(
        "no answer of then is known: {} at {}, and {}", ended->words, rfc3339(ended->from),
        instant.until ? "it goes on at " + rfc3339(*instant.until) : "that is the last of it"));
  }
  since_ = instant.since;
  if (!instant.unsure.empty()) read_to_.reset();
  return instant;
}

Result<Past::Instant> Past::seek(WallTime at) {
  const Result<uint16_t> epoch = epoch_of(at);
  if (!epoch) return epoch.error();
  const StateKey end = end_of(at, *epoch);
  const Result<StateCycle> cycle = cycle_at(end);
  if (!cycle) return cycle.error();
  if (!cycle_ || !is_same_generation(*cycle_, *cycle)) {
    read_to_.reset();
    if (Status built = build(*cycle); !built) return built.error();
  }
  StateKey first = cycle->first;
  const bool goes_on = read_to_ && *read_to_ <= end && *read_to_ >= first;
  if (goes_on) {
    first = *read_to_;
    ++first.sequence;
  } else {
    since_ = {static_cast<int64_t>(first.milliseconds)};
  }
  Result<Instant> instant = read_on(first, end, at);
  if (!instant) read_to_.reset();
  return instant;
}

void Past::rest() {
  if (!cycle_ || cycle_->services <= kept_services_max) return;
  cycle_.reset();
  read_to_.reset();
  generation_ = {};
}

}  // namespace swingover::control
