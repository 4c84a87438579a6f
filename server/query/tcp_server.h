#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/loop/poll.h"
#include "base/loop/timer.h"
#include "server/query/ready_set.h"
#include "server/query/responder.h"
#include "server/query/socket.h"
#include "server/query/tcp_clients.h"
#include "server/query/tls_context.h"
#include "server/query/workers.h"

namespace swingover::query {

/// One worker's TCP and TLS: its listeners and sessions. A new client is always served: when there are too many,
/// of its own network or in all, the one there that has been idle longest goes.
///
/// Fairness A turn of the loop gives all of them together about 1 ms, so that UDP and timers get theirs under any
///          number of handshakes and pipelines; who was not served stays ready.
/// Threads  The worker's.
class TcpServer {
 public:
  TcpServer(loop::Loop& loop, const TransportOptions& options, const TlsTickets::Origin& tickets,
            Responder& responder);

  void listen(Socket listener, bool is_tls);

  /// From now on; clients that are connected stay, unless they are too many.
  void configure(const TransportOptions& options);

  /// Accepts and reads no more, except what has come already; sends answers for at most `grace`; then
  /// calls `done`, perhaps at once.
  void finish(Milliseconds grace, std::function<void()> done);

 private:
  struct Listener {
    Listener(Socket s, bool tls) : socket(std::move(s)), is_tls(tls) {}
    Socket socket;
    bool is_tls;
    std::optional<loop::Poll> poll;
  };
  using Client = TcpClients::Client;

  void on_listener(Listener& listener);
  bool accept_one(Listener& listener);
  bool give_spare();
  void take_spare();
  void admit(Socket socket, const IpAddress& peer, bool is_tls);
  void on_clients();
  void serve(Client& client);
  void make_room_beside(Client& client);
  bool is_nearly_full(const Client& client) const;
  void watch(Client& client);
  void drop(Client& client);
  void on_tick();
  void end_if_finished();

  loop::Loop& loop_;
  TransportOptions options_;
  Responder& responder_;
  TlsContext tls_;
  std::unique_ptr<TcpScratch> scratch_ = std::make_unique<TcpScratch>();
  std::list<Listener> listeners_;
  Socket spare_;  // gives its place to a client when other threads hold all descriptors
  bool listeners_pause_ = false;  // no descriptor is left, until the next tick
  ReadySet ready_;
  TcpClients clients_;
  MonotonicTime now_{};
  loop::Timer tick_;
  loop::Timer grace_;
  std::function<void()> done_;
};

}  // namespace swingover::query
