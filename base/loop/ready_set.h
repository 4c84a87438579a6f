#pragma once

#include <cstdint>
#include <vector>

#include "base/loop/loop.h"
#include "base/loop/poll.h"

namespace swingover::loop {

/// Readiness of many descriptors that come and go quickly, behind one handle of the loop.
///
/// Edges    Told when a descriptor becomes readable or writable, not while it stays so (epoll, EPOLLET): read until
///          there is no more, or less than was asked for came and `ended` is not set.
/// Cost     One system call a descriptor; a Poll makes five. None to remove one: closing it does that.
/// Threads  The loop's.
class ReadySet {
 public:
  struct Ready {
    bool readable = false;
    bool writable = false;
    bool ended =
        false;  // the other end's last word has come, or an error: reading finds it behind the data
  };
  class User {
   public:
    /// May add and remove any, also itself.
    virtual void on_ready(Ready ready) = 0;

   protected:
    ~User() = default;
  };
  using Ticket = uint64_t;

  explicit ReadySet(Loop& loop);
  ~ReadySet();
  ReadySet(const ReadySet&) = delete;
  ReadySet& operator=(const ReadySet&) = delete;

  /// Watches for both directions; 0: the kernel has no room for one more. `user` is told on later turns.
  Ticket add(int descriptor, User& user);
  /// Its user hears no more. Close the descriptor right after.
  void remove(Ticket ticket);

 private:
  struct Slot {
    User* user = nullptr;
    uint32_t generation = 0;  // what is told to an earlier one is not for this one
  };
  void on_events();

  int set_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  Poll poll_;
};

}  // namespace swingover::loop
