// The control thread under the largest events: how soon the last service has swung, for how long an admin call waited
// (GET /livez, over and over), and how long it takes until the journal has it all. The real Control, StoreWriter,
// RocksDB and admin address, on a disk folder of its own; verdicts are handed over as the prober hands them.
//
//   control_bench FOLDER [SERVICES=50000]
//
//   cluster    the one monitor of a cluster with an endpoint of each service fails, and passes again (back)
//   intent     the same while an intent is in force
//   asked      the same while others ask for /v1/services and /metrics over and over
//   reload     the same configuration again, nothing changed; at the end while everything is down
//   endpoints  each of those endpoints fails by its own monitor, 500 verdicts at a time, all within a second; of each
//              endpoint the time from its verdict counts; others ask as above
//   drain      then the other cluster is drained, and comes back (undrain); others ask as above
//   all down   then each endpoint of it fails, all verdicts at once
//
// Exit status 1: a change was not journaled, or an admin call was not answered with 200. Times decide nothing.
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/background.h"
#include "base/log.h"
#include "server/control/admin.h"
#include "server/control/control_loop.h"
#include "server/control/metrics.h"
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

/// One connection to the admin address; it ends the program when the other end fails.
class Caller {
 public:
  explicit Caller(const SocketAddress& at) : peer_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_storage to{};
    const unsigned size = to_sockaddr(at.address, at.port, to);
    if (connect(peer_, reinterpret_cast<sockaddr*>(&to), size) != 0) fail("connecting");
  }
  ~Caller() { close(peer_); }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  /// The size of the body of a reply that is a success.
  size_t ask(const std::string& method, const std::string& path, const std::string& body = {}) {
    const std::string request = method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" +
                                "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                                body;
    if (send(peer_, request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size()))
      fail("sending");
    std::string reply;
    size_t head = std::string::npos;
    while (head == std::string::npos) {
      reply.append(buffer_.data(), receive());
      head = reply.find("\r\n\r\n");
    }
    if (!reply.starts_with("HTTP/1.1 20")) fail((path + ": " + reply).c_str());
    const size_t at = reply.find("Content-Length: ");
    if (at > head) fail("no length");
    const size_t size = std::stoul(reply.substr(at + 16));
    for (size_t got = reply.size() - head - 4; got < size;) got += receive();
    return size;
  }

 private:
  size_t receive() {
    const ssize_t got = recv(peer_, buffer_.data(), buffer_.size(), 0);
    if (got <= 0) fail("receiving");
    return static_cast<size_t>(got);
  }
  [[noreturn]] static void fail(const char* what) {
    std::fprintf(stderr, "an admin call failed: %s\n", what);
    std::_Exit(1);
  }

  int peer_;
  std::vector<char> buffer_ = std::vector<char>(size_t{1} << 18);
};

/// Calls the admin address each half millisecond.
class Attention {
 public:
  Attention(const SocketAddress& at, pthread_t asked) : caller_(at) {
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
      caller_.ask("GET", "/livez");
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

  Caller caller_;
  clockid_t cpu_clock_{};
  std::atomic<int64_t> longest_cpu_{0};
  std::atomic<bool> done_{false};
  std::atomic<Steady::rep> longest_{0};
  std::thread thread_;
};

/// Asks for the same over and over.
class Crowd {
 public:
  Crowd(const SocketAddress& at, const std::string& path)
      : thread_([this, at, path] {
          Caller caller(at);
          do {
            size_ = caller.ask("GET", path);
            ++replies_;
          } while (!done_);
        }) {}
  ~Crowd() { thread_.join(); }
  void end() { done_ = true; }
  size_t replies() const { return replies_; }
  size_t size() const { return size_; }

 private:
  std::atomic<bool> done_{false};
  std::atomic<size_t> replies_{0};
  std::atomic<size_t> size_{0};
  std::thread thread_;
};

using Moments = std::vector<std::atomic<Steady::rep>>;  // by service

class World {
 public:
  World(const std::string& folder, uint32_t services)
      : services_(services),
        store_(std::move(*store::open_rocks_store(folder))),
        writer_(loop_, *store_, *store::Journal::open(*store_), {}),
        control_(environment()),
        admin_(loop_, control_, [this] { return control::collect_metrics(control_, {}, {}); }) {
    control_.start(setup(services, 1), *control::restore(*store_));
    http_ = std::move(*control::HttpServer::start(
        loop_, {*parse_socket_address("127.0.0.1:0")}, {},
        [this](const control::HttpRequest& request, control::HttpResponder respond) {
          admin_.handle(request, std::move(respond));
        }));
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~World() {
    loop_.stop();
    thread_.join();
  }

  /// `work` on the control thread.
  void post(std::function<void()> work) { loop_.post(std::move(work)); }
  Attention attend() { return {address(), thread_.native_handle()}; }
  const SocketAddress& address() const { return http_->addresses().front(); }
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
  /// When all was told and nothing has waited for the disk for a while: when that began.
  Steady::time_point wait_for_journal() {
    auto last = Steady::now();
    while (Steady::now() - last < std::chrono::milliseconds(200)) {
      if (!is_quiet()) last = Steady::now();
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return last;
  }
  bool is_quiet() {
    std::promise<bool> is_told;
    post([&] { is_told.set_value(control_.is_all_told()); });
    return is_told.get_future().get() && writer_.state().waiting == 0;
  }
  /// Its id; asked of the control thread.
  std::string intent(const std::string& target) {
    std::promise<std::string> id;
    post([&] { id.set_value(control_.intents().of_target(target)->id); });
    return id.get_future().get();
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
  control::Admin admin_;
  std::unique_ptr<control::HttpServer> http_;
  std::thread thread_;
};

struct Entries {
  size_t health = 0;
  size_t swings = 0;
  friend bool operator==(const Entries&, const Entries&) = default;
};

/// What happens: what it should come to, and who tells it, service by service, noting when.
struct Event {
  const char* name;
  zones::Eligibility wanted;
  uint32_t pool;
  Entries journaled;
  std::function<void(Moments& told)> begin;
  bool is_asked = false;  // others ask for long replies meanwhile
};

/// False: the journal lacks something.
bool measure(World& world, const Event& event) {
  const Entries before{world.journaled("health"), world.journaled("swing")};
  const auto start = Steady::now();
  double swung = 0;
  double journaled = 0;
  double longest_wait = 0;
  double longest_cpu = 0;
  std::string replies;
  {
    const Attention attention = world.attend();
    std::vector<std::unique_ptr<Crowd>> crowds;
    if (event.is_asked) {
      for (const char* path : {"/v1/services", "/metrics"})
        crowds.push_back(std::make_unique<Crowd>(world.address(), path));
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    Moments told(world.services());
    std::thread teller([&] { event.begin(told); });
    swung = milliseconds(world.wait_for(event.wanted, event.pool, &told));
    teller.join();
    journaled = milliseconds(world.wait_for_journal() - start);
    for (const auto& crowd : crowds) crowd->end();
    for (const auto& crowd : crowds) {
      while (crowd->replies() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      replies += ", " + std::to_string(crowd->replies()) + " of " +
                 std::to_string(crowd->size() / 1'000'000) + " MB";
    }
    crowds.clear();
    longest_wait = attention.longest_wait();
    longest_cpu = attention.longest_cpu();
  }
  const Entries found{world.journaled("health") - before.health,
                      world.journaled("swing") - before.swings};
  std::printf(
      "%-10s swung within %7.1f ms, longest wait %6.1f ms (CPU %5.1f), journal whole %7.0f ms: "
      "%zu of health, %zu swings%s\n",
      event.name, swung, longest_wait, longest_cpu, journaled, found.health, found.swings,
      replies.c_str());
  if (found != event.journaled) {
    std::printf("%-10s MISSING: %zu of health and %zu swings were to be journaled\n", event.name,
                event.journaled.health, event.journaled.swings);
  }
  std::fflush(stdout);
  return found == event.journaled;
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
  const auto call = [&](Moments& told, const std::string& method, const std::string& path,
                        const std::string& body = {}) {
    for (auto& at : told) at = Steady::now().time_since_epoch().count();
    Caller(world.address()).ask(method, path, body);
  };
  bool is_whole = true;
  const auto see = [&](const Event& event) { is_whole = measure(world, event) && is_whole; };
  const auto cluster_dies = [&](const char* name, bool is_asked) {
    see({name,
         Eligibility::down,
         0,
         {services + 1, services},
         [&](Moments& told) { tell_all(told, world.updates("power", Health::down, 192)); },
         is_asked});
    see({"  back",
         Eligibility::eligible,
         0,
         {services + 1, services},
         [&](Moments& told) { tell_all(told, world.updates("power", Health::up, 192)); },
         is_asked});
  };
  cluster_dies("cluster", false);
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
  // It changes no answer, so that all else is as without it.
  Caller(world.address())
      .ask("POST", "/v1/intents",
           R"({"kind": "force_up", "target": "endpoint/s0.example.test./11.0.0.0",)"
           R"( "owner": "ada", "reason": "a bench"})");
  cluster_dies("intent", false);
  cluster_dies("asked", true);
  see({"endpoints",
       Eligibility::down,
       0,
       {services, services},
       [&](Moments& told) {
         const auto all = world.updates("web", Health::down, 10);
         for (size_t at = 0; at < all.size(); at += 500) {
           const size_t end = std::min(at + 500, all.size());
           for (size_t i = at; i < end; ++i) told[i] = Steady::now().time_since_epoch().count();
           world.tell({all.begin() + static_cast<std::ptrdiff_t>(at),
                       all.begin() + static_cast<std::ptrdiff_t>(end)});
           std::this_thread::sleep_for(std::chrono::milliseconds(8));
         }
       },
       true});
  // The neighbour of what is dead: then nothing is left but what is dead.
  for (const bool is_asked : {false, true}) {
    see({is_asked ? "drain,asked" : "drain",
         Eligibility::excluded,
         1,
         {0, services},
         [&](Moments& told) {
           call(
               told, "POST", "/v1/intents",
               R"({"kind": "drain", "target": "cluster/ams", "owner": "ada", "reason": "a bench"})");
         },
         is_asked});
    see({"  undrain",
         Eligibility::eligible,
         1,
         {0, services},
         [&](Moments& told) { call(told, "DELETE", "/v1/intents/" + world.intent("cluster/ams")); },
         is_asked});
  }
  Caller(world.address())
      .ask("DELETE", "/v1/intents/" + world.intent("endpoint/s0.example.test./11.0.0.0"));
  // Without any pool that is up answers are sampled, which takes longest to look at.
  see({"all down", Eligibility::down, 1, {services, services}, [&](Moments& told) {
         tell_all(told, world.updates("web", Health::down, 11));
       }});
  for (int turn = 0; turn < 3; ++turn) reload("reload");
  std::printf("journal entries lost: %llu\n", static_cast<unsigned long long>(world.lost()));
  return is_whole && world.lost() == 0 ? 0 : 1;
}
