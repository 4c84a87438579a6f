#include "base/background.h"

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace swingover {
namespace {

int nice_of_this_thread() {
  return getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()));
}

}  // namespace

TEST_CASE("work in the background runs in order, off this thread, at low priority",
          "[background]") {
  std::vector<int> order;
  std::promise<int> nice;
  std::promise<std::thread::id> thread;
  Background background;
  for (int i = 0; i < 100; ++i) background.run([&order, i] { order.push_back(i); });
  background.run([&] {
    nice.set_value(nice_of_this_thread());
    thread.set_value(std::this_thread::get_id());
  });
  CHECK(nice.get_future().get() == 15);
  CHECK(thread.get_future().get() != std::this_thread::get_id());
  REQUIRE(order.size() == 100);
  for (int i = 0; i < 100; ++i) CHECK(order[static_cast<size_t>(i)] == i);
}

TEST_CASE("background work that takes too long can be hurried, the next is nice again",
          "[background]") {
  Background background;
  std::promise<void> begun;
  std::promise<void> go_on;
  std::promise<int> nice;
  std::promise<int> nice_of_next;
  background.run([&] {
    begun.set_value();
    go_on.get_future().wait();
    nice.set_value(nice_of_this_thread());
  });
  background.run([&] { nice_of_next.set_value(nice_of_this_thread()); });
  begun.get_future().wait();
  const bool may = background.hurry();
  go_on.set_value();
  CHECK(nice.get_future().get() == (may ? 0 : 15));
  CHECK(nice_of_next.get_future().get() == 15);
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
