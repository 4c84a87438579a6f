#include "server/swing_times.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "server/way_back.h"

namespace swingover::server {

namespace {

using health::MonitorKind;

constexpr uint32_t phases = 64;  // of the probes' beats, and of the cache's age

/// In milliseconds from the fault on.
struct Moments {
  double seen = 0;     // from here on something speaks of the change, all the time
  double changed = 0;  // the health is another
};

double milliseconds(Milliseconds time) {
  return static_cast<double>(time.value);
}

Milliseconds rounded(double time) {
  return Milliseconds(std::llround(time));
}

Moments worst_of(const Detection& found) {
  const double seen = milliseconds(found.interval + found.first_seen);
  return {seen, seen + milliseconds(found.then)};
}

/// Where the beat of one of many stands in its interval, in the so-manieth of 64 trials, between 0 and 1. Each beat meets
/// each part of its interval once, and any two of them meet each other in all ways.
double phase(uint32_t trial, uint32_t beat) {
  constexpr uint32_t parts = 2 * phases;
  uint32_t place = 2 * trial + 1;  // odd, and stays so: in the middle of a part
  for (uint32_t i = 0; i < beat % 32; ++i) place = place * 19 % parts;
  return static_cast<double>(place) / parts;
}

Moments trial_of(const Detection& found, uint32_t trial, uint32_t beat) {
  const double seen =
      milliseconds(found.interval) * phase(trial, 2 * beat) + milliseconds(found.first_seen);
  const Moments probed{seen, seen + milliseconds(found.then)};
  if (!found.watched) return probed;
  const double heard = milliseconds(found.watched->soonest) +
                       milliseconds(found.watched->spread) * phase(trial, 2 * beat + 1);
  return {std::min(probed.seen, heard),
          std::min(probed.changed, heard + milliseconds(found.watched->then))};
}

double ttl_at(double left, Ttl ttl, Ttl ttl_min) {
  return 1000 * std::clamp<double>(std::floor(left / 1000), ttl_min.value, ttl.value);
}

/// When a cache whose copy ends at `expires` has an answer from after the swing.
double followed(double expires, const Moments& swing, Ttl ttl, Ttl ttl_min) {
  if (ttl.value > 0 && expires < swing.seen)
    expires += std::ceil((swing.seen - expires) / (1000.0 * ttl.value)) * 1000.0 * ttl.value;
  while (expires < swing.changed) {
    const double kept = ttl_at(swing.changed - expires, ttl, ttl_min);
    if (kept == 0) return swing.changed;  // it asks each time
    expires += kept;
  }
  return expires;
}

Milliseconds middle(std::vector<double>& all) {
  const auto at = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  std::nth_element(all.begin(), at, all.end());
  return rounded((*at + *std::max_element(all.begin(), at)) / 2);
}

SwingTime swing_time(const Moments& worst, const std::vector<Moments>& trials, Ttl ttl,
                     Ttl ttl_min) {
  SwingTime out;
  out.answers.worst = rounded(worst.changed);
  // The last answer from before the first sign has the whole TTL; those behind it no more than is left, or ttl_min.
  out.clients.worst =
      rounded(std::max(worst.seen + 1000.0 * ttl.value, worst.changed + 1000.0 * ttl_min.value));
  std::vector<double> answers;
  std::vector<double> clients;
  for (const Moments& trial : trials) {
    answers.push_back(trial.changed);
    for (uint32_t age = 0; age < phases; ++age)
      clients.push_back(followed(1000.0 * ttl.value * phase(age, 0), trial, ttl, ttl_min));
  }
  out.answers.median = middle(answers);
  out.clients.median = middle(clients);
  return out;
}

}  // namespace

SwingTime swing_time(const Detection& found, Ttl ttl, Ttl ttl_min) {
  std::vector<Moments> trials;
  for (uint32_t trial = 0; trial < phases; ++trial) trials.push_back(trial_of(found, trial, 0));
  return swing_time(worst_of(found), trials, ttl, ttl_min);
}

namespace {

/// Whether something gets worse or better.
enum class Turn : uint8_t { down, up };

Turn opposite(Turn turn) {
  return turn == Turn::down ? Turn::up : Turn::down;
}

/// A monitor at one address.
struct Look {
  const health::MonitorOptions* monitor = nullptr;
  uint32_t beat = 0;
  bool tells_of_cluster =
      false;  // a heartbeat of the whole cluster, which no endpoint's fault ends
};

/// So many members make it go down, so many make it come up.
struct Group {
  size_t downs = 1;
  size_t ups = 1;
  bool inverted = false;
  std::vector<std::variant<Look, Group>> members{};
};

Group all_of(std::vector<std::variant<Look, Group>> members) {
  const size_t all = members.size();
  return {.downs = 1, .ups = all, .members = std::move(members)};
}

/// The slowest of the faults that it sees: who waits for it to fail knows not why it will.
std::optional<Detection> slowest_fault(const health::MonitorOptions& monitor) {
  std::optional<Detection> slowest;
  for (const Fault fault : faults) {
    if (fault == Fault::back) continue;
    const auto found = detection(monitor, fault);
    if (found && (!slowest || worst_of(*found).changed > worst_of(*slowest).changed))
      slowest = found;
  }
  return slowest;
}

std::optional<Detection> detection(const Look& look, Fault fault, Turn turn) {
  if (fault == Fault::back)
    return turn == Turn::up ? detection(*look.monitor, fault) : slowest_fault(*look.monitor);
  if (turn == Turn::up || look.tells_of_cluster) return std::nullopt;
  return detection(*look.monitor, fault);
}

/// Of so many members, each with its moments, as many as it takes. Its first sign comes no later than the so-manieth
/// first sign: of the members that were to give it one at least does, and goes on until the change.
std::optional<Moments> last_needed(std::vector<Moments> members, size_t needed) {
  if (needed == 0) return Moments{};
  if (members.size() < needed) return std::nullopt;
  const auto last = members.begin() + static_cast<std::ptrdiff_t>(needed - 1);
  std::ranges::nth_element(members, last, {}, &Moments::seen);
  const double seen = last->seen;
  std::ranges::nth_element(members, last, {}, &Moments::changed);
  return Moments{seen, last->changed};
}

/// Nothing: it never happens, or a person has to.
template <class MomentsOf>
std::optional<Moments> moments(const Group& group, Fault fault, Turn turn,
                               const MomentsOf& moments_of) {
  const Turn inner = group.inverted ? opposite(turn) : turn;
  std::vector<Moments> members;
  for (const auto& member : group.members) {
    std::optional<Moments> found;
    if (const auto* look = std::get_if<Look>(&member)) {
      if (const auto seen = detection(*look, fault, inner)) found = moments_of(*look, *seen);
    } else {
      found = moments(std::get<Group>(member), fault, inner, moments_of);
    }
    if (found) members.push_back(*found);
  }
  return last_needed(std::move(members), inner == Turn::down ? group.downs : group.ups);
}

/// Answers say nothing of the end of a hold before it comes.
Moments held(const Moments& moments, Milliseconds hold) {
  if (hold.value == 0) return moments;
  const double end = moments.changed + milliseconds(hold);
  return {end, end};
}

struct Lifetimes {
  Ttl ttl;
  Ttl ttl_min;
};

/// `hold`: between the change of health and that of answers.
std::optional<SwingTime> time_of(const Group& group, Fault fault, Milliseconds hold,
                                 Lifetimes lifetimes) {
  const Turn turn = fault == Fault::back ? Turn::up : Turn::down;
  const auto worst = moments(group, fault, turn,
                             [](const Look&, const Detection& found) { return worst_of(found); });
  if (!worst) return std::nullopt;
  std::vector<Moments> trials;
  for (uint32_t trial = 0; trial < phases; ++trial) {
    const auto one = moments(group, fault, turn, [&](const Look& look, const Detection& found) {
      return trial_of(found, trial, look.beat);
    });
    trials.push_back(held(one.value_or(*worst), hold));
  }
  return swing_time(held(*worst, hold), trials, lifetimes.ttl, lifetimes.ttl_min);
}

using Names = std::vector<std::string>;

/// What an owner has of each kind that counts.
struct Lists {
  Names critical;
  Names voting;
  bool empty() const { return critical.empty() && voting.empty(); }
  std::string text() const {
    return fmt::format("{} / {}", fmt::join(critical, " "), fmt::join(voting, " "));
  }
};

/// The service's and the pool's; a monitor that both name counts as the pool says.
Lists lists_of(const zones::Service& service, const zones::Pool& pool) {
  Lists lists{pool.monitors, pool.voting_monitors};
  const auto is_free = [&](const std::string& name) {
    return std::ranges::count(pool.monitors, name) == 0 &&
           std::ranges::count(pool.voting_monitors, name) == 0 &&
           std::ranges::count(pool.observing_monitors, name) == 0;
  };
  std::ranges::copy_if(service.monitors, std::back_inserter(lists.critical), is_free);
  std::ranges::copy_if(service.voting_monitors, std::back_inserter(lists.voting), is_free);
  return lists;
}

/// Whether each endpoint is looked at by the monitors of its cluster.
bool is_at_ingress(const zones::Pool& pool, const zones::Cluster& cluster) {
  return std::ranges::all_of(pool.endpoints, [&](const zones::Endpoint& endpoint) {
    const auto* address = std::get_if<IpAddress>(&endpoint.address);
    return address && std::ranges::count(cluster.addresses, *address) > 0;
  });
}

/// Puts the groups of one pool together; a monitor at one address is one look, however often it is named.
class GroupBuilder {
 public:
  using Monitors = std::unordered_map<std::string_view, const health::MonitorOptions*>;
  explicit GroupBuilder(const Monitors& monitors) : monitors_(monitors) {}

  Group at_endpoint(const Lists& lists) { return group(lists, {.owner = Owner::endpoint}); }
  /// Of a cluster's monitors at one of its addresses, beside what looks at the endpoints themselves.
  Group at_one_address(const Lists& lists) {
    return group(lists, {.owner = Owner::cluster, .heartbeat_tells = false});
  }
  /// What comes next is looked at apart from what came before, even where a monitor of it is the same.
  void begin_another() { ++apart_; }
  /// Of the cluster as a whole: each of them is up while it is at one address.
  Group at_cluster(const Lists& lists, size_t addresses) {
    return group(lists, {.owner = Owner::cluster, .addresses = std::max<size_t>(addresses, 1)});
  }

 private:
  enum class Owner : uint8_t { endpoint, cluster };
  struct Where {
    Owner owner = Owner::endpoint;
    size_t addresses = 1;
    size_t address = 0;
    bool heartbeat_tells = true;  // of a fault
  };
  using Member = std::variant<Look, Group>;

  Group group(const Lists& lists, const Where& where) {
    std::vector<Member> members = members_of(lists.critical, where);
    std::vector<Member> votes = members_of(lists.voting, where);
    if (const size_t all = votes.size(); all > 0)
      members.emplace_back(
          Group{.downs = all / 2 + 1, .ups = all - all / 2, .members = std::move(votes)});
    return all_of(std::move(members));
  }

  std::vector<Member> members_of(const Names& names, const Where& where) {
    std::vector<Member> members;
    for (const std::string& name : names) {
      const auto found = monitors_.find(name);
      if (found == monitors_.end()) continue;
      if (where.addresses == 1) {
        members.push_back(member(*found->second, where));
        continue;
      }
      Group row{.downs = where.addresses};
      Where at = where;
      for (at.address = 0; at.address < where.addresses; ++at.address)
        row.members.push_back(member(*found->second, at));
      members.emplace_back(std::move(row));
    }
    return members;
  }

  Member member(const health::MonitorOptions& monitor, const Where& where) {
    if (monitor.kind != MonitorKind::calculated) return look(monitor, where);
    Where at = where;
    at.addresses = 1;
    std::vector<Member> children = members_of(monitor.of, at);
    const size_t all = children.size();
    const size_t needed = monitor.need.portion.least_of(all);
    return Group{.downs = all + 1 - std::min(needed, all + 1),
                 .ups = needed,
                 .inverted = monitor.inverted,
                 .members = std::move(children)};
  }

  Look look(const health::MonitorOptions& monitor, const Where& where) {
    const bool is_heartbeat = where.owner == Owner::cluster && monitor.kind == MonitorKind::push;
    const auto next = static_cast<uint32_t>(beats_.size());
    const size_t address = is_heartbeat ? 0 : where.address;  // one for the whole cluster
    const auto at =
        beats_.try_emplace({{monitor.name, apart_}, {where.owner, address}}, next).first;
    return {&monitor, at->second, is_heartbeat && !where.heartbeat_tells};
  }

  const Monitors& monitors_;
  using Place = std::pair<std::pair<std::string_view, size_t>, std::pair<Owner, size_t>>;
  std::map<Place, uint32_t> beats_;
  size_t apart_ = 0;
};

/// Whether any monitor decides over it.
bool is_looked_at(const Group& group) {
  return std::ranges::any_of(group.members, [](const auto& member) {
    const auto* inner = std::get_if<Group>(&member);
    return !inner || is_looked_at(*inner);
  });
}

/// Of one pool, by fault; nothing: never, or, for the way back, when a person lets it.
struct PoolTimes {
  bool is_looked_at = false;
  zones::WayBack back;
  std::array<std::optional<SwingTime>, faults.size()> times;
};

class Times {
 public:
  explicit Times(const Config& config) : config_(config), ways_back_(config) {
    for (const auto& monitor : config.monitors) monitors_.emplace(monitor->name, monitor.get());
    for (const zones::Service& service : config.services)
      services_.emplace(service.name.folded().text(), &service);
  }

  const WaysBack& ways_back() const { return ways_back_; }

  const PoolTimes& of(const zones::Service& service, const zones::Pool& pool) {
    const zones::Cluster& cluster = config_.topology.clusters[pool.cluster.value];
    const Lists own = lists_of(service, pool);
    const Lists shared{cluster.monitors, cluster.voting_monitors};
    const bool is_ingress = !shared.empty() && is_at_ingress(pool, cluster);
    const zones::Service* nested = nested_in(pool);
    const zones::WayBack back = ways_back_.of(service, pool);
    // What all of it depends on; to work it out for each of 50,000 services would take minutes.
    std::string key =
        fmt::format("{} {} {} {} {} {}", service.ttl.value, service.least_ttl().value, own.text(),
                    word(back.failback), back.hold.value, nested ? nested->name.text() : "");
    if (!shared.empty())
      key += fmt::format(" {} {} {}", shared.text(), is_ingress, cluster.addresses.size());
    const auto [known, is_new] = known_.try_emplace(std::move(key));
    if (!is_new) return known->second;

    GroupBuilder builder(monitors_);
    const Turns turns = turns_of(service, pool, builder);
    PoolTimes& times = known->second;
    times.is_looked_at = is_looked_at(turns.out);
    times.back = back;
    for (size_t i = 0; i < faults.size(); ++i) {
      const bool is_back = faults[i] == Fault::back;
      if (is_back && back.failback == zones::Failback::manual) continue;
      times.times[i] =
          time_of(is_back ? turns.back : turns.out, faults[i],
                  is_back ? back.hold : Milliseconds(0), {service.ttl, service.least_ttl()});
    }
    return times;
  }

 private:
  /// What takes a pool out, and what lets it back.
  struct Turns {
    Group out;
    Group back;
  };

  /// The service of ours that the pool's endpoint is; null: it is none.
  const zones::Service* nested_in(const zones::Pool& pool) const {
    if (pool.endpoints.size() != 1) return nullptr;
    const auto* target = std::get_if<zones::Name>(&pool.endpoints.front().address);
    if (!target) return nullptr;
    const auto found = services_.find(target->folded().text());
    return found == services_.end() ? nullptr : found->second;
  }

  /// The config is checked: no service is nested in itself.
  Turns turns_of(const zones::Service& service, const zones::Pool& pool, GroupBuilder& builder) {
    const zones::Cluster& cluster = config_.topology.clusters[pool.cluster.value];
    const Lists own = lists_of(service, pool);
    const Lists shared{cluster.monitors, cluster.voting_monitors};
    const Group whole = builder.at_cluster(shared, cluster.addresses.size());
    Group endpoint = builder.at_endpoint(own);
    if (const zones::Service* nested = nested_in(pool)) {
      const Turns inside = turns_of(*nested, builder);
      Group out = own.empty() ? inside.out : all_of({endpoint, inside.out});
      return {std::move(out), all_of({std::move(endpoint), inside.back, whole})};
    }
    Turns turns{endpoint, all_of({endpoint, whole})};
    if (own.empty()) {
      turns.out = whole;
    } else if (!shared.empty() && is_at_ingress(pool, cluster)) {
      turns.out = all_of({endpoint, builder.at_one_address(shared)});
    }
    return turns;
  }

  /// Out with the last of its pools, back with the first one.
  Turns turns_of(const zones::Service& service, GroupBuilder& builder) {
    Turns turns{{.downs = service.pools.size(), .ups = 1},
                {.downs = service.pools.size(), .ups = 1}};
    for (const zones::Pool& pool : service.pools) {
      builder.begin_another();
      Turns of_pool = turns_of(service, pool, builder);
      turns.out.members.emplace_back(std::move(of_pool.out));
      turns.back.members.emplace_back(std::move(of_pool.back));
    }
    return turns;
  }

  const Config& config_;
  WaysBack ways_back_;
  std::unordered_map<std::string, const zones::Service*> services_;
  GroupBuilder::Monitors monitors_;
  std::unordered_map<std::string, PoolTimes> known_;
};

Delay slower(const Delay& a, const Delay& b) {
  return {std::max(a.median, b.median), std::max(a.worst, b.worst)};
}

std::string_view word(Fault fault) {
  switch (fault) {
    case Fault::refused:
      return "refused";
    case Fault::silent:
      return "silent";
    case Fault::gone:
      return "gone";
    case Fault::error:
      return "error";
    case Fault::back:
      return "back";
  }
  return "";
}

/// "in fra", "in fra, ams and 7 more".
std::string in_clusters(const std::vector<std::string_view>& names) {
  constexpr size_t shown = 2;
  std::string text = "in " + std::string(names.front());
  if (names.size() > 1) text += ", " + std::string(names[1]);
  if (names.size() > shown) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

/// What comes between health and answers on the way back, and after the first part of the share: "after failback_hold of
/// 300 s; first 10 %, all 120 s later".
std::string way_words(const std::vector<const PoolTimes*>& pools, const std::string& steps) {
  Milliseconds hold{0};
  bool has_steps = false;
  for (const PoolTimes* pool : pools) {
    if (pool->back.failback == zones::Failback::hold) hold = std::max(hold, pool->back.hold);
    has_steps = has_steps || pool->back.failback != zones::Failback::at_once;
  }
  std::string words;
  if (hold.value > 0) words = "after failback_hold of " + seconds_text(hold);
  if (!has_steps || steps.empty()) return words;
  return words.empty() ? steps : words + "; " + steps;
}

/// The slowest pool's, and the names of those that have none.
std::string row(const zones::Service& service, const std::vector<const PoolTimes*>& pools,
                size_t fault, const std::string& steps) {
  const bool is_back = faults[fault] == Fault::back;
  std::optional<SwingTime> slowest;
  std::vector<std::string_view> others;
  for (size_t p = 0; p < pools.size(); ++p) {
    if (is_back && !pools[p]->is_looked_at) continue;  // it never leaves either
    const std::optional<SwingTime>& time = pools[p]->times[fault];
    if (!time) {
      others.push_back(service.pools[p].cluster_name);
    } else if (!slowest) {
      slowest = time;
    } else {
      slowest = {slower(slowest->answers, time->answers), slower(slowest->clients, time->clients)};
    }
  }
  const std::string name = fmt::format("  {:<9}", word(faults[fault]));
  const std::string way = is_back ? way_words(pools, steps) : std::string();
  if (!slowest) {
    const std::string by_person = "when a person lets it: swingctl resume";
    return name +
           (!is_back      ? "not seen by any monitor of it"
            : way.empty() ? by_person
                          : by_person + "; " + way) +
           "\n";
  }
  std::string rest;
  if (!others.empty()) rest = (is_back ? "  by a person " : "  not seen ") + in_clusters(others);
  if (!way.empty()) rest += "  " + way;
  return fmt::format("{}{:>8}  {:>8}     {:>8}  {:>8}{}\n", name,
                     seconds_text(slowest->answers.median), seconds_text(slowest->answers.worst),
                     seconds_text(slowest->clients.median), seconds_text(slowest->clients.worst),
                     rest);
}

std::string rows_of(const zones::Service& service, Times& times) {
  std::vector<const PoolTimes*> pools;
  for (const zones::Pool& pool : service.pools) pools.push_back(&times.of(service, pool));
  if (std::ranges::none_of(pools, &PoolTimes::is_looked_at))
    return "  no monitor looks: people alone swing it\n";
  const std::string steps = times.ways_back().steps_words();
  std::string rows;
  for (size_t fault = 0; fault < faults.size(); ++fault) rows += row(service, pools, fault, steps);
  return rows;
}

}  // namespace

std::string seconds_text(Milliseconds time) {
  const double seconds = milliseconds(time) / 1000;
  if (seconds < 1) return fmt::format("{:.2f} s", seconds);
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  if (seconds < 600) return fmt::format("{:.0f} s", seconds);
  return fmt::format("{:.0f} min", seconds / 60);
}

std::string swing_times_text(const Config& config) {
  struct Alike {
    std::vector<std::string> names;
    std::string rows;
  };
  std::vector<Alike> all;
  std::unordered_map<std::string, size_t> places;
  Times times(config);
  for (const zones::Service& service : config.services) {
    std::string rows = rows_of(service, times);
    const auto [known, is_new] = places.emplace(rows, all.size());
    if (is_new) all.push_back({.names = {}, .rows = std::move(rows)});
    all[known->second].names.push_back(service.name.text());
  }
  if (all.empty()) return {};
  std::string out =
      "Swing times: from the fault until answers have moved, and until clients have followed.\n"
      "           answers                clients\n"
      "  fault      median     worst       median     worst\n";
  for (const Alike& alike : all) {
    out += alike.names.front();
    if (alike.names.size() > 1) out += fmt::format(" and {} more", alike.names.size() - 1);
    out += "\n" + alike.rows;
  }
  return out;
}

}  // namespace swingover::server
