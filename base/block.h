#pragma once

#include <cstddef>
#include <cstdint>

namespace swingover {

/// A block of zeroed memory that begins a cache line, for tables that every query reads.
///
/// Large ones lie in huge pages where the kernel has them: a table of many megabytes is then found with one or
/// two entries of the TLB instead of a page walk for each query.
///
/// Cost  One call of the kernel for a large one. Aborts when there is no memory, as operator new would.
class Block {
 public:
  Block() = default;
  explicit Block(size_t size);
  ~Block() { reset(); }
  Block(Block&& other) noexcept : data_(other.data_), size_(other.size_) {
    other.data_ = nullptr;
    other.size_ = 0;
  }
  Block& operator=(Block&& other) noexcept;
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  uint8_t* data() { return data_; }
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  void reset();

  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

/// Asks for the cache line at `address`, which a later step will read. Any address is fine.
inline void prefetch(const void* address) {
  __builtin_prefetch(address);
}

}  // namespace swingover
