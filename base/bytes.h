#pragma once

#include <cstdint>
#include <cstring>
#include <span>

namespace swingover {

using Bytes = std::span<const uint8_t>;

/// Reads big-endian integers from a span; a read past the end sets `failed()` and gives 0.
/// Hot path: no allocation, no exception; check `failed()` once, after the last read of a group.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : bytes_(bytes) {}

  uint8_t u8() { return static_cast<uint8_t>(number(1)); }
  uint16_t u16() { return static_cast<uint16_t>(number(2)); }
  uint32_t u32() { return static_cast<uint32_t>(number(4)); }
  uint64_t u64() { return number(8); }
  Bytes take(size_t size) {
    if (size > left()) {
      failed_ = true;
      at_ = bytes_.size();
      return {};
    }
    at_ += size;
    return bytes_.subspan(at_ - size, size);
  }
  Bytes rest() { return take(left()); }

  size_t at() const { return at_; }
  size_t left() const { return bytes_.size() - at_; }
  bool failed() const { return failed_; }

 private:
  uint64_t number(size_t size) {
    uint64_t value = 0;
    for (const uint8_t byte : take(size)) value = value << 8 | byte;
    return value;
  }

  Bytes bytes_;
  size_t at_ = 0;
  bool failed_ = false;
};

/// Writes big-endian integers into a span; a write past the end sets `failed()` and changes nothing.
class ByteWriter {
 public:
  explicit ByteWriter(std::span<uint8_t> room) : room_(room) {}

  void u8(uint8_t value) { number(value, 1); }
  void u16(uint16_t value) { number(value, 2); }
  void u32(uint32_t value) { number(value, 4); }
  void u64(uint64_t value) { number(value, 8); }
  void put(Bytes bytes) {
    if (uint8_t* to = claim(bytes.size()); to && !bytes.empty()) {
      std::memcpy(to, bytes.data(), bytes.size());
    }
  }

  size_t at() const { return at_; }
  size_t left() const { return room_.size() - at_; }
  bool failed() const { return failed_; }
  std::span<uint8_t> written() const { return room_.first(at_); }

 private:
  uint8_t* claim(size_t size) {
    if (size > left()) {
      failed_ = true;
      return nullptr;
    }
    at_ += size;
    return room_.data() + at_ - size;
  }
  void number(uint64_t value, size_t size) {
    uint8_t* to = claim(size);
    if (!to) return;
    for (size_t i = 0; i < size; ++i) to[i] = static_cast<uint8_t>(value >> 8 * (size - 1 - i));
  }

  std::span<uint8_t> room_;
  size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace swingover
