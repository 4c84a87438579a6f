#include "tests/simulation/scenario.h"

#include <algorithm>

namespace swingover::simulation {
namespace {

using Kind = Event::Kind;

constexpr double begin = 900;
constexpr double end = 2700;

/// Three localities of one region, each with a cluster of 1,000; demand 1,400, or 2,240 when tight.
Scenario one_region(double scale = 1) {
  return {.demands = {650 * scale, 450 * scale, 300 * scale},
          .capacities = {1000, 1000, 1000},
          .regions = {0, 0, 0},
          .events = {}};
}

/// The same twice: 2,800 of 6,000.
Scenario two_regions() {
  return {.demands = {650, 450, 300, 650, 450, 300},
          .capacities = std::vector<double>(6, 1000),
          .regions = {0, 0, 0, 1, 1, 1},
          .events = {}};
}

Scenario with(Scenario scenario, std::vector<Event> events) {
  scenario.events.insert(scenario.events.end(), events.begin(), events.end());
  std::stable_sort(scenario.events.begin(), scenario.events.end(),
                   [](const Event& a, const Event& b) { return a.at < b.at; });
  return scenario;
}

std::vector<Event> lost(size_t cluster, Kind how = Kind::dies) {
  return {{begin, how, cluster}, {end, Kind::returns, cluster}};
}

/// `make(cluster)` for each of the first `count` clusters.
template <class Make>
std::vector<Scenario> in_turn(size_t count, Make make) {
  std::vector<Scenario> all;
  for (size_t cluster = 0; cluster < count; ++cluster) all.push_back(make(cluster));
  return all;
}

std::vector<Event> flaps(size_t cluster) {
  std::vector<Event> events;
  for (int i = 0; i < 12; ++i) {
    events.push_back({begin + 90 * i, Kind::dies, cluster});
    events.push_back({begin + 90 * i + 45, Kind::returns, cluster});
  }
  return events;
}

Scenario skewed(Scenario scenario) {
  scenario.public_part = 0.5;
  scenario.public_caches = 16;
  return scenario;
}

/// It is at a fifth of its capacity for five minutes, then at once at all of it.
Scenario slow_to_recover(Scenario scenario) {
  scenario.cold_part = 0.20;
  scenario.cold_seconds = 300;
  scenario.is_cold_flat = true;
  return scenario;
}

Scenario steady() {
  Scenario scenario = two_regions();
  scenario.seconds = 7200;
  scenario.daily_swing = 0.15;
  return scenario;
}

Scenario late_reports(Scenario scenario) {
  scenario.report_late = 30;
  return scenario;
}

}  // namespace

std::vector<ScenarioGroup> all_scenarios() {
  const auto surge = [](double factor) {
    return std::vector<Event>{{begin, Kind::surges, 0, factor}, {end, Kind::surges, 0, 1}};
  };
  const auto rise = [](double factor) {
    std::vector<Event> events{{end, Kind::surges, 0, 1}};
    for (int second = 0; second <= 300; ++second) {
      events.push_back({begin + second, Kind::surges, 0, 1 + (factor - 1) * second / 300});
    }
    return events;
  };
  std::vector<ScenarioGroup> all;
  all.push_back({"steady", "two regions of three clusters; noise and a daily swing", {steady()}});
  all.push_back({"cluster lost", "each of three in turn refuses for half an hour",
                 in_turn(3, [](size_t j) { return with(one_region(), lost(j)); })});
  all.push_back({"busiest cluster lost",
                 "the one of the three with the most clients",
                 {with(one_region(), lost(0))}});
  all.push_back({"cluster hangs", "each of three in turn answers nothing",
                 in_turn(3, [](size_t j) { return with(one_region(), lost(j, Kind::hangs)); })});
  all.push_back({"locality lost of six", "each cluster of one region in turn, two regions",
                 in_turn(3, [](size_t j) { return with(two_regions(), lost(j)); })});
  all.push_back({"region lost", "all three clusters of one of two regions", {[] {
                   Scenario scenario = two_regions();
                   for (size_t j = 0; j < 3; ++j) scenario = with(scenario, lost(j));
                   return scenario;
                 }()}});
  all.push_back(
      {"two thirds of a region lost", "each two of its three in turn",
       in_turn(3, [](size_t j) { return with(with(two_regions(), lost(j)), lost((j + 1) % 3)); })});
  all.push_back({"flash crowd",
                 "from one second to the next one locality asks 2.2 times as much",
                 {with(two_regions(), surge(2.2))}});
  all.push_back(
      {"flash crowd that grows", "the same within five minutes", {with(two_regions(), rise(2.2))}});
  all.push_back({"flash when tight",
                 "the same with 1.35, at 75 % of all capacity",
                 {with(one_region(1.6), surge(1.35))}});
  all.push_back({"flash when tight, reports 30 s late",
                 "the same, and load is known late",
                 {late_reports(with(one_region(1.6), surge(1.35)))}});
  all.push_back(
      {"half of one cluster gone", "of each of three in turn half of the endpoints",
       in_turn(3, [](size_t j) {
         return with(one_region(), {{begin, Kind::loses, j, 0.5}, {end, Kind::loses, j, 0}});
       })});
  all.push_back({"one dies when tight", "two are left for 112 % of their capacity",
                 in_turn(3, [](size_t j) { return with(one_region(1.6), lost(j)); })});
  all.push_back({"flapping", "each of three in turn, 12 times 45 s down and 45 s up",
                 in_turn(3, [](size_t j) { return with(one_region(), flaps(j)); })});
  all.push_back({"slow recovery", "comes back at 20 % for five minutes", in_turn(3, [](size_t j) {
                   return slow_to_recover(with(one_region(), lost(j)));
                 })});
  all.push_back({"resolver skew",
                 "flash crowd; half of all clients behind one resolver of 16 caches",
                 {skewed(with(two_regions(), surge(2.2)))}});
  all.push_back({"partition of reports",
                 "the reports of each of three stop in turn, in a flash crowd of 1.8",
                 in_turn(3, [surge](size_t j) {
                   return with(with(one_region(), surge(1.8)),
                               {{begin, Kind::falls_mute, j}, {end, Kind::speaks, j}});
                 })});
  all.push_back(
      {"probes of one wrong", "each of three in turn seems down, and serves",
       in_turn(3, [](size_t j) {
         return with(one_region(), {{begin, Kind::seems_down, j}, {end, Kind::seems_right, j}});
       })});
  all.push_back({"probes of two wrong", "each two of three in turn", in_turn(3, [](size_t j) {
                   const size_t k = (j + 1) % 3;
                   return with(one_region(), {{begin, Kind::seems_down, j},
                                              {begin, Kind::seems_down, k},
                                              {end, Kind::seems_right, j},
                                              {end, Kind::seems_right, k}});
                 })});
  for (ScenarioGroup& group : all) {
    for (Scenario& scenario : group.variants) scenario.name = group.name;
  }
  return all;
}

}  // namespace swingover::simulation
