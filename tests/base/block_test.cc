#include "base/block.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <utility>

#include "base/counters.h"

using namespace swingover;

TEST_CASE("a block is zeroed, begins a cache line and can be written to its end", "[block]") {
  for (const size_t size : {1U, 63U, 64U, 4096U, (2U << 20) - 1, 2U << 20, (5U << 20) + 3}) {
    CAPTURE(size);
    Block block(size);
    REQUIRE(block.size() == size);
    CHECK(reinterpret_cast<uintptr_t>(block.data()) % cache_line_size == 0);
    CHECK(std::all_of(block.data(), block.data() + size, [](uint8_t octet) { return octet == 0; }));
    std::fill_n(block.data(), size, uint8_t{0xa5});
    CHECK(block.data()[size - 1] == 0xa5);
  }
}

TEST_CASE("a block that was moved keeps its memory, and an empty one has none", "[block]") {
  Block first(3U << 20);
  first.data()[7] = 1;
  const uint8_t* memory = first.data();
  Block second(std::move(first));
  CHECK(second.data() == memory);
  Block third;
  CHECK(third.data() == nullptr);
  third = std::move(second);
  CHECK(third.data() == memory);
  CHECK(third.data()[7] == 1);
  CHECK(third.size() == 3U << 20);
  CHECK(Block(0).data() == nullptr);
}
