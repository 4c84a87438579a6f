#include "base/block.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <utility>
#include <vector>

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

TEST_CASE("a container's memory is its own, whether small or in huge pages", "[block]") {
  for (const size_t size : {size_t{1}, large_memory - 1, large_memory, large_memory + 5}) {
    CAPTURE(size);
    std::vector<uint8_t, LargeMemory<uint8_t>> octets(size, 0x5a);
    if (size >= large_memory) CHECK(reinterpret_cast<uintptr_t>(octets.data()) % (2U << 20) == 0);
    octets.resize(2 * size);  // moves, over the limit or not
    CHECK(std::count(octets.begin(), octets.end(), 0x5a) == static_cast<std::ptrdiff_t>(size));
    octets.resize(1);
    octets.shrink_to_fit();
    CHECK(octets[0] == 0x5a);
    CHECK(octets.capacity() == 1);
  }
}
