#include "zones/snapshot.h"

#include <algorithm>
#include <unordered_map>

namespace swingover::zones {
namespace {

/// Whether two services give the same names and records: all that a compiled zone holds of them. Policy and
/// weights are the plan's.
bool same_names(const Service& a, const Service& b) {
  return a.name == b.name && a.ttl == b.ttl &&
         std::ranges::equal(a.pools, b.pools, [](const Pool& p, const Pool& q) {
           return p.cluster_name == q.cluster_name &&
                  std::ranges::equal(p.endpoints, q.endpoints, {}, &Endpoint::address,
                                     &Endpoint::address);
         });
}

/// Whether the zone of `old` was compiled with services that give the same names and records.
bool has_same_names(const Snapshot& previous, const ZoneTree::Entry& old,
                    std::span<const Service* const> services) {
  return std::ranges::equal(services, old.services, [&](const Service* now, ServiceId before) {
    return same_names(*now, previous.model->services[before.value]);
  });
}

/// The zone of `previous` that is this one to the octet; null if there is none.
std::shared_ptr<const Zone> reusable(const Snapshot* previous, const ZoneSource& source,
                                     std::span<const Service* const> services) {
  const ZoneTree::Entry* old = previous ? previous->zones.entry_of(source.apex) : nullptr;
  if (!old || !old->zone || old->zone->contents() != source.contents) return nullptr;
  return has_same_names(*previous, *old, services) ? old->zone : nullptr;
}

/// The services of each zone, by the longest apex at or above their names.
std::vector<std::vector<const Service*>> services_by_zone(const Model& model) {
  std::unordered_map<Name, size_t> zone_of;
  for (size_t i = 0; i < model.zones.size(); ++i) zone_of.emplace(model.zones[i].apex, i);
  std::vector<std::vector<const Service*>> out(model.zones.size());
  for (const Service& service : model.services) {
    for (Name name = service.name;; name = name.parent()) {
      if (const auto found = zone_of.find(name); found != zone_of.end()) {
        out[found->second].push_back(&service);
        break;
      }
      if (name.is_root()) break;
    }
  }
  return out;
}

/// A zone that secondaries have; `entry.zone` is that of before, if it is the same.
void compile_transfer(const ZoneSource& source, std::span<const Service* const> services,
                      const Snapshot* previous, Serials& serials, ZoneTree::Entry& entry) {
  const ZoneTree::Entry* old = previous ? previous->zones.entry_of(source.apex) : nullptr;
  const TransferZone* before = old ? old->transfer.get() : nullptr;
  if (entry.zone && before && before->shows_same(services, source.transfer.view)) {
    entry.transfer = TransferZone::with_secondaries(*before, source.transfer);
    return;
  }
  const std::shared_ptr<Zone> zone = Zone::build(source.contents, services);
  const Name name = source.apex.folded();
  const auto known = serials.find(name);
  const auto last = known == serials.end() ? std::nullopt : std::optional(known->second);
  entry.transfer = TransferZone::build(zone, services, source.transfer, last, before);
  entry.zone = zone;
  serials[name] = entry.transfer->state();
}

}  // namespace

std::shared_ptr<const Zone> unchanged_zone(const Snapshot& previous, const ZoneSource& source,
                                           std::span<const Service> services) {
  const ZoneTree::Entry* old = previous.zones.entry_of(source.apex);
  const auto before = std::ranges::find(previous.model->zones, source.apex, &ZoneSource::apex);
  if (!old || !old->zone || before == previous.model->zones.end()) return nullptr;
  if (!source.text || before->text != source.text) return nullptr;
  std::vector<const Service*> own;
  for (const Service& service : services) own.push_back(&service);
  if (!source.transfer.secondaries.empty() &&
      (!old->transfer || !old->transfer->shows_same(own, source.transfer.view))) {
    return nullptr;
  }
  return has_same_names(previous, *old, own) ? old->zone : nullptr;
}

const Service* Model::service(const Name& name) const {
  const auto found = std::ranges::find(services, name, &Service::name);
  return found == services.end() ? nullptr : &*found;
}

std::shared_ptr<const Snapshot> build_snapshot(std::shared_ptr<const Model> model,
                                               SnapshotOptions options, const Snapshot* previous) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->generation = options.generation;
  snapshot->pick_secret = options.pick_secret;
  snapshot->answering = std::move(options.answering);

  snapshot->serials = previous ? previous->serials : std::move(options.serials);
  const auto services = services_by_zone(*model);
  for (size_t i = 0; i < model->zones.size(); ++i) {
    const ZoneSource& source = model->zones[i];
    ZoneTree::Entry entry{
        .apex = source.apex, .zone = nullptr, .services = {}, .signing = source.signing};
    for (const Service* service : services[i]) entry.services.push_back(service->id);
    if (source.contents || source.unchanged) {
      entry.zone = source.unchanged ? source.unchanged : reusable(previous, source, services[i]);
      if (!source.transfer.secondaries.empty()) {
        compile_transfer(source, services[i], previous, snapshot->serials, entry);
      } else if (!entry.zone) {
        entry.zone = Zone::build(source.contents, services[i]);
      }
    }
    snapshot->zones.add(std::move(entry));
  }

  snapshot->plans = ServicePlans(model->services, model->topology);
  for (const Service& service : model->services) {
    snapshot->counts.pools += static_cast<uint32_t>(service.pools.size());
    for (const Pool& pool : service.pools) {
      snapshot->counts.endpoints += static_cast<uint32_t>(pool.endpoints.size());
    }
  }
  snapshot->sources = model->clients ? model->clients->map : SourceMap(model->topology);
  snapshot->eligibility = std::make_shared<EligibilityMap>(snapshot->counts.endpoints);
  snapshot->changes = std::make_shared<ChangeTimes>(model->services.size());
  snapshot->shares = std::make_shared<ShareRows>(snapshot->plans);
  snapshot->model = std::move(model);
  return snapshot;
}

}  // namespace swingover::zones
