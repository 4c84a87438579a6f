#include "server/control/answer_ledger.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "server/control/intents.h"
#include "server/control/target.h"
#include "zones/found_tier.h"

namespace swingover::control {

namespace {

// A worker reads the clock once a batch, in whole seconds.
constexpr Milliseconds clock_slack{1'000};
// In which a worker goes over to the next generation: after the batch that it is at.
constexpr Milliseconds publish_slack{1'000};

Milliseconds ttl_max_of(const zones::Service& service) {
  return Milliseconds(int64_t{service.ttl.value} * 1'000) + clock_slack;
}

size_t first_pool(const zones::Service& service) {
  return service.pools.empty() ? 0 : service.pools.front().id.value;
}

}  // namespace

void AnswerLedger::follow(std::shared_ptr<const zones::Snapshot> snapshot,
                          std::span<const std::optional<uint32_t>> old_services) {
  const MonotonicTime now = clock_.now();
  if (snapshot_) {
    for (const zones::Service& service : snapshot_->model->services) look(service.id);
  }
  const std::shared_ptr<const zones::Snapshot> before =
      std::exchange(snapshot_, std::move(snapshot));
  const size_t services = snapshot_->model->services.size();
  std::vector<std::unique_ptr<steering::TtlLedger>> old_ledgers = std::exchange(ledgers_, {});
  ledgers_.resize(services);
  counted_.assign(snapshot_->counts.pools, 0);
  was_in_.assign(snapshot_->counts.pools, true);
  ttls_.assign(services, Milliseconds(0));
  whole_at_.assign(services, now);
  next_look_ = 0;
  for (uint32_t i = 0; i < services; ++i) {
    const zones::Service& service = snapshot_->model->services[i];
    ttls_[i] = ttl_now(service.id);
    const std::optional<uint32_t> place = before ? old_services[i] : std::nullopt;
    const zones::Service& old = place ? before->model->services[*place] : service;
    // What the run before answered, or a worker in the moment before the reload, nobody counted.
    whole_at_[i] = now + publish_slack + std::max(ttl_max_of(old), ttl_max_of(service));
    if (!place || !old_ledgers[*place]) continue;
    const steering::TtlLedger& ledger = *old_ledgers[*place];
    Milliseconds ttl_max = ttl_max_of(service);
    for (size_t pool = 0; pool < ledger.pools(); ++pool)
      ttl_max = std::max(ttl_max, ledger.held(pool, now).until - now + clock_slack);
    auto next = std::make_unique<steering::TtlLedger>(service.pools.size(), ttl_max);
    for (size_t pool = 0; pool < service.pools.size(); ++pool) {
      const auto found = std::ranges::find(old.pools, service.pools[pool].cluster_name,
                                           &zones::Pool::cluster_name);
      if (found != old.pools.end())
        next->take_over(pool, ledger, static_cast<size_t>(found - old.pools.begin()), now);
    }
    ledgers_[i] = std::move(next);
  }
}

Milliseconds AnswerLedger::ttl_now(ServiceId id) const {
  const auto seconds = static_cast<uint32_t>(clock_.wall().unix_milliseconds / 1'000);
  const Ttl ttl = snapshot_->plans[id.value].ttl(snapshot_->changes->get(id), seconds);
  return Milliseconds(int64_t{ttl.value} * 1'000) + clock_slack;
}

void AnswerLedger::ttl_changed(ServiceId service) {
  if (!snapshot_) return;
  ttls_[service.value] = std::max(ttls_[service.value], ttl_now(service));
}

void AnswerLedger::tick() {
  if (!snapshot_ || !add_answers_) return;
  const auto count = static_cast<int64_t>(ttls_.size());
  const Milliseconds gone = clock_.now() - looked_at_;
  const int64_t due = std::min(count, count * gone.value / look_every.value);
  if (due == 0) return;
  looked_at_ = clock_.now();
  for (int64_t i = 0; i < due; ++i) {
    look(ServiceId(next_look_));
    next_look_ = (next_look_ + 1) % static_cast<uint32_t>(count);
  }
}

void AnswerLedger::look(ServiceId id) {
  if (!snapshot_ || !add_answers_) return;
  const zones::Service& service = service_of(id);
  const size_t first = first_pool(service);
  sums_.assign(service.pools.size(), 0);
  add_answers_(id, sums_);
  bool is_any = false;
  for (size_t pool = 0; pool < sums_.size(); ++pool) {
    sums_[pool] -= std::exchange(counted_[first + pool], sums_[pool]);
    is_any |= sums_[pool] != 0;
  }
  if (service.policy == zones::Policy::all) count_for_all(id, sums_);
  const Milliseconds ttl = std::exchange(ttls_[id.value], ttl_now(id));
  if (!is_any) return;
  std::unique_ptr<steering::TtlLedger>& ledger = ledgers_[id.value];
  if (!ledger)
    ledger = std::make_unique<steering::TtlLedger>(service.pools.size(), ttl_max_of(service));
  for (size_t pool = 0; pool < sums_.size(); ++pool)
    ledger->add(pool, sums_[pool], clock_.now(), ttl);
}

/// The workers count such an answer for its first pool: it holds whatever could be in it since the last look.
void AnswerLedger::count_for_all(ServiceId id, std::vector<uint64_t>& counts) {
  const uint64_t all = std::accumulate(counts.begin(), counts.end(), uint64_t{0});
  const size_t first = first_pool(service_of(id));
  std::vector<bool> in(counts.size());
  bool is_any_in = false;
  for (uint32_t pool = 0; pool < counts.size(); ++pool) {
    const bool is_in = has_endpoint(snapshot_->plans[id.value], pool, zones::Eligibility::eligible,
                                    *snapshot_->eligibility);
    in[pool] = is_in || was_in_[first + pool];
    was_in_[first + pool] = is_in;
    is_any_in |= in[pool];
  }
  for (size_t pool = 0; pool < counts.size(); ++pool)
    counts[pool] = in[pool] || !is_any_in ? all : 0;
}

void AnswerLedger::changed(ServiceId service) {
  look(service);
  if (snapshot_ && ledgers_[service.value]) ledgers_[service.value]->mark();
}

std::optional<WallTime> AnswerLedger::whole_at(ServiceId service) const {
  if (whole_at_[service.value] <= clock_.now()) return std::nullopt;
  return wall_at(whole_at_[service.value]);
}

bool AnswerLedger::has_old(ServiceId service) const {
  const std::unique_ptr<steering::TtlLedger>& ledger = ledgers_[service.value];
  if (!ledger) return false;
  for (size_t pool = 0; pool < ledger->pools(); ++pool) {
    if (ledger->held(pool, clock_.now()).old > 0) return true;
  }
  return false;
}

AnswerLedger::Held AnswerLedger::held(ServiceId service, size_t pool) const {
  const std::unique_ptr<steering::TtlLedger>& ledger = ledgers_[service.value];
  if (!ledger) return {};
  const steering::TtlLedger::Held held = ledger->held(pool, clock_.now());
  Held out{.answers = held.answers, .old = held.old, .until = {}, .old_until = {}};
  if (held.answers > 0) out.until = wall_at(held.until);
  if (held.old > 0) out.old_until = wall_at(held.old_until);
  return out;
}

std::optional<AnswersLeft> answers_left(const Intent& intent, const zones::Model& model,
                                        const AnswerLedger& ledger) {
  if (!ledger.is_counting()) return std::nullopt;
  if (intent.kind != IntentKind::drain && intent.kind != IntentKind::swing) return std::nullopt;
  const Result<Target> target = parse_target(intent.target);
  if (!target || target->kind == Target::Kind::endpoint) return std::nullopt;
  const Result<FoundTarget> found = find_target(model, *target);
  if (!found) return std::nullopt;
  AnswersLeft left;
  for (const zones::Service* service : services_of(intent, model)) {
    uint64_t most = 0;
    uint64_t all = 0;
    for (size_t pool = 0; pool < service->pools.size(); ++pool) {
      const AnswerLedger::Held held = ledger.held(service->id, pool);
      all += held.answers;
      most = std::max(most, held.answers);
      if (!leaves(service->pools[pool], intent, *found)) continue;
      left.answers += held.answers;
      left.until = std::max(left.until, held.until);
    }
    left.of += service->policy == zones::Policy::all ? most : all;
    left.whole_at = std::max(left.whole_at, ledger.whole_at(service->id));
  }
  return left;
}

std::optional<OldAnswers> old_answers(const zones::Service& service, std::span<const double> parts,
                                      const AnswerLedger& ledger) {
  if (!ledger.is_counting()) return std::nullopt;
  const size_t pools = service.pools.size();
  std::vector<AnswerLedger::Held> held;
  double all = 0;
  double old = 0;
  for (size_t pool = 0; pool < pools; ++pool) {
    held.push_back(ledger.held(service.id, pool));
    const auto answers = static_cast<double>(held.back().answers);
    const auto of_old = static_cast<double>(held.back().old);
    const bool counts_once = service.policy == zones::Policy::all;
    all = counts_once ? std::max(all, answers) : all + answers;
    old = counts_once ? std::max(old, of_old) : old + of_old;
  }
  OldAnswers out{.part = 0,
                 .by_pool = std::vector<double>(pools),
                 .held = std::vector<double>(pools),
                 .until = {}};
  if (all <= 0) return out;
  for (size_t pool = 0; pool < pools; ++pool) {
    out.held[pool] = static_cast<double>(held[pool].answers) / all;
    // Of the old ones so many lead there as would now: whoever asks again gets the same.
    const double elsewhere = static_cast<double>(held[pool].old) - old * parts[pool];
    if (elsewhere <= 0) continue;
    out.by_pool[pool] = elsewhere / all;
    out.part = service.policy == zones::Policy::all ? std::max(out.part, out.by_pool[pool])
                                                    : out.part + out.by_pool[pool];
    out.until = std::max(out.until, held[pool].old_until);
  }
  return out;
}

}  // namespace swingover::control
