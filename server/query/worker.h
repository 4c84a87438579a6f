#pragma once

#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "base/loop/loop.h"
#include "server/query/responder.h"
#include "server/query/socket.h"
#include "server/query/tcp_server.h"
#include "server/query/tls_tickets.h"
#include "server/query/udp_thread.h"

namespace swingover::query {

/// What one worker listens on.
struct WorkerSockets {
  std::vector<ListenPair> pairs;
  std::vector<Socket> tls;
};

/// A share of the queries: a thread with a loop for streams, and a thread for UDP over each family that it listens
/// on. They share nothing, so each has counters and a tally of its own.
///
/// Threads  All calls from the control thread.
class Worker {
 public:
  /// Starts the threads, which serve at once.
  Worker(uint32_t index, WorkerSockets sockets, const TransportOptions& transport,
         const TlsTickets::Origin& tickets, const Published<Serving>& serving);
  /// join() comes first.
  ~Worker() = default;

  /// Takes effect soon.
  void configure(const TransportOptions& transport);
  /// Returns at once; the threads end when UDP queries that have come are answered and TCP answers are out, those
  /// after `grace` at the latest.
  void stop(Milliseconds grace);
  /// Waits for the threads; stop() comes first. Again: nothing.
  void join();

  void add_to(QueryCounters& sum) const;
  void add_to(std::map<IpPrefix, uint64_t>& limited) const;

 private:
  struct Streams;
  void start_udp(std::vector<ListenPair>& pairs, const TransportOptions& transport);
  void run(WorkerSockets sockets, const TransportOptions& transport,
           const TlsTickets::Origin& tickets);
  uint32_t slot(uint32_t thread) const { return index_ * Serving::threads_a_worker + thread; }

  const uint32_t index_;
  const Published<Serving>& serving_;
  WorkerCounters counters_;  // of streams
  loop::Loop loop_;
  Streams* streams_ = nullptr;  // their thread alone
  std::vector<std::unique_ptr<UdpThread>> udp_;
  std::thread thread_;
};

}  // namespace swingover::query
