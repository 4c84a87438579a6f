#include "health/prober.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "tests/support/backend.h"

namespace swingover::health {

namespace {

using tests::Backend;

/// Collects what the probe thread delivers.
class Inbox {
 public:
  Prober::Deliver deliver() {
    return [this](std::vector<CheckUpdate> updates) {
      const std::lock_guard lock(mutex_);
      for (CheckUpdate& update : updates) updates_.push_back(std::move(update));
      arrived_.notify_all();
    };
  }
  /// The first update that `wanted` accepts, within `milliseconds`; all up to it are taken.
  template <class Wanted>
  std::optional<CheckUpdate> wait(int milliseconds, Wanted wanted) {
    std::unique_lock lock(mutex_);
    std::optional<CheckUpdate> found;
    arrived_.wait_for(lock, std::chrono::milliseconds(milliseconds), [&] {
      while (!updates_.empty() && !found) {
        if (wanted(updates_.front())) found = updates_.front();
        updates_.erase(updates_.begin());
      }
      return found.has_value();
    });
    return found;
  }
  std::optional<CheckUpdate> wait_health(int milliseconds, Health health) {
    return wait(milliseconds,
                [health](const CheckUpdate& u) { return u.health == health && u.changed; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<CheckUpdate> updates_;
};

MonitorOptions monitor(MonitorKind kind, uint16_t port) {
  MonitorOptions options;
  options.name = "web";
  options.kind = kind;
  options.port = port;
  options.interval = Milliseconds(500);
  options.timeout = Milliseconds(3000);
  return options;
}

Check check(const MonitorOptions& options, Health initial = Health::unknown) {
  return {std::make_shared<const MonitorOptions>(options), "127.3.0.4", "shop.example.test",
          initial};
}

}  // namespace

TEST_CASE("a backend that dies goes down, one that returns comes up", "[prober]") {
  const MonitorKind kind = GENERATE(MonitorKind::tcp, MonitorKind::http);
  auto backend = std::make_unique<Backend>(std::vector<std::string>{"--bind", "127.3.0.4"});
  Inbox inbox;
  Prober prober(inbox.deliver(), 1);
  const MonitorOptions options = monitor(kind, backend->port());
  const uint64_t epoch = prober.replace({check(options)});
  const auto up = inbox.wait_health(10'000, Health::up);
  REQUIRE(up);
  CHECK(up->epoch == epoch);
  CHECK(up->check == 0);
  CHECK(up->verdict == Verdict::pass);

  backend->end();
  const auto down = inbox.wait_health(10'000, Health::down);
  REQUIRE(down);
  CHECK(down->reason == "connect: connection refused");
  CHECK(down->first_failure.nanoseconds > 0);
  CHECK(system_clock().now() - down->first_failure >= Milliseconds(20));  // a confirming probe

  backend = std::make_unique<Backend>(
      std::vector<std::string>{"--bind", "127.3.0.4", "--port", std::to_string(options.port)});
  CHECK(inbox.wait_health(10'000, Health::up));
  const auto counters = prober.counters();
  REQUIRE(counters.size() == 1);
  CHECK(counters[0].monitor == "web");
  CHECK(counters[0].passes >= 3);
  CHECK(counters[0].failures >= 2);
  uint64_t all = 0;
  for (const uint64_t bucket : counters[0].duration_buckets) all += bucket;
  CHECK(all == counters[0].passes + counters[0].failures);
}

TEST_CASE("a watched backend that dies is down long before its next probe", "[prober]") {
  const MonitorKind kind = GENERATE(MonitorKind::tcp, MonitorKind::http);
  auto backend = std::make_unique<Backend>(std::vector<std::string>{"--bind", "127.3.0.4"});
  Inbox inbox;
  Prober prober(inbox.deliver(), 1);
  MonitorOptions options = monitor(kind, backend->port());
  options.interval = Milliseconds(600'000);
  options.watch = true;
  prober.replace({check(options)});
  REQUIRE(inbox.wait_health(10'000, Health::up));
  for (int i = 0; i < 500 && prober.load().watched < 1; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  REQUIRE(prober.load().watched == 1);

  backend->end();
  const auto down = inbox.wait_health(20'000, Health::down);
  REQUIRE(down);
  CHECK(down->reason == "connect: connection refused");
  CHECK(prober.load().watch_alarms <= 1);  // told each 100 ms
}

TEST_CASE("a silent backend costs one timeout, not one for each failure needed", "[prober]") {
  const Backend backend({"--bind", "127.3.0.4", "--mode", "hang"});
  Inbox inbox;
  Prober prober(inbox.deliver(), 1);
  MonitorOptions options = monitor(MonitorKind::http, backend.port());
  options.interval = Milliseconds(1000);
  options.timeout = Milliseconds(1000);
  options.fall = 10;
  const MonotonicTime began = system_clock().now();
  prober.replace({check(options, Health::up)});
  const auto down = inbox.wait_health(20'000, Health::down);
  REQUIRE(down);
  // The first look is at once; 1,000 ms of timeout and nine confirm intervals of 100 ms. (One after
  // the other it would be 10,900 ms; the bound leaves room for a busy machine.)
  const Milliseconds took = system_clock().now() - began;
  CHECK(took >= Milliseconds(1000));
  CHECK(took <= Milliseconds(8000));
  CHECK(down->reason == "timed out after 1s while waiting for the status");
}

TEST_CASE("a stored state is corrected only by as many verdicts as ever", "[prober]") {
  const Backend backend({"--bind", "127.3.0.4", "--mode", "status", "--status", "500"});
  Inbox inbox;
  Prober prober(inbox.deliver(), 1);
  prober.replace({check(monitor(MonitorKind::http, backend.port()), Health::up)});
  const auto first = inbox.wait(10'000, [](const CheckUpdate&) { return true; });
  REQUIRE(first);
  CHECK_FALSE(first->changed);
  CHECK(first->health == Health::up);
  CHECK(first->reason == "status 500, wanted 200-299");
  const auto down = inbox.wait_health(10'000, Health::down);
  REQUIRE(down);
  CHECK(prober.counters().at(0).failures >= 3);
}

TEST_CASE("a replace goes on with what is known, and says it under the new epoch", "[prober]") {
  const Backend backend({"--bind", "127.3.0.4"});
  Inbox inbox;
  Prober prober(inbox.deliver(), 1);
  const MonitorOptions options = monitor(MonitorKind::http, backend.port());
  prober.replace({check(options)});
  REQUIRE(inbox.wait_health(10'000, Health::up));

  MonitorOptions other = options;
  other.name = "other";
  other.port = 1;
  const uint64_t epoch = prober.replace({check(other), check(options, Health::up)});
  const auto again = inbox.wait(10'000, [&](const CheckUpdate& u) { return u.check == 1; });
  REQUIRE(again);
  CHECK(again->epoch == epoch);
  CHECK(again->health == Health::up);
  CHECK_FALSE(again->changed);
  const auto down = inbox.wait_health(10'000, Health::down);
  REQUIRE(down);
  CHECK(down->check == 0);

  SECTION("and nothing is probed once nothing is asked for") {
    prober.replace({});
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const uint64_t before = prober.counters().at(1).passes;
    std::this_thread::sleep_for(std::chrono::milliseconds(700));
    CHECK(prober.counters().at(1).passes == before);
  }
}

TEST_CASE("what is known of a check is told to who asks", "[prober]") {
  const Backend backend({"--bind", "127.3.0.4"});
  Inbox inbox;
  Prober prober(inbox.deliver(), 1);
  prober.replace({check(monitor(MonitorKind::http, backend.port()))});
  REQUIRE(inbox.wait_health(5000, Health::up));
  std::mutex mutex;
  std::condition_variable told;
  std::optional<std::vector<CheckDetails>> details;
  prober.describe({0, 7}, [&](std::vector<CheckDetails> given) {
    const std::lock_guard lock(mutex);
    details = std::move(given);
    told.notify_all();
  });
  std::unique_lock lock(mutex);
  REQUIRE(told.wait_for(lock, std::chrono::seconds(5), [&] { return details.has_value(); }));
  REQUIRE(details->size() == 1);
  const CheckDetails& one = details->front();
  CHECK(one.check == 0);
  CHECK(one.health == Health::up);
  CHECK(one.watch.empty());
  REQUIRE_FALSE(one.verdicts.empty());
  CHECK(one.verdicts.back().verdict == Verdict::pass);
  CHECK(one.verdicts.back().duration_nanoseconds > 0);
  const bool is_planned = one.running > 0 || one.next_probe > one.verdicts.front().at;
  CHECK(is_planned);
}

TEST_CASE("a look that this host could not take is counted as neither pass nor fail", "[prober]") {
  Inbox inbox;
  Prober prober(inbox.deliver(), 1);
  MonitorOptions options = monitor(MonitorKind::exec, 0);
  options.command = {{"/nonexistent/program"}};
  prober.replace({check(options)});
  const auto blind = [&] {
    const std::vector<MonitorCounters> all = prober.counters();
    return all.empty() ? uint64_t{0} : all[0].blind;
  };
  for (int turn = 0; turn < 500 && blind() == 0; ++turn)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK(blind() > 0);
  CHECK(prober.counters().at(0).failures == 0);
}

TEST_CASE("it stops at once while hundreds of probes hang", "[prober]") {
  const Backend backend({"--bind", "127.3.0.4", "--mode", "hang"});
  Inbox inbox;
  auto prober = std::make_unique<Prober>(inbox.deliver(), 1);
  MonitorOptions options = monitor(MonitorKind::http, backend.port());
  options.timeout = Milliseconds(30'000);
  const auto shared = std::make_shared<const MonitorOptions>(options);
  std::vector<Check> checks;
  for (int i = 0; i < 300; ++i) {
    checks.push_back({shared, "127.3.0.4", "host" + std::to_string(i) + ".test", {}});
  }
  checks.push_back({shared, "never-there.invalid", "", {}});
  prober->replace(checks);
  for (int i = 0; i < 500 && prober->load().running < 250; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  CHECK(prober->load().running >= 250);
  const MonotonicTime began = system_clock().now();
  prober.reset();
  CHECK(system_clock().now() - began < Milliseconds(10'000));  // of 30 s of timeout
}

}  // namespace swingover::health
