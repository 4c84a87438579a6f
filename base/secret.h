#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace swingover {

/// Octets that are wiped before their memory is given back: parts of a private key, and texts of them.
///
/// Shape  One piece of memory, whose size only shrinks, so that no copy stays behind. Moves; has no copy, no text but
///        by text(), and no operator<<.
class Secret {
 public:
  Secret() = default;
  explicit Secret(size_t size)
      : octets_(std::make_unique<uint8_t[]>(size)), room_(size), size_(size) {}
  ~Secret() { wipe(); }
  Secret(Secret&& other) noexcept { *this = std::move(other); }
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  std::span<uint8_t> octets() { return {octets_.get(), size_}; }
  Bytes octets() const { return {octets_.get(), size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(octets_.get()), size_}; }
  void shrink(size_t size) { size_ = size < size_ ? size : size_; }
  /// Zeros all of it; the destructor's work, too.
  void wipe();

 private:
  std::unique_ptr<uint8_t[]> octets_;
  size_t room_ = 0;
  size_t size_ = 0;
};

}  // namespace swingover
