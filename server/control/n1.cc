#include "server/control/n1.h"

#include <algorithm>
#include <optional>

namespace swingover::control {

namespace {

/// Load that rounding puts above a limit is none; Outlook has forgiven that of each cluster already.
bool has_any(double load) {
  return load > steering::least_amount;
}

std::optional<N1Report::Case> look(WhatIf& what_if, const std::vector<ClusterId>& down,
                                   const WhatIf::IsGivenUp& is_given_up) {
  std::vector<EndpointId> endpoints;
  for (const ClusterId cluster : down) {
    const std::vector<EndpointId> own = what_if.endpoints_of(cluster);
    endpoints.insert(endpoints.end(), own.begin(), own.end());
  }
  const Outlook& now = what_if.now();
  const Outlook* outlook = what_if.after(endpoints, is_given_up);
  if (!outlook) return std::nullopt;
  N1Report::Case out{.down = down,
                     .overflow = outlook->overflow,
                     .unserved = outlook->unserved,
                     .worst_utilisation = outlook->worst_utilisation(),
                     .words = limit_words(what_if.model(), *outlook)};
  for (size_t i = 0; i < outlook->services.size(); ++i) {
    const Outlook::Service& service = outlook->services[i];
    if (has_any(service.overflow) || has_any(service.unserved)) ++out.services;
    if (!what_if.is_steered(ServiceId(static_cast<uint32_t>(i))) && service.is_out &&
        !now.services[i].is_out)
      ++out.services_out;
  }
  return out;
}

}  // namespace

double N1Report::worst_utilisation() const {
  double worst = 0;
  for (const Case& one : cases) worst = std::max(worst, one.worst_utilisation);
  return worst;
}

N1Report n1_report(WhatIf& what_if, size_t depth, const WhatIf::IsGivenUp& is_given_up) {
  N1Report report;
  report.model = what_if.inputs().snapshot->model;
  report.depth = depth;
  report.homeless_now = what_if.now().overflow + what_if.now().unserved;
  std::vector<ClusterId> clusters;
  for (uint32_t i = 0; i < report.model->topology.clusters.size(); ++i) {
    if (!what_if.endpoints_of(ClusterId(i)).empty()) clusters.emplace_back(i);
  }
  const auto add = [&](const std::vector<ClusterId>& down) {
    std::optional<N1Report::Case> one = look(what_if, down, is_given_up);
    report.is_complete = report.is_complete && one;
    if (one) report.cases.push_back(*std::move(one));
  };
  for (size_t i = 0; i < clusters.size() && report.is_complete; ++i) {
    if (depth == 1) add({clusters[i]});
    for (size_t j = i + 1; depth == 2 && j < clusters.size() && report.is_complete; ++j)
      add({clusters[i], clusters[j]});
  }
  return report;
}

}  // namespace swingover::control
