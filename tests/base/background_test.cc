#include "base/background.h"

#include <sched.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace swingover {

TEST_CASE("work in the background runs in order, off this thread, at idle priority",
          "[background]") {
  std::vector<int> order;
  std::promise<int> policy;
  std::promise<std::thread::id> thread;
  Background background;
  for (int i = 0; i < 100; ++i) background.run([&order, i] { order.push_back(i); });
  background.run([&] {
    policy.set_value(sched_getscheduler(0));
    thread.set_value(std::this_thread::get_id());
  });
  CHECK(policy.get_future().get() == SCHED_IDLE);
  CHECK(thread.get_future().get() != std::this_thread::get_id());
  REQUIRE(order.size() == 100);
  for (int i = 0; i < 100; ++i) CHECK(order[static_cast<size_t>(i)] == i);
}

TEST_CASE("background work that takes too long can be hurried, the next is idle again",
          "[background]") {
  Background background;
  std::promise<void> begun;
  std::promise<void> go_on;
  std::promise<int> policy;
  std::promise<int> policy_of_next;
  background.run([&] {
    begun.set_value();
    go_on.get_future().wait();
    policy.set_value(sched_getscheduler(0));
  });
  background.run([&] { policy_of_next.set_value(sched_getscheduler(0)); });
  begun.get_future().wait();
  const bool may = background.hurry();
  go_on.set_value();
  CHECK(policy.get_future().get() == (may ? SCHED_OTHER : SCHED_IDLE));
  CHECK(policy_of_next.get_future().get() == SCHED_IDLE);
}

TEST_CASE("the end of a background waits for the work at hand and drops the rest", "[background]") {
  std::atomic<bool> is_done{false};
  std::atomic<bool> is_dropped{true};
  const auto held = std::make_shared<int>(1);
  {
    Background background;
    std::promise<void> begun;
    background.run([&] {
      begun.set_value();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      is_done = true;
    });
    begun.get_future().wait();
    background.run([&is_dropped, held] { is_dropped = false; });
  }
  CHECK(is_done);
  CHECK(is_dropped);
  CHECK(held.use_count() == 1);
}

}  // namespace swingover
