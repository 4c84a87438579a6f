#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/block.h"
#include "base/bytes.h"
#include "base/units.h"
#include "zones/change_times.h"
#include "zones/service.h"
#include "zones/topology.h"

namespace swingover::zones {

/// What a row of shares of a steered service takes (ShareRows), and a row of answers in a worker's tally: a word for
/// the row, and one a pool. No row of up to 15 pools lies on two cache lines.
constexpr size_t share_row_octets(size_t pools) {
  const size_t octets = sizeof(uint32_t) * (pools + 1);
  return octets <= 64 ? std::bit_ceil(octets) : (octets + 63) / 64 * 64;
}
inline constexpr size_t share_place_octets = 8;  // share_place() counts in these

/// What a query reads of a service: its pools in the order in which they are tried, and its addresses. Lies in
/// the memory of ServicePlans, followed by its arrays: with two pools of one address each that is two cache
/// lines, and 8 to 16 octets more for each locality of `local`. Immutable.
///
/// A *row* is the order for clients of one locality. Only the policy `local` and services with `only_regions` have
/// more than one: row 0 is for clients of no known locality, row i + 1 for locality i. A row is a list of *tiers*;
/// pools of one tier share by weight, a tier is used when no tier before it has what is asked for. A pool that must
/// not serve these clients is in none of them.
class ServicePlan {
 public:
  struct Tier {
    uint16_t end = 0;          // its pools stand in the row's order before this place, behind the
                               // tier before
    bool last_resort = false;  // these stand behind all others
    Nearness nearness = Nearness::anywhere;  // for explanations; policy `local` only
  };
  struct Row {
    std::span<const Tier> tiers;
    std::span<const uint16_t> order;  // places in pools(), each once; what is forbidden comes last

    std::span<const uint16_t> allowed() const {
      return order.first(tiers.empty() ? 0 : tiers.back().end);
    }
    std::span<const uint16_t> forbidden() const {
      return order.subspan(tiers.empty() ? 0 : tiers.back().end);
    }

    std::span<const uint16_t> pools_of(size_t tier) const {
      const size_t begin = tier == 0 ? 0 : tiers[tier - 1].end;
      return order.subspan(begin, tiers[tier].end - begin);
    }
  };
  /// Place = place in Service::pools.
  struct PlanPool {
    uint32_t weight = 0;
    uint16_t first_endpoint = 0;  // place of an endpoint: as all pools' endpoints follow each other
    uint16_t endpoints = 0;
  };
  enum class Kind : uint8_t { v4, v6, target };  // target: answered as a CNAME whatever is asked
  using Address = std::array<uint8_t, 16>;       // its first 4 octets when v4

  ServicePlan(const ServicePlan&) = delete;
  ServicePlan& operator=(const ServicePlan&) = delete;

  Policy policy() const { return policy_; }
  WhenAllDown when_all_down() const { return when_all_down_; }
  Sticky sticky() const { return sticky_; }
  uint32_t answers() const { return answers_; }  // 0: all
  /// While nothing speaks of a change.
  Ttl ttl() const { return Ttl(ttl_); }
  /// Of an answer at `now` that may be another at `changes_at`: what is left until then, within bounds. Both as
  /// ChangeTimes has them.
  Ttl ttl(uint32_t changes_at, uint32_t now) const {
    if (changes_at == ChangeTimes::unknown) return Ttl(ttl_);
    const auto left = static_cast<int32_t>(changes_at - now);
    if (left <= static_cast<int32_t>(ttl_min_)) return Ttl(ttl_min_);
    return Ttl(std::min(static_cast<uint32_t>(left), ttl_));
  }
  bool has_targets() const { return has_targets_; }
  /// Neither sticky nor steered nor of policy `all`; at most plain_pools_max pools, of 64 endpoints at most.
  bool is_plain() const { return plain_; }
  /// It has shares within capacity, a row of them for each locality whatever its policy; see ShareRows.
  bool is_steered() const { return steered_; }
  /// Steered, and but for that plain.
  bool is_plain_steered() const { return plain_steered_; }
  /// Where its first row of shares begins, in the memory of all; only when steered. Rows follow each other.
  uint32_t share_place() const { return *at<uint32_t>(pools_at_ - sizeof(uint32_t)); }
  static constexpr size_t plain_pools_max = 16;
  /// Every endpoint is an IPv4 address.
  bool is_all_v4() const { return all_v4_; }

  /// Where the client is decides what it gets: by a row of tiers, or of shares.
  bool is_by_locality() const { return by_locality_; }
  /// Some of its pools serve clients of some regions alone.
  bool is_fenced() const { return fenced_; }
  /// Mostly one row serves everybody alike: no need to know who the client is.
  bool is_by_client() const { return by_client_; }
  Row row(LocalityId client) const {
    const size_t own = size_t{client.value} + 1;
    return row_at(client != no_locality && own < rows_ ? own : 0);
  }
  size_t rows() const { return rows_; }
  /// `row` below rows().
  Row row_at(size_t row) const {
    // Where each row's tiers begin, and behind the last row where they end.
    const auto* first_tiers = reinterpret_cast<const uint32_t*>(this + 1);
    const Tier* tiers = reinterpret_cast<const Tier*>(first_tiers + rows_ + 1);
    const auto* order = reinterpret_cast<const uint16_t*>(tiers + first_tiers[rows_]);
    return {.tiers = {tiers + first_tiers[row], first_tiers[row + 1] - first_tiers[row]},
            .order = {order + row * pools_, pools_}};
  }
  std::span<const PlanPool> pools() const { return {at<PlanPool>(pools_at_), pools_}; }
  bool is_target(const PlanPool& pool) const {
    return has_targets_ && pool.endpoints > 0 && kind(pool.first_endpoint) == Kind::target;
  }
  uint32_t endpoints() const { return endpoints_; }
  Kind kind(uint32_t place) const { return at<Kind>(kinds_at())[place]; }
  const Address& address(uint32_t place) const { return at<Address>(addresses_at())[place]; }

  PoolId pool_id(uint32_t place) const { return PoolId(first_pool_id_ + place); }
  EndpointId endpoint_id(uint32_t place) const { return EndpointId(first_endpoint_id_ + place); }

  /// For rendezvous picks, the same on every edge: of the name of the pool's cluster, of the address. Only when
  /// sticky.
  uint64_t pool_key(uint32_t place) const { return at<uint64_t>(keys_at())[place]; }
  uint64_t endpoint_key(uint32_t place) const { return at<uint64_t>(keys_at())[pools_ + place]; }

 private:
  friend class ServicePlanWriter;

  ServicePlan() = default;

  template <class T>
  const T* at(size_t offset) const {
    return reinterpret_cast<const T*>(reinterpret_cast<const uint8_t*>(this) + offset);
  }
  // In octets from here: the rows, their tiers, their orders, when steered the share_place(), then these.
  size_t addresses_at() const { return pools_at_ + pools_ * sizeof(PlanPool); }
  size_t kinds_at() const { return addresses_at() + endpoints_ * sizeof(Address); }
  size_t keys_at() const { return (kinds_at() + endpoints_ + 7) / 8 * 8; }
  Policy policy_ = Policy::failover;
  WhenAllDown when_all_down_ = WhenAllDown::all;
  Sticky sticky_ = Sticky::none;
  bool has_targets_ : 1 = false;
  bool all_v4_ : 1 = true;
  bool plain_ : 1 = false;
  bool steered_ : 1 = false;
  bool plain_steered_ : 1 = false;
  bool by_locality_ : 1 = false;
  bool by_client_ : 1 = false;
  bool fenced_ : 1 = false;
  uint32_t answers_ = 1;
  uint32_t ttl_ = 0;
  uint32_t ttl_min_ = 0;
  uint32_t rows_ = 1;
  uint32_t first_pool_id_ = 0;
  uint32_t first_endpoint_id_ = 0;
  uint16_t pools_ = 0;  // both at most service_parts_max
  uint16_t endpoints_ = 0;
  uint32_t pools_at_ = 0;
};

/// The plans of all services of a generation, one behind the other in one block.
class ServicePlans {
 public:
  ServicePlans() = default;
  /// `services` are numbered (see number() in service.h). Control path; O(services × localities × pools).
  ServicePlans(std::span<const Service> services, const Topology& topology);

  size_t size() const { return places_.size(); }
  const ServicePlan& operator[](size_t service) const {
    return *reinterpret_cast<const ServicePlan*>(memory_.data() +
                                                 size_t{places_[service]} * alignment);
  }

  /// How many rows of shares each steered service has, and what all of them take.
  size_t share_rows() const { return share_rows_; }
  size_t share_octets() const { return share_octets_; }

 private:
  static constexpr size_t alignment = 64;  // a plan begins a cache line

  std::vector<uint32_t> places_;  // by ServiceId
  Block memory_;
  size_t share_rows_ = 1;
  size_t share_octets_ = 0;
};

}  // namespace swingover::zones
