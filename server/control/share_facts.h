#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/units.h"
#include "server/control/share_plans.h"
#include "zones/eligibility.h"
#include "zones/snapshot.h"

namespace swingover::control {

/// A pool that shares its cluster's capacity, was out alone, and is on its way back.
struct ReturningPool {
  uint32_t member = 0;  // of its group
  uint32_t pool = 0;    // of that service
  double factor = 1;    // the part of its share that it has back
  bool waits_for_person = false;
};

/// What shares are worked out from (GroupSolver): of what is, or of what would be. Groups, holders and rows are those of
/// one CapacityGroups.
///
/// Threads  Those of whoever knows the facts.
class ShareFacts {
 public:
  virtual ~ShareFacts() = default;

  virtual const zones::Snapshot& snapshot() const = 0;
  /// What is in answers.
  virtual const zones::EligibilityMap& eligibility() const = 0;
  /// Whether the endpoint is up, and out or needed for its flaps alone.
  virtual bool is_flapping(EndpointId id) const = 0;
  /// Whether any could be: else nobody is asked.
  virtual bool may_flap() const = 0;
  /// By holder: those whose flap holds yield to a shortage, and of which what flaps counts therefore. Empty: nobody's do,
  /// and what is in answers counts.
  virtual const std::vector<bool>& needed(uint32_t group) const = 0;

  struct Holder {
    double nominal = 0;   // its capacity: reported lately, else learnt, else configured
    double heard = 1;     // the part that counts while its cluster is silent
    double comeback = 1;  // the part that a ramp or a hold leaves of it
    bool waits_for_person = false;
  };
  virtual Holder holder(uint32_t group, size_t holder) const = 0;
  /// Those that are in, ascending by member and pool.
  virtual std::vector<ReturningPool> returning(uint32_t group) const = 0;

  /// By row.
  virtual void read_demands(ServiceId service, std::span<double> rows) const = 0;
  /// Those in force, by row, by pool. A forecast knows them of who is frozen.
  virtual std::span<const uint16_t> shares_in_force(ServiceId service) const = 0;
  virtual const SharePlans& plans() const = 0;
};

}  // namespace swingover::control
