#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "zones/lookup_name.h"
#include "zones/query.h"
#include "zones/service_plan.h"
#include "zones/zone_tree.h"

namespace swingover::zones {

struct Snapshot;
class WorkerTally;

/// A query with its name folded and hashed, so that what its answer reads can be fetched ahead.
///
/// In a large table each step of an answer waits for memory: the slot, the node, a service's plan, its
/// eligibility and tally. Who has a batch of queries makes each step for all of them before the next one, and the
/// waits overlap. The steps behind read() only ask for memory: an answer is the same without them.
///
/// Shape    About 2 KiB, most of it never touched; used again and again.
/// Threads  One. No allocation. Hot path.
class Prepared {
 public:
  Prepared() {}  // NOLINT: a name stays unset until there is one

  /// `packet` must stay; so must the snapshot, until the answer is written.
  void read(Bytes packet, const Snapshot& snapshot);

  Bytes packet() const { return packet_; }

  void fetch_node();
  void fetch_plan(const Snapshot& snapshot);
  void fetch_tally(const Snapshot& snapshot, const WorkerTally& tally) const;

 private:
  friend class Exchange;

  Bytes packet_;
  Query query_;
  ParseOutcome parsed_ = ParseOutcome::too_short;
  const ZoneTree::Entry* entry_ = nullptr;  // the zone of name_; null: of none, or there is no name
  const ZoneNode* node_ = nullptr;  // what name_ most likely finds; null: nothing, or not looked at
  const ServicePlan* plan_ = nullptr;  // of the service there
  ServiceId service_;
  LookupName name_;  // set when parsed_ is fine
};

}  // namespace swingover::zones
