#pragma once

#include <string>

#include "base/units.h"
#include "zones/topology.h"

namespace swingover::zones {

/// `[steering]` as written: how services within capacity are steered, and what distance costs. A service may
/// override target and limit. Checked: low < target < high <= limit, and costs that do not fall with distance.
struct SteeringOptions {
  double target = 0.70;    // utilisation up to which traffic stays where it is cheapest
  double limit = 1.00;     // above it a cluster is overloaded
  double high = 0.80;      // a predicted utilisation above it lets load move traffic
  double low = 0.60;       // clusters below it may take traffic back
  double min_gain = 0.05;  // the part of the cost that bringing traffic home must save
  Milliseconds ramp{120'000};
  double ramp_start = 0.10;  // of a cluster's capacity, at the start of its ramp
  double cost_same_region = 2;
  double cost_near = 5;
  double cost_anywhere = 8;
  double near_km = 1'000;
  double gamma = 0.30;  // how far one report of load moves what is thought of demand
  Milliseconds connection_life{20'000};
  Milliseconds load_age_max{25'000};
  Milliseconds demand_hold{600'000};
  bool corroborate = true;  // see zones/steering/corroboration.h
  double corroborate_from = 0.50;
  std::string currency = "EUR";
  double move_budget = 1;  // of all load, within move_window
  Milliseconds move_window{300'000};

  DistanceCosts distance_costs() const {
    return {.same_region = cost_same_region,
            .near = cost_near,
            .anywhere = cost_anywhere,
            .near_km = near_km};
  }
};

}  // namespace swingover::zones
