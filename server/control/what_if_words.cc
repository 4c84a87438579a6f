#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "server/control/target.h"
#include "server/control/what_if.h"

namespace swingover::control {

namespace {

using Endpoints = std::vector<EndpointId>;

void add_pool(const zones::Pool& pool, Endpoints& all) {
  for (const zones::Endpoint& endpoint : pool.endpoints) all.push_back(endpoint.id);
}

void add_cluster(const zones::Model& model, ClusterId cluster, Endpoints& all) {
  for (const zones::Service& service : model.services) {
    for (const zones::Pool& pool : service.pools) {
      if (pool.cluster == cluster) add_pool(pool, all);
    }
  }
}

std::optional<Error> add_locality(const zones::Model& model, std::string_view name,
                                  Endpoints& all) {
  const zones::Topology& topology = model.topology;
  const auto found = std::ranges::find(topology.localities, name, &zones::Locality::name);
  if (found == topology.localities.end()) {
    return Error{ErrorCode::not_found, "no locality of this name: " + std::string(name)};
  }
  const LocalityId id(static_cast<uint32_t>(found - topology.localities.begin()));
  for (uint32_t i = 0; i < topology.clusters.size(); ++i) {
    const std::vector<LocalityId>& where = topology.clusters[i].localities;
    // One that runs elsewhere too goes on there.
    if (where.size() == 1 && where.front() == id) add_cluster(model, ClusterId(i), all);
  }
  return std::nullopt;
}

std::optional<Error> add_target(const zones::Model& model, std::string_view text, Endpoints& all) {
  const Result<Target> target = parse_target(text);
  if (!target) return target.error();
  const Result<FoundTarget> found = find_target(model, *target);
  if (!found) return found.error();
  switch (target->kind) {
    case Target::Kind::cluster:
      add_cluster(model, *found->cluster, all);
      break;
    case Target::Kind::service:
      for (const zones::Pool& pool : found->service->pools) add_pool(pool, all);
      break;
    case Target::Kind::pool:
      add_pool(*found->pool, all);
      break;
    case Target::Kind::endpoint:
      all.push_back(found->endpoint->id);
      break;
  }
  return std::nullopt;
}

std::string units(double amount) {
  return fmt::format("{:.4g} {}", amount, amount == 1 ? "unit" : "units");
}

}  // namespace

Result<std::vector<EndpointId>> endpoints_of(const zones::Model& model, std::string_view targets) {
  constexpr std::string_view locality = "locality/";
  Endpoints all;
  if (targets.empty()) return all;
  for (const std::string_view part : split(targets, ',')) {
    const std::string_view text = trimmed(part);
    const std::optional<Error> problem =
        text.starts_with(locality) ? add_locality(model, text.substr(locality.size()), all)
                                   : add_target(model, text, all);
    if (problem) return *problem;
  }
  return all;
}

std::string limit_words(const zones::Model& model, const Outlook& outlook) {
  std::vector<uint32_t> above;
  for (uint32_t i = 0; i < outlook.clusters.size(); ++i) {
    if (outlook.clusters[i].overflow > 0) above.push_back(i);
  }
  std::ranges::stable_sort(above, std::greater{},
                           [&](uint32_t i) { return outlook.clusters[i].overflow; });
  std::vector<std::string> words;
  for (const uint32_t i : above) {
    const Outlook::Cluster& cluster = outlook.clusters[i];
    const std::string& name = model.topology.clusters[i].name;
    words.push_back(
        std::isfinite(cluster.excess_part)
            ? fmt::format("{} would be {:.3g} % above its limit: {} have no room", name,
                          cluster.excess_part * 100, units(cluster.overflow))
            : fmt::format("{} would have no capacity for {}", name, units(cluster.overflow)));
  }
  if (words.empty()) words.emplace_back("no cluster would be above its limit");
  if (outlook.unserved > 0)
    words.push_back(fmt::format("{} would be unserved", units(outlook.unserved)));
  return joined(words, "; ");
}

}  // namespace swingover::control
