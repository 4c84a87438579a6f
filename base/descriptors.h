#pragma once

#include <unistd.h>

#include <cstdint>

namespace swingover {

/// Raises this process's limit of descriptors (RLIMIT_NOFILE) as far as it may go.
/// The limit that then holds; nothing is known of it: 512.
uint64_t raise_descriptor_limit();

/// An open file, closed with the object; below 0: none.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

}  // namespace swingover
