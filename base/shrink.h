#pragma once

#include <cstddef>
#include <vector>

namespace swingover {

/// Gives back what a vector that will grow no more has reserved too much, if it is small. What a large one never
/// touched takes no memory, as its block comes from the kernel (a mebibyte and more: M_MMAP_THRESHOLD in
/// server/daemon.cc), while to move it into a block that fits would take all of it twice.
template <class T, class Allocator>
void shrink_if_small(std::vector<T, Allocator>& values) {
  constexpr size_t small = size_t{1} << 20;
  if (values.capacity() * sizeof(T) < small) values.shrink_to_fit();
}

}  // namespace swingover
