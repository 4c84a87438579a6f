#include "zones/policy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "base/random.h"

namespace swingover::zones {
namespace {

// Two irrational steps of a Weyl sequence, as parts of 2^64: the golden ratio spreads a few points best,
// and the square root of 2 is independent of it, so that which endpoint of a pool is answered says
// nothing of which pool was. Neither is a fraction with a small denominator: a resolver that always asks
// A, AAAA, A, AAAA sees every endpoint of either family.
constexpr uint64_t golden_step = 0x9e3779b97f4a7c15U;
constexpr uint64_t root2_step = 0x6a09e667f3bcc909U;

/// In [0, bound), evenly: the `sequence`-th point of the Weyl sequence of `step`.
uint64_t weyl_below(uint32_t sequence, uint64_t step, uint64_t bound) {
  const uint64_t point = sequence * step;
  return static_cast<uint64_t>(static_cast<Wide>(point) * bound >> 64);
}

/// A bijection of 64 bits in which each bit depends on all (the finaliser of SplitMix64).
uint64_t mixed(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

uint64_t rendezvous_hash(uint64_t client, uint64_t candidate) {
  return mixed(mixed(client + golden_step) ^ candidate);
}

/// How much this client wants this pool; the pool with the highest score gets it: rendezvous hashing, weighted
/// by the logarithmic method, so that a pool that goes or comes moves only its own share of the clients.
double rendezvous_score(uint64_t client, uint64_t pool_key, uint32_t weight) {
  const uint64_t hash = rendezvous_hash(client, pool_key);
  const double u = (static_cast<double>(hash >> 11) + 0.5) * 0x1.0p-53;  // above 0, below 1
  return -static_cast<double>(weight) / std::log(u);
}

/// Most answers: not sticky, not of all pools, and the shares or the first tier with anything eligible decide. Reads
/// each endpoint's byte once, into a mask, so nothing can change under it; gives what Chooser would.
class PlainChooser {
 public:
  PlainChooser(const ServicePlan& plan, const EligibilityMap& eligibility, AddressFamily family,
               uint32_t sequence)
      : plan_(plan), eligibility_(eligibility), family_(family), sequence_(sequence) {}

  /// False: no ordinary tier has an eligible endpoint, and Chooser must look further.
  bool run(const ServicePlan::Row& row, std::span<uint32_t> out, Choice& choice) const {
    for (size_t tier = 0; tier < row.tiers.size() && !row.tiers[tier].last_resort; ++tier) {
      Picked picked;
      if (!pick(row.pools_of(tier), picked)) continue;
      choice.pool = plan_.pool_id(picked.place);
      set(picked, out, choice);
      return true;
    }
    return false;
  }

  /// False: no pool with a share has an eligible endpoint.
  bool run_by_shares(const ServicePlan::Row& row, std::span<const uint16_t> shares,
                     std::span<uint32_t> out, Choice& choice) const {
    Picked picked;
    if (!pick_by_shares(row.allowed(), shares, picked)) return false;
    choice.pool = plan_.pool_id(picked.place);
    set(picked, out, choice);
    return true;
  }

 private:
  using Mask = uint64_t;  // of a pool's endpoints, the first in the lowest bit
  struct Picked {
    uint16_t place = 0;
    Mask eligible = 0;
  };

  Mask eligible_of(const ServicePlan::PlanPool& pool) const {
    Mask mask = 0;
    for (uint32_t i = 0; i < pool.endpoints; ++i) {
      const EndpointId id = plan_.endpoint_id(pool.first_endpoint + i);
      mask |= Mask{eligibility_.get(id) == Eligibility::eligible} << i;
    }
    return mask;
  }

  /// By weight; pools without weight are equals among themselves, once nothing heavier is there.
  bool pick(std::span<const uint16_t> places, Picked& picked) const {
    std::array<Picked, ServicePlan::plain_pools_max> usable;
    size_t count = 0;
    uint64_t total = 0;
    for (const uint16_t place : places) {
      const ServicePlan::PlanPool& pool = plan_.pools()[place];
      const Mask eligible = eligible_of(pool);
      if (eligible == 0) continue;
      usable[count++] = {place, eligible};
      total += pool.weight;
    }
    if (count == 0) return false;
    size_t chosen = 0;
    if (count > 1) {
      const bool weightless = total == 0;
      uint64_t point = weyl_below(sequence_, golden_step, weightless ? count : total);
      for (;; ++chosen) {
        const uint64_t width = weightless ? 1 : plan_.pools()[usable[chosen].place].weight;
        if (point < width) break;
        point -= width;
      }
    }
    picked = usable[chosen];
    return true;
  }

  bool pick_by_shares(std::span<const uint16_t> places, std::span<const uint16_t> shares,
                      Picked& picked) const {
    std::array<Picked, ServicePlan::plain_pools_max> usable;
    size_t count = 0;
    uint32_t total = 0;
    for (const uint16_t place : places) {
      if (shares[place] == 0) continue;
      const Mask eligible = eligible_of(plan_.pools()[place]);
      if (eligible == 0) continue;
      usable[count++] = {place, eligible};
      total += shares[place];
    }
    if (count == 0) return false;
    size_t chosen = 0;
    if (count > 1) {
      uint64_t point = weyl_below(sequence_, golden_step, total);
      for (; point >= shares[usable[chosen].place]; ++chosen) point -= shares[usable[chosen].place];
    }
    picked = usable[chosen];
    return true;
  }

  /// Of the pool's eligible endpoints those of the family, from one of them on round the ring.
  void set(const Picked& picked, std::span<uint32_t> out, Choice& choice) const {
    const ServicePlan::PlanPool& pool = plan_.pools()[picked.place];
    choice.is_target = plan_.is_target(pool);
    Mask left = choice.is_target ? picked.eligible : of_family(pool, picked.eligible);
    const auto candidates = static_cast<uint32_t>(std::popcount(left));
    const auto room = static_cast<uint32_t>(out.size());
    const uint32_t wanted = plan_.answers() == 0 ? room : std::min(plan_.answers(), room);
    choice.count = std::min(wanted, candidates);
    choice.outcome = choice.count > 0 ? ChoiceOutcome::endpoints : ChoiceOutcome::nodata;
    Mask passed = 0;
    for (auto skip = weyl_below(sequence_, root2_step, candidates); skip > 0; --skip) {
      passed |= left & (~left + 1);
      left &= left - 1;
    }
    for (uint32_t i = 0; i < choice.count; ++i) {
      if (left == 0) left = passed;
      out[i] = pool.first_endpoint + static_cast<uint32_t>(std::countr_zero(left));
      left &= left - 1;
    }
  }

  Mask of_family(const ServicePlan::PlanPool& pool, Mask eligible) const {
    if (family_ == AddressFamily::any) return eligible;
    if (plan_.is_all_v4()) return family_ == AddressFamily::v4 ? eligible : 0;
    const auto wanted =
        family_ == AddressFamily::v4 ? ServicePlan::Kind::v4 : ServicePlan::Kind::v6;
    Mask out = 0;
    for (Mask left = eligible; left != 0; left &= left - 1) {
      const auto i = static_cast<uint32_t>(std::countr_zero(left));
      if (plan_.kind(pool.first_endpoint + i) == wanted) out |= left & (~left + 1);
    }
    return out;
  }

  const ServicePlan& plan_;
  const EligibilityMap& eligibility_;
  AddressFamily family_;
  uint32_t sequence_;
};

/// One question of one client, while its answer is looked for.
class Chooser {
 public:
  Chooser(const ServicePlan& plan, const EligibilityMap& eligibility, AddressFamily family,
          PickKey key, std::span<uint32_t> out, std::span<const uint16_t> shares)
      : plan_(plan),
        eligibility_(eligibility),
        family_(family),
        key_(key),
        out_(out),
        shares_(shares) {}

  Choice run(const ServicePlan::Row& row);
  /// The map changed while it was read, and nothing of the class is left where it was found.
  bool is_overtaken() const { return overtaken_; }

 private:
  using PlanPool = ServicePlan::PlanPool;
  using Places = std::span<const uint16_t>;

  bool find_by_shares(Places places);
  bool find_in_tiers(const ServicePlan::Row& row, bool last_resort, Eligibility wanted);
  bool find_when_all_down(const ServicePlan::Row& row);
  void choose_in(Places places);
  bool choose_from_all(Places places);
  uint16_t pick_pool(Places places) const;
  uint16_t pick_by_sequence(Places places) const;
  uint16_t pick_by_client(Places places) const;
  void answer(Places places);
  void rotate(Places places);
  void rank(Places places);
  template <class Visit>
  void for_each_candidate(Places places, Visit visit);

  bool is_sticky() const { return plan_.sticky() == Sticky::client && !key_.is_many_caches; }
  /// What the pool weighs against others.
  uint32_t weight_of(uint16_t place) const {
    return by_shares_ ? shares_[place] : plan_.pools()[place].weight;
  }
  bool is_candidate(uint16_t place) const {
    return (!by_shares_ || shares_[place] > 0) && has_class(plan_.pools()[place]);
  }
  bool has_class(const PlanPool& pool) const {
    for (uint32_t i = 0; i < pool.endpoints; ++i) {
      if (eligibility_.get(plan_.endpoint_id(pool.first_endpoint + i)) == class_) return true;
    }
    return false;
  }
  bool is_asked_for(uint32_t place) const {
    const ServicePlan::Kind kind = plan_.kind(place);
    return kind == ServicePlan::Kind::target || family_ == AddressFamily::any ||
           (kind == ServicePlan::Kind::v4) == (family_ == AddressFamily::v4);
  }
  uint32_t answers_max() const {
    const auto room = static_cast<uint32_t>(out_.size());
    return plan_.answers() == 0 ? room : std::min(plan_.answers(), room);
  }

  const ServicePlan& plan_;
  const EligibilityMap& eligibility_;
  AddressFamily family_;
  PickKey key_;
  std::span<uint32_t> out_;
  std::span<const uint16_t> shares_;
  bool by_shares_ = false;  // pools are picked by them now, else by their weights
  Eligibility class_ = Eligibility::eligible;  // looked for now
  bool gathers_ = false;  // policy `all`: candidates come from every pool of the tier that is ...
  bool weightless_ = false;  // ... weightless or not, and has addresses
  bool saw_class_ = false;   // while candidates were gone through, of either family
  bool overtaken_ = false;
  Choice choice_;
};

Choice Chooser::run(const ServicePlan::Row& row) {
  if (row.tiers.empty() && plan_.endpoints() > 0) {
    choice_.is_forbidden = true;
    if (plan_.when_all_down() == WhenAllDown::servfail) choice_.outcome = ChoiceOutcome::servfail;
    return choice_;
  }
  if (!shares_.empty() && find_by_shares(row.allowed())) return choice_;
  for (const bool last_resort : {false, true}) {
    for (const Eligibility wanted : {Eligibility::eligible, Eligibility::unknown}) {
      if (find_in_tiers(row, last_resort, wanted)) return choice_;
    }
  }
  choice_.all_down = true;
  choice_.best = Eligibility::down;
  switch (plan_.when_all_down()) {
    case WhenAllDown::nodata:
      break;
    case WhenAllDown::servfail:
      choice_.outcome = ChoiceOutcome::servfail;
      break;
    case WhenAllDown::all:
    case WhenAllDown::last_resort:
      if (!find_when_all_down(row)) overtaken_ = plan_.endpoints() > 0;
      break;
  }
  return choice_;
}

/// Chooses among the pools with a share; false if none of them has anything eligible.
bool Chooser::find_by_shares(Places places) {
  by_shares_ = true;
  const bool found =
      std::ranges::any_of(places, [this](uint16_t place) { return is_candidate(place); });
  if (found) choose_in(places);
  by_shares_ = false;
  return found;
}

/// Chooses in the first tier that has an endpoint of the class; false if none has.
bool Chooser::find_in_tiers(const ServicePlan::Row& row, bool last_resort, Eligibility wanted) {
  class_ = wanted;
  for (size_t tier = 0; tier < row.tiers.size(); ++tier) {
    if (row.tiers[tier].last_resort != last_resort) continue;
    const Places places = row.pools_of(tier);
    if (std::none_of(places.begin(), places.end(),
                     [&](uint32_t place) { return has_class(plan_.pools()[place]); })) {
      continue;
    }
    choose_in(places);
    return true;
  }
  return false;
}

/// Nothing is eligible or unknown, so every endpoint is `down` or `excluded`; what a person drained comes last.
bool Chooser::find_when_all_down(const ServicePlan::Row& row) {
  const std::array classes{Eligibility::down, Eligibility::excluded};
  if (plan_.when_all_down() == WhenAllDown::last_resort) {
    for (const Eligibility wanted : classes) {
      if (find_in_tiers(row, true, wanted)) return true;
    }
    // A service without last-resort pools has nothing to keep for this hour: answering something that
    // may be back by the time the client connects beats answering nothing.
  }
  for (const Eligibility wanted : classes) {
    if (find_in_tiers(row, false, wanted) || find_in_tiers(row, true, wanted)) return true;
  }
  return false;
}

void Chooser::choose_in(Places places) {
  choice_.best = class_;
  if (plan_.policy() == Policy::all && choose_from_all(places)) return;
  const uint16_t place = pick_pool(places);
  choice_.pool = plan_.pool_id(place);
  choice_.is_target = plan_.is_target(plan_.pools()[place]);
  answer({&place, 1});
}

/// Policy `all`. A CNAME stands alone, so targets are for tiers without a usable address (false).
bool Chooser::choose_from_all(Places places) {
  gathers_ = true;
  for (const bool weightless : {false, true}) {
    weightless_ = weightless;
    const auto usable = std::find_if(places.begin(), places.end(), [&](uint32_t place) {
      const PlanPool& pool = plan_.pools()[place];
      return !plan_.is_target(pool) && (pool.weight == 0) == weightless && has_class(pool);
    });
    if (usable == places.end()) continue;
    answer(places);
    choice_.pool = plan_.pool_id(*usable);
    for (const uint32_t place : places) {
      const PlanPool& pool = plan_.pools()[place];
      const bool holds_first = choice_.count > 0 && out_[0] >= pool.first_endpoint &&
                               out_[0] - pool.first_endpoint < pool.endpoints;
      if (holds_first) choice_.pool = plan_.pool_id(place);
    }
    return true;
  }
  gathers_ = false;
  return false;
}

uint16_t Chooser::pick_pool(Places places) const {
  if (places.size() == 1) return places.front();
  return is_sticky() ? pick_by_client(places) : pick_by_sequence(places);
}

uint16_t Chooser::pick_by_sequence(Places places) const {
  uint64_t total = 0;
  uint32_t usable = 0;
  uint16_t fallback = places.front();
  for (const uint16_t place : places) {
    if (!is_candidate(place)) continue;
    if (usable++ == 0) fallback = place;
    total += weight_of(place);
  }
  if (usable <= 1) return fallback;
  // Pools without weight are equals among themselves, once nothing heavier is there.
  const bool weightless = total == 0;
  uint64_t point = weyl_below(key_.sequence, golden_step, weightless ? usable : total);
  for (const uint16_t place : places) {
    if (!is_candidate(place)) continue;
    const uint64_t width = weightless ? 1 : weight_of(place);
    if (point < width) return place;
    point -= width;
  }
  return fallback;  // the map changed between the two passes
}

uint16_t Chooser::pick_by_client(Places places) const {
  uint16_t best = places.front();  // if the map changed since the tier was found
  double best_score = -std::numeric_limits<double>::infinity();
  for (const uint16_t place : places) {
    if (!is_candidate(place)) continue;
    // Scores are above 0. Weightless pools rank below all others by the negative of theirs.
    const uint64_t key = plan_.pool_key(place);
    const uint32_t weight = weight_of(place);
    const double score = weight > 0 ? rendezvous_score(key_.client, key, weight)
                                    : -rendezvous_score(key_.client, key, 1);
    if (score > best_score) {
      best = place;
      best_score = score;
    }
  }
  return best;
}

/// Sets `out` from the endpoints of these pools that have the class and the family.
void Chooser::answer(Places places) {
  if (is_sticky()) {
    rank(places);
  } else {
    rotate(places);
  }
  if (choice_.count == 0 && !saw_class_) overtaken_ = true;
  choice_.outcome = choice_.count > 0 ? ChoiceOutcome::endpoints : ChoiceOutcome::nodata;
}

/// From one candidate on, round the ring, so that each is first equally often. What is counted, found
/// and set may change meanwhile; no place is set twice.
void Chooser::rotate(Places places) {
  uint32_t candidates = 0;
  for_each_candidate(places, [&](uint32_t) { return ++candidates, true; });
  uint64_t skip = weyl_below(key_.sequence, root2_step, candidates);
  const uint32_t most = answers_max();
  for_each_candidate(places, [&](uint32_t place) {
    if (skip > 0) return --skip, true;
    if (choice_.count == most) return false;
    out_[choice_.count++] = place;
    return true;
  });
  if (choice_.count == 0) {
    overtaken_ = candidates > 0 && most > 0;
    return;
  }
  for_each_candidate(places, [&](uint32_t place) {
    if (choice_.count == most || place == out_[0]) return false;
    out_[choice_.count++] = place;
    return true;
  });
}

/// Those that this client wants most, best first: a heap of the best so far, its worst on top.
void Chooser::rank(Places places) {
  const uint32_t most = answers_max();
  if (most == 0) return;
  const auto stands_before = [&](uint32_t a, uint32_t b) {
    const uint64_t hash_a = rendezvous_hash(key_.client, plan_.endpoint_key(a));
    const uint64_t hash_b = rendezvous_hash(key_.client, plan_.endpoint_key(b));
    return hash_a != hash_b ? hash_a > hash_b : a < b;
  };
  const auto set = [&] { return out_.first(choice_.count); };
  for_each_candidate(places, [&](uint32_t place) {
    if (choice_.count < most) {
      out_[choice_.count++] = place;
    } else if (stands_before(place, out_[0])) {
      std::pop_heap(set().begin(), set().end(), stands_before);
      set().back() = place;
    } else {
      return true;
    }
    std::push_heap(set().begin(), set().end(), stands_before);
    return true;
  });
  std::sort_heap(set().begin(), set().end(), stands_before);
}

/// Calls `visit` with the place of each endpoint that may be answered, until it returns false.
template <class Visit>
void Chooser::for_each_candidate(Places places, Visit visit) {
  for (const uint32_t pool_place : places) {
    const PlanPool& pool = plan_.pools()[pool_place];
    if (gathers_ && (plan_.is_target(pool) || (pool.weight == 0) != weightless_)) continue;
    for (uint32_t i = 0; i < pool.endpoints; ++i) {
      const uint32_t place = pool.first_endpoint + i;
      if (eligibility_.get(plan_.endpoint_id(place)) != class_) continue;
      saw_class_ = true;
      if (!is_asked_for(place)) continue;
      if (!visit(place)) return;
    }
  }
}

}  // namespace

Choice choose(const ServicePlan& plan, LocalityId client_locality,
              const EligibilityMap& eligibility, AddressFamily family, PickKey key,
              std::span<uint32_t> out, std::span<const uint16_t> shares) {
  const ServicePlan::Row row = plan.row(client_locality);
  Choice choice;
  if (plan.is_plain()) {
    if (PlainChooser(plan, eligibility, family, key.sequence).run(row, out, choice)) return choice;
  } else if (plan.is_plain_steered()) {
    const PlainChooser chooser(plan, eligibility, family, key.sequence);
    const bool is_found = !shares.empty() && chooser.run_by_shares(row, shares, out, choice);
    if (is_found || chooser.run(row, out, choice)) return choice;
  }
  // The control thread may flip bytes while they are read here. A flip between finding a pool and
  // taking its endpoints would look like a name without addresses, which resolvers remember: look again.
  for (int attempt = 0; attempt < 4; ++attempt) {
    Chooser chooser(plan, eligibility, family, key, out, shares);
    choice = chooser.run(row);
    if (!chooser.is_overtaken()) break;
  }
  return choice;
}

}  // namespace swingover::zones
