// Thousands of random events on the control loop, and after each the bytes that queries read are what the
// promises of join.h say, worked out anew and in the plainest way; and the journal, replayed, tells them too.
//
//   SWINGOVER_SIMULATION_SEED=N   the first seed (default 1)
//   SWINGOVER_SIMULATION_RUNS=N   how many seeds are played (default: so many that all take a few seconds)

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>

#include "base/log.h"
#include "base/random.h"
#include "server/control/control_loop.h"
#include "server/control/target.h"
#include "store/memory_store.h"
#include "tests/server/control/replay.h"
#include "tests/server/control/small_world.h"
#include "tests/support/manual_clock.h"
#include "tests/support/seeds.h"

using namespace swingover;
using namespace swingover::control;
using health::Health;
using zones::Eligibility;

namespace {

constexpr int patience = 5'000;
constexpr Milliseconds window{3'000};  // of brake and doubt
constexpr Milliseconds deadline{2'000};
// Below what the push board takes for a pause of this process.
constexpr Milliseconds piece_max{900};

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
  explicit Simulation(uint64_t seed) : random_(seed), world_(random_world()) {
    begin_life();
    replay_.begin(life_->control);
  }

  void step() {
    switch (random_.below(20)) {
      case 0:
        return set_intent();
      case 1:
        return cancel_intent();
      case 2:
      case 3:
        return let_time_pass(Milliseconds(static_cast<int64_t>(random_.below(4'000))));
      case 4:
        clock_.jump_wall(Milliseconds(static_cast<int64_t>(random_.below(20'000)) - 10'000));
        return let_time_pass(Milliseconds(0));
      case 5:
        clock_.jump_wall(Milliseconds(random_.below(2) == 0 ? 3'600'000 : -3'600'000));
        return let_time_pass(Milliseconds(0));
      case 6:
        if (random_.below(4) == 0) return reload();
        return;
      case 7:
        if (random_.below(10) == 0) return restart();
        return;
      case 8:
        return everything_is(random_.below(3) == 0 ? Health::up : Health::down);
      case 9:
        return everything_is(Health::up);
      case 10:
        return steer_brake();
      case 11:
      case 12:
        return report();
      default:
        return verdicts();
    }
  }

  /// Compares every byte with what health, intents and config say, and all of it with what the journal tells.
  void check() {
    REQUIRE(life_->loop.run_until([this] { return life_->control.is_all_told(); }, patience));
    check_bytes();
    REQUIRE(life_->writer.flush(Milliseconds(patience)));
    replay_.read(store_);
    replay_.compare(life_->control);
  }

 private:
  void check_bytes() const {
    const Join& join = life_->control.join();
    const ClusterId fra(0);
    if (join.cluster(fra).kept != KeptBy::nobody) {
      REQUIRE(cluster_health() == Health::down);
      REQUIRE_FALSE(is_taken_out({"cluster/fra"}));
    }
    const zones::Model& model = *life_->control.setup().model;
    for (const zones::Service& service : model.services) {
      for (const zones::Pool& pool : service.pools) {
        for (const zones::Endpoint& endpoint : pool.endpoints) {
          INFO(endpoint_target(service, endpoint) << " in " << pool.cluster_name);
          if (join.endpoint(endpoint.id).kept != KeptBy::nobody) {
            REQUIRE(expected_health(pool, endpoint.text()) == Health::down);
            REQUIRE_FALSE(is_taken_out(covering(service, pool, endpoint)));
          }
          const Eligibility is = life_->control.snapshot().eligibility->get(endpoint.id);
          REQUIRE(static_cast<int>(is) == static_cast<int>(expected(service, pool, endpoint)));
        }
      }
    }
    REQUIRE(life_->control.intents().size() == intents_.size());
  }

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
                         return Loaded{simulation.setup(generation), ""};
                       },
                   .on_reload = [](bool) {},
                   .identity = "edge",
                   .version = "1",
                   .seed = 7,
                   .housekeeping_every = Milliseconds(1)}) {
      Remembered remembered = *restore(simulation.store_);
      const uint64_t generation = remembered.generation.generation + 1;
      control.start(simulation.setup(generation), std::move(remembered));
    }
    loop::Loop loop;
    StoreWriter writer;
    std::vector<std::vector<health::Check>> checks;  // by epoch - 1
    Control control;
  };

  Setup setup(uint64_t generation) const {
    Setup setup = world_.setup(generation);
    setup.brake.window = window;
    setup.self_check_window = window;
    return setup;
  }

  void begin_life() {
    due_.clear();
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
    world.more_monitors = {tests::SmallWorld::push("beat"),
                           tests::SmallWorld::calculated("either", {"web", "beat"}, {1, false}),
                           tests::SmallWorld::calculated("not-db", {"db"}, {100, true}, true)};
    world.more_monitors[0].deadline = deadline;
    world.service_monitors = some({"web", "power"});
    if (random_.below(4) == 0) world.service_monitors.push_back("either");
    if (random_.below(4) == 0) world.service_monitors.push_back("not-db");
    world.fra_ingress = some({"192.0.2.1", "192.0.2.9"});
    if (!world.fra_ingress.empty()) {
      world.cluster_monitors = some({"ingress", "web"});
      if (random_.below(3) == 0) world.cluster_monitors.push_back("beat");
      if (random_.below(4) == 0) world.cluster_monitors.push_back("either");
    }
    world.fra = some({"192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::4"});
    if (world.fra.empty()) world.fra = {"192.0.2.1"};
    world.has_ams = random_.below(4) != 0;
    world.service_voting = some({"db", "disk"});
    world.pool_voting = some({"disk"});
    if (!world.fra_ingress.empty()) world.cluster_voting = some({"db", "disk", "power"});
    const auto floor = [this](std::optional<Portion>& bound, size_t most) {
      if (random_.below(2) == 0) return;
      bound = random_.below(2) == 0 ? Portion{static_cast<uint32_t>(1 + random_.below(most)), false}
                                    : Portion{static_cast<uint32_t>(1 + random_.below(100)), true};
    };
    floor(world.pool_floor.all, world.fra.size());
    floor(world.pool_floor.ipv4, world.fra.size());
    floor(world.cluster_floor.all, world.fra.size());
    if (random_.below(3) != 0)
      world.brake.endpoints = Portion{static_cast<uint32_t>(20 + random_.below(60)), true};
    if (random_.below(3) == 0) world.brake.clusters = Portion{10, true};  // of two: none
    if (random_.below(3) != 0) world.self_checks = {"203.0.113.1"};
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
      const auto hold = static_cast<Hold>(random_.below(4));
      updates.push_back(update(epoch, static_cast<uint32_t>(random_.below(checks.size())),
                               random_.below(2) == 0 ? Health::up : Health::down, hold));
    }
    deliver(updates);
  }

  /// The world goes away, or comes back, all at once.
  void everything_is(Health health) {
    std::vector<health::CheckUpdate> updates;
    const size_t epoch = life_->checks.size();
    for (uint32_t i = 0; i < life_->checks.back().size(); ++i)
      updates.push_back(update(epoch, i, health, Hold::none));
    deliver(updates);
  }

  health::CheckUpdate update(size_t epoch, uint32_t check, Health health, Hold hold) {
    health::CheckUpdate update;
    update.epoch = epoch;
    update.check = check;
    update.health = health;
    update.verdict = health == Health::up ? health::Verdict::pass : health::Verdict::fail;
    update.at = clock_.wall();
    update.first_failure = clock_.now();
    if (health == Health::up) update.hold = hold;
    const std::string key = life_->checks[epoch - 1][check].key();
    if (is_in_use(key)) health_[key] = {health, health::usable(health, update.hold)};
    return update;
  }

  bool evicts_nothing() const {
    return life_->control.brake().is_engaged() || life_->control.self_doubt().is_in_doubt();
  }

  /// While the brake is engaged, or this edge in doubt, no verdict takes anything out of answers.
  void deliver(const std::vector<health::CheckUpdate>& updates) {
    const bool evicted_nothing = evicts_nothing();
    const Join& join = life_->control.join();
    std::vector<Eligibility> before;
    for (uint32_t i = 0; i < join.endpoint_count(); ++i)
      before.push_back(join.endpoint(EndpointId(i)).eligibility);
    life_->control.on_updates(updates);
    if (!evicted_nothing || !evicts_nothing()) return;
    for (uint32_t i = 0; i < join.endpoint_count(); ++i) {
      if (before[i] == Eligibility::eligible)
        REQUIRE(join.endpoint(EndpointId(i)).eligibility != Eligibility::down);
    }
  }

  /// One of those that report themselves does so.
  void report() {
    const Join& join = life_->control.join();
    if (join.told_count() == join.probed_count()) return;
    const health::Check& check =
        join.checks()[join.probed_count() + random_.below(join.told_count() - join.probed_count())];
    const bool is_up = random_.below(3) != 0;
    PushReport report{check.monitor->name, "", "", is_up ? "up" : "down", "", {}};
    if (check.address == "cluster/fra") {
      report.cluster = "fra";
    } else {
      report.address = check.address;
    }
    const Result<size_t> told = life_->control.push(report);
    REQUIRE(told);
    REQUIRE(*told == 1);
    const Health health = is_up ? Health::up : Health::down;
    health_[check.key()] = {health, health};
    due_[check.key()] = clock_.now() + deadline;
  }

  void steer_brake() {
    const Join& join = life_->control.join();
    const bool releases = random_.below(2) == 0;
    const size_t kept =
        join.kept_count(KeptBy::brake) + (releases ? join.kept_count(KeptBy::person) : 0);
    std::optional<Result<size_t>> done;
    life_->control.steer_brake({releases ? "release" : "keep", "ada", "looked at it"},
                               [&](auto result) { done = std::move(result); });
    REQUIRE(life_->loop.run_until([&] { return done.has_value(); }, patience));
    REQUIRE(static_cast<bool>(*done) == (kept > 0));
    if (*done) REQUIRE(**done == kept);
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

  /// Piece by piece, with housekeeping behind each.
  void let_time_pass(Milliseconds whole) {
    do {
      const Milliseconds piece = std::min(whole, piece_max);
      whole = whole - piece;
      clock_.advance(piece);
      keep_house();
      forget_expired();
      for (auto& [key, due] : due_) {
        if (clock_.now() < due) continue;
        health_[key] = {Health::down, Health::down};
        due = clock_.now() + deadline;
      }
    } while (whole > Milliseconds(0));
  }

  /// Of two timers of one period the other has rung in between when this one has for the second time.
  void keep_house() const {
    int rung = 0;
    loop::Timer timer(life_->loop, [&rung] { ++rung; });
    timer.start_repeating(Milliseconds(1));
    REQUIRE(life_->loop.run_until([&] { return rung > 2; }, patience));
  }

  void reload() {
    if (random_.below(3) != 0) world_ = random_world();
    std::optional<Control::ReloadResult> result;
    life_->control.reload([&](const auto& given) { result = given; });
    REQUIRE(life_->loop.run_until([&] { return result.has_value(); }, patience));
    REQUIRE(result->reloaded);
    forget_unprobed();
  }

  /// Under another configuration what is then known is not told: the stored checks add up to it.
  void restart() {
    REQUIRE(life_->writer.flush(Milliseconds(patience)));
    life_.reset();
    const bool is_other = random_.below(2) == 0;
    if (is_other) world_ = random_world();
    begin_life();
    REQUIRE(life_->writer.flush(Milliseconds(patience)));
    replay_.read(store_);
    if (is_other) replay_.begin(life_->control);
  }

  bool is_in_use(const std::string& key) const {
    return life_->control.join().find_check(key).has_value();
  }
  void forget_unprobed() {
    std::erase_if(health_, [this](const auto& known) { return !is_in_use(known.first); });
    std::erase_if(due_, [this](const auto& known) { return !is_in_use(known.first); });
    const Join& join = life_->control.join();
    for (size_t i = join.probed_count(); i < join.told_count(); ++i)
      due_.emplace(join.checks()[i].key(), clock_.now() + deadline);
  }
  void forget_expired() {
    std::erase_if(intents_, [this](const auto& entry) {
      return entry.second.expires && *entry.second.expires <= clock_.wall();
    });
  }

  health::Standing known(const std::string& key) const {
    const auto found = health_.find(key);
    return found == health_.end() ? health::Standing{} : found->second;
  }
  /// A monitor at an address (of the service, with a host; of the cluster without), as good as its holds let it be.
  health::Standing standing(const std::string& monitor, const std::string& address,
                            const std::string& host) const {
    const auto child = [&](const char* name) { return standing(name, address, host); };
    if (monitor == "beat") return known("beat " + (host.empty() ? "cluster/fra" : address) + " ");
    if (monitor == "either") {
      const health::Standing web = child("web");
      const health::Standing beat = child("beat");
      const Health health = best({web.health, beat.health});
      const Health worth = best({web.usable, beat.usable});
      return {health, health == Health::up ? worth : health};
    }
    if (monitor == "not-db") {
      const Health db = child("db").health;
      const Health health = db == Health::up     ? Health::down
                            : db == Health::down ? Health::up
                                                 : Health::unknown;
      return {health, health};
    }
    return known(monitor + ' ' + address + ' ' + host);
  }
  Health seen(const std::string& monitor, const std::string& address,
              const std::string& host) const {
    return standing(monitor, address, host).usable;
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

  const zones::Pool& fra_pool() const {
    return life_->control.setup().model->services.front().pools.front();
  }
  std::vector<Health> members(bool is_v4_alone) const {
    std::vector<Health> all;
    for (const std::string& one : world_.fra) {
      if (!is_v4_alone || one.find(':') == std::string::npos)
        all.push_back(own_health(fra_pool(), one));
    }
    return all;
  }
  Health floor_health(const std::optional<Portion>& bound, bool is_v4_alone = false) const {
    if (!bound) return Health::up;
    const std::vector<Health> all = members(is_v4_alone);
    return enough(all, bound->least_of(all.size()));
  }

  /// What fra is by its own monitors and floor.
  Health cluster_health() const {
    const auto anywhere = [this](const std::string& monitor) {
      std::vector<Health> any;
      for (const std::string& one : world_.fra_ingress) any.push_back(seen(monitor, one, ""));
      return best(any);
    };
    std::vector<Health> needed{floor_health(world_.cluster_floor.all)};
    std::vector<Health> votes;
    for (const std::string& monitor : world_.cluster_monitors) needed.push_back(anywhere(monitor));
    for (const std::string& monitor : world_.cluster_voting) votes.push_back(anywhere(monitor));
    needed.push_back(vote(votes));
    return worst(needed);
  }

  Health expected_health(const zones::Pool& pool, const std::string& address) const {
    std::vector<Health> needed{own_health(pool, address)};
    if (pool.cluster_name != "fra") return worst(needed);
    if (life_->control.join().cluster(ClusterId(0)).kept == KeptBy::nobody)
      needed.push_back(cluster_health());
    needed.push_back(floor_health(world_.pool_floor.all));
    needed.push_back(floor_health(world_.pool_floor.ipv4, true));
    return worst(needed);
  }

  static std::vector<std::string> covering(const zones::Service& service, const zones::Pool& pool,
                                           const zones::Endpoint& endpoint) {
    return {endpoint_target(service, endpoint), pool_target(service, pool), service_target(service),
            cluster_target(pool.cluster_name)};
  }
  /// What these, the narrowest first, decide.
  std::optional<IntentKind> intent(const std::vector<std::string>& targets) const {
    std::optional<IntentKind> force;
    for (const std::string& target : targets) {
      const auto found = intents_.find(target);
      if (found == intents_.end()) continue;
      if (found->second.kind == IntentKind::drain) return IntentKind::drain;
      if (!force) force = found->second.kind;
    }
    return force;
  }
  bool is_taken_out(const std::vector<std::string>& targets) const {
    const std::optional<IntentKind> kind = intent(targets);
    return kind && *kind != IntentKind::force_up;
  }

  Eligibility expected(const zones::Service& service, const zones::Pool& pool,
                       const zones::Endpoint& endpoint) const {
    if (const auto kind = intent(covering(service, pool, endpoint))) {
      return *kind == IntentKind::drain      ? Eligibility::excluded
             : *kind == IntentKind::force_up ? Eligibility::eligible
                                             : Eligibility::down;
    }
    if (life_->control.join().endpoint(endpoint.id).kept != KeptBy::nobody)
      return Eligibility::eligible;
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
  tests::Replay replay_;
  std::map<std::string, health::Standing> health_;  // by check key, of what is in use
  std::map<std::string, MonotonicTime> due_;        // reports, by check key
  std::map<std::string, Intent> intents_;           // by target
  std::unique_ptr<Life> life_;
};

}  // namespace

TEST_CASE("whatever happens, eligibility is what health and intents say, and the journal tells it",
          "[control_simulation]") {
  set_log_level(LogLevel::error);
  for (const uint64_t seed : tests::simulation_seeds(6)) {
    INFO("SWINGOVER_SIMULATION_SEED=" << seed << " SWINGOVER_SIMULATION_RUNS=1");
    Simulation simulation(seed);
    simulation.check();
    for (int step = 0; step < 300; ++step) {
      INFO("step " << step);
      simulation.step();
      simulation.check();
    }
  }
  set_log_level(LogLevel::info);
}
