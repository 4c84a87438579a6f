#include "server/control/load_board.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "base/text.h"
#include "server/control/target.h"
#include "zones/steering/allocation.h"

namespace swingover::control {

namespace {

/// A clock that is ahead by less is as right as ours.
constexpr Milliseconds ahead_tolerance{1'000};

uint64_t split_key(uint32_t service, uint32_t cluster) {
  return uint64_t{service} << 32 | cluster;
}

std::optional<double> told(double value) {
  return value < 0 ? std::nullopt : std::optional(value);
}

std::string seconds_words(Milliseconds duration) {
  return fmt::format("{}s", (duration.value + 500) / 1'000);
}

}  // namespace

std::string_view word(LoadTaking taking) {
  constexpr std::array<std::string_view, load_takings> words{"taken",   "ahead",   "older",
                                                             "too_old", "unknown", "senseless"};
  return words[static_cast<size_t>(taking)];
}

std::string_view word(LoadBoard::State state) {
  constexpr std::array<std::string_view, 4> words{"none", "fresh", "frozen", "held"};
  return words[static_cast<size_t>(state)];
}

ServiceNames::ServiceNames(std::shared_ptr<const zones::Model> model) : model_(std::move(model)) {
  const auto& services = model_->services;
  places_.reserve(services.size());
  for (uint32_t i = 0; i < services.size(); ++i)
    places_.emplace_back(std::hash<zones::Name>{}(services[i].name), i);
  std::ranges::sort(places_);
}

std::optional<ServiceId> ServiceNames::find(std::string_view text) const {
  const Result<zones::Name> name = zones::parse_name(text);
  if (!name) return {};
  const size_t hash = std::hash<zones::Name>{}(*name);
  for (auto at = std::ranges::lower_bound(places_, std::pair<size_t, uint32_t>(hash, 0));
       at != places_.end() && at->first == hash; ++at) {
    if (model_->services[at->second].name == *name) return ServiceId(at->second);
  }
  return {};
}

void LoadBoard::replace(std::shared_ptr<const ServiceNames> names,
                        const std::vector<std::optional<uint32_t>>& old_services,
                        std::vector<bool> pulled, const Rules& rules, Now now) {
  const zones::Topology& topology = names->model().topology;
  const std::vector<zones::Service>& services = names->model().services;
  assert(pulled.size() == topology.clusters.size());
  std::vector<Cluster> clusters(topology.clusters.size());
  std::vector<std::optional<uint32_t>> new_place(clusters_.size());  // by the cluster's old one
  std::unordered_map<std::string, uint32_t> by_name;
  for (uint32_t j = 0; j < clusters.size(); ++j) {
    by_name.emplace(topology.clusters[j].name, j);
    clusters[j].expected_since = now.now;
    if (const auto old = clusters_by_name_.find(topology.clusters[j].name);
        old != clusters_by_name_.end()) {
      new_place[old->second] = j;
      const MonotonicTime expected_since =
          clusters_[old->second].view.is_pulled ? clusters_[old->second].expected_since : now.now;
      clusters[j] = std::move(clusters_[old->second]);
      clusters[j].expected_since = expected_since;
    }
    clusters[j].view.is_pulled = pulled[j];
  }

  // What locality a place of a split is depends on the file; the next report, seconds away, has it right.
  localities_by_name_.clear();
  splits_.clear();
  for (uint32_t i = 0; i < topology.localities.size(); ++i)
    localities_by_name_.emplace(topology.localities[i].name, i);

  std::vector<std::vector<Cell>> cells(services.size());
  services_in_.assign(clusters.size(), {});
  for (uint32_t i = 0; i < services.size(); ++i) {
    for (const zones::Pool& pool : services[i].pools) {
      auto& in = services_in_[pool.cluster.value];
      if (in.empty() || in.back() != i) in.push_back(i);
    }
    const std::optional<uint32_t> old = i < old_services.size() ? old_services[i] : std::nullopt;
    if (!old || *old >= cells_.size()) continue;
    for (Cell& cell : cells_[*old]) {
      const std::optional<uint32_t> place = new_place[cell.cluster];
      if (!place) continue;
      cell.cluster = *place;
      const auto in_cluster = [&](const zones::Pool& p) { return p.cluster.value == *place; };
      if (std::ranges::any_of(services[i].pools, in_cluster)) cells[i].push_back(cell);
    }
  }
  names_ = std::move(names);
  rules_ = rules;
  clusters_ = std::move(clusters);
  clusters_by_name_ = std::move(by_name);
  cells_ = std::move(cells);
  news_.clear();
  is_news_.assign(services.size(), false);
  for (uint32_t i = 0; i < cells_.size(); ++i) {
    if (!cells_[i].empty()) note_news(i);
  }
}

LoadBoard::Cell& LoadBoard::cell(uint32_t service, uint32_t cluster) {
  for (Cell& known : cells_[service]) {
    if (known.cluster == cluster) return known;
  }
  cells_[service].push_back({.taken = {INT64_MIN / 2}, .cluster = cluster});
  return cells_[service].back();
}

const LoadBoard::Cell* LoadBoard::find_cell(uint32_t service, uint32_t cluster) const {
  for (const Cell& known : cells_[service]) {
    if (known.cluster == cluster) return &known;
  }
  return nullptr;
}

void LoadBoard::note_news(uint32_t service) {
  if (is_news_[service]) return;
  is_news_[service] = true;
  news_.push_back(service);
}

Result<LoadBoard::Outcome> LoadBoard::take(std::span<const LoadReport> reports, Now now) {
  Outcome outcome;
  bool is_any_known = reports.empty();
  for (size_t index = 0; index < reports.size(); ++index) {
    std::string words;
    bool is_known = false;
    const LoadTaking taking = take_one(reports[index], now, words, is_known);
    is_any_known |= is_known;
    const bool counts = taking == LoadTaking::taken || taking == LoadTaking::ahead;
    ++(counts ? outcome.taken : outcome.ignored);
    if (!words.empty() && outcome.notes.size() < notes_max)
      outcome.notes.push_back({index, taking, std::move(words)});
  }
  if (!is_any_known) return Error{ErrorCode::not_found, outcome.notes.front().words};
  return outcome;
}

LoadTaking LoadBoard::take_one(const LoadReport& report, Now now, std::string& words,
                               bool& is_known) {
  const auto found = clusters_by_name_.find(report.cluster);
  if (found == clusters_by_name_.end()) {
    words = "no cluster of this name: " + report.cluster;
    return LoadTaking::unknown;
  }
  const uint32_t j = found->second;
  Cluster& cluster = clusters_[j];
  const auto end = [&](LoadTaking taking) {
    ++cluster.view.takings[static_cast<size_t>(taking)];
    return taking;
  };
  std::optional<ServiceId> service;
  if (!report.service.empty()) {
    service = names_->find(report.service);
    if (!service) {
      words = "no service of this name: " + report.service;
      return end(LoadTaking::unknown);
    }
    const auto& in = services_in_[j];
    if (!std::ranges::binary_search(in, service->value)) {
      words = report.service + " has no pool in the cluster " + report.cluster;
      return end(LoadTaking::unknown);
    }
  }
  is_known = true;
  const auto is_amount = [](double value) { return value >= 0 && value <= steering::amount_max; };
  if (!is_amount(report.load) || !is_amount(report.capacity.value_or(0)) ||
      !is_amount(report.in_flight.value_or(0)) ||
      !std::ranges::all_of(report.by_locality, is_amount,
                           [](const auto& one) { return one.second; })) {
    words = fmt::format("{:g} is no amount: they go from 0 to 1e15", report.load);
    return end(LoadTaking::senseless);
  }

  const Milliseconds age = report.at ? now.wall - *report.at : Milliseconds(0);
  const bool is_ahead = age.value < 0;
  if (age > rules_.age_max) {
    words = fmt::format("it is {} old, and counts for {}", seconds_words(age),
                        duration_text(rules_.age_max));
    return end(LoadTaking::too_old);
  }
  const MonotonicTime taken = is_ahead ? now.now : now.now + Milliseconds(-age.value);
  const std::optional<MonotonicTime> known =
      service ? (find_cell(service->value, j) && !find_cell(service->value, j)->is_split
                     ? std::optional(find_cell(service->value, j)->taken)
                     : std::nullopt)
              : cluster.whole_taken;
  if (known && taken < *known) {
    words = fmt::format("a report that is {} younger is known", seconds_words(*known - taken));
    return end(LoadTaking::older);
  }
  if (Milliseconds(-age.value) > ahead_tolerance) {
    words = fmt::format("its time is {} ahead: taken as of now",
                        seconds_words(Milliseconds(-age.value)));
  }
  cluster.newest = std::max(cluster.newest.value_or(taken), taken);
  const double capacity = bounded(report, service, j, words).value_or(-1);
  if (!service) {
    cluster.whole = report.load;
    cluster.whole_taken = taken;
    cluster.capacity = capacity;
    cluster.must_split = true;
  } else {
    Cell& entry = cell(service->value, j);
    entry = {.taken = taken,
             .load = report.load,
             .capacity = static_cast<float>(capacity),
             .in_flight = static_cast<float>(report.in_flight.value_or(-1)),
             .cluster = j,
             .is_split = false};
    std::vector<float> split;
    for (const auto& [name, load] : report.by_locality) {
      const auto locality = localities_by_name_.find(name);
      if (locality == localities_by_name_.end()) {
        if (words.empty()) words = "by_locality: no locality of this name: " + name;
        continue;
      }
      split.resize(localities_by_name_.size());
      split[locality->second] += static_cast<float>(load);
    }
    if (split.empty()) {
      splits_.erase(split_key(service->value, j));
    } else {
      splits_[split_key(service->value, j)] = std::move(split);
    }
    note_news(service->value);
  }
  return end(Milliseconds(-age.value) > ahead_tolerance ? LoadTaking::ahead : LoadTaking::taken);
}

/// The capacity that counts of what is reported, and why it is another.
std::optional<double> LoadBoard::bounded(const LoadReport& report, std::optional<ServiceId> service,
                                         uint32_t cluster, std::string& words) {
  const zones::Model& model = names_->model();
  std::optional<double> configured = model.topology.clusters[cluster].capacity;
  if (service) {
    const std::vector<zones::Pool>& pools = model.services[service->value].pools;
    const auto pool = std::ranges::find(pools, ClusterId(cluster), &zones::Pool::cluster);
    configured = pool->has_own_capacity ? pool->capacity : std::nullopt;
  }
  std::optional<double> counts = report.capacity;
  if (counts && *counts > 0 && configured && *configured > 0) {
    counts = std::clamp(*counts, rules_.capacity_least * *configured,
                        rules_.capacity_most * *configured);
  }
  const bool is_bounded = counts != report.capacity;
  const std::string key = report.cluster + (service ? " " + report.service : std::string());
  const std::string of = service ? " of " + report.service : std::string();
  if (is_bounded) {
    const std::string reason =
        fmt::format("the capacity{} that it reports, {:g}, counts as {:g}: {:g} are configured", of,
                    *report.capacity, *counts, *configured);
    if (words.empty()) words = reason;
    if (bounded_.insert(key).second) boundings_.push_back({report.cluster, true, reason});
  } else if (bounded_.erase(key) > 0) {
    boundings_.push_back(
        {report.cluster, false, fmt::format("the capacity{} that it reports counts as it is", of)});
  }
  return counts;
}

void LoadBoard::pulled(ClusterId cluster, const std::string& problem, Milliseconds took, Now now) {
  ClusterView& view = clusters_[cluster.value].view;
  ++view.pulls;
  if (!problem.empty()) ++view.failed_pulls;
  view.last_pull = now.now;
  view.pull_problem = problem;
  view.pull_took = took;
}

std::vector<ServiceId> LoadBoard::take_new(const Predict& predict) {
  for (uint32_t j = 0; j < clusters_.size(); ++j) {
    if (std::exchange(clusters_[j].must_split, false)) split(j, predict);
  }
  std::ranges::sort(news_);
  std::vector<ServiceId> services;
  services.reserve(news_.size());
  for (const uint32_t service : news_) {
    services.emplace_back(service);
    is_news_[service] = false;
  }
  news_.clear();
  return services;
}

/// What services of their own word do not account for, by what is predicted for the others; evenly, where nothing is.
void LoadBoard::split(uint32_t cluster, const Predict& predict) {
  const MonotonicTime taken = *clusters_[cluster].whole_taken;
  double rest = clusters_[cluster].whole;
  std::vector<std::pair<uint32_t, double>> parts;  // service, what is predicted
  double predicted = 0;
  for (const uint32_t service : services_in_[cluster]) {
    const Cell* own = find_cell(service, cluster);
    if (own && !own->is_split && own->taken + rules_.age_max >= taken) {
      rest -= own->load;
      continue;
    }
    parts.emplace_back(
        service, std::max(0.0, predict ? predict(ServiceId(service), ClusterId(cluster)) : 0));
    predicted += parts.back().second;
  }
  rest = std::max(rest, 0.0);
  for (const auto& [service, part] : parts) {
    const double of_all = predicted > 0 ? part / predicted : 1 / static_cast<double>(parts.size());
    Cell& entry = cell(service, cluster);
    entry = {.taken = taken, .load = rest * of_all, .cluster = cluster, .is_split = true};
    splits_.erase(split_key(service, cluster));
    note_news(service);
  }
}

std::vector<LoadBoard::Load> LoadBoard::fresh(ServiceId service, MonotonicTime now) const {
  std::vector<Load> loads;
  for (const Cell& known : cells_[service.value]) {
    if (known.taken + rules_.age_max < now) continue;
    Load load{ClusterId(known.cluster), known.load, known.taken, known.is_split, {}};
    if (const auto split = splits_.find(split_key(service.value, known.cluster));
        split != splits_.end())
      load.by_locality = split->second;
    loads.push_back(load);
  }
  std::ranges::sort(loads, {}, &Load::cluster);
  return loads;
}

std::optional<double> LoadBoard::capacity(ServiceId service, ClusterId cluster,
                                          MonotonicTime now) const {
  const Cell* known = find_cell(service.value, cluster.value);
  if (!known || known->taken + rules_.age_max < now) return {};
  return told(known->capacity);
}

std::optional<double> LoadBoard::capacity(ClusterId cluster, MonotonicTime now) const {
  const Cluster& known = clusters_[cluster.value];
  if (!known.whole_taken || *known.whole_taken + rules_.age_max < now) return {};
  return told(known.capacity);
}

std::optional<double> LoadBoard::in_flight(ServiceId service, ClusterId cluster,
                                           MonotonicTime now) const {
  const Cell* known = find_cell(service.value, cluster.value);
  if (!known || known->taken + rules_.age_max < now) return {};
  return told(known->in_flight);
}

LoadBoard::State LoadBoard::state_of(const Rules& rules, std::optional<MonotonicTime> newest,
                                     MonotonicTime now) {
  if (!newest) return State::none;
  if (now <= *newest + rules.age_max) return State::fresh;
  return now <= *newest + rules.hold ? State::frozen : State::held;
}

LoadBoard::State LoadBoard::state(ServiceId service, MonotonicTime now) const {
  std::optional<MonotonicTime> newest;
  for (const Cell& known : cells_[service.value])
    newest = std::max(newest.value_or(known.taken), known.taken);
  return state_of(newest, now);
}

bool LoadBoard::is_heard(ClusterId cluster, MonotonicTime now) const {
  return state_of(clusters_[cluster.value].newest, now) == State::fresh;
}

std::vector<LoadBoard::Event> LoadBoard::tick(Now now) {
  std::vector<Event> events;
  for (uint32_t j = 0; j < clusters_.size(); ++j) {
    Cluster& cluster = clusters_[j];
    std::optional<MonotonicTime> newest = cluster.newest;
    // One that is asked, and never was heard of, is silent since it is asked.
    if (!newest && cluster.view.is_pulled) newest = cluster.expected_since;
    State state = state_of(newest, now.now);
    if (!cluster.newest && state == State::fresh) state = State::none;
    if (state == cluster.told) continue;
    Event event{ClusterId(j), std::exchange(cluster.told, state), state, {}};
    if (state == State::frozen || state == State::held) {
      event.reason = cluster.newest ? fmt::format("no load reported for {}",
                                                  seconds_words(now.now - *cluster.newest))
                                    : "no load was ever reported";
      if (!cluster.view.pull_problem.empty()) event.reason += ": " + cluster.view.pull_problem;
    }
    events.push_back(std::move(event));
  }
  return events;
}

LoadBoard::ClusterView LoadBoard::cluster(ClusterId id, MonotonicTime now) const {
  const Cluster& cluster = clusters_[id.value];
  ClusterView view = cluster.view;
  view.state = state_of(cluster.newest, now);
  view.newest = cluster.newest;
  if (cluster.whole_taken) view.load = cluster.whole;
  view.capacity = told(cluster.capacity);
  return view;
}

void LoadBoard::for_each(const std::function<void(const CellView&)>& look) const {
  for (uint32_t service = 0; service < cells_.size(); ++service) {
    for (const Cell& known : cells_[service]) {
      look({.service = ServiceId(service),
            .cluster = ClusterId(known.cluster),
            .load = known.load,
            .taken = known.taken,
            .is_split = known.is_split,
            .capacity = told(known.capacity),
            .in_flight = told(known.in_flight),
            .has_split = splits_.contains(split_key(service, known.cluster))});
    }
  }
}

size_t LoadBoard::octets() const {
  size_t sum = cells_.capacity() * sizeof(cells_[0]) + is_news_.capacity() / 8;
  for (const auto& of_service : cells_) sum += of_service.capacity() * sizeof(Cell);
  for (const auto& [key, split] : splits_) sum += 48 + split.capacity() * sizeof(float);
  for (const auto& in : services_in_) sum += in.capacity() * sizeof(uint32_t);
  return sum;
}

}  // namespace swingover::control
