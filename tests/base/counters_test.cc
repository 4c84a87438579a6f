#include "base/counters.h"

#include <catch2/catch.hpp>
#include <thread>

namespace swingover {
namespace {

TEST_CASE("a counter counts up and down", "[counters]") {
  Counter counter;
  counter.add();
  counter.add(5);
  counter.subtract(2);
  CHECK(counter.value() == 4);
}

TEST_CASE("a counter read from another thread never goes back", "[counters]") {
  Counter counter;
  constexpr uint64_t most = 200'000;
  std::thread owner([&] {
    for (uint64_t i = 0; i < most; ++i) counter.add();
  });
  uint64_t seen = 0;
  bool went_back = false;
  while (seen < most) {
    const uint64_t now = counter.value();
    went_back = went_back || now < seen;
    seen = now;
  }
  owner.join();
  CHECK_FALSE(went_back);
}

}  // namespace
}  // namespace swingover
