#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "zones/eligibility.h"
#include "zones/snapshot.h"
#include "zones/steering/allocation.h"

namespace swingover::control {

/// What the driver of shares goes by at one moment, for whoever works out on another thread what would be if.
///
/// Shape    A copy, but for the snapshot. Shares in force are read from its rows, which any thread may.
/// Cost     To copy: 8 octets a service and locality, and a byte an endpoint; see Steering::inputs().
struct SteeringInputs {
  struct Holder {
    double capacity = 0;  // reported lately, else configured
    double heard = 1;     // the part that counts while its cluster is silent
    double comeback = 1;  // the part that a ramp or a hold leaves of it
    bool waits_for_person = false;
  };

  std::shared_ptr<const zones::Snapshot> snapshot;
  size_t rows = 0;                           // of a service: as CapacityGroups has them
  std::vector<std::vector<Holder>> holders;  // by group, as CapacityGroups of the snapshot's model
  std::vector<double> demands;               // [service × rows + row]; 0 where not within capacity
  std::vector<steering::Regime> regimes;     // by service
  std::vector<zones::Eligibility> eligibility;  // by EndpointId

  bool is_empty() const { return holders.empty(); }
  std::span<const double> demands_of(ServiceId service) const {
    return std::span(demands).subspan(service.value * rows, rows);
  }
};

}  // namespace swingover::control
