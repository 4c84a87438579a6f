#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "zones/answering.h"
#include "zones/change_times.h"
#include "zones/client_sources.h"
#include "zones/eligibility.h"
#include "zones/rule.h"
#include "zones/service.h"
#include "zones/service_plan.h"
#include "zones/share_rows.h"
#include "zones/source_map.h"
#include "zones/steering_options.h"
#include "zones/text_digest.h"
#include "zones/topology.h"
#include "zones/transfer_zone.h"
#include "zones/tsig.h"
#include "zones/zone_contents.h"
#include "zones/zone_signing.h"
#include "zones/zone_tree.h"

namespace swingover::zones {

/// One configured zone. Neither contents nor an unchanged zone: its file could not be loaded, every query for it is
/// answered SERVFAIL.
struct ZoneSource {
  Name apex;
  std::shared_ptr<const ZoneContents> contents{};  // may be dropped once it is compiled
  TransferOptions transfer{};
  std::optional<TextDigest> text{};              // of its file
  std::string warnings{};                        // about that, for people; whole lines
  std::shared_ptr<const Zone> unchanged{};       // instead of contents: see unchanged_zone()
  std::shared_ptr<const ZoneSigning> signing{};  // null: not signed
};

/// By the zone's name in lower case.
using Serials = std::unordered_map<Name, SerialState>;

/// Everything that answers are made of, as configured, except health. Immutable once shared.
struct Model {
  Topology topology;
  std::vector<Service> services;  // numbered: see number() in service.h
  std::vector<ZoneSource> zones;
  std::vector<TsigKey> tsig_keys;
  SteeringOptions steering{};
  std::vector<Rule> rules{};
  std::optional<ClientSources> clients{};  // absent: the topology alone says where clients are

  /// None of that name: null. O(services).
  const Service* service(const Name& name) const;
};

/// The immutable whole that answers come from (docs/architecture.md), with the three mutable parts beside it: the
/// eligibility map of this generation's endpoints, when its services may change, and the shares of those that are
/// steered within capacity.
struct Snapshot {
  uint64_t generation = 0;
  uint64_t pick_secret = 0;  // keys client hashes; the same for a process's life
  Answering answering;
  std::shared_ptr<const Model> model;
  ZoneTree zones;      // names of all zones and services, compiled
  ServicePlans plans;  // by ServiceId
  SourceMap sources;   // client address -> locality
  Counts counts;
  Serials serials;                              // of all zones that were ever transferred
  std::shared_ptr<EligibilityMap> eligibility;  // written by the control thread alone
  std::shared_ptr<ChangeTimes> changes;         // likewise
  std::shared_ptr<ShareRows> shares;            // likewise
};

struct SnapshotOptions {
  uint64_t generation = 1;
  uint64_t pick_secret = 0;
  Answering answering{};
  Serials serials{};  // what was served last, when there is no previous snapshot to tell
};

/// The zone of `previous` that its file would give again: the text is that one, and so are the services in the zone,
/// as far as their names and addresses go, and what secondaries are shown. Null if something changed. Any thread.
std::shared_ptr<const Zone> unchanged_zone(const Snapshot& previous, const ZoneSource& source,
                                           std::span<const Service> services);

/// Compiles `model`. Zones whose contents and services are those of `previous` are shared with it, not
/// built again. The eligibility map is new, all `unknown`, and so
/// are the times of changes; all shares are zero. The caller fills them before it publishes.
/// Cost: O(records of changed zones + services). Control path; any thread, model is only read.
std::shared_ptr<const Snapshot> build_snapshot(std::shared_ptr<const Model> model,
                                               SnapshotOptions options,
                                               const Snapshot* previous = nullptr);

}  // namespace swingover::zones
