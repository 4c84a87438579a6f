// What clusters report that they carry: on the board at once, told when it stops and when it begins again.

#include <algorithm>
#include <utility>

#include "server/control/control_loop.h"
#include "server/control/target.h"

namespace swingover::control {

Result<LoadBoard::Outcome> Control::report_loads(std::span<const LoadReport> reports) {
  Result<LoadBoard::Outcome> outcome = loads_.take(reports, load_now());
  tick_loads();
  return outcome;
}

void Control::tick_loads() {
  const std::vector<LoadBoard::Event> events = loads_.tick(load_now());
  const std::vector<LoadBoard::Bounding> boundings = loads_.take_boundings();
  if (events.empty() && boundings.empty()) return;
  Tick tick = new_tick("load");
  for (const LoadBoard::Bounding& bounding : boundings) {
    tick.told.lines.push_back(
        {bounding.is_bounded ? LogLevel::warning : LogLevel::info,
         bounding.is_bounded ? "reported capacity is bounded" : "reported capacity is believed",
         {{"cluster", bounding.cluster}, {"reason", bounding.reason}}});
    tick.told.entries.push_back({tick.at, "load", cluster_target(bounding.cluster), "swingoverd",
                                 "", bounding.is_bounded ? "bounded" : "believed",
                                 bounding.reason});
  }
  for (const LoadBoard::Event& event : events) {
    using State = LoadBoard::State;
    const bool is_silent = event.after == State::frozen || event.after == State::held;
    const std::string& cluster = join_->model().topology.clusters[event.cluster.value].name;
    std::vector<LogField> fields{{"cluster", cluster}};
    if (!event.reason.empty()) fields.push_back({"reason", event.reason});
    tick.told.lines.push_back({is_silent ? LogLevel::warning : LogLevel::info,
                               event.after == State::held
                                   ? "load is still not reported: at least the baseline is expected"
                               : event.after == State::frozen
                                   ? "load is not reported: what is known of demand stays"
                                   : "load is reported",
                               std::move(fields)});
    tick.told.entries.push_back({tick.at, "load", cluster_target(cluster), "swingoverd",
                                 std::string(word(event.before)), std::string(word(event.after)),
                                 event.reason});
  }
  environment_.writer.write(tick.batch, std::move(tick.told));
}

void Control::on_pulled(health::Pulled pulled) {
  const auto& clusters = join_->model().topology.clusters;
  const auto cluster = std::ranges::find(clusters, pulled.name, &zones::Cluster::name);
  if (cluster == clusters.end() || cluster->load.url.empty())
    return;  // it was asked before a reload
  if (!pulled.fetched.problem.empty()) return take_pulled(pulled, {pulled.fetched.problem, {}});
  struct Work {
    health::Pulled pulled;
    zones::LoadSource source;
    LoadPage page{};
  };
  auto work = std::make_shared<Work>(Work{std::move(pulled), cluster->load});
  environment_.offload(
      [work] { work->page = read_load_page(work->source, work->pulled.fetched.body); },
      [this, work, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) take_pulled(work->pulled, work->page);
      });
}

void Control::take_pulled(const health::Pulled& pulled, const LoadPage& page) {
  const auto& clusters = join_->model().topology.clusters;
  const auto cluster = std::ranges::find(clusters, pulled.name, &zones::Cluster::name);
  if (cluster == clusters.end()) return;
  std::string problem = page.problem;
  if (problem.empty()) {
    const LoadBoard::Now now = load_now();
    const WallTime at = now.wall + (pulled.at - now.now);
    // Where pulls are rarer than loads are fresh, one that failed still leaves a rate.
    const Milliseconds gap_max = std::max(loads_.rules().age_max, cluster->load.interval * 2);
    const auto reports =
        pulled_loads_.reports(pulled.name, page, std::min(pulled.at, now.now), at, gap_max);
    const Result<LoadBoard::Outcome> outcome = loads_.take(reports, now);
    if (!outcome) problem = outcome.error().message;
  }
  const ClusterId id(static_cast<uint32_t>(cluster - clusters.begin()));
  loads_.pulled(id, problem, pulled.fetched.took, load_now());
  tick_loads();
}

void Control::replace_loads(std::shared_ptr<const ServiceNames> names,
                            const std::vector<std::optional<uint32_t>>& old_services) {
  std::vector<health::Pull> pulls = load_pulls(setup_.model->topology);
  std::vector<bool> pulled;
  for (const zones::Cluster& cluster : setup_.model->topology.clusters)
    pulled.push_back(!cluster.load.url.empty());
  pulled_loads_.keep(pulls);
  loads_.replace(std::move(names), old_services, std::move(pulled), setup_.loads, load_now());
  if (environment_.pull) environment_.pull(std::move(pulls));
}

}  // namespace swingover::control
