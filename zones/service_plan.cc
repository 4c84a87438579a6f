#include <algorithm>
#include <cassert>
#include <cstring>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "zones/service_plan.h"

namespace swingover::zones {
namespace {

/// FNV-1a: the same on every edge and in every release, since it says whom a swing moves.
uint64_t key_of(Bytes bytes) {
  uint64_t hash = 0xcbf29ce484222325U;
  for (const uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3U;
  return hash;
}

uint64_t key_of(std::string_view text) {
  return key_of(Bytes{reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

uint64_t key_of(const Endpoint& endpoint) {
  if (const auto* address = std::get_if<IpAddress>(&endpoint.address))
    return key_of(address->bytes());
  return key_of(std::get<Name>(endpoint.address).folded().wire());
}

/// Pools of equal rank share; the lowest rank comes first.
struct Rank {
  bool last_resort = false;
  double cost = 0;
  uint32_t priority = 0;
  friend auto operator<=>(const Rank&, const Rank&) = default;
};

Rank rank_of(const Service& service, const Pool& pool, const Topology::Way& way) {
  Rank rank{.last_resort = pool.last_resort};
  switch (service.policy) {
    case Policy::failover:
      rank.priority = pool.priority;
      break;
    case Policy::local:
      rank.cost = way.cost;
      rank.priority = pool.priority;
      break;
    case Policy::active_active:
    case Policy::all:
      break;
  }
  return rank;
}

}  // namespace

/// Lays out one plan after the other; the parts of one are gathered first, since their sizes place the others.
class ServicePlanWriter {
 public:
  ServicePlanWriter(std::vector<uint8_t>& memory, const Topology& topology)
      : memory_(memory), topology_(topology) {}

  size_t share_octets() const { return share_octets_; }

  /// The plan's octets, from the end of the memory on.
  void write(const Service& service) {
    gather(service);
    const size_t begin = memory_.size();
    put(std::span(&plan_, 1));
    put(std::span(first_tiers_));
    put(std::span(tiers_));
    put(std::span(order_));
    memory_.resize(begin + plan_.pools_at_);
    if (plan_.steered_) put_share_place();
    put(std::span(pools_));
    put(std::span(addresses_));
    put(std::span(kinds_));
    if (service.sticky != Sticky::client) return;
    memory_.resize(begin + plan_.keys_at());
    put(std::span(keys_));
  }

 private:
  void gather(const Service& service) {
    first_tiers_.clear();
    tiers_.clear();
    order_.clear();
    const bool is_fenced = std::ranges::any_of(
        service.pools, [](const Pool& pool) { return !pool.only_regions.empty(); });
    const size_t localities =
        service.policy == Policy::local || is_fenced ? topology_.localities.size() : 0;
    add_row(service, no_locality);
    for (uint32_t i = 0; i < localities; ++i) add_row(service, LocalityId(i));
    first_tiers_.push_back(static_cast<uint32_t>(tiers_.size()));
    add_pools(service);

    plan_.policy_ = service.policy;
    plan_.when_all_down_ = service.when_all_down;
    plan_.sticky_ = service.sticky;
    plan_.answers_ = service.answers;
    plan_.ttl_ = service.ttl.value;
    plan_.ttl_min_ = service.least_ttl().value;
    plan_.has_targets_ = std::ranges::count(kinds_, ServicePlan::Kind::target) > 0;
    plan_.all_v4_ = std::ranges::all_of(
        kinds_, [](ServicePlan::Kind kind) { return kind == ServicePlan::Kind::v4; });
    plan_.steered_ = service.is_steered();
    const bool is_plain =
        service.sticky == Sticky::none && service.policy != Policy::all &&
        pools_.size() <= ServicePlan::plain_pools_max &&
        std::ranges::all_of(pools_, [](const auto& pool) { return pool.endpoints <= 64; });
    plan_.plain_ = is_plain && !plan_.steered_;
    plan_.plain_steered_ = is_plain && plan_.steered_;
    plan_.fenced_ = is_fenced;
    plan_.rows_ = static_cast<uint32_t>(localities + 1);
    plan_.by_locality_ = plan_.rows_ > 1 || plan_.steered_;
    plan_.by_client_ = plan_.by_locality_ || service.sticky == Sticky::client;
    plan_.pools_ = static_cast<uint16_t>(pools_.size());
    plan_.endpoints_ = static_cast<uint16_t>(kinds_.size());
    const size_t order_end = sizeof plan_ + sizeof(uint32_t) * first_tiers_.size() +
                             sizeof(ServicePlan::Tier) * tiers_.size() +
                             sizeof(uint16_t) * order_.size() +
                             (plan_.steered_ ? sizeof(uint32_t) : 0);
    plan_.pools_at_ = static_cast<uint32_t>((order_end + 3) / 4 * 4);
  }

  /// In front of the pools, which whoever reads it reads next.
  void put_share_place() {
    const size_t row = share_row_octets(pools_.size());
    const size_t border = std::min<size_t>(row, alignment);
    const size_t begin = (share_octets_ + border - 1) / border * border;
    share_octets_ = begin + row * (topology_.localities.size() + 1);
    const auto place = static_cast<uint32_t>(begin / share_place_octets);
    std::memcpy(memory_.data() + memory_.size() - sizeof place, &place, sizeof place);
  }

  void add_row(const Service& service, LocalityId client) {
    std::vector<std::pair<Rank, uint16_t>> ranked;
    for (uint16_t i = 0; i < service.pools.size(); ++i) {
      const Pool& pool = service.pools[i];
      if (!pool.serves(topology_, client)) continue;
      ranked.emplace_back(rank_of(service, pool, way(service, client, pool)), i);
    }
    std::sort(ranked.begin(), ranked.end());
    first_tiers_.push_back(static_cast<uint32_t>(tiers_.size()));
    uint16_t end = 0;
    for (const auto& [rank, place] : ranked) {
      const Nearness nearness = way(service, client, service.pools[place]).nearness;
      if (end == 0 || ranked[end - 1U].first != rank) {
        tiers_.push_back({.last_resort = rank.last_resort, .nearness = nearness});
      }
      ServicePlan::Tier& tier = tiers_.back();
      tier.nearness = std::min(tier.nearness, nearness);
      order_.push_back(place);
      tier.end = ++end;
    }
    for (uint16_t i = 0; i < service.pools.size(); ++i) {
      if (!service.pools[i].serves(topology_, client)) order_.push_back(i);
    }
  }

  /// Ten thousand services ask for the same few pairs.
  Topology::Way way(const Service& service, LocalityId client, const Pool& pool) {
    if (service.policy != Policy::local || client == no_locality) return {};
    const size_t clusters = topology_.clusters.size();
    if (ways_.empty()) {
      ways_.reserve(topology_.localities.size() * clusters);
      for (uint32_t from = 0; from < topology_.localities.size(); ++from) {
        for (uint32_t to = 0; to < clusters; ++to)
          ways_.push_back(topology_.way(LocalityId(from), ClusterId(to)));
      }
    }
    return ways_[client.value * clusters + pool.cluster.value];
  }

  void add_pools(const Service& service) {
    pools_.clear();
    addresses_.clear();
    kinds_.clear();
    keys_.clear();
    plan_.first_pool_id_ = service.pools.empty() ? 0 : service.pools.front().id.value;
    plan_.first_endpoint_id_ = 0;
    for (const Pool& pool : service.pools) {
      assert(pool.id.value == plan_.first_pool_id_ + pools_.size());
      pools_.push_back({.weight = pool.weight.value,
                        .first_endpoint = static_cast<uint16_t>(kinds_.size()),
                        .endpoints = static_cast<uint16_t>(pool.endpoints.size())});
      for (const Endpoint& endpoint : pool.endpoints) {
        if (kinds_.empty()) plan_.first_endpoint_id_ = endpoint.id.value;
        assert(endpoint.id.value == plan_.first_endpoint_id_ + kinds_.size());
        add_endpoint(endpoint);
      }
    }
    for (const Pool& pool : service.pools) keys_.push_back(key_of(pool.cluster_name));
    for (const Pool& pool : service.pools) {
      for (const Endpoint& endpoint : pool.endpoints) keys_.push_back(key_of(endpoint));
    }
  }

  void add_endpoint(const Endpoint& endpoint) {
    ServicePlan::Address octets{};
    if (const auto* address = std::get_if<IpAddress>(&endpoint.address)) {
      std::ranges::copy(address->bytes(), octets.begin());
      kinds_.push_back(address->is_v4() ? ServicePlan::Kind::v4 : ServicePlan::Kind::v6);
    } else {
      kinds_.push_back(ServicePlan::Kind::target);
    }
    addresses_.push_back(octets);
  }

  template <class T>
  void put(std::span<T> values) {
    const auto* octets = reinterpret_cast<const uint8_t*>(values.data());
    memory_.insert(memory_.end(), octets, octets + values.size_bytes());
  }

  static constexpr size_t alignment = 64;

  std::vector<uint8_t>& memory_;
  const Topology& topology_;
  std::vector<Topology::Way> ways_;  // [locality × clusters + cluster]; made when it is needed
  size_t share_octets_ = 0;
  ServicePlan plan_;
  std::vector<uint32_t> first_tiers_;
  std::vector<ServicePlan::Tier> tiers_;
  std::vector<uint16_t> order_;
  std::vector<ServicePlan::PlanPool> pools_;
  std::vector<ServicePlan::Address> addresses_;
  std::vector<ServicePlan::Kind> kinds_;
  std::vector<uint64_t> keys_;
};

ServicePlans::ServicePlans(std::span<const Service> services, const Topology& topology) {
  std::vector<uint8_t> memory;
  memory.reserve(2 * alignment * services.size());
  places_.reserve(services.size());
  ServicePlanWriter writer(memory, topology);
  for (const Service& service : services) {
    memory.resize((memory.size() + alignment - 1) / alignment * alignment);
    places_.push_back(static_cast<uint32_t>(memory.size() / alignment));
    writer.write(service);
  }
  share_rows_ = topology.localities.size() + 1;
  share_octets_ = writer.share_octets();
  memory_ = Block(memory.size());
  std::ranges::copy(memory, memory_.data());
}

}  // namespace swingover::zones
