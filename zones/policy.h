#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/units.h"
#include "zones/eligibility.h"
#include "zones/service.h"
#include "zones/topology.h"

namespace swingover::zones {

/// What a query reads of a service: its pools in the order in which they are tried, flat. Built once
/// a generation on the control thread (build_service_plan); immutable.
///
/// A *row* is the order for clients of one locality. Only the policy `local` has more than one: row 0
/// is for clients of no known locality, row i + 1 for locality i. A row is a list of *tiers*; pools of
/// one tier share by weight, a tier is used when no tier before it has what is asked for.
struct ServicePlan {
  struct Tier {
    uint32_t first_pool = 0;  // into tier_pools
    uint32_t pools = 0;
    bool last_resort = false;
    Nearness nearness = Nearness::anywhere;  // for explanations; policy `local` only
  };
  struct PlanPool {
    PoolId id;
    ClusterId cluster;
    uint32_t weight = 0;
    uint32_t first_endpoint = 0;  // into endpoints
    uint32_t endpoints = 0;
    bool is_target = false;  // its one endpoint is a name: answered as a CNAME whatever is asked
    uint64_t key = 0;        // of the cluster's name, for rendezvous picks; same on every edge
  };
  struct PlanEndpoint {
    EndpointId id;
    bool is_v4 = true;
    uint64_t key = 0;  // of the address, for rendezvous picks
  };
  struct Row {
    uint32_t first_tier = 0;  // into tiers
    uint32_t tiers = 0;
  };

  Policy policy = Policy::failover;
  WhenAllDown when_all_down = WhenAllDown::all;
  Sticky sticky = Sticky::none;
  uint32_t answers = 1;
  std::vector<Row> rows;  // at least one
  std::vector<Tier> tiers;
  std::vector<uint32_t> tier_pools;  // places in pools
  std::vector<PlanPool> pools;       // as configured: place = place in Service::pools
  std::vector<PlanEndpoint> endpoints;
};

ServicePlan build_service_plan(const Service& service, const Topology& topology);

enum class AddressFamily : uint8_t { v4, v6, any };

/// What a pick depends on besides health. Equal keys and health give equal choices.
struct PickKey {
  uint64_t client = 0;    // keyed hash of the client network; used by sticky = "client"
  uint32_t sequence = 0;  // the worker's count of answers of this service; used otherwise
};

enum class ChoiceOutcome : uint8_t { endpoints, nodata, servfail };

struct Choice {
  ChoiceOutcome outcome = ChoiceOutcome::nodata;
  Eligibility best = Eligibility::eligible;  // the class of what was chosen
  bool all_down = false;                     // `when_all_down` decided
  bool is_target = false;                    // the one endpoint is a name
  PoolId pool;         // of the first endpoint; one pool only, except policy `all`
  uint32_t count = 0;  // how many places of `out` are set
};

/// The heart of an answer: which endpoints does this client get, now.
///
/// Order     Tiers of the client's row, ordinary ones by eligible, then by unknown endpoints; then
///           last-resort tiers likewise; then `when_all_down`. A pool stands for a tier while any endpoint
///           of it, of either family, has the class looked for, so that A and AAAA come from one choice;
///           a chosen pool without an address of `family` gives nodata.
/// Weights   Among the pools of a tier: by weighted rendezvous when sticky, else by
///           a low-discrepancy sequence. Weight 0 takes part only when nothing heavier of its tier can.
/// Cost      O(pools + endpoints) of the service; no allocation, no lock. Hot path.
/// `out`     Places of ServicePlan::endpoints; as many as fit are set.
Choice choose(const ServicePlan& plan, LocalityId client_locality,
              const EligibilityMap& eligibility, AddressFamily family, PickKey key,
              std::span<uint32_t> out);

}  // namespace swingover::zones
