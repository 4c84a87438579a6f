// Thousands of random events on the control loop, and after each the bytes that queries read are what the
// promises of join.h say, worked out anew and in the plainest way.

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>

#include "base/log.h"
#include "base/random.h"
#include "server/control/control_loop.h"
#include "server/control/target.h"
#include "store/memory_store.h"
#include "tests/server/control/small_world.h"
#include "tests/support/manual_clock.h"

using namespace swingover;
using namespace swingover::control;
using health::Health;
using zones::Eligibility;

namespace {

constexpr int patience = 5'000;

using health::Hold;

int order(Health health) {
  return health == Health::down ? 0 : health == Health::unknown ? 1 : 2;
}
/// What the members say with every unknown one taken for `as`.
std::vector<Health> with_unknown(std::vector<Health> all, Health as) {
  std::replace(all.begin(), all.end(), Health::unknown, as);
  return all;
}
Health vote(const std::vector<Health>& all) {
  const auto down = [](const std::vector<Health>& votes) {
    return 2 * std::ranges::count(votes, Health::down) > static_cast<std::ptrdiff_t>(votes.size());
  };
  if (down(with_unknown(all, Health::up))) return Health::down;
  return down(with_unknown(all, Health::down)) ? Health::unknown : Health::up;
}
/// At least `least` of them are up.
Health enough(const std::vector<Health>& all, size_t least) {
  const auto up = [&](Health unknown_as) {
    const auto known = with_unknown(all, unknown_as);
    return static_cast<size_t>(std::ranges::count(known, Health::up)) >= least;
  };
  if (up(Health::down)) return Health::up;
  return up(Health::up) ? Health::unknown : Health::down;
}
Health worst(const std::vector<Health>& all) {
  Health found = Health::up;
  for (const Health one : all) found = order(one) < order(found) ? one : found;
  return found;
}
Health best(const std::vector<Health>& all) {
  Health found = Health::down;
  for (const Health one : all) found = order(one) > order(found) ? one : found;
  return found;
}

class Simulation {
 public:
  explicit Simulation(uint64_t seed) : random_(seed), world_(random_world()) { begin_life(); }

  void step() {
    switch (random_.below(12)) {
      case 0:
        return set_intent();
      case 1:
        return cancel_intent();
      case 2:
        clock_.advance(Milliseconds(static_cast<int64_t>(random_.below(4'000))));
        return let_time_pass();
      case 3:
        clock_.jump_wall(Milliseconds(static_cast<int64_t>(random_.below(20'000)) - 10'000));
        return let_time_pass();
      case 4:
        if (random_.below(4) == 0) return reload();
        return;
      case 5:
        if (random_.below(10) == 0) return restart();
        return;
      default:
        return verdicts();
    }
  }

  /// Compares every byte with what health, intents and config say.
  void check() const {
    const zones::Model& model = *life_->control.setup().model;
    for (const zones::Service& service : model.services) {
      for (const zones::Pool& pool : service.pools) {
        for (const zones::Endpoint& endpoint : pool.endpoints) {
          INFO(endpoint_target(service, endpoint) << " in " << pool.cluster_name);
          const Eligibility is = life_->control.snapshot().eligibility->get(endpoint.id);
          REQUIRE(static_cast<int>(is) == static_cast<int>(expected(service, pool, endpoint)));
        }
      }
    }
    REQUIRE(life_->control.intents().size() == intents_.size());
  }

 private:
  struct Life {
    explicit Life(Simulation& simulation)
        : writer(loop, simulation.store_, *store::Journal::open(simulation.store_), {}),
          control({.loop = loop,
                   .clock = simulation.clock_,
                   .store = simulation.store_,
                   .writer = writer,
                   .replace_checks =
                       [this](std::vector<health::Check> given) {
                         checks.push_back(std::move(given));
                         return checks.size();
                       },
                   .publish = [](auto) {},
                   .load =
                       [&simulation](uint64_t generation, const zones::Snapshot*) {
                         return Loaded{simulation.world_.setup(generation), ""};
                       },
                   .on_reload = [](bool) {},
                   .identity = "edge",
                   .version = "1",
                   .seed = 7}) {
      Remembered remembered = *restore(simulation.store_);
      const uint64_t generation = remembered.generation.generation + 1;
      control.start(simulation.world_.setup(generation), std::move(remembered));
    }
    loop::Loop loop;
    StoreWriter writer;
    std::vector<std::vector<health::Check>> checks;  // by epoch - 1
    Control control;
  };

  void begin_life() {
    life_ = std::make_unique<Life>(*this);
    forget_expired();
    forget_unprobed();
  }

  tests::SmallWorld random_world() {
    const auto some = [this](std::vector<std::string> of) {
      std::erase_if(of, [this](const auto&) { return random_.below(3) == 0; });
      return of;
    };
    tests::SmallWorld world;
    world.service_monitors = some({"web", "power"});
    world.fra_ingress = some({"192.0.2.1", "192.0.2.9"});
    if (!world.fra_ingress.empty()) world.cluster_monitors = some({"ingress", "web"});
    world.fra = some({"192.0.2.1", "192.0.2.2"});
    if (world.fra.empty()) world.fra = {"192.0.2.1"};
    world.has_ams = random_.below(4) != 0;
    world.service_voting = some({"db", "disk"});
    world.pool_voting = some({"disk"});
    if (!world.fra_ingress.empty()) world.cluster_voting = some({"db", "disk", "power"});
    const auto floor = [this](std::optional<Portion>& bound, size_t most) {
      if (random_.below(2) == 0) return;
      bound = Portion{static_cast<uint32_t>(1 + random_.below(most)), false};
    };
    floor(world.pool_floor.all, world.fra.size());
    floor(world.pool_floor.ipv4, world.fra.size());
    floor(world.cluster_floor.all, world.fra.size());
    return world;
  }

  void verdicts() {
    std::vector<health::CheckUpdate> updates;
    for (uint64_t left = random_.below(4); left > 0; --left) {
      // Now and then one that was under way when the checks were replaced.
      const size_t newest = life_->checks.size();
      const size_t epoch = newest > 1 && random_.below(4) == 0 ? newest - 1 : newest;
      const auto& checks = life_->checks[epoch - 1];
      if (checks.empty()) continue;
      health::CheckUpdate update;
      update.epoch = epoch;
      update.check = static_cast<uint32_t>(random_.below(checks.size()));
      update.health = random_.below(2) == 0 ? Health::up : Health::down;
      update.verdict = update.health == Health::up ? health::Verdict::pass : health::Verdict::fail;
      update.at = clock_.wall();
      update.first_failure = clock_.now();
      const std::string key = checks[update.check].key();
      if (update.health == Health::up) update.hold = static_cast<Hold>(random_.below(4));
      if (is_probed(key)) health_[key] = health::usable(update.health, update.hold);
      updates.push_back(update);
    }
    life_->control.on_updates(updates);
  }

  void set_intent() {
    static const std::vector<std::string> targets = {
        "cluster/fra",
        "cluster/ams",
        "service/shop.svc.example.test.",
        "pool/shop.svc.example.test./fra",
        "pool/shop.svc.example.test./ams",
        "endpoint/shop.svc.example.test./192.0.2.1",
        "endpoint/shop.svc.example.test./198.51.100.1",
    };
    IntentRequest request;
    request.kind = std::vector<std::string>{"drain", "force_up", "force_down"}[random_.below(3)];
    request.target = targets[random_.below(targets.size())];
    request.owner = "ada";
    request.reason = "work";
    if (random_.below(2) == 0) request.expires = std::to_string(1 + random_.below(9)) + "s";
    std::optional<Result<Control::IntentSet>> set;
    life_->control.set_intent(request, [&](auto result) { set = std::move(result); });
    REQUIRE(life_->loop.run_until([&] { return set.has_value(); }, patience));
    if (*set) intents_.insert_or_assign((*set)->intent.target, (*set)->intent);
  }

  void cancel_intent() {
    if (intents_.empty()) return;
    auto at = intents_.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(random_.below(intents_.size())));
    std::optional<Result<Intent>> was;
    life_->control.cancel_intent(at->second.id, "", "",
                                 [&](auto given) { was = std::move(given); });
    REQUIRE(life_->loop.run_until([&] { return was.has_value(); }, patience));
    REQUIRE(*was);
    intents_.erase(at);
  }

  /// Until housekeeping has come by.
  void let_time_pass() {
    const size_t before = intents_.size();
    forget_expired();
    if (intents_.size() == before) return;
    const auto is_done = [&] { return life_->control.intents().size() == intents_.size(); };
    REQUIRE(life_->loop.run_until(is_done, patience));
  }

  void reload() {
    world_ = random_world();
    std::optional<Control::ReloadResult> result;
    life_->control.reload([&](const auto& given) { result = given; });
    REQUIRE(life_->loop.run_until([&] { return result.has_value(); }, patience));
    REQUIRE(result->reloaded);
    forget_unprobed();
  }

  void restart() {
    REQUIRE(life_->writer.flush(Milliseconds(patience)));
    life_.reset();
    world_ = random_world();
    begin_life();
  }

  bool is_probed(const std::string& key) const {
    const auto& checks = life_->checks.back();
    return std::any_of(checks.begin(), checks.end(), [&](const auto& c) { return c.key() == key; });
  }
  void forget_unprobed() {
    std::erase_if(health_, [this](const auto& known) { return !is_probed(known.first); });
  }
  void forget_expired() {
    std::erase_if(intents_, [this](const auto& entry) {
      return entry.second.expires && *entry.second.expires <= clock_.wall();
    });
  }

  Health seen(const std::string& monitor, const std::string& address,
              const std::string& host) const {
    const auto found = health_.find(monitor + ' ' + address + ' ' + host);
    return found == health_.end() ? Health::unknown : found->second;
  }

  /// What an endpoint is by its checks and those of its address in its cluster.
  Health own_health(const zones::Pool& pool, const std::string& address) const {
    const bool is_fra = pool.cluster_name == "fra";
    const std::string host = "shop.svc.example.test";
    std::vector<Health> critical;
    std::vector<Health> votes;
    for (const std::string& monitor : world_.service_monitors)
      critical.push_back(seen(monitor, address, host));
    for (const std::string& monitor : world_.service_voting) {
      if (!is_fra || std::ranges::count(world_.pool_voting, monitor) == 0)
        votes.push_back(seen(monitor, address, host));
    }
    for (const std::string& monitor : world_.pool_voting) {
      if (is_fra) votes.push_back(seen(monitor, address, host));
    }
    std::vector<Health> needed{worst(critical), vote(votes)};
    if (is_fra && std::ranges::count(world_.fra_ingress, address) > 0) {
      std::vector<Health> ingress_votes;
      for (const std::string& monitor : world_.cluster_monitors)
        needed.push_back(seen(monitor, address, ""));
      for (const std::string& monitor : world_.cluster_voting)
        ingress_votes.push_back(seen(monitor, address, ""));
      needed.push_back(vote(ingress_votes));
    }
    return worst(needed);
  }

  Health expected_health(const zones::Pool& pool, const std::string& address) const {
    std::vector<Health> needed{own_health(pool, address)};
    if (pool.cluster_name != "fra") return worst(needed);
    const auto anywhere = [this](const std::string& monitor) {
      std::vector<Health> any;
      for (const std::string& one : world_.fra_ingress) any.push_back(seen(monitor, one, ""));
      return best(any);
    };
    std::vector<Health> votes;
    for (const std::string& monitor : world_.cluster_monitors) needed.push_back(anywhere(monitor));
    for (const std::string& monitor : world_.cluster_voting) votes.push_back(anywhere(monitor));
    needed.push_back(vote(votes));
    std::vector<Health> members;
    for (const std::string& one : world_.fra) members.push_back(own_health(pool, one));
    for (const auto& bound :
         {world_.pool_floor.all, world_.pool_floor.ipv4, world_.cluster_floor.all}) {
      if (bound) needed.push_back(enough(members, bound->value));
    }
    return worst(needed);
  }

  Eligibility expected(const zones::Service& service, const zones::Pool& pool,
                       const zones::Endpoint& endpoint) const {
    std::optional<IntentKind> force;
    for (const std::string& target :
         {endpoint_target(service, endpoint), pool_target(service, pool), service_target(service),
          cluster_target(pool.cluster_name)}) {
      const auto intent = intents_.find(target);
      if (intent == intents_.end()) continue;
      if (intent->second.kind == IntentKind::drain) return Eligibility::excluded;
      if (!force) force = intent->second.kind;
    }
    if (force) {
      return *force == IntentKind::force_up ? Eligibility::eligible : Eligibility::down;
    }
    switch (expected_health(pool, endpoint.text())) {
      case Health::up:
        return Eligibility::eligible;
      case Health::down:
        return Eligibility::down;
      case Health::unknown:
        break;
    }
    return Eligibility::unknown;
  }

  Random random_;
  tests::ManualClock clock_;
  store::MemoryStore store_;
  tests::SmallWorld world_;
  std::map<std::string, Health> health_;   // by check key, of what is probed: what it is worth
  std::map<std::string, Intent> intents_;  // by target
  std::unique_ptr<Life> life_;
};

}  // namespace

TEST_CASE("whatever happens, eligibility is what health and intents say", "[control_simulation]") {
  set_log_level(LogLevel::error);
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    INFO("seed " << seed);
    Simulation simulation(seed);
    simulation.check();
    for (int step = 0; step < 250; ++step) {
      INFO("step " << step);
      simulation.step();
      simulation.check();
    }
  }
  set_log_level(LogLevel::info);
}
