#include "server/control/load_pull.h"

#include <algorithm>
#include <utility>

#include "health/url.h"
#include "server/control/views_load.h"

namespace swingover::control {

namespace {

constexpr Milliseconds timeout_max{5'000};

}  // namespace

std::vector<health::Pull> load_pulls(const zones::Topology& topology) {
  std::vector<health::Pull> pulls;
  for (const zones::Cluster& cluster : topology.clusters) {
    if (cluster.load.url.empty()) continue;
    auto url = health::follow({}, cluster.load.url);
    if (!url) continue;  // the config is checked
    pulls.push_back({.name = cluster.name,
                     .request = {.url = *std::move(url),
                                 .timeout = std::min(cluster.load.interval, timeout_max),
                                 .tls = {.verify = cluster.load.tls_verify,
                                         .ca_file = cluster.load.tls_ca_file}},
                     .interval = cluster.load.interval});
  }
  return pulls;
}

LoadPage read_load_page(const zones::LoadSource& source, std::string_view body) {
  LoadPage page;
  if (source.metric.empty()) {
    auto loads = loads_at(body, source.json);
    if (!loads) return {loads.error().message, {}};
    for (auto& [service, load] : *loads) page.samples.samples.push_back({service, 0, load});
    return page;
  }
  const auto selector = health::parse_metric_selector(source.metric);
  if (!selector) return {selector.error().message, {}};
  auto samples = health::read_metric(body, *selector);
  if (!samples) return {samples.error().message, {}};
  page.samples = *std::move(samples);
  return page;
}

std::vector<LoadReport> PulledLoads::reports(const std::string& cluster, const LoadPage& page,
                                             MonotonicTime at, WallTime wall,
                                             Milliseconds gap_max) {
  std::map<std::string_view, double> loads;  // by service
  if (!page.samples.is_counter) {
    for (const health::MetricSample& sample : page.samples.samples)
      loads[sample.service] += sample.value;
  } else {
    const auto before = before_.find(cluster);
    const bool is_rate =
        before != before_.end() && before->second.at < at && at - before->second.at <= gap_max;
    Before now{at, {}};
    now.values.reserve(page.samples.samples.size());
    for (const health::MetricSample& sample : page.samples.samples) {
      now.values[sample.series] = sample.value;
      if (!is_rate) continue;
      const auto was = before->second.values.find(sample.series);
      if (was == before->second.values.end()) continue;
      const double more = sample.value - (sample.value < was->second ? 0 : was->second);
      loads[sample.service] +=
          more * 1e9 / static_cast<double>(at.nanoseconds - before->second.at.nanoseconds);
    }
    before_[cluster] = std::move(now);
  }
  std::vector<LoadReport> reports;
  reports.reserve(loads.size());
  for (const auto& [service, load] : loads) {
    LoadReport report;
    report.cluster = cluster;
    report.service = service;
    report.load = load;
    report.at = wall;
    reports.push_back(std::move(report));
  }
  return reports;
}

void PulledLoads::keep(const std::vector<health::Pull>& pulls) {
  std::erase_if(before_, [&](const auto& entry) {
    return std::ranges::find(pulls, entry.first, &health::Pull::name) == pulls.end();
  });
}

}  // namespace swingover::control
