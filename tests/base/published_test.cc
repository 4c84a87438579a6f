#include "base/published.h"

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <thread>
#include <vector>

namespace swingover {
namespace {

/// Counts how many of its kind are alive, and knows where it was destroyed.
struct Tracked {
  static inline std::atomic<int> alive{0};
  static inline std::atomic<bool> destroyed_elsewhere{false};
  static inline std::thread::id home;

  uint64_t first;
  uint64_t second;
  explicit Tracked(uint64_t number) : first(number), second(number) { ++alive; }
  ~Tracked() {
    --alive;
    if (std::this_thread::get_id() != home) destroyed_elsewhere = true;
  }
};

}  // namespace

TEST_CASE("a reader sees the newest value from its next current() on", "[published]") {
  Published<int> published(std::make_shared<int>(1));
  Published<int>::Reader reader(published);
  const int& held = reader.current();
  CHECK(held == 1);
  published.publish(std::make_shared<int>(2));
  CHECK(held == 1);  // what is in the worker's hands does not change beneath it
  CHECK(reader.current() == 2);
}

TEST_CASE("an old value lives as long as a reader holds it, and reclaim() ends it", "[published]") {
  Tracked::home = std::this_thread::get_id();
  Published<Tracked> published(std::make_shared<Tracked>(1));
  Published<Tracked>::Reader busy(published);
  Published<Tracked>::Reader idle(published);
  published.publish(std::make_shared<Tracked>(2));
  published.publish(std::make_shared<Tracked>(3));
  CHECK(Tracked::alive == 3);
  busy.current();
  CHECK(published.reclaim() == 1);  // value 2 was never held; value 1 still is, by the idle one
  CHECK(Tracked::alive == 2);
  idle.current();
  CHECK(Tracked::alive == 2);  // a reader lets go of a value but does not destroy it
  CHECK(published.reclaim() == 0);
  CHECK(Tracked::alive == 1);
}

TEST_CASE("what no reader holds any more can be handed to another thread to destroy",
          "[published]") {
  Tracked::home = std::this_thread::get_id();
  Published<Tracked> published(std::make_shared<Tracked>(1));
  Published<Tracked>::Reader reader(published);
  published.publish(std::make_shared<Tracked>(2));
  std::vector<std::shared_ptr<const Tracked>> handed;
  const auto hand = [&](auto value) { handed.push_back(std::move(value)); };
  CHECK(published.reclaim(hand) == 1);
  CHECK(handed.empty());
  reader.current();
  CHECK(published.reclaim(hand) == 0);
  REQUIRE(handed.size() == 1);
  CHECK(handed[0]->first == 1);
  CHECK(Tracked::alive == 2);
}

TEST_CASE("readers on other threads see whole values, never older ones, and destroy none",
          "[published]") {
  Tracked::home = std::this_thread::get_id();
  Tracked::destroyed_elsewhere = false;
  Published<Tracked> published(std::make_shared<Tracked>(0));
  std::atomic<bool> stop{false};
  std::atomic<bool> wrong{false};
  std::atomic<int> saw_last{0};
  constexpr uint64_t newest = 2000;
  {
    std::vector<std::thread> workers;
    for (int i = 0; i < 3; ++i) {
      workers.emplace_back([&] {
        Published<Tracked>::Reader reader(published);
        uint64_t last = 0;
        while (!stop) {
          const Tracked& value = reader.current();
          if (value.first != value.second || value.first < last) wrong = true;
          if (value.first == newest && last != newest) ++saw_last;
          last = value.first;
        }
      });
    }
    for (uint64_t number = 1; number <= newest; ++number) {
      published.publish(std::make_shared<Tracked>(number));
      published.reclaim();
    }
    while (saw_last < 3) std::this_thread::yield();
    stop = true;
    for (std::thread& worker : workers) worker.join();
  }
  CHECK_FALSE(wrong);
  CHECK_FALSE(Tracked::destroyed_elsewhere);
  CHECK(published.reclaim() == 0);
  CHECK(Tracked::alive == 1);
}

}  // namespace swingover
