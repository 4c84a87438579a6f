#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/ip.h"
#include "base/published.h"
#include "server/query/responder.h"
#include "server/query/socket.h"
#include "server/query/udp_socket.h"

namespace swingover::query {

/// What one UDP thread listens on.
struct UdpSource {
  Socket socket;
  SocketAddress address;   // as bound
  bool is_counted = true;  // what the kernel dropped there is this thread's to count
};

/// A thread that answers UDP at its worker's sockets of one address family, and does nothing else: no answer waits
/// for a handshake, a zone transfer or a timer.
///
/// Shape    With one socket it sleeps in recvmmsg() itself, which saves the system call that asks whether anything
///          came. With several, or with one that is O_NONBLOCK because somebody handed it over so, it polls.
/// Bound    No sleep is longer than udp_sleep_most_ms; behind each the thread lets an old snapshot go, looks for
///          overload, and sees stop(). Nothing wakes it earlier: its socket may be other processes' too.
/// Family   Clients of one family meet one thread of a worker, so that their limits are counted once, however many
///          addresses it listens on (ClientLimits). One behind front ends of both families meets two.
/// Memory   0.5 MB of buffers a socket, 0.25 MB of clients, a stack.
/// Threads  All calls from the control thread.
class UdpThread {
 public:
  /// Starts it, and it answers at once. `slot`: the place of its tally in Serving.
  UdpThread(const std::string& name, uint32_t slot, std::vector<UdpSource> sources,
            std::vector<IpPrefix> front_ends, const Published<Serving>& serving);
  /// join() comes first.
  ~UdpThread() = default;

  /// From its next batch on these must say for whom they speak (server/query/proxy_header.h).
  void trust(std::vector<IpPrefix> front_ends);
  /// Returns at once; the thread answers what the kernel holds, and ends within some tenths of a second.
  void stop() { is_stopping_.store(true, std::memory_order_relaxed); }
  /// Waits for its end; stop() comes first. Again: nothing.
  void join();

  const WorkerCounters& counters() const { return counters_; }

 private:
  void run(std::vector<UdpSource> sources);

  const uint32_t slot_;
  const Published<Serving>& serving_;
  Published<FrontEnds> front_ends_;
  WorkerCounters counters_;
  std::atomic<bool> is_stopping_{false};
  std::thread thread_;
};

}  // namespace swingover::query
