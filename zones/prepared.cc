#include "zones/prepared.h"

#include "zones/snapshot.h"
#include "zones/worker_tally.h"

namespace swingover::zones {

void Prepared::read(Bytes packet, const Snapshot& snapshot) {
  packet_ = packet;
  query_ = {};
  entry_ = nullptr;
  node_ = nullptr;
  plan_ = nullptr;
  parsed_ = parse_query(packet, query_);
  if (parsed_ != ParseOutcome::fine) return;
  name_.assign(query_.name, snapshot.zones.key());
  entry_ = snapshot.zones.find(name_);
  if (entry_ && entry_->zone) entry_->zone->prefetch_slot(name_);
}

void Prepared::fetch_node() {
  if (!entry_ || !entry_->zone) return;
  node_ = entry_->zone->likely_node(name_);
  if (!node_) return;
  prefetch(node_);
  prefetch(reinterpret_cast<const uint8_t*>(node_) + cache_line_size);
}

void Prepared::fetch_plan(const Snapshot& snapshot) {
  if (!node_ || !(node_->flags & ZoneNode::is_service)) return;
  service_ = entry_->services[node_->service];
  plan_ = &snapshot.plans[service_.value];
  prefetch(plan_);
  prefetch(reinterpret_cast<const uint8_t*>(plan_) + cache_line_size);
}

void Prepared::fetch_tally(const Snapshot& snapshot, const WorkerTally& tally) const {
  if (!plan_) return;
  tally.prefetch_service(service_, plan_->pool_id(0));
  snapshot.eligibility->prefetch(plan_->endpoint_id(0));
  snapshot.changes->prefetch(service_);
  // Where the client is, nobody knows yet; the rows of a service with few pools lie close together.
  if (plan_->is_steered()) snapshot.shares->prefetch(*plan_, no_locality);
}

}  // namespace swingover::zones
