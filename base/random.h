#pragma once

#include <cstdint>

namespace swingover {

__extension__ using Wide = unsigned __int128;

/// A small seeded generator (SplitMix64, Steele, Lea & Flood 2014) for jitter and picks; never for
/// secrets. Same seed, same sequence. One owner; no locking.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  /// In [0, bound), bound > 0; the bias is below bound / 2^64.
  uint64_t below(uint64_t bound) {
    return static_cast<uint64_t>(static_cast<Wide>(next()) * bound >> 64);
  }
  /// In [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

 private:
  uint64_t state_;
};

/// Eight bytes from getrandom(2), for seeds and keys. Aborts if the kernel has none to give.
uint64_t random_seed();

}  // namespace swingover
