#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/loop/poll.h"
#include "base/loop/timer.h"
#include "server/query/responder.h"
#include "server/query/socket.h"
#include "server/query/tcp_session.h"

namespace swingover::query {

struct TcpLimits {
  uint32_t connections_max = 4096;
  Milliseconds idle{10'000};
};

/// One worker's TCP: its listeners and sessions. A new client is always served: when there are too many,
/// the one that has been idle longest goes. Idle is who got no answer, whatever it sent or left unread.
///
/// Threads  The worker's.
class TcpServer {
 public:
  TcpServer(loop::Loop& loop, TcpLimits limits, Responder& responder);

  void listen(Socket listener);

  /// Accepts and reads no more, except what has come already; sends answers for at most `grace`; then
  /// calls `done`, perhaps at once.
  void finish(Milliseconds grace, std::function<void()> done);

 private:
  struct Listener {
    explicit Listener(Socket s) : socket(std::move(s)) {}
    Socket socket;
    std::optional<loop::Poll> poll;
  };
  struct Client {
    Client(Socket socket, const IpAddress& address)
        : session(std::move(socket), address), last_answer(system_clock().now()) {}

    TcpSession session;
    MonotonicTime last_answer;
    bool waits_to_write = false;
    std::optional<loop::Poll> poll;  // last: gone before the socket is closed
  };
  using Clients = std::list<Client>;  // the longest idle first

  void on_listener(Listener& listener);
  bool accept_one(Listener& listener);
  void admit(Socket socket, const IpAddress& address);
  void on_client(Clients::iterator client);
  void serve(Clients::iterator client);
  void drop(Clients::iterator client);
  void shed();
  void on_tick();
  void end_if_finished();

  loop::Loop& loop_;
  TcpLimits limits_;
  Responder& responder_;
  std::unique_ptr<TcpScratch> scratch_ = std::make_unique<TcpScratch>();
  std::list<Listener> listeners_;
  bool listeners_pause_ = false;  // no descriptor is left, until the next tick
  Clients clients_;
  loop::Timer tick_;
  loop::Timer grace_;
  std::function<void()> done_;
};

}  // namespace swingover::query
