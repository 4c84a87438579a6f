#include "base/block.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/counters.h"

namespace swingover {
namespace {

constexpr size_t huge_page = size_t{2} << 20;

bool is_mapped(size_t size) {
  return size >= huge_page;
}

size_t rounded_up(size_t size, size_t to) {
  return (size + to - 1) / to * to;
}

}  // namespace

/// Begins at a huge page's boundary.
void* map_huge(size_t size) {
  const size_t whole = rounded_up(size, huge_page) + huge_page;
  void* area = mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (area == MAP_FAILED) std::abort();
  auto* begin = static_cast<uint8_t*>(area);
  const size_t unaligned = reinterpret_cast<uintptr_t>(begin) % huge_page;
  const size_t front = unaligned == 0 ? 0 : huge_page - unaligned;
  const size_t used = rounded_up(size, huge_page);
  if (front > 0) munmap(begin, front);
  if (whole - front - used > 0) munmap(begin + front + used, whole - front - used);
  madvise(begin + front, used, MADV_HUGEPAGE);  // a kernel without them gives small pages
  return begin + front;
}

void unmap_huge(void* memory, size_t size) {
  munmap(memory, rounded_up(size, huge_page));
}

Block::Block(size_t size) : size_(size) {
  if (size == 0) return;
  if (is_mapped(size)) {
    data_ = static_cast<uint8_t*>(map_huge(size));
    return;
  }
  const size_t whole = rounded_up(size, cache_line_size);
  data_ = static_cast<uint8_t*>(std::aligned_alloc(cache_line_size, whole));
  if (!data_) std::abort();
  std::memset(data_, 0, whole);
}

Block& Block::operator=(Block&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void Block::reset() {
  if (!data_) return;
  if (is_mapped(size_)) {
    unmap_huge(data_, size_);
  } else {
    std::free(data_);
  }
}

}  // namespace swingover
