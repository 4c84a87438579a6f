#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ip.h"
#include "base/units.h"
#include "zones/name.h"
#include "zones/topology.h"

namespace swingover::zones {

enum class Policy : uint8_t { failover, active_active, local, all };
enum class WhenAllDown : uint8_t { all, last_resort, nodata, servfail };
enum class Sticky : uint8_t { none, client };
/// Where demand goes that does not fit within the limits of the ordinary pools.
enum class Overflow : uint8_t { spread, last_resort };
/// How a pool that was down gets its share again.
enum class Failback : uint8_t { ramp, at_once, hold, manual };

/// One address, or one target name (answered as a CNAME), that an answer may hold.
struct Endpoint {
  std::variant<IpAddress, Name> address;
  EndpointId id;  // its byte in the eligibility map

  std::string text() const;  // 192.0.2.10, or lb.fra.example.net.
};

/// The endpoints of one service in one cluster.
struct Pool {
  ClusterId cluster;
  std::string cluster_name;
  PoolId id;
  uint32_t priority = 1;  // lowest first
  Weight weight{100};     // share among equals; 0 = only when no other of its tier is eligible
  bool last_resort = false;
  std::vector<Endpoint> endpoints;  // addresses, or exactly one target
  // What it can carry of this service, in the services' unit of load: its cluster's, unless it says itself; absent:
  // nobody knows.
  std::optional<double> capacity{};
  bool has_own_capacity =
      false;  // it says so itself; else it shares its cluster's with other services
  // Serves clients of these regions alone, never others; empty: everybody.
  std::vector<std::string> only_regions{};

  /// `client`: no_locality is in no region.
  bool serves(const Topology& topology, LocalityId client) const;
  // Requests under way at one endpoint: above `high` the pool is full, below `low` it has room. Absent: capacity stands.
  std::optional<double> in_flight_low{};
  std::optional<double> in_flight_high{};
  // As the service's, of the endpoints of this pool alone; for a monitor that both name this counts.
  std::vector<std::string> monitors{};
  std::vector<std::string> voting_monitors{};
  std::vector<std::string> observing_monitors{};
  std::optional<Portion> min_healthy{};  // see MinHealthy
  std::optional<Portion> min_healthy_ipv4{};
  std::optional<Portion> min_healthy_ipv6{};
  std::optional<Portion> min_healthy_up{};
};

MinHealthy min_healthy_of(const Pool& pool);

/// The most pools, and the most endpoints, of one service: more than any answer can hold.
inline constexpr size_t service_parts_max = 4'096;

/// How deep services may lie in one another, as targets of pools.
inline constexpr unsigned nested_max = 10;

/// A name that clients ask for, as configured.
struct Service {
  Name name;
  ServiceId id;
  Policy policy = Policy::failover;
  Ttl ttl{30};  // of an answer while nothing speaks of a change
  std::optional<Ttl>
      ttl_min;  // of one that may be another at any moment; absent: 5 s, or ttl if that is less
  uint32_t answers =
      1;  // addresses of a family in one answer; 0 = all (the default of policy `all`)
  Sticky sticky = Sticky::none;
  WhenAllDown when_all_down = WhenAllDown::all;
  std::vector<std::string> monitors;  // probed at each endpoint; none = up while its cluster is
  std::vector<Pool> pools;            // as configured
  std::vector<std::string>
      voting_monitors{};  // an endpoint is down when more than half of them are
  std::vector<std::string> observing_monitors{};  // probed and shown, never counted
  // Of a service whose pools have capacities; what is absent is [steering]'s.
  std::vector<std::string> only_regions{};  // of pools that say nothing themselves
  std::optional<double> demand{};  // in all, in the unit of capacity: where nobody reports loads
  std::optional<double> target{};  // parts of capacity
  std::optional<double> limit{};
  Overflow overflow = Overflow::spread;
  Failback failback = Failback::ramp;
  Milliseconds failback_hold{300'000};
  bool may_be_steered = true;  // false: the policy alone decides, whatever its pools can carry
  double bytes_per_unit = 0;   // what a unit of load, of a second, sends; for what traffic costs

  /// Its shares follow capacity, load and distance: each ordinary pool has a capacity, and an answer is of one pool.
  bool is_steered() const;
  Ttl least_ttl() const { return std::min(ttl_min.value_or(Ttl(5)), ttl); }
};

/// How whoever was out gets his share back once he is healthy.
struct WayBack {
  Failback failback = Failback::at_once;
  Milliseconds hold{0};  // before his share begins to grow; 0 but with Failback::hold
  friend bool operator==(const WayBack&, const WayBack&) = default;
};
WayBack way_back_of(const Service& service);
/// Of those who share a capacity: the boldest is at_once, and the most cautious manual; the longer of two holds.
WayBack more_cautious(const WayBack& one, const WayBack& other);

/// Gives services, pools and endpoints their ids: running numbers in file order.
struct Counts {
  uint32_t pools = 0;
  uint32_t endpoints = 0;
};
Counts number(std::vector<Service>& services);

/// The words of the config file, the admin address and the logs.
std::string_view word(Policy policy);
std::string_view word(WhenAllDown rule);
std::string_view word(Sticky sticky);
std::string_view word(Overflow overflow);
std::string_view word(Failback failback);

}  // namespace swingover::zones
