#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "server/control/share_facts.h"
#include "server/control/share_plans.h"
#include "zones/eligibility.h"
#include "zones/snapshot.h"
#include "zones/steering/allocation.h"

namespace swingover::control {

/// What the driver of shares goes by at one moment, for whoever works out on another thread what would be if.
///
/// Shape    A copy, but for the snapshot. Shares in force are read from its rows, which any thread may.
/// Cost     To copy: 8 octets a service and locality, some bytes an endpoint, and the plans; see Steering::inputs().
struct SteeringInputs {
  struct Holder : ShareFacts::Holder {
    double used =
        0;  // what of it counts by the shares in force: who is needed before his ramp is over, whole
  };

  std::shared_ptr<const zones::Snapshot> snapshot;
  size_t rows = 0;                           // of a service: as CapacityGroups has them
  std::vector<std::vector<Holder>> holders;  // by group, as CapacityGroups of the snapshot's model
  std::vector<double> demands;               // [service × rows + row]; 0 where not within capacity
  std::vector<steering::Regime> regimes;     // by service
  std::vector<zones::Eligibility> eligibility;        // by EndpointId
  std::vector<bool> flapping;                         // likewise; empty: nothing ever flaps
  std::vector<std::vector<bool>> needed;              // by group: ShareFacts::needed()
  std::vector<std::vector<ReturningPool>> returning;  // by group
  SharePlans plans;

  bool is_empty() const { return holders.empty(); }
  std::span<const double> demands_of(ServiceId service) const {
    return std::span(demands).subspan(service.value * rows, rows);
  }
};

}  // namespace swingover::control
