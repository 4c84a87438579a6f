// What clusters report that they carry: on the board at once, told when it stops and when it begins again.

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
  if (events.empty()) return;
  Tick tick = new_tick("load");
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

void Control::replace_loads(std::shared_ptr<const ServiceNames> names,
                            const std::vector<std::optional<uint32_t>>& old_services) {
  std::vector<bool> pulled(setup_.model->topology.clusters.size());
  loads_.replace(std::move(names), old_services, std::move(pulled), setup_.loads, load_now());
}

}  // namespace swingover::control
