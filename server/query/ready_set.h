#pragma once

#include <sys/epoll.h>

#include <array>
#include <functional>
#include <optional>

#include "base/loop/poll.h"
#include "server/query/socket.h"

namespace swingover::query {

/// Readiness of many descriptors of one owner, behind a single watch of the loop. A descriptor costs one system
/// call to add and none to remove, as closing it does that; a watch of the loop for each would cost five and some
/// 300 octets. Level-triggered: what was not attended to is told again.
///
/// Threads  The loop's.
class ReadySet {
 public:
  using Interest = loop::Poll::Interest;

  /// `on_ready`: at least one of them is ready; it calls each().
  ReadySet(loop::Loop& loop, std::function<void()> on_ready);

  /// False: the kernel cannot (no memory, or its limit of watches).
  bool add(int descriptor, Interest interest, void* item);
  bool change(int descriptor, Interest interest, void* item);

  /// Calls `bool serve(item)` for those that are ready, at most `most_a_round`; false from it ends the round.
  template <class Serve>
  void each(Serve serve);
  /// The item is gone: what is left of this round does not name it. To be called before its memory is freed.
  void forget(const void* item);

 private:
  static constexpr int most_a_round = 64;

  bool control(int operation, int descriptor, Interest interest, void* item);
  int fetch();

  Socket set_;
  std::array<epoll_event, most_a_round> ready_{};
  int count_ = 0;
  int at_ = 0;
  std::optional<loop::Poll> poll_;  // last: gone before the set is closed
};

template <class Serve>
void ReadySet::each(Serve serve) {
  count_ = fetch();
  for (at_ = 0; at_ < count_; ++at_) {
    void* item = ready_[static_cast<size_t>(at_)].data.ptr;
    if (item && !serve(item)) break;
  }
  count_ = 0;
}

}  // namespace swingover::query
