// The control thread under the largest events: how soon the last service has swung, for how long an admin call would
// have waited, and how long it takes until the journal has it all. The real Control, StoreWriter and RocksDB, on a
// disk folder of its own; verdicts are handed to it as the prober hands them.
//
//   control_bench FOLDER [SERVICES=50000]
//
//   cluster    the one monitor of a cluster with an endpoint of each service fails
//   endpoints  each of those endpoints fails by its own monitor, 500 verdicts at a time, all within a second; of each
//              endpoint the time from its verdict counts
//   all down   then each of the other cluster, all verdicts at once
//   reload     the same configuration again, nothing changed; at the end while everything is down
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/background.h"
#include "base/log.h"
#include "server/control/control_loop.h"
#include "server/control/restore.h"
#include "store/rocks_store.h"
#include "zones/snapshot.h"

using namespace swingover;
using Steady = std::chrono::steady_clock;

namespace {

double milliseconds(Steady::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

IpAddress address(uint32_t number, uint8_t first) {
  return IpAddress::v4({first, static_cast<uint8_t>(number >> 16),
                        static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number)});
}

zones::Pool pool(uint32_t cluster, std::string name, uint32_t priority, const IpAddress& endpoint) {
  zones::Pool pool;
  pool.cluster = ClusterId(cluster);
  pool.cluster_name = std::move(name);
  pool.priority = priority;
  pool.endpoints.push_back({endpoint, {}});
  return pool;
}

control::Setup setup(uint32_t services, uint64_t generation) {
  auto model = std::make_shared<zones::Model>();
  model->topology.clusters.push_back({"fra", {}, {}, {address(1, 192)}, {"power"}});
  model->topology.clusters.push_back({"ams", {}, {}, {}, {}});
  for (uint32_t i = 0; i < services; ++i) {
    zones::Service service;
    service.name = *zones::parse_name("s" + std::to_string(i) + ".example.test.");
    service.monitors = {"web"};
    service.pools.push_back(pool(0, "fra", 1, address(i, 10)));
    service.pools.push_back(pool(1, "ams", 2, address(i, 11)));
    model->services.push_back(std::move(service));
  }
  number(model->services);
  model->zones.push_back({*zones::parse_name("example.test."), nullptr});
  control::Setup setup;
  setup.model = model;
  for (const char* name : {"web", "power"}) {
    health::MonitorOptions options;
    options.name = name;
    setup.monitors.push_back(std::make_shared<const health::MonitorOptions>(options));
  }
  setup.snapshot = zones::build_snapshot(setup.model, {.generation = generation});
  setup.config_text = std::string(size_t{services} * 150, '#');  // as long as such a one is
  return setup;
}

/// Asks the control thread for its attention each half millisecond, as an admin call does.
class Attention {
 public:
  Attention(loop::Loop& loop, pthread_t asked) : loop_(loop) {
    pthread_getcpuclockid(asked, &cpu_clock_);
    thread_ = std::thread([this] { ask(); });
  }
  ~Attention() {
    done_ = true;
    thread_.join();
  }
  double longest_wait() const { return milliseconds(Steady::duration(longest_)); }
  /// What the control thread itself used in such a wait, whatever else the machine did.
  double longest_cpu() const { return milliseconds(Steady::duration(longest_cpu_)); }

 private:
  void ask() {
    while (!done_) {
      const auto asked = Steady::now();
      const int64_t used = cpu_time();
      std::atomic<bool> heard{false};
      loop_.post([&] { heard = true; });
      while (!heard) std::this_thread::sleep_for(std::chrono::microseconds(50));
      longest_cpu_ = std::max(longest_cpu_.load(), cpu_time() - used);
      longest_ = std::max(longest_.load(), (Steady::now() - asked).count());
      std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
  }

  int64_t cpu_time() const {
    timespec time{};
    clock_gettime(cpu_clock_, &time);
    return time.tv_sec * 1'000'000'000 + time.tv_nsec;
  }

  loop::Loop& loop_;
  clockid_t cpu_clock_{};
  std::atomic<int64_t> longest_cpu_{0};
  std::atomic<bool> done_{false};
  std::atomic<Steady::rep> longest_{0};
  std::thread thread_;
};

using Moments = std::vector<std::atomic<Steady::rep>>;  // by service

class World {
 public:
  World(const std::string& folder, uint32_t services)
      : services_(services),
        store_(std::move(*store::open_rocks_store(folder))),
        writer_(loop_, *store_, *store::Journal::open(*store_), {}),
        control_(environment()) {
    control_.start(setup(services, 1), *control::restore(*store_));
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~World() {
    loop_.stop();
    thread_.join();
  }

  /// `work` on the control thread.
  void post(std::function<void()> work) { loop_.post(std::move(work)); }
  Attention attend() { return {loop_, thread_.native_handle()}; }
  control::Control& control() { return control_; }
  uint32_t services() const { return services_; }

  std::vector<health::CheckUpdate> updates(const std::string& monitor, health::Health health,
                                           uint8_t first_octet) const {
    std::vector<health::CheckUpdate> all;
    const std::string prefix = std::to_string(first_octet) + ".";
    for (uint32_t i = 0; i < checks_.size(); ++i) {
      if (checks_[i].monitor->name != monitor || !checks_[i].address.starts_with(prefix)) continue;
      health::CheckUpdate update;
      update.epoch = epoch_;
      update.check = i;
      update.health = health;
      update.changed = true;
      update.verdict = health == health::Health::up ? health::Verdict::pass : health::Verdict::fail;
      update.reason = health == health::Health::up ? "" : "connect timed out after 1 s";
      update.at = system_clock().wall();
      update.first_failure = system_clock().now();
      all.push_back(std::move(update));
    }
    return all;
  }
  void tell(std::vector<health::CheckUpdate> updates) {
    post([this, updates = std::move(updates)]() mutable {
      control_.on_updates(std::move(updates));
    });
  }
  /// Waits until all of the cluster's endpoints are so.
  /// The longest that one of them took since `told` of it, which may still become known meanwhile; 0 there: not yet.
  Steady::duration wait_for(zones::Eligibility wanted, uint32_t pool,
                            const Moments* told = nullptr) {
    const auto snapshot = control_.shared_snapshot();
    Steady::duration longest{};
    for (uint32_t i = 0; i < services_; ++i) {
      while (snapshot->eligibility->get(EndpointId(2 * i + pool)) != wanted)
        std::this_thread::sleep_for(std::chrono::microseconds(20));
      if (!told) continue;
      longest = std::max(longest, Steady::now().time_since_epoch() - Steady::duration((*told)[i]));
    }
    return longest;
  }
  size_t journaled(const std::string& kind) {
    store::Journal::Query query;
    query.most = 10'000'000;
    size_t count = 0;
    const auto entries = store::Journal::read(*store_, query);
    for (const store::JournalEntry& entry : *entries) count += entry.kind == kind ? 1U : 0U;
    return count;
  }
  /// When nothing has waited for the disk for a while: when that began.
  Steady::time_point wait_for_journal() {
    auto last = Steady::now();
    while (Steady::now() - last < std::chrono::milliseconds(500)) {
      if (writer_.state().waiting > 0) last = Steady::now();
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return last;
  }
  uint64_t lost() const { return writer_.state().journal_lost; }

 private:
  control::Control::Environment environment() {
    return {.loop = loop_,
            .clock = system_clock(),
            .store = *store_,
            .writer = writer_,
            .replace_checks =
                [this](std::vector<health::Check> checks) {
                  checks_ = std::move(checks);
                  return ++epoch_;
                },
            .publish = [this](auto snapshot) { published_.push_back(std::move(snapshot)); },
            .load =
                [this](uint64_t generation, const zones::Snapshot*) {
                  return control::Loaded{setup(services_, generation), ""};
                },
            .on_reload = [](bool) {},
            .offload =
                [this](std::function<void()> work, std::function<void()> done) {
                  background_.run([this, work = std::move(work), done = std::move(done)] {
                    work();
                    loop_.post(done);
                  });
                },
            .identity = "bench",
            .version = "1",
            .seed = 1};
  }

  uint32_t services_;
  std::unique_ptr<store::Store> store_;
  loop::Loop loop_;
  Background background_;
  control::StoreWriter writer_;
  std::vector<health::Check> checks_;
  uint64_t epoch_ = 0;
  std::vector<std::shared_ptr<const zones::Snapshot>> published_;
  control::Control control_;
  std::thread thread_;
};

struct Figures {
  double swung = 0;  // ms from its verdict, at most
  double longest_wait = 0;
  double longest_cpu = 0;
  double journaled = 0;
  size_t health = 0;  // entries
  size_t swings = 0;
};

void print(const char* what, const Figures& figures) {
  std::printf(
      "%-10s swung within %7.1f ms, longest wait %6.1f ms (CPU %5.1f), journal whole %7.0f ms: "
      "%zu of health, %zu swings\n",
      what, figures.swung, figures.longest_wait, figures.longest_cpu, figures.journaled,
      figures.health, figures.swings);
  std::fflush(stdout);
}

/// `begin` tells what happens, service by service, and when it told it.
Figures measure(World& world, zones::Eligibility wanted, uint32_t pool,
                const std::function<void(Moments& told)>& begin) {
  const size_t health = world.journaled("health");
  const size_t swings = world.journaled("swing");
  Figures figures;
  {
    const Attention attention = world.attend();
    const auto start = Steady::now();
    Moments told(world.services());
    std::thread teller([&] { begin(told); });
    figures.swung = milliseconds(world.wait_for(wanted, pool, &told));
    teller.join();
    figures.journaled = milliseconds(world.wait_for_journal() - start);
    figures.longest_wait = attention.longest_wait();
    figures.longest_cpu = attention.longest_cpu();
  }
  figures.health = world.journaled("health") - health;
  figures.swings = world.journaled("swing") - swings;
  return figures;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const auto services = static_cast<uint32_t>(argc > 2 ? std::atoi(argv[2]) : 50'000);
  World world(argv[1], services);
  using health::Health;
  using zones::Eligibility;
  const auto begin = Steady::now();
  world.tell(world.updates("power", Health::up, 192));
  world.tell(world.updates("web", Health::up, 10));
  world.tell(world.updates("web", Health::up, 11));
  world.wait_for(Eligibility::eligible, 1);
  world.wait_for_journal();
  std::printf("%u services known after %.0f ms\n", services, milliseconds(Steady::now() - begin));

  const auto tell_all = [&](Moments& told, std::vector<health::CheckUpdate> updates) {
    for (auto& at : told) at = Steady::now().time_since_epoch().count();
    world.tell(std::move(updates));
  };
  print("cluster", measure(world, Eligibility::down, 0, [&](Moments& told) {
          tell_all(told, world.updates("power", Health::down, 192));
        }));
  print("back", measure(world, Eligibility::eligible, 0, [&](Moments& told) {
          tell_all(told, world.updates("power", Health::up, 192));
        }));
  const auto reload = [&](const char* what) {
    const Attention attention = world.attend();
    std::atomic<bool> done{false};
    const auto start = Steady::now();
    world.post([&] { world.control().reload([&](const auto&) { done = true; }); });
    while (!done) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const double took = milliseconds(Steady::now() - start);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    std::printf("%-10s took %7.1f ms, longest wait %6.1f ms (CPU %5.1f)\n", what, took,
                attention.longest_wait(), attention.longest_cpu());
    std::fflush(stdout);
  };
  for (int turn = 0; turn < 3; ++turn) reload("reload");
  print("endpoints", measure(world, Eligibility::down, 0, [&](Moments& told) {
          const auto all = world.updates("web", Health::down, 10);
          for (size_t at = 0; at < all.size(); at += 500) {
            const size_t end = std::min(at + 500, all.size());
            for (size_t i = at; i < end; ++i) told[i] = Steady::now().time_since_epoch().count();
            world.tell({all.begin() + static_cast<std::ptrdiff_t>(at),
                        all.begin() + static_cast<std::ptrdiff_t>(end)});
            std::this_thread::sleep_for(std::chrono::milliseconds(8));
          }
        }));
  // Without any pool that is up answers are sampled, which takes longest to look at.
  print("all down", measure(world, Eligibility::down, 1, [&](Moments& told) {
          tell_all(told, world.updates("web", Health::down, 11));
        }));
  for (int turn = 0; turn < 3; ++turn) reload("reload");
  std::printf("journal entries lost: %llu\n", static_cast<unsigned long long>(world.lost()));
}
