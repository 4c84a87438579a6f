#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

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

/// Of a container's memory so much and more lies in huge pages: at most an eighth of it is rounding then.
inline constexpr size_t large_memory = size_t{16} << 20;

/// Memory from the kernel in huge pages, where it has them, zeroed; back with the same size. Aborts when there
/// is none. What is never touched costs address space alone.
void* map_huge(size_t size);
void unmap_huge(void* memory, size_t size);

/// For containers of the library that queries read and that can grow to many megabytes, as Block does; smaller
/// ones get their memory as ever.
template <class T>
struct LargeMemory {
  using value_type = T;

  LargeMemory() = default;
  template <class U>
  LargeMemory(const LargeMemory<U>&) {}  // NOLINT: allocators convert

  T* allocate(size_t count) {
    const size_t size = count * sizeof(T);
    return static_cast<T*>(size >= large_memory ? map_huge(size) : ::operator new(size));
  }
  void deallocate(T* memory, size_t count) {
    const size_t size = count * sizeof(T);
    if (size >= large_memory) {
      unmap_huge(memory, size);
    } else {
      ::operator delete(memory);
    }
  }
  friend bool operator==(const LargeMemory&, const LargeMemory&) { return true; }
};

/// Asks for the cache line at `address`, which a later step will read. Any address is fine.
inline void prefetch(const void* address) {
  __builtin_prefetch(address);
}

}  // namespace swingover
