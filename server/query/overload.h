#pragma once

#include <cstdint>
#include <vector>

namespace swingover::query {

/// Whether a UDP thread gets more queries than it can carry. The sign is the kernel's own: a datagram that finds its
/// socket's buffer full is dropped and counted (SO_MEMINFO), and a buffer is full only when the worker did not
/// come to empty it. Full batches or a busy CPU are no such sign: a worker that just carries its load shows both.
///
/// Shape    Look every 100 ms: on after 300 ms with drops, off when as many looks without followed, at most 2 s.
///          So a pause that overflows a buffer once, as when the machine stalls, turns nothing on.
/// Threads  The UDP thread's.
/// Cost     One system call a socket and look.
class Overload {
 public:
  static constexpr int look_every_ms = 100;

  /// `is_counted`: a socket that several workers share is counted by one of them.
  void watch(int descriptor, bool is_counted = true);

  /// Datagrams dropped since the last look, of the sockets that are counted.
  uint64_t look();

  bool is_on() const { return is_on_; }

 private:
  static constexpr int on_at = 3;
  static constexpr int most = 20;

  struct Watched {
    int descriptor;
    bool is_counted;
    uint32_t drops;  // as the kernel counts them: 32 bits that come round
  };
  std::vector<Watched> sockets_;
  int pressure_ = 0;
  bool is_on_ = false;
};

}  // namespace swingover::query
