#pragma once

#include <cstdint>
#include <span>

#include "base/units.h"
#include "zones/eligibility.h"
#include "zones/service_plan.h"

namespace swingover::zones {

enum class AddressFamily : uint8_t { v4, v6, any };

/// What a pick depends on besides health. Equal keys and health give equal choices.
struct PickKey {
  uint64_t client = 0;          // keyed hash of the client network; used by sticky = "client"
  uint32_t sequence = 0;        // the worker's count of answers of this service; used otherwise
  bool is_many_caches = false;  // the client is no single cache: never sticky
};

enum class ChoiceOutcome : uint8_t { endpoints, nodata, servfail };

struct Choice {
  ChoiceOutcome outcome = ChoiceOutcome::nodata;
  Eligibility best = Eligibility::eligible;  // the class of what was chosen
  bool all_down = false;                     // `when_all_down` decided
  bool is_forbidden = false;                 // no pool may serve this client at all
  bool is_target = false;                    // the one endpoint is a name
  PoolId pool;         // of the first endpoint; one pool only, except policy `all`
  uint32_t count = 0;  // how many places of `out` are set
};

/// The heart of an answer: which endpoints does this client get, now. What is equal gives what is equal, so an answer
/// of long ago is explained by asking again with what held then.
///
/// Shares    Of a steered service: among the pools with a share that have an eligible endpoint, by share. When there
///           is none, as without shares: the tiers are the order of the backups.
/// Order     Tiers of the client's row, ordinary ones by eligible, then by unknown endpoints; then
///           last-resort tiers likewise; then `when_all_down`. A pool stands for a tier while any endpoint
///           of it, of either family, has the class looked for, so that A and AAAA come from one choice;
///           a chosen pool without an address of `family` gives nodata.
/// Fences    A pool that is in no tier of the row is never chosen. Without any tier there is no data, or SERVFAIL where
///           `when_all_down` says so.
/// Weights   Among the pools of a tier: by weighted rendezvous when sticky, else by
///           a low-discrepancy sequence. Weight 0 takes part only when nothing heavier of its tier can.
/// Cost      O(pools + endpoints) of the service, for the first tier alone when that can answer; no allocation,
///           no lock. Hot path.
/// `out`     Places of endpoints, as the plan counts them; as many as fit are set.
/// `shares`  The client's row of ShareRows, one a pool; empty: zeros, or the service is not steered.
Choice choose(const ServicePlan& plan, LocalityId client_locality,
              const EligibilityMap& eligibility, AddressFamily family, PickKey key,
              std::span<uint32_t> out, std::span<const uint16_t> shares = {});

}  // namespace swingover::zones
