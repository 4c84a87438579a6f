#include "server/control/views_what_if.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "base/text.h"
#include "server/control/target.h"

namespace swingover::control {

using Json = nlohmann::ordered_json;

namespace {

constexpr double demand_max = 1'000;

std::string written(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// To a millionth: shares are rounded much more. Infinite: null.
Json amount(double value) {
  if (!std::isfinite(value)) return {};
  return std::round(value * 1e6) / 1e6;
}

Json cluster_value(const Outlook::Cluster& cluster) {
  return {{"capacity", amount(cluster.capacity)},
          {"load", amount(cluster.load)},
          {"load_unbounded", amount(cluster.load_unbounded)},
          {"utilisation", amount(cluster.utilisation())},
          {"overflow", amount(cluster.overflow)}};
}

Json total_value(const Outlook& outlook) {
  return {{"load", amount(outlook.load)},
          {"unserved", amount(outlook.unserved)},
          {"overflow", amount(outlook.overflow)},
          {"worst_utilisation", amount(outlook.worst_utilisation())},
          {"cross_locality_load", amount(outlook.crossing)},
          {"cross_locality_share", amount(outlook.load > 0 ? outlook.crossing / outlook.load : 0)},
          {"cross_locality_cost_monthly", amount(outlook.monthly_cost)}};
}

Json service_state(const Outlook::Service& service, bool is_steered) {
  return {{"regime", is_steered ? Json(steering::word(service.regime)) : Json()},
          {"demand", is_steered ? amount(service.demand) : Json()},
          {"unserved", is_steered ? amount(service.unserved) : Json()},
          {"overflow", is_steered ? amount(service.overflow) : Json()},
          {"out", service.is_out}};
}

Json part_of(double load, double demand) {
  return amount(demand > 0 ? load / demand : 0);
}

Json parts(std::span<const float> of_row) {
  Json out = Json::array();
  for (const float part : of_row) out.push_back(std::lround(part * steering::share_parts));
  return out;
}

/// What of one service is shown, with the shares of each of its localities if they are asked for.
Json service_value(const WhatIf& what_if, const zones::Service& service, const Outlook& now,
                   const Outlook& after, bool has_shares) {
  const uint32_t id = service.id.value;
  const bool is_steered = what_if.is_steered(service.id);
  Json pools = Json::array();
  for (const zones::Pool& pool : service.pools) {
    Json one{{"cluster", pool.cluster_name}};
    if (is_steered) {
      one["before"] = part_of(now.pool_loads[pool.id.value], now.services[id].demand);
      one["after"] = part_of(after.pool_loads[pool.id.value], after.services[id].demand);
    }
    pools.push_back(std::move(one));
  }
  Json out{{"service", service_text(service)},
           {"before", service_state(now.services[id], is_steered)},
           {"after", service_state(after.services[id], is_steered)},
           {"pools", std::move(pools)}};
  if (!is_steered || !has_shares) return out;
  Json rows = Json::array();
  const auto& localities = what_if.model().topology.localities;
  for (size_t row = 0; row < what_if.inputs().rows; ++row) {
    rows.push_back({{"locality", row == 0 ? Json() : Json(localities[row - 1].name)},
                    {"before", parts(what_if.parts_now(service.id, row))},
                    {"after", parts(what_if.parts_after(service.id, row))}});
  }
  out["shares"] = std::move(rows);
  return out;
}

/// Who would be tight, overloaded, unserved or out, the most affected first.
std::vector<uint32_t> affected(const WhatIf& what_if, const Outlook& after) {
  std::vector<uint32_t> ids;
  for (uint32_t i = 0; i < after.services.size(); ++i) {
    const Outlook::Service& service = after.services[i];
    const bool is_affected = service.regime != steering::Regime::normal || service.overflow > 0 ||
                             service.unserved > 0 || service.is_out;
    if (is_affected) ids.push_back(i);
  }
  const auto weight = [&](uint32_t i) {
    const Outlook::Service& service = after.services[i];
    const bool is_dark = service.is_out && !what_if.is_steered(ServiceId(i));
    return std::tuple(service.overflow + service.unserved, is_dark, service.regime, service.demand);
  };
  std::ranges::stable_sort(ids, [&](uint32_t a, uint32_t b) { return weight(a) > weight(b); });
  return ids;
}

Result<double> parse_factor(const std::string& text) {
  const Json number = Json::parse(text, nullptr, false);
  const bool fits =
      number.is_number() && number.get<double>() >= 0 && number.get<double>() <= demand_max;
  if (!fits) return Error{ErrorCode::invalid, "demand: a factor from 0 to 1000, such as 1.5"};
  return number.get<double>();
}

const zones::Service* find_service(const zones::Model& model, const std::string& name) {
  const Result<Target> target = parse_target("service/" + name);
  if (!target) return nullptr;
  const Result<FoundTarget> found = find_target(model, *target);
  return found ? found->service : nullptr;
}

}  // namespace

Result<WhatIfAsked> parse_what_if(const std::string& down, const std::string& demand,
                                  const std::string& service, const std::string& limit) {
  WhatIfAsked asked{.down = down, .service = service};
  if (!demand.empty()) {
    const Result<double> factor = parse_factor(demand);
    if (!factor) return factor.error();
    asked.demand = *factor;
  }
  if (!limit.empty()) {
    const auto number = parse_number(limit);
    if (!number) return Error{ErrorCode::invalid, "limit: how many services to list at most"};
    asked.limit = *number;
  }
  return asked;
}

Result<std::string> what_if_json(SteeringInputs inputs, const WhatIfAsked& asked,
                                 const WhatIf::IsGivenUp& is_given_up) {
  if (inputs.is_empty()) {
    return Error{ErrorCode::not_found,
                 "no service has pools with capacities: nothing is known of loads"};
  }
  const zones::Model& model = *inputs.snapshot->model;
  const Result<std::vector<EndpointId>> down = endpoints_of(model, asked.down);
  if (!down) return down.error("down");
  const zones::Service* only = nullptr;
  if (!asked.service.empty()) {
    only = find_service(model, asked.service);
    if (!only) return Error{ErrorCode::not_found, "no service of this name: " + asked.service};
  }
  WhatIf what_if(std::move(inputs), asked.demand);
  const Outlook& now = what_if.now();
  const Outlook* const after = what_if.after(*down, is_given_up);
  if (!after) return Error{ErrorCode::unavailable, "the daemon ends"};

  Json clusters = Json::array();
  for (size_t i = 0; i < now.clusters.size(); ++i) {
    clusters.push_back({{"cluster", what_if.model().topology.clusters[i].name},
                        {"before", cluster_value(now.clusters[i])},
                        {"after", cluster_value(after->clusters[i])}});
  }
  const std::vector<uint32_t> ids = affected(what_if, *after);
  Json services = Json::array();
  if (only) services.push_back(service_value(what_if, *only, now, *after, true));
  for (size_t i = 0; !only && i < std::min(ids.size(), asked.limit); ++i) {
    services.push_back(
        service_value(what_if, what_if.model().services[ids[i]], now, *after, false));
  }
  Json targets = Json::array();
  for (const std::string_view target : split(asked.down, ',')) {
    if (!trimmed(target).empty()) targets.push_back(trimmed(target));
  }
  return written({{"at", rfc3339(asked.at)},
                  {"generation", what_if.inputs().snapshot->generation},
                  {"down", std::move(targets)},
                  {"demand_factor", asked.demand},
                  {"verdict", limit_words(what_if.model(), *after)},
                  {"currency", what_if.model().steering.currency},
                  {"before", total_value(now)},
                  {"after", total_value(*after)},
                  {"clusters", std::move(clusters)},
                  {"services_total", after->services.size()},
                  {"services_affected", ids.size()},
                  {"services", std::move(services)}});
}

std::string n1_json(const N1Report* report) {
  if (!report) return written({{"at", nullptr}, {"cases", Json::array()}});
  std::vector<const N1Report::Case*> order;
  for (const N1Report::Case& one : report->cases) order.push_back(&one);
  std::ranges::stable_sort(order, [](const N1Report::Case* a, const N1Report::Case* b) {
    return std::pair(a->homeless(), a->worst_utilisation) >
           std::pair(b->homeless(), b->worst_utilisation);
  });
  Json cases = Json::array();
  for (const N1Report::Case* one : order) {
    Json down = Json::array();
    for (const ClusterId cluster : one->down)
      down.push_back(report->model->topology.clusters[cluster.value].name);
    cases.push_back({{"down", std::move(down)},
                     {"overflow", amount(one->overflow)},
                     {"unserved", amount(one->unserved)},
                     {"worst_utilisation", amount(one->worst_utilisation)},
                     {"services_affected", one->services},
                     {"services_out", one->services_out},
                     {"verdict", one->words}});
  }
  return written({{"at", rfc3339(report->at)},
                  {"milliseconds", report->took.value},
                  {"depth", report->depth},
                  {"complete", report->is_complete},
                  {"overflow_now", amount(report->homeless_now)},
                  {"worst_utilisation", amount(report->worst_utilisation())},
                  {"cases", std::move(cases)}});
}

}  // namespace swingover::control
