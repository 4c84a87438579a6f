#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "zones/steering/allocation.h"
#include "zones/steering/balance.h"
#include "zones/steering/cheapest_flow.h"
#include "zones/steering/share_rounding.h"
#include "zones/steering/spread.h"
#include "zones/steering/transport.h"

namespace swingover::steering {

/// allocate() for whoever solves many Problems: its memory is kept from one to the next.
///
/// Threads  One; different Allocators are independent.
/// Cost     Localities × clusters: see bench/README.md. Only the result is allocated anew.
class Allocator {
 public:
  Allocation allocate(const Problem& problem);

 private:
  void keep_what_lives(const Problem& problem, Allocation& out);
  void find_levels();
  void close_full_clusters(double target);
  void give(const Problem& problem, Allocation& out);
  void fill_idle_rows(const Problem& problem, Allocation& out);

  Transport transport_;
  Balancer balancer_;
  CheapestFlow cheapest_;
  Spreader spreader_;
  ShareRounder rounder_;
  std::vector<size_t> live_localities_;  // by place in the transport: the place in the Problem
  std::vector<size_t> live_clusters_;
  std::vector<double> levels_;  // these by cluster of the transport
  std::vector<double> rooms_;
  std::vector<bool> fixed_;
  std::vector<double> balanced_;
  std::vector<double> row_;
  std::vector<uint16_t> row_shares_;
};

}  // namespace swingover::steering
