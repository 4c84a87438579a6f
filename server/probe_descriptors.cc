#include "server/probe_descriptors.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "health/derived_monitors.h"

namespace swingover::server {
namespace {

constexpr uint64_t running_max = 4096;  // probes that one thread can serve; health/prober.cc

struct Need {
  uint64_t probes = 0;
  uint64_t held = 0;  // watched or kept

  void add(const Need& one, uint64_t times) {
    probes += one.probes * times;
    held += one.held * times;
  }
};

/// What each look at one target takes, by the monitor's name; a calculated one takes what its children do.
class Needs {
 public:
  explicit Needs(const Config& config) {
    for (const auto& monitor : config.monitors) monitors_.emplace(monitor->name, monitor.get());
  }

  Need of(std::initializer_list<const std::vector<std::string>*> lists) const {
    std::set<std::string> names;
    for (const auto* list : lists) {
      for (const std::string& name : *list) add_with_children(name, names);
    }
    Need need;
    for (const std::string& name : names) {
      const health::MonitorOptions& monitor = *monitors_.at(name);
      if (!health::is_probed(monitor.kind)) continue;
      ++need.probes;
      need.held += (monitor.watch ? 1U : 0U) + (monitor.keep_alive ? 1U : 0U);
    }
    return need;
  }

 private:
  void add_with_children(const std::string& name, std::set<std::string>& names) const {
    const auto found = monitors_.find(name);
    if (found == monitors_.end() || !names.insert(name).second) return;
    for (const std::string& child : found->second->of) add_with_children(child, names);
  }

  std::map<std::string, const health::MonitorOptions*> monitors_;
};

}  // namespace

uint32_t probe_descriptors(const Config& config) {
  const Needs needs(config);
  Need all;
  all.probes = config.self_check.checks.size();
  for (const zones::Cluster& cluster : config.topology.clusters) {
    all.add(needs.of({&cluster.monitors, &cluster.voting_monitors, &cluster.observing_monitors}),
            std::max<size_t>(cluster.addresses.size(), 1));
  }
  for (const zones::Service& service : config.services) {
    for (const zones::Pool& pool : service.pools) {
      all.add(needs.of({&service.monitors, &service.voting_monitors, &service.observing_monitors,
                        &pool.monitors, &pool.voting_monitors, &pool.observing_monitors}),
              pool.endpoints.size());
    }
  }
  const uint64_t most = UINT32_MAX;
  return static_cast<uint32_t>(std::min(std::min(all.probes, running_max) + all.held, most));
}

}  // namespace swingover::server
