#include "zones/service.h"

#include <algorithm>
#include <array>

namespace swingover::zones {

std::string Endpoint::text() const {
  if (const auto* target = std::get_if<Name>(&address)) return target->text();
  return std::get<IpAddress>(address).text();
}

bool Pool::serves(const Topology& topology, LocalityId client) const {
  if (only_regions.empty()) return true;
  if (client == no_locality) return false;
  return std::ranges::count(only_regions, topology.localities[client.value].region) > 0;
}

MinHealthy min_healthy_of(const Pool& pool) {
  return {.all = pool.min_healthy,
          .ipv4 = pool.min_healthy_ipv4,
          .ipv6 = pool.min_healthy_ipv6,
          .all_up = pool.min_healthy_up};
}

bool Service::is_steered() const {
  return may_be_steered && policy != Policy::all &&
         std::ranges::all_of(
             pools, [](const Pool& pool) { return pool.last_resort || pool.capacity.has_value(); });
}

WayBack way_back_of(const Service& service) {
  const bool has_hold = service.failback == Failback::hold;
  return {.failback = service.failback, .hold = has_hold ? service.failback_hold : Milliseconds(0)};
}

WayBack more_cautious(const WayBack& one, const WayBack& other) {
  constexpr std::array boldest_first{Failback::at_once, Failback::ramp, Failback::hold,
                                     Failback::manual};
  const auto caution = [&](Failback way) { return std::ranges::find(boldest_first, way); };
  return {
      .failback = caution(one.failback) < caution(other.failback) ? other.failback : one.failback,
      .hold = std::max(one.hold, other.hold)};
}

Counts number(std::vector<Service>& services) {
  Counts counts;
  uint32_t service_id = 0;
  for (Service& service : services) {
    service.id = ServiceId(service_id++);
    for (Pool& pool : service.pools) {
      pool.id = PoolId(counts.pools++);
      for (Endpoint& endpoint : pool.endpoints) endpoint.id = EndpointId(counts.endpoints++);
    }
  }
  return counts;
}

std::string_view word(Policy policy) {
  switch (policy) {
    case Policy::failover:
      return "failover";
    case Policy::active_active:
      return "active-active";
    case Policy::local:
      return "local";
    case Policy::all:
      return "all";
  }
  return "";
}

std::string_view word(WhenAllDown rule) {
  switch (rule) {
    case WhenAllDown::all:
      return "all";
    case WhenAllDown::last_resort:
      return "last_resort";
    case WhenAllDown::nodata:
      return "nodata";
    case WhenAllDown::servfail:
      return "servfail";
  }
  return "";
}

std::string_view word(Sticky sticky) {
  return sticky == Sticky::client ? "client" : "none";
}

std::string_view word(Overflow overflow) {
  return overflow == Overflow::last_resort ? "last_resort" : "spread";
}

std::string_view word(Failback failback) {
  switch (failback) {
    case Failback::ramp:
      return "ramp";
    case Failback::at_once:
      return "at_once";
    case Failback::hold:
      return "hold";
    case Failback::manual:
      return "manual";
  }
  return "";
}

}  // namespace swingover::zones
