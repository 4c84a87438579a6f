#include "zones/choices.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/text.h"
#include "zones/explain.h"
#include "zones/policy.h"
#include "zones/protocol.h"
#include "zones/resolve.h"

namespace swingover::zones {

namespace {

bool is_of_type(const ServicePlan& plan, uint32_t place, bool wants_v6) {
  const ServicePlan::Kind kind = plan.kind(place);
  return kind == ServicePlan::Kind::target || (kind == ServicePlan::Kind::v6) == wants_v6;
}

class Finder {
 public:
  Finder(const Snapshot& snapshot, uint16_t type, const IpAddress& client)
      : snapshot_(snapshot),
        type_(type),
        locality_(snapshot.sources.find(client).locality),
        client_(client_key(client, snapshot.pick_secret)) {}

  void add(ServiceId id) {
    const Service& service = snapshot_.model->services[id.value];
    const ServicePlan& plan = snapshot_.plans[id.value];
    const bool is_address = type_ == type::a || type_ == type::aaaa || type_ == type::any;
    const std::string name = service.name.folded().text();
    const auto is_this = [&](const ServiceChoices& one) { return one.service == name; };
    if ((!is_address && !plan.has_targets()) || std::ranges::any_of(out_, is_this)) return;
    out_.push_back({name, {}, {}});
    const size_t place = out_.size() - 1;
    out_[place].choices = choices(service, plan);
    if (plan.sticky() == Sticky::client && !out_[place].choices.empty())
      out_[place].sticks = sticking(service, plan);
    const std::vector<ServiceChoices::Choice> found = out_[place].choices;
    for (const ServiceChoices::Choice& choice : found) {
      if (choice.may.size() != 1 || parse_ip_address(choice.may.front())) continue;
      const Result<Name> target = parse_name(choice.may.front());
      const Service* next = target ? snapshot_.model->service(*target) : nullptr;
      if (next) add(next->id);
    }
  }

  std::vector<ServiceChoices> take() { return std::move(out_); }

 private:
  AddressFamily family() const {
    return type_ == type::a || type_ == type::any ? AddressFamily::v4
           : type_ == type::aaaa                  ? AddressFamily::v6
                                                  : AddressFamily::any;
  }

  Choice chosen(const ServicePlan& plan, PickKey key, std::span<uint32_t> places) const {
    std::vector<uint16_t> row(plan.pools().size());
    const bool has_row = plan.is_steered() && snapshot_.shares->read(plan, locality_, row);
    return choose(plan, locality_, *snapshot_.eligibility, family(), key, places,
                  has_row ? std::span<const uint16_t>(row) : std::span<const uint16_t>());
  }

  /// Of these pools all that an answer may hold.
  ServiceChoices::Choice choice_of(const Service& service, const ServicePlan& plan,
                                   std::span<const uint32_t> pools, Eligibility best,
                                   double share) const {
    ServiceChoices::Choice choice{.pool = {}, .share = share, .may = {}, .count = 0};
    std::vector<std::string> names;
    for (const uint32_t pool : pools) names.push_back(service.pools[pool].cluster_name);
    choice.pool = joined(names, ", ");
    bool is_target = false;
    const auto collect = [&](bool wants_v6) {
      for (const uint32_t pool : pools) {
        for (const Endpoint& endpoint : service.pools[pool].endpoints) {
          const uint32_t place = endpoint.id.value - plan.endpoint_id(0).value;
          if (snapshot_.eligibility->get(endpoint.id) != best || !is_of_type(plan, place, wants_v6))
            continue;
          is_target = is_target || plan.kind(place) == ServicePlan::Kind::target;
          choice.may.push_back(endpoint.text());
        }
      }
    };
    collect(type_ == type::aaaa);
    if (type_ == type::any && choice.may.empty()) collect(true);
    const auto all = static_cast<uint32_t>(choice.may.size());
    choice.count = is_target ? 1 : plan.answers() == 0 ? all : std::min(plan.answers(), all);
    return choice;
  }

  std::vector<ServiceChoices::Choice> choices(const Service& service,
                                              const ServicePlan& plan) const {
    std::vector<uint32_t> places(std::max<size_t>(plan.endpoints(), 1));
    const Choice one = chosen(plan, {}, places);
    if (one.outcome == ChoiceOutcome::servfail || one.is_forbidden) return {};
    const std::vector<PoolShare> shares =
        pool_shares(plan, *snapshot_.shares, locality_, *snapshot_.eligibility);
    if (plan.policy() == Policy::all && !one.is_target) {
      std::vector<uint32_t> together = together_of(service, plan, shares);
      if (!together.empty()) return {choice_of(service, plan, together, one.best, 1)};
    }
    std::vector<ServiceChoices::Choice> all;
    for (const PoolShare& share : shares)
      all.push_back(choice_of(service, plan, std::array{share.place}, one.best, share.share));
    return all;
  }

  /// The pools of the policy `all` that answer as one: those with addresses, and a weight, if any has.
  std::vector<uint32_t> together_of(const Service& service, const ServicePlan& plan,
                                    const std::vector<PoolShare>& shares) const {
    std::vector<uint32_t> heavy;
    std::vector<uint32_t> light;
    for (const PoolShare& share : shares) {
      if (plan.is_target(plan.pools()[share.place])) continue;
      (service.pools[share.place].weight.value > 0 ? heavy : light).push_back(share.place);
    }
    return heavy.empty() ? light : heavy;
  }

  ServiceChoices::Choice sticking(const Service& service, const ServicePlan& plan) const {
    std::vector<uint32_t> places(std::max<size_t>(plan.endpoints(), 1));
    const Choice one = chosen(plan, {.client = client_}, places);
    ServiceChoices::Choice choice{.pool = {}, .share = 1, .may = {}, .count = one.count};
    for (const Pool& pool : service.pools) {
      if (pool.id == one.pool) choice.pool = pool.cluster_name;
      for (const Endpoint& endpoint : pool.endpoints) {
        const uint32_t place = endpoint.id.value - plan.endpoint_id(0).value;
        const auto end = places.begin() + one.count;
        if (std::find(places.begin(), end, place) != end) choice.may.push_back(endpoint.text());
      }
    }
    return choice;
  }

  const Snapshot& snapshot_;
  uint16_t type_;
  LocalityId locality_;
  uint64_t client_;
  std::vector<ServiceChoices> out_;
};

}  // namespace

std::vector<ServiceChoices> choices_of(const Snapshot& snapshot, ServiceId service, uint16_t type,
                                       const IpAddress& client) {
  Finder finder(snapshot, type, client);
  finder.add(service);
  return finder.take();
}

}  // namespace swingover::zones
