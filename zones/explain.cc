#include "zones/explain.h"

#include <fmt/format.h>
#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "zones/client_reason.h"
#include "zones/found_tier.h"
#include "zones/policy.h"
#include "zones/protocol.h"
#include "zones/record_text.h"
#include "zones/resolve.h"

namespace swingover::zones {

namespace {

constexpr uint32_t samples = 256;  // of choose(), where `when_all_down` decides

std::string_view class_word(Eligibility eligibility) {
  switch (eligibility) {
    case Eligibility::eligible:
      return "eligible";
    case Eligibility::unknown:
      return "not yet known";
    case Eligibility::down:
      return "down";
    case Eligibility::excluded:
      return "drained";
  }
  return "";
}

/// Of endpoints together: who is held counts as who is not yet known.
std::string_view class_of_tier(Eligibility eligibility) {
  return eligibility == Eligibility::unknown ? "not yet known, or held" : class_word(eligibility);
}

std::vector<PoolShare> shares_of_tier(const ServicePlan& plan, const ServicePlan::Row& row,
                                      const FoundTier& found, const EligibilityMap& map) {
  std::vector<PoolShare> shares;
  double total = 0;
  for (const uint32_t pool : row.pools_of(found.tier)) {
    if (!has_endpoint(plan, pool, found.best, map)) continue;
    shares.push_back({pool, static_cast<double>(plan.pools()[pool].weight)});
    total += shares.back().share;
  }
  const bool is_equal =
      plan.policy() == Policy::all || total == 0;  // weight 0: nothing heavier can
  if (is_equal) {
    for (PoolShare& share : shares) share.share = 1;
    total = static_cast<double>(shares.size());
  }
  for (PoolShare& share : shares) share.share /= total;
  std::erase_if(shares, [](const PoolShare& share) { return share.share == 0; });
  std::sort(shares.begin(), shares.end(),
            [](const PoolShare& a, const PoolShare& b) { return a.place < b.place; });
  return shares;
}

std::vector<PoolShare> sampled_shares(const ServicePlan& plan, LocalityId locality,
                                      const EligibilityMap& map) {
  std::vector<double> counts(plan.pools().size());
  std::vector<uint32_t> out(std::max<size_t>(plan.endpoints(), 1));
  double total = 0;
  for (uint32_t i = 0; i < samples; ++i) {
    const PickKey key{i * 0x9e3779b97f4a7c15U, i};
    const Choice choice = choose(plan, locality, map, AddressFamily::any, key, out);
    if (choice.outcome != ChoiceOutcome::endpoints) continue;
    std::vector<bool> seen(counts.size());
    for (uint32_t n = 0; n < choice.count; ++n) {
      for (uint32_t p = 0; p < counts.size(); ++p) {
        const ServicePlan::PlanPool& pool = plan.pools()[p];
        if (seen[p] || out[n] < pool.first_endpoint ||
            out[n] >= pool.first_endpoint + pool.endpoints)
          continue;
        seen[p] = true;
        ++counts[p];
        ++total;
      }
    }
  }
  std::vector<PoolShare> shares;
  for (uint32_t p = 0; p < counts.size(); ++p) {
    if (counts[p] > 0) shares.push_back({p, counts[p] / total});
  }
  return shares;
}

/// Of the client's row; empty when it says nothing, or nothing that it says is eligible.
std::vector<PoolShare> shares_of_client(const ServicePlan& plan, const ShareRows& rows,
                                        LocalityId locality, const EligibilityMap& map) {
  std::vector<PoolShare> shares;
  std::vector<uint16_t> row(plan.pools().size());
  if (!plan.is_steered() || !rows.read(plan, locality, row)) return shares;
  double total = 0;
  for (const uint32_t pool : plan.row(locality).allowed()) {
    if (row[pool] == 0 || !has_endpoint(plan, pool, Eligibility::eligible, map)) continue;
    shares.push_back({pool, static_cast<double>(row[pool])});
    total += row[pool];
  }
  for (PoolShare& share : shares) share.share /= total;
  std::ranges::sort(shares, {}, &PoolShare::place);
  return shares;
}

/// With two digits: shares are whole parts of 10,000.
std::string exact_percent(double share) {
  return fmt::format("{:.2f} %", share * 100);
}

std::string percent(double share) {
  return std::to_string(static_cast<int>(share * 100 + 0.5)) + "%";
}

std::string_view nearness_word(Nearness nearness) {
  switch (nearness) {
    case Nearness::same_locality:
      return "in the client's locality";
    case Nearness::same_region:
      return "in the client's region";
    case Nearness::near:
      return "near the client's locality";
    case Nearness::anywhere:
      return "anywhere";
  }
  return "";
}

/// CLUSTER.on.SERVICE: that pool, whatever its health.
struct DebugName {
  const Service* service = nullptr;
  const Pool* pool = nullptr;
};
DebugName debug_name(const Snapshot& snapshot, const Name& name) {
  if (name.labels() < 3) return {};
  const Service* service = snapshot.model->service(name.parent().parent());
  if (!service) return {};
  for (const Pool& pool : service->pools) {
    const Result<Name> on = Name::child("on", service->name);
    if (!on) continue;
    const Result<Name> full = Name::child(pool.cluster_name, *on);
    if (full && *full == name) return {service, &pool};
  }
  return {};
}

std::string pool_reason(const Service& service, const ServicePlan& plan, uint32_t place,
                        const EligibilityMap& map) {
  const Pool& pool = service.pools[place];
  uint32_t eligible = 0;
  for (const Endpoint& endpoint : pool.endpoints) {
    if (map.get(endpoint.id) == Eligibility::eligible) ++eligible;
  }
  std::string reason;
  if (plan.policy() == Policy::failover)
    reason = "priority " + std::to_string(pool.priority) + ", ";
  if (pool.last_resort) reason += "last resort, ";
  return reason + std::to_string(eligible) + " of " + std::to_string(pool.endpoints.size()) +
         " endpoints eligible";
}

class Teller {
 public:
  using IsManyCaches = std::function<bool(const Service&)>;

  /// `tally`: of the answer that is explained.
  Teller(const Snapshot& snapshot, const WorkerTally& tally, const Insight& insight,
         IsManyCaches is_many_caches, Explanation& out)
      : snapshot_(snapshot),
        tally_(tally),
        insight_(insight),
        is_many_caches_(std::move(is_many_caches)),
        out_(out) {}

  void step(std::string what, std::string result, std::string reason) {
    out_.steps.push_back({std::move(what), std::move(result), std::move(reason)});
  }

  void service(const Service& service, const Located& located) {
    const ServicePlan& plan = snapshot_.plans[service.id.value];
    const LocalityId locality = locality_for(plan, located);
    const EligibilityMap& map = *snapshot_.eligibility;
    const ServicePlan::Row row = plan.row(locality);
    const bool is_by_shares = !shares_of_client(plan, *snapshot_.shares, locality, map).empty();
    const auto found = is_by_shares ? std::nullopt : find_tier(plan, row, map);
    const std::vector<PoolShare> shares = pool_shares(plan, *snapshot_.shares, locality, map);
    step("service", service.name.folded().text(), "policy " + std::string(word(service.policy)));
    ttl(service, plan);
    if (locality != located.locality) fence(located);
    row_.assign(service.pools.size(), 0);
    if (plan.is_steered()) row_of_shares(service, locality, is_by_shares);
    if (insight_.shaping) {
      for (Explanation::Step& shaping : insight_.shaping(service))
        out_.steps.push_back(std::move(shaping));
    }
    locality_ = locality;
    if (plan.sticky() == Sticky::client) stickiness(service);
    if (is_by_shares) {
      for (const uint32_t place : row.allowed()) pool(service, place, shares, true);
      forbidden(service, row);
      return;
    }
    if (row.tiers.empty()) {
      step("only_regions", "prohibited", "no pool serves clients from there, whatever is up");
    } else if (!found) {
      step("all down", std::string(word(service.when_all_down)),
           "no pool has an endpoint that is eligible or not yet known: when_all_down decides");
    }
    for (size_t t = 0; t < row.tiers.size(); ++t) {
      const ServicePlan::Tier& tier = row.tiers[t];
      const bool is_used = found && found->tier == t;
      std::string reason(class_of_tier(found ? found->best : Eligibility::down));
      reason = is_used ? "first with endpoints that are " + reason
                       : "not used: " + std::string(found ? "another comes first" : "all down");
      if (plan.policy() == Policy::local)
        reason += "; " + std::string(nearness_word(tier.nearness));
      if (tier.last_resort) reason += "; last resort";
      step("tier " + std::to_string(t + 1), is_used ? "used" : "passed over", reason);
      for (const uint32_t place : row.pools_of(t)) pool(service, place, shares, false);
    }
    forbidden(service, row);
  }

 private:
  void fence(const Located& located) {
    const std::string& nearest = snapshot_.model->topology.localities[located.locality.value].name;
    step("only_regions", "outside",
         nearest +
             " is only the nearest locality by coordinates: to a service with fences such a "
             "client is of no known one");
  }

  void forbidden(const Service& service, const ServicePlan::Row& row) {
    for (const uint32_t place : row.forbidden()) {
      const Pool& pool = service.pools[place];
      step("pool " + pool.cluster_name, "prohibited",
           "only for clients of " + joined(pool.only_regions, ", "));
    }
  }

  /// Who gets which part of the locality's clients, by capacity.
  void row_of_shares(const Service& service, LocalityId locality, bool is_used) {
    const bool has_row = snapshot_.shares->read(service.id, ShareRows::row_of(locality), row_);
    std::string all;
    for (size_t i = 0; i < row_.size(); ++i) {
      if (row_[i] == 0) continue;
      all += (all.empty() ? "" : ", ") + service.pools[i].cluster_name + " " +
             exact_percent(row_[i] / double{ShareRows::whole});
    }
    if (!has_row) {
      step("shares", "none", "no shares within capacity are in force here: the tiers decide");
    } else if (is_used) {
      step("shares", "used", "within capacity: " + all);
    } else {
      step("shares", "passed over", "within capacity: " + all + "; none of them is eligible");
    }
  }

  void stickiness(const Service& service) {
    if (is_many_caches_(service)) {
      step("sticky", "no",
           fmt::format("the client's network got more than {} answers within a TTL, so it is many "
                       "caches: each answer is picked anew",
                       ManyCaches::answers_max));
    } else {
      step("sticky", "yes", "the client's network keeps its pool");
    }
  }

  void ttl(const Service& service, const ServicePlan& plan) {
    const Ttl ttl = plan.ttl(snapshot_.changes->get(service.id), insight_.now);
    std::string reason = insight_.change ? insight_.change(service.id) : std::string();
    if (ttl < plan.ttl()) {
      const std::string bound = ttl == service.least_ttl() ? "ttl_min" : "counts down";
      reason = reason.empty() ? bound : bound + ": " + reason;
    } else {
      reason = reason.empty() ? "ttl: nothing speaks of a change" : "ttl: " + reason;
    }
    step("ttl", std::to_string(ttl.value) + " s", reason);
  }

  void pool(const Service& service, uint32_t place, const std::vector<PoolShare>& shares,
            bool is_by_shares) {
    const Pool& pool = service.pools[place];
    const auto share = std::find_if(shares.begin(), shares.end(),
                                    [&](const PoolShare& s) { return s.place == place; });
    std::string result = "passed over";
    if (share != shares.end()) {
      result = shares.size() == 1 ? "chosen" : "shares " + percent(share->share);
      if (is_by_shares) {
        result = "share " + exact_percent(share->share);
        if (tally_.answers(service.id, pool.id) > 0) result += ", chosen";
      }
    }
    const ServicePlan& plan = snapshot_.plans[service.id.value];
    std::string why = pool_reason(service, plan, place, *snapshot_.eligibility);
    if (is_by_shares && share == shares.end() && row_[place] > 0)
      why += "; its share of " + exact_percent(row_[place] / double{ShareRows::whole}) +
             " goes to the others";
    if (insight_.pool && plan.is_steered()) {
      const std::string more = insight_.pool(service, place, locality_);
      if (!more.empty()) why += "; " + more;
    }
    step("pool " + pool.cluster_name, result, why);
    for (const Endpoint& endpoint : pool.endpoints) {
      const bool is_given = std::any_of(
          out_.answers.begin(), out_.answers.end(),
          [&](const std::string& line) { return line.ends_with(" " + endpoint.text()); });
      const bool is_held = insight_.is_held && insight_.is_held(endpoint.id);
      std::string reason(is_held ? "held" : class_word(snapshot_.eligibility->get(endpoint.id)));
      const std::string told = insight_.endpoint ? insight_.endpoint(endpoint.id) : std::string();
      if (!told.empty()) reason += ": " + told;
      step("endpoint " + endpoint.text(), is_given ? "answered" : "not answered", reason);
    }
  }

  const Snapshot& snapshot_;
  const WorkerTally& tally_;
  const Insight& insight_;
  IsManyCaches is_many_caches_;
  Explanation& out_;
  std::vector<uint16_t>
      row_;  // of the client, of the service that is told; 0 where none is in force
  LocalityId locality_ = no_locality;
};

bool is_answered_from(const Service& service, const WorkerTally& tally) {
  return std::any_of(service.pools.begin(), service.pools.end(),
                     [&](const Pool& pool) { return tally.answers(service.id, pool.id) > 0; });
}

std::vector<uint8_t> query_packet(const Name& name, uint16_t type) {
  const Bytes wire = name.wire();
  std::vector<uint8_t> packet(header_size + wire.size() + 4);
  packet[5] = 1;  // one question
  auto at = std::copy(wire.begin(), wire.end(), packet.begin() + header_size);
  for (const unsigned word : {unsigned{type}, unsigned{dns_class::in}}) {
    *at++ = static_cast<uint8_t>(word >> 8);
    *at++ = static_cast<uint8_t>(word);
  }
  return packet;
}

}  // namespace

std::vector<PoolShare> tier_shares(const ServicePlan& plan, LocalityId locality,
                                   const EligibilityMap& eligibility) {
  const ServicePlan::Row row = plan.row(locality);
  const auto found = find_tier(plan, row, eligibility);
  return found ? shares_of_tier(plan, row, *found, eligibility) : std::vector<PoolShare>{};
}

std::vector<PoolShare> pool_shares(const ServicePlan& plan, const ShareRows& rows,
                                   LocalityId locality, const EligibilityMap& eligibility) {
  std::vector<PoolShare> shares = shares_of_client(plan, rows, locality, eligibility);
  if (shares.empty()) shares = tier_shares(plan, locality, eligibility);
  return shares.empty() ? sampled_shares(plan, locality, eligibility) : shares;
}

Explanation explain(const Snapshot& snapshot, const Name& name, uint16_t type,
                    const IpAddress& client, const Insight& insight) {
  Explanation out;
  WorkerTally tally(snapshot, 0);
  const uint64_t client_hash = client_key(client, snapshot.pick_secret);
  const auto is_many_caches = [&](const Service& service) {
    return insight.is_many_caches && insight.is_many_caches(service.id, client_hash);
  };
  // Told to the tally as to that of a worker.
  for (const Service& service : snapshot.model->services) {
    if (service.sticky != Sticky::client || !is_many_caches(service)) continue;
    for (uint32_t i = 0; i < ManyCaches::answers_max; ++i)
      tally.many_caches().note(service.id, client_hash, service.ttl, insight.now);
  }
  const std::vector<uint8_t> packet = query_packet(name, type);
  std::vector<uint8_t> answer(65535);
  const Outcome outcome =
      respond(packet, {.address = client, .transport = Transport::tcp, .now = insight.now},
              snapshot, tally, answer);
  out.rcode = outcome.rcode;
  out.answers = answer_lines(Bytes(answer).first(outcome.size));

  const ZoneSource* zone = nullptr;
  for (const ZoneSource& source : snapshot.model->zones) {
    if (!name.is_at_or_below(source.apex)) continue;
    if (!zone || source.apex.labels() > zone->apex.labels()) zone = &source;
  }
  Teller teller(snapshot, tally, insight, is_many_caches, out);
  if (!zone) {
    teller.step("zone", "none", "the name is in none of this server's zones: refused");
    return out;
  }
  out.zone = zone->apex.folded().text();
  const ZoneTree::Entry* loaded = snapshot.zones.entry_of(zone->apex);
  if (!loaded || !loaded->zone) {
    teller.step("zone", out.zone, "its file could not be loaded: server failure");
    return out;
  }
  teller.step("zone", out.zone, "closest enclosing zone");

  const Located located = locate({}, client, snapshot.sources);
  if (located.locality != no_locality) {
    out.locality = snapshot.model->topology.localities[located.locality.value].name;
  }
  const auto tell_service = [&](const Service& told) {
    if (out.service.empty()) out.service = told.name.folded().text();
    for (const Pool& pool : told.pools) {
      if (tally.answers(told.id, pool.id) > 0 && out.pool.empty()) out.pool = pool.cluster_name;
    }
    teller.service(told, located);
  };
  teller.step("locality", out.locality.empty() ? "none" : out.locality,
              client_reason(*snapshot.model, client));
  const Service* service = snapshot.model->service(name);
  if (service) {
    out.choices = choices_of(snapshot, service->id, type, client);
    tell_service(*service);
  } else if (const DebugName debug = debug_name(snapshot, name); debug.service) {
    out.service = debug.service->name.folded().text();
    out.pool = debug.pool->cluster_name;
    const bool is_inside = debug.pool->serves(
        snapshot.model->topology, locality_for(snapshot.plans[debug.service->id.value], located));
    if (is_inside) {
      teller.step("pool " + out.pool, "chosen", "asked for by name, whatever its health");
    } else {
      teller.step("pool " + out.pool, "prohibited",
                  "only for clients of " + joined(debug.pool->only_regions, ", "));
    }
  } else {
    teller.step("records", out.rcode == rcode::no_error ? "found" : rcode_text(out.rcode),
                "static content of the zone");
  }
  // A chain of CNAMEs, static or of a target pool, may go on to services: the tally knows which were chosen from.
  for (const Service& next : snapshot.model->services) {
    if (&next == service || !is_answered_from(next, tally)) continue;
    if (out.choices.empty()) out.choices = choices_of(snapshot, next.id, type, client);
    tell_service(next);
  }
  return out;
}

}  // namespace swingover::zones
