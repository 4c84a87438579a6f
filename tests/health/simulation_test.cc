// Days in seconds: the engine, the table, the schedule and the machines that the daemon runs, under a manual clock,
// against targets that die, hang, err, flap and lose probes. What must hold holds for every seed.
//
//   SWINGOVER_SIMULATION_SEED=N   the first seed (default 1)
//   SWINGOVER_SIMULATION_RUNS=N   how many seeds each case plays (default: so many that all take a few seconds)
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <queue>

#include "base/random.h"
#include "health/probe_engine.h"
#include "tests/support/manual_clock.h"
#include "tests/support/seeds.h"

namespace swingover::health {

namespace {

using tests::simulation_seeds;

constexpr Milliseconds seconds(int64_t n) {
  return Milliseconds(n * 1000);
}
constexpr Milliseconds hours(int64_t n) {
  return seconds(n * 3600);
}
constexpr Milliseconds latency_max{20};

enum class Truth : uint8_t { serves, refuses, errs, hangs };

/// One backend as it really is.
struct Backend {
  Truth truth = Truth::serves;
  MonotonicTime since{};  // of this truth
};

/// What happens to one probe of a backend that serves.
enum class Luck : uint8_t { arrives, is_lost, errs };

class World {
 public:
  explicit World(uint64_t seed)
      : random_(seed),
        engine_(loop_, clock_, {.schedule = {.running_max = 4096, .seed = seed}},
                {.make_target =
                     [this](const Check& check) {
                       return std::make_unique<SimulatedTarget>(
                           *this, static_cast<size_t>(std::stoi(check.address)), check);
                     },
                 .deliver = [this](std::vector<CheckUpdate> updates) { hear(std::move(updates)); },
                 .on_probe_end = [this](const Check&, const Finding&) { ++verdicts_; },
                 .on_turn = [](const Schedule&, const Watch&) {}}) {}

  void watch(const MonitorOptions& monitor, size_t count, Health initial) {
    const auto shared = std::make_shared<const MonitorOptions>(monitor);
    checks_.clear();
    for (size_t i = 0; i < count; ++i) {
      checks_.push_back({shared, std::to_string(i), "", {initial}});
    }
    backends_.resize(count);
    known_.assign(count, {initial, Hold::none, clock_.now()});
    engine_.replace(checks_, ++epoch_);
  }

  void run(Milliseconds time) {
    const MonotonicTime end = clock_.now() + time;
    while (clock_.now() < end) step(end);
  }

  void set(size_t backend, Truth truth) {
    if (backends_[backend].truth == truth) return;
    backends_[backend] = {truth, clock_.now()};
  }

  /// Nothing of this process runs meanwhile: no probe starts or ends, no timer fires.
  void stand_still(Milliseconds time) {
    clock_.advance(time);
    engine_.pump();
    turn();
  }
  void jump_wall(Milliseconds by) { clock_.jump_wall(by); }

  struct Known {
    Health health = Health::unknown;
    Hold hold = Hold::none;
    MonotonicTime since{};
    bool is_eligible() const { return health == Health::up && hold == Hold::none; }
  };
  const Known& known(size_t backend) const { return known_[backend]; }
  Truth truth(size_t backend) const { return backends_[backend].truth; }
  MonotonicTime now() const { return clock_.now(); }
  Random& random() { return random_; }
  uint64_t verdicts() const { return verdicts_; }

  struct Told {
    CheckUpdate update;
    MonotonicTime at;
    bool was_eligible = false;
  };
  const std::vector<Told>& journal() const { return journal_; }

  /// How often an eligible target was taken out.
  uint64_t swings() const {
    uint64_t count = 0;
    for (const Told& told : journal_) {
      const bool is_eligible = told.update.health == Health::up && told.update.hold == Hold::none;
      if (told.was_eligible && !is_eligible) ++count;
    }
    return count;
  }
  std::optional<MonotonicTime> first_down(size_t backend, MonotonicTime since) const {
    for (const Told& told : journal_) {
      if (told.update.check == backend && told.update.health == Health::down && told.at >= since) {
        return told.at;
      }
    }
    return std::nullopt;
  }

  /// Whether what was told, told again in order, is what the engine knows; what is wrong otherwise.
  std::string unexplained() {
    if (!problem_.empty()) return problem_;
    const std::vector<Known> replayed = known_;
    journal_.clear();
    for (size_t i = 0; i < checks_.size(); ++i) {
      checks_[i].initial = {replayed[i].health, replayed[i].hold, 0, {}};
    }
    engine_.replace(checks_, ++epoch_);
    turn();
    for (const Told& told : journal_) {
      if (told.update.changed) {
        return "check " + std::to_string(told.update.check) + " is " +
               std::string(word(told.update.health)) + ", " + std::string(word(told.update.hold)) +
               "; the journal says otherwise";
      }
    }
    return journal_.size() == checks_.size() ? "" : "not every check is known";
  }

  std::function<Luck(size_t backend)> luck = [](size_t) { return Luck::arrives; };

 private:
  struct SimulatedProbe : Probe {
    SimulatedProbe(World& w, size_t b, Milliseconds timeout, Done d)
        : world(w), id(++w.last_probe_), done(std::move(d)) {
      Finding finding;
      Milliseconds took(1 + static_cast<int64_t>(w.random_.below(latency_max.value)));
      const Luck fate = w.backends_[b].truth == Truth::serves ? w.luck(b) : Luck::arrives;
      const Truth truth = w.backends_[b].truth;
      if (truth == Truth::hangs || fate == Luck::is_lost) {
        took = timeout;
        finding = {.verdict = Verdict::fail, .reason = "timed out"};
      } else if (truth == Truth::refuses) {
        finding = {.verdict = Verdict::fail, .reason = "refused", .failure = Failure::hard};
      } else if (truth == Truth::errs || fate == Luck::errs) {
        finding = {.verdict = Verdict::fail, .reason = "status 500"};
      }
      finding.duration_nanoseconds = took.value * 1'000'000;
      w.probes_.emplace(id, this);
      w.ends_.push({(w.clock_.now() + took).nanoseconds, id, finding});
    }
    ~SimulatedProbe() override { world.probes_.erase(id); }
    World& world;
    uint64_t id;
    Done done;
  };
  struct SimulatedTarget : Target {
    SimulatedTarget(World& w, size_t b, const Check& check)
        : world(w), backend(b), timeout(check.monitor->timeout) {}
    std::unique_ptr<Probe> start(Probe::Done done) override {
      return std::make_unique<SimulatedProbe>(world, backend, timeout, std::move(done));
    }
    World& world;
    size_t backend;
    Milliseconds timeout;
  };
  struct End {
    int64_t at;
    uint64_t probe;
    Finding finding;
    bool operator<(const End& other) const { return at > other.at; }
  };

  void step(MonotonicTime end) {
    MonotonicTime next = std::min(engine_.wakes_at(), end);
    if (!ends_.empty()) next = std::min(next, MonotonicTime{ends_.top().at});
    clock_.advance(std::max(next - clock_.now(), Milliseconds(0)));
    while (!ends_.empty() && ends_.top().at <= clock_.now().nanoseconds) {
      const End ended = ends_.top();
      ends_.pop();
      const auto probe = probes_.find(ended.probe);
      if (probe == probes_.end()) continue;
      const Probe::Done done = probe->second->done;
      done(ended.finding);
    }
    if (engine_.wakes_at() <= clock_.now()) engine_.pump();
    turn();
  }

  void turn() {
    if (engine_.is_delivering()) loop_.run_until([] { return true; }, 0);
  }

  void hear(std::vector<CheckUpdate> updates) {
    for (CheckUpdate& update : updates) {
      if (update.epoch != epoch_) continue;
      Known& known = known_[update.check];
      const bool is_other = known.health != update.health || known.hold != update.hold;
      if (is_other != update.changed) problem_ = "an update that says `changed` wrongly";
      if (update.health == Health::down && update.verdict == Verdict::fail &&
          update.reason.empty()) {
        problem_ = "a down without a reason";
      }
      const bool was_eligible = known.is_eligible();
      if (is_other) known = {update.health, update.hold, clock_.now()};
      journal_.push_back({std::move(update), clock_.now(), was_eligible});
    }
  }

  Random random_;
  tests::ManualClock clock_;
  loop::Loop loop_;
  std::vector<Check> checks_;
  std::vector<Backend> backends_;
  std::vector<Known> known_;  // by what was told
  std::vector<Told> journal_;
  std::string problem_;
  uint64_t epoch_ = 0;
  uint64_t verdicts_ = 0;
  uint64_t last_probe_ = 0;
  std::unordered_map<uint64_t, SimulatedProbe*> probes_;
  std::priority_queue<End> ends_;
  ProbeEngine engine_;
};

MonitorOptions monitor(Milliseconds interval = seconds(1)) {
  MonitorOptions options;
  options.name = "web";
  options.interval = interval;
  options.timeout = std::min(interval, seconds(1));
  return options;
}

/// P(at least k of n), each with probability p.
double at_least(int k, int n, double p) {
  double sum = 0;
  for (int i = k; i <= n; ++i) {
    sum += std::exp(std::lgamma(n + 1) - std::lgamma(i + 1) - std::lgamma(n - i + 1) +
                    i * std::log(p) + (n - i) * std::log1p(-p));
  }
  return sum;
}

/// From a fault to its `down`, at most, where no probe is lost. Beats are at most 0.98 intervals apart; a step of the
/// simulation and the way of each answer come on top.
Milliseconds detection_max(const MonitorOptions& monitor, Truth fault) {
  const HealthRules rules = monitor.rules();
  const Milliseconds slack = latency_max * static_cast<int64_t>(rules.fall) + Milliseconds(5);
  const Milliseconds soft = rules.confirm * static_cast<int64_t>(rules.fall - 1);
  const Milliseconds hard = rules.confirm_hard * static_cast<int64_t>(rules.fall_hard - 1);
  if (fault == Truth::refuses) return monitor.interval + hard + slack;
  if (fault == Truth::errs) return monitor.interval + soft + slack;
  return monitor.interval + monitor.timeout + soft + slack;
}

}  // namespace

TEST_CASE("isolated losses, however many, never swing anything", "[simulation]") {
  for (const uint64_t seed : simulation_seeds(2)) {
    INFO("seed " << seed);
    World world(seed);
    // Of any three probes of a target one is lost at most: 1 % of them, or up to a third.
    const double share = seed % 2 == 0 ? 0.01 : 0.9;
    std::vector<int> since_loss(20, 0);
    world.luck = [&](size_t backend) {
      int& passed = since_loss[backend];
      const bool is_bad = passed >= 2 && world.random().unit() < share;
      passed = is_bad ? 0 : passed + 1;
      if (!is_bad) return Luck::arrives;
      return world.random().below(2) == 0 ? Luck::is_lost : Luck::errs;
    };
    world.watch(monitor(), since_loss.size(), Health::up);
    world.run(hours(1));
    CHECK(world.swings() == 0);
    CHECK(world.verdicts() > 70'000);
    CHECK(world.unexplained().empty());
  }
}

// A verdict ends a run of three failures with p^3, and is the fifth failure among ten with p x P(4 of the 9 before
// it). No more downs than that come on average, whether what is lost shows at once (an error) or by its timeout
// (where confirming probes beside it pass, its failure is old news and counts for nothing; so there are fewer). Six
// deviations on top hold for every seed. At 1 %: one in a million verdicts; an endpoint probed each 5 s goes down
// wrongly once in 58 days. At 5 %: one in 6,000; at 10 %: one in 550; at 30 % a target is down more often than not:
// its flap hold bounds what comes of it (below).
TEST_CASE("where probes are lost at random, no more goes down than chance allows", "[simulation]") {
  for (const uint64_t seed : simulation_seeds(1)) {
    for (const double p : {0.01, 0.05, 0.10, 0.30}) {
      for (const Luck kind : {Luck::is_lost, Luck::errs}) {
        INFO("seed " << seed << " loss " << p << (kind == Luck::errs ? " at once" : " by timeout"));
        World world(seed);
        world.luck = [&](size_t) { return world.random().unit() < p ? kind : Luck::arrives; };
        MonitorOptions options = monitor();
        options.flap_half_life = Milliseconds(0);  // what is held would not be counted
        world.watch(options, 20, Health::up);
        world.run(seconds(1800));
        const double expected =
            static_cast<double>(world.verdicts()) * (p * p * p + p * at_least(4, 9, p));
        INFO("verdicts " << world.verdicts() << " expected at most " << expected);
        CHECK(static_cast<double>(world.swings()) <= expected + 6 * std::sqrt(expected) + 3);
        CHECK(world.unexplained().empty());
      }
    }
  }
}

// A penalty that no fall lifts to 2,500 lets them be 221 s apart at the closest, with half-life 300 s: 1000 / (1 -
// 2^(-221/300)) = 2,500. Whoever falls faster is held with the third fall, until 400 s after the last one at the least.
// So in any hour there are at most 3600 / 221 of them, and the two that a rested target has in hand.
TEST_CASE("a flapping target swings at most 19 times an hour, at whatever pace it flaps",
          "[simulation]") {
  for (const uint64_t seed : simulation_seeds(2)) {
    World world(seed);
    const size_t count = 20;
    world.watch(monitor(), count, Health::up);
    const Milliseconds time = hours(2);
    const double loss = seed % 2 == 0 ? 0 : 0.3;
    world.luck = [&](size_t) { return world.random().unit() < loss ? Luck::errs : Luck::arrives; };
    std::vector<MonotonicTime> next(count, world.now());
    const MonotonicTime end = world.now() + time;
    while (world.now() < end) {
      for (size_t i = 0; i < count; ++i) {
        if (world.now() < next[i]) continue;
        const bool serves = world.truth(i) == Truth::serves;
        world.set(i, serves ? static_cast<Truth>(1 + world.random().below(3)) : Truth::serves);
        // From four seconds to five minutes, a pace for each.
        const double pace = 4.0 * std::pow(75.0, static_cast<double>(i) / (count - 1));
        next[i] = world.now() +
                  Milliseconds(static_cast<int64_t>(pace * (500 + 1000 * world.random().unit())));
      }
      world.run(seconds(1));
    }
    std::vector<std::vector<int64_t>> swings(count);
    for (const World::Told& told : world.journal()) {
      const bool is_eligible = told.update.health == Health::up && told.update.hold == Hold::none;
      if (told.was_eligible && !is_eligible)
        swings[told.update.check].push_back(told.at.nanoseconds);
    }
    size_t most = 0;
    for (size_t i = 0; i < count; ++i) {
      for (size_t from = 0, to = 0; to < swings[i].size(); ++to) {
        while (swings[i][to] - swings[i][from] >= hours(1).value * 1'000'000) ++from;
        const size_t in_an_hour = to - from + 1;
        most = std::max(most, in_an_hour);
        INFO("seed " << seed << " target " << i);
        if (in_an_hour > 19) CHECK(in_an_hour <= 19);
      }
    }
    INFO("seed " << seed);
    CHECK(most >= 3);  // they do flap
    CHECK(world.unexplained().empty());
  }
}

TEST_CASE("every fault is found within its bound, and so is its end", "[simulation]") {
  for (const uint64_t seed : simulation_seeds(3)) {
    Random random(seed * 977);
    for (const Truth fault : {Truth::refuses, Truth::errs, Truth::hangs}) {
      MonitorOptions options =
          monitor(Milliseconds(500 + static_cast<int64_t>(random.below(9500))));
      options.fall = 1 + static_cast<uint32_t>(random.below(5));
      options.rise = 1 + static_cast<uint32_t>(random.below(3));
      options.flap_half_life = Milliseconds(0);
      World world(seed);
      const size_t count = 20;
      world.watch(options, count, Health::unknown);
      world.run(seconds(30));
      const Milliseconds out = detection_max(options, fault);
      const Milliseconds back = options.interval +
                                options.confirm() * static_cast<int64_t>(options.rise - 1) +
                                latency_max * options.rise + Milliseconds(5) +
                                (fault == Truth::hangs ? options.timeout : Milliseconds(0));
      for (int round = 0; round < 3; ++round) {
        std::vector<MonotonicTime> broke(count);
        for (size_t i = 0; i < count; ++i) {
          world.run(Milliseconds(static_cast<int64_t>(random.below(300))));
          broke[i] = world.now();
          world.set(i, fault);
        }
        world.run(out);
        for (size_t i = 0; i < count; ++i) {
          const auto down = world.first_down(i, broke[i]);
          INFO("seed " << seed << " fault " << static_cast<int>(fault) << " interval "
                       << options.interval.value << " fall " << options.fall);
          REQUIRE(down);
          CHECK(*down - broke[i] <= out);
        }
        for (size_t i = 0; i < count; ++i) world.set(i, Truth::serves);
        world.run(back);
        for (size_t i = 0; i < count; ++i) {
          INFO("seed " << seed << " fault " << static_cast<int>(fault));
          CHECK(world.known(i).health == Health::up);
        }
      }
      CHECK(world.unexplained().empty());
    }
  }
}

// Whatever the interval: a twentieth of the outage, then the verdicts that `rise` asks for.
TEST_CASE("the end of a short outage is found soon, at any interval", "[simulation]") {
  for (const uint64_t seed : simulation_seeds(3)) {
    Random random(seed * 1009);
    for (const Truth fault : {Truth::refuses, Truth::errs}) {
      MonitorOptions options =
          monitor(Milliseconds(2'000 + static_cast<int64_t>(random.below(58'000))));
      options.rise = 1 + static_cast<uint32_t>(random.below(3));
      options.flap_half_life = Milliseconds(0);
      World world(seed);
      world.watch(options, 10, Health::up);
      for (int round = 0; round < 5; ++round) {
        world.run(options.interval * 2);
        const MonotonicTime broke = world.now();
        for (size_t i = 0; i < 10; ++i) world.set(i, fault);
        const Milliseconds outage = detection_max(options, fault) +
                                    Milliseconds(static_cast<int64_t>(random.below(60'000)));
        world.run(outage);
        for (size_t i = 0; i < 10; ++i) {
          REQUIRE(world.known(i).health == Health::down);
          world.set(i, Truth::serves);
        }
        const Milliseconds wait = std::max(std::min(options.confirm(), Milliseconds(500)),
                                           Milliseconds((world.now() - broke).value / 20));
        world.run(std::min(wait, options.interval) +
                  options.confirm() * static_cast<int64_t>(options.rise - 1) +
                  latency_max * (options.rise + 1) + Milliseconds(5));
        for (size_t i = 0; i < 10; ++i) {
          INFO("seed " << seed << " interval " << options.interval.value << " outage "
                       << outage.value);
          CHECK(world.known(i).health == Health::up);
        }
      }
      CHECK(world.unexplained().empty());
    }
  }
}

// Clusters fail whole and return, single targets fail in between; the wall clock jumps by an hour, both ways. What
// is known is then what is true, a bound after it became so; and the same run without the jumps tells the same.
TEST_CASE("clusters fail and return, clocks jump, and what is told is what is true",
          "[simulation]") {
  for (const uint64_t seed : simulation_seeds(2)) {
    INFO("seed " << seed);
    std::vector<std::string> told[2];
    for (const bool jumps : {false, true}) {
      World world(seed);
      const size_t clusters = 4;
      const size_t of_each = 10;
      const MonitorOptions options = monitor();
      world.watch(options, clusters * of_each, Health::unknown);
      Random random(seed);
      std::vector<MonotonicTime> changed(clusters * of_each, world.now());
      const auto set = [&](size_t i, Truth truth) {
        if (world.truth(i) != truth) changed[i] = world.now();
        world.set(i, truth);
      };
      size_t wrong = 0;
      for (int minute = 0; minute < 60; ++minute) {
        const size_t cluster = random.below(clusters);
        const auto truth = static_cast<Truth>(random.below(4));
        const size_t one = random.below(clusters * of_each);
        if (random.below(4) == 0) {
          for (size_t i = 0; i < of_each; ++i) set(cluster * of_each + i, truth);
        } else {
          set(one, truth);
        }
        const Milliseconds jump = hours(random.below(2) == 0 ? 1 : -1);
        if (jumps) world.jump_wall(jump);
        world.run(Milliseconds(20'000 + static_cast<int64_t>(random.below(40'000))));
        for (size_t i = 0; i < changed.size(); ++i) {
          if (world.now() - changed[i] < detection_max(options, Truth::hangs)) continue;
          const Health is = world.truth(i) == Truth::serves ? Health::up : Health::down;
          if (world.known(i).health != is) ++wrong;
        }
      }
      CHECK(wrong == 0);
      for (const World::Told& entry : world.journal()) {
        told[jumps ? 1 : 0].push_back(
            std::to_string(entry.at.nanoseconds) + ' ' + std::to_string(entry.update.check) + ' ' +
            std::string(word(entry.update.health)) + ' ' + std::string(word(entry.update.hold)));
      }
      CHECK(told[jumps ? 1 : 0].size() > 100);
      CHECK(world.unexplained().empty());
    }
    CHECK(told[0] == told[1]);
  }
}

TEST_CASE("a process that stood still finds nobody guilty of it", "[simulation]") {
  for (const uint64_t seed : simulation_seeds(3)) {
    INFO("seed " << seed);
    World world(seed);
    world.watch(monitor(), 50, Health::up);
    for (int i = 0; i < 100; ++i) {
      world.run(Milliseconds(static_cast<int64_t>(world.random().below(3000))));
      world.stand_still(Milliseconds(500 + static_cast<int64_t>(world.random().below(3'600'000))));
    }
    world.run(seconds(10));
    CHECK(world.swings() == 0);
    for (size_t i = 0; i < 50; ++i) CHECK(world.known(i).health == Health::up);
    CHECK(world.unexplained().empty());
  }
}

TEST_CASE("at rest nothing is told", "[simulation]") {
  const uint64_t seed = tests::first_simulation_seed();
  INFO("seed " << seed);
  World world(seed);
  world.watch(monitor(seconds(5)), 500, Health::unknown);
  world.run(seconds(60));
  CHECK(world.journal().size() == 500);
  world.run(seconds(600));
  CHECK(world.journal().size() == 500);
  CHECK(world.verdicts() > 60'000);
}

}  // namespace swingover::health
