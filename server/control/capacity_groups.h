#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/units.h"
#include "zones/snapshot.h"
#include "zones/steering/allocation.h"

namespace swingover::control {

/// Which services take from which capacities, in one generation. Immutable.
///
/// Holder   What has a capacity: a cluster, for all services that take from it, or a pool with one of its own.
/// Group    The services that are tied together by clusters whose capacity they share: what one takes, the others
///          lack. Each group is one allocation. A service whose pools all have capacities of their own is a group
///          by itself.
/// Rows     Of a service: 0 for clients of no known locality, i + 1 for locality i, as ServicePlan has them. To an
///          allocation, clients that may go to the same holders at the same costs are one, whichever service they
///          ask for: ten thousand services of one kind cost what one does.
/// Source   The definition of shares for one service, with the room of a cluster as a bound on all of them together.
class CapacityGroups {
 public:
  static constexpr uint32_t none = UINT32_MAX;

  struct Holder {
    std::string cluster;  // its name; ties go by it
    ClusterId id;
    std::optional<PoolId> pool;         // whose own the capacity is
    double capacity = 0;                // as configured
    std::vector<EndpointId> endpoints;  // of all pools that take from it
    uint32_t takers = 0;                // those pools
    // How its share comes back after it was out: of several services' ways the most cautious one.
    zones::WayBack back;
  };
  struct Member {
    ServiceId service;
    uint32_t kind = 0;  // of those with the same costs from everywhere
    std::vector<uint32_t>
        holders;  // by pool of the service: place in Group::holders; none: last_resort
  };
  struct Group {
    std::vector<Holder> holders;  // in the order of their names
    std::vector<Member> members;
    double target = 0;  // the lowest of its services', at most `limit`
    double limit = 0;   // the lowest of its services'
    Ttl ttl{0};         // the longest of its services'
  };

  CapacityGroups() = default;
  explicit CapacityGroups(std::shared_ptr<const zones::Model> model);

  const std::vector<Group>& groups() const { return groups_; }
  const zones::Model& model() const { return *model_; }
  /// The service's group, and its place among the members; nothing: it is not steered within capacity.
  struct Place {
    uint32_t group = none;
    uint32_t member = 0;
  };
  std::optional<Place> place_of(ServiceId service) const;
  size_t rows() const { return rows_; }
  /// Whether the member's clients have the same costs as those of another one, maybe of another generation, whose pools and
  /// rows stand in the same order.
  bool has_same_costs(const Member& member, const CapacityGroups& other,
                      const Member& other_member) const;

  /// What is known of a group now.
  struct Inputs {
    std::span<const double> capacities;         // by holder: what counts of its capacity
    std::span<const std::vector<bool>> usable;  // by member, by pool: has an eligible endpoint
    std::span<const std::span<const double>> demands;  // by member, by row
    // By member: those with another number than 0 share rows only with their like; empty: all have 0.
    std::span<const uint32_t> apart{};
  };
  /// What is to be allocated, and where each member's rows stand in it.
  struct Posed {
    steering::Problem problem;
    std::vector<std::vector<uint32_t>> rows;  // by member, by row: the problem's locality
  };
  /// Cost     O(members × rows), and the problem itself. Any thread.
  Posed pose(uint32_t group, const Inputs& inputs) const;

 private:
  struct Kind {
    std::vector<uint32_t> classes;           // by row: those with the same costs
    std::vector<std::vector<double>> costs;  // by class, by pool
  };
  class Maker;

  std::shared_ptr<const zones::Model> model_;
  size_t rows_ = 1;
  std::vector<Group> groups_;
  std::vector<Place> places_;  // by service
  std::vector<Kind> kinds_;
};

/// Whose clients a row is of.
inline LocalityId locality_of_row(size_t row) {
  return row == 0 ? no_locality : LocalityId(static_cast<uint32_t>(row - 1));
}

/// What a unit of load of clients there costs at that pool; steering::forbidden: it does not serve them.
double cost_of(const zones::Model& model, const zones::Service& service, size_t pool,
               LocalityId client);

}  // namespace swingover::control
