#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "base/loop/loop.h"
#include "server/query/responder.h"
#include "server/query/socket.h"
#include "server/query/tcp_server.h"

namespace swingover::query {

/// One query thread: its loop, its sockets, its counters.
///
/// Threads  All calls from the control thread.
class Worker {
 public:
  /// Starts the thread, which serves at once.
  Worker(uint32_t index, std::vector<ListenPair> sockets, TcpLimits limits,
         const Published<Serving>& serving);
  /// join() comes first.
  ~Worker() = default;

  /// Returns at once; the thread ends when its TCP answers are out, or after `grace`.
  void stop(Milliseconds grace);
  /// Waits for the thread; stop() comes first. Again: nothing.
  void join();

  const WorkerCounters& counters() const { return counters_; }

 private:
  struct Sockets;
  void run(std::vector<ListenPair> sockets, TcpLimits limits);

  const uint32_t index_;
  const Published<Serving>& serving_;
  WorkerCounters counters_;
  loop::Loop loop_;
  Sockets* sockets_ = nullptr;  // the worker's thread alone
  std::thread thread_;
};

}  // namespace swingover::query
