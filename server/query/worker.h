#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "base/loop/loop.h"
#include "server/query/responder.h"
#include "server/query/socket.h"
#include "server/query/tcp_server.h"
#include "server/query/tls_tickets.h"

namespace swingover::query {

/// What one worker listens on.
struct WorkerSockets {
  std::vector<ListenPair> pairs;
  std::vector<Socket> tls;
};

/// One query thread: its loop, its sockets, its counters.
///
/// Threads  All calls from the control thread.
class Worker {
 public:
  /// Starts the thread, which serves at once.
  Worker(uint32_t index, WorkerSockets sockets, const TransportOptions& transport,
         const TlsTickets::Origin& tickets, const Published<Serving>& serving);
  /// join() comes first.
  ~Worker() = default;

  /// Takes effect soon.
  void configure(const TransportOptions& transport);
  /// Returns at once; the thread ends when its TCP answers are out, or after `grace`.
  void stop(Milliseconds grace);
  /// Waits for the thread; stop() comes first. Again: nothing.
  void join();

  const WorkerCounters& counters() const { return counters_; }

 private:
  struct Sockets;
  void run(WorkerSockets sockets, const TransportOptions& transport,
           const TlsTickets::Origin& tickets);

  const uint32_t index_;
  const Published<Serving>& serving_;
  WorkerCounters counters_;
  loop::Loop loop_;
  Sockets* sockets_ = nullptr;  // the worker's thread alone
  std::thread thread_;
};

}  // namespace swingover::query
