#include "server/query/tcp_server.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

namespace swingover::query {
namespace {

constexpr int accepts_a_turn = 64;
constexpr int turns_at_end = 16;  // enough for 64 KiB of queries that have come already

Milliseconds tick_of(Milliseconds idle) {
  return Milliseconds(std::clamp<int64_t>(idle.value / 4, 10, 1000));
}

}  // namespace

TcpServer::TcpServer(loop::Loop& loop, TcpLimits limits, Responder& responder)
    : loop_(loop),
      limits_(limits),
      responder_(responder),
      tick_(loop, [this] { on_tick(); }),
      grace_(loop, [this] {
        while (!clients_.empty()) drop(clients_.begin());
        end_if_finished();
      }) {
  tick_.start_repeating(tick_of(limits.idle));
}

void TcpServer::listen(Socket socket) {
  Listener& listener = listeners_.emplace_back(std::move(socket));
  listener.poll.emplace(loop_, listener.socket.descriptor(),
                        [this, &listener](loop::Poll::Ready) { on_listener(listener); });
  listener.poll->watch({.readable = true});
}

void TcpServer::finish(Milliseconds grace, std::function<void()> done) {
  done_ = std::move(done);
  // Connections whose handshake is done have perhaps sent their query already.
  for (Listener& listener : listeners_) on_listener(listener);
  listeners_.clear();
  responder_.refresh();
  for (auto client = clients_.begin(); client != clients_.end();) {
    const auto next = std::next(client);
    for (int i = 0; i < turns_at_end && !client->session.ended(); ++i)
      client->session.work(responder_, *scratch_);
    client->session.stop_reading();
    serve(client);
    client = next;
  }
  grace_.start_once(grace);
  end_if_finished();
}

void TcpServer::on_listener(Listener& listener) {
  for (int i = 0; i < accepts_a_turn && accept_one(listener); ++i) continue;
}

/// False when no connection waits, or none can be taken.
bool TcpServer::accept_one(Listener& listener) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  Socket socket(accept4(listener.socket.descriptor(), reinterpret_cast<sockaddr*>(&peer), &size,
                        SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (socket.descriptor() >= 0) {
    admit(std::move(socket),
          from_sockaddr(reinterpret_cast<const sockaddr&>(peer)).address.unmapped());
    return true;
  }
  switch (errno) {
    case EINTR:
    case ECONNABORTED:  // and what else accept(2) reports of one connection that is gone already
    case EPROTO:
    case ENETDOWN:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return true;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      if (!clients_.empty()) {
        shed();
        return true;
      }
      // Others hold all descriptors. Asking again at once would keep the whole worker busy.
      listeners_pause_ = true;
      for (Listener& each : listeners_) each.poll->stop();
      return false;
    default:
      return false;
  }
}

void TcpServer::admit(Socket socket, const IpAddress& address) {
  while (clients_.size() >= std::max<uint32_t>(limits_.connections_max, 1)) shed();
  const int descriptor = socket.descriptor();
  const auto client = clients_.emplace(clients_.end(), std::move(socket), address);
  responder_.counters().tcp_accepted.add();
  responder_.counters().tcp_open.add();
  client->poll.emplace(loop_, descriptor, [this, client](loop::Poll::Ready) { on_client(client); });
  client->poll->watch({.readable = true});
}

void TcpServer::on_client(Clients::iterator client) {
  responder_.refresh();
  serve(client);
}

void TcpServer::serve(Clients::iterator client) {
  if (client->session.work(responder_, *scratch_)) {
    client->last_answer = system_clock().now();
    clients_.splice(clients_.end(), clients_, client);
  }
  if (client->session.ended()) {
    drop(client);
    end_if_finished();
    return;
  }
  // While answers wait, nothing is read: the client's own buffers fill and stop it.
  const bool waits_to_write = client->session.has_answers_waiting();
  if (waits_to_write == client->waits_to_write) return;
  client->waits_to_write = waits_to_write;
  client->poll->watch({.readable = !waits_to_write, .writable = waits_to_write});
}

void TcpServer::drop(Clients::iterator client) {
  clients_.erase(client);
  responder_.counters().tcp_open.subtract();
}

void TcpServer::shed() {
  drop(clients_.begin());
  responder_.counters().tcp_shed.add();
}

void TcpServer::on_tick() {
  if (listeners_pause_) {
    listeners_pause_ = false;
    for (Listener& listener : listeners_) listener.poll->watch({.readable = true});
  }
  const MonotonicTime now = system_clock().now();
  while (!clients_.empty() && now - clients_.front().last_answer >= limits_.idle) {
    drop(clients_.begin());
  }
  end_if_finished();
}

void TcpServer::end_if_finished() {
  if (!done_ || !clients_.empty() || !listeners_.empty()) return;
  const auto done = std::exchange(done_, nullptr);
  done();
}

}  // namespace swingover::query
