#include "server/query/tcp_server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <iterator>

#include "server/query/proxy_header.h"

namespace swingover::query {
namespace {

constexpr int accepts_a_turn = 64;
constexpr Milliseconds turn_max{1};
constexpr int turns_at_end = 16;            // enough for 64 KiB of queries that have come already
constexpr int64_t keepalive_unit_ms = 100;  // RFC 7828 section 3.1

/// A thread has no client to shed and no descriptor to accept one with: whoever has several gives one up at its
/// next tick. Off the way of queries.
std::atomic<bool> is_descriptor_wanted{false};

Milliseconds tick_of(const TransportOptions& options) {
  const int64_t shortest = std::min(options.tcp_idle.value, options.tcp_query_timeout.value);
  return Milliseconds(std::clamp<int64_t>(shortest / 4, 10, 1000));
}

/// accept(2) looks for a descriptor first: it fails for want of one also when nobody waits, and then the client
/// that came last must not be shed for nobody.
bool has_waiting(const Socket& listener) {
  pollfd watched{listener.descriptor(), POLLIN, 0};
  return poll(&watched, 1, 0) > 0;
}

}  // namespace

TcpServer::TcpServer(loop::Loop& loop, const TransportOptions& options,
                     const TlsTickets::Origin& tickets, Responder& responder)
    : loop_(loop),
      responder_(responder),
      tls_(tickets),
      ready_(loop, [this] { on_clients(); }),
      tick_(loop, [this] { on_tick(); }),
      grace_(loop, [this] {
        while (!clients_.empty()) drop(clients_.longest_idle());
        end_if_finished();
      }) {
  configure(options);
  take_spare();
}

void TcpServer::listen(Socket socket, bool is_tls) {
  Listener& listener = listeners_.emplace_back(std::move(socket), is_tls);
  listener.poll.emplace(loop_, listener.socket.descriptor(),
                        [this, &listener](loop::Poll::Ready) { on_listener(listener); });
  listener.poll->watch({.readable = true});
}

void TcpServer::configure(const TransportOptions& options) {
  options_ = options;
  options_.tcp_connections_max = std::max<uint32_t>(options.tcp_connections_max, 1);
  tls_.use(options.tls);
  tick_.start_repeating(tick_of(options_));
  while (clients_.size() > options_.tcp_connections_max) drop(clients_.longest_idle());
}

void TcpServer::finish(Milliseconds grace, std::function<void()> done) {
  done_ = std::move(done);
  // Connections whose handshake is done have perhaps sent their query already.
  for (Listener& listener : listeners_) on_listener(listener);
  listeners_.clear();
  responder_.refresh();
  now_ = system_clock().now();
  std::vector<Client*> clients;  // each may go in its turn, and no other
  for (Client& client : clients_.all()) clients.push_back(&client);
  const TcpSession::Now now{.time = now_};
  for (Client* client : clients) {
    for (int i = 0; i < turns_at_end && !client->session.ended(); ++i)
      client->session.work(responder_, *scratch_, now);
    client->session.stop_reading();
    serve(*client);
  }
  grace_.start_once(grace);
  end_if_finished();
}

void TcpServer::on_listener(Listener& listener) {
  now_ = system_clock().now();
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
          from_sockaddr(reinterpret_cast<const sockaddr&>(peer)).address.unmapped(),
          listener.is_tls);
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
      if (!has_waiting(listener.socket)) return false;
      if (!clients_.empty()) {
        responder_.counters().tcp_shed.add();
        drop(clients_.longest_idle());
        return true;
      }
      if (give_spare()) return true;
      // Others hold all descriptors. Asking again at once would keep the whole worker busy.
      listeners_pause_ = true;
      is_descriptor_wanted.store(true, std::memory_order_relaxed);
      for (Listener& each : listeners_) each.poll->stop();
      return false;
    default:
      return false;
  }
}

/// A thread without clients has none to shed, and may not wait for those of the other threads to go: so each
/// can always serve one.
bool TcpServer::give_spare() {
  if (spare_.descriptor() < 0) return false;
  spare_ = Socket();
  return true;
}

void TcpServer::take_spare() {
  if (spare_.descriptor() < 0) spare_ = Socket(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

void TcpServer::admit(Socket socket, const IpAddress& peer, bool is_tls) {
  while (clients_.size() >= options_.tcp_connections_max) {
    responder_.counters().tcp_shed.add();
    drop(clients_.longest_idle());
  }
  const TcpSession::Opening opening{.has_proxy_header = is_front_end(options_.proxy_from, peer),
                                    .tls = is_tls ? &tls_ : nullptr};
  Client& client = clients_.add(std::move(socket), peer, opening, now_);
  responder_.counters().tcp_accepted.add();
  responder_.counters().tcp_open.add();
  if (is_tls) responder_.counters().tls_open.add();
  if (!opening.has_proxy_header) make_room_beside(client);
  clients_.note_unfinished(client, true, now_);
  if (client.session.ended() || !ready_.add(client.session.descriptor(), client.watched, &client))
    drop(client);
}

/// The client's network is known from now on: what is over its share goes, the longest idle first.
void TcpServer::make_room_beside(Client& client) {
  clients_.join_network(client);
  const uint32_t most = options_.tcp_connections_per_client_max;
  while (most > 0 && !done_ && clients_.size_of_network(client) > most) {
    Client& idle = clients_.longest_idle_neighbour(client);
    if (&idle == &client) break;
    responder_.counters().tcp_shed_own.add();
    drop(idle);
  }
}

void TcpServer::on_clients() {
  responder_.refresh();
  now_ = system_clock().now();
  const MonotonicTime until = now_ + turn_max;
  ready_.each([this, until](void* item) {
    serve(*static_cast<Client*>(item));
    now_ = system_clock().now();
    return now_ < until;
  });
  end_if_finished();
}

void TcpServer::serve(Client& client) {
  const int64_t idle_units = options_.tcp_idle.value / keepalive_unit_ms;
  const TcpSession::Now now{
      .time = now_,
      .keepalive = is_nearly_full(client)
                       ? uint16_t{0}
                       : static_cast<uint16_t>(std::min<int64_t>(idle_units, UINT16_MAX))};
  const TcpSession::Progress progress = client.session.work(responder_, *scratch_, now);
  if (progress.moved) clients_.touch(client, now_);
  if (client.session.ended()) return drop(client);
  if (!clients_.is_in_network(client) && !client.session.awaits_proxy_header()) {
    clients_.touch(client, now_);  // it comes now, and is the last of its network to go
    make_room_beside(client);
  }
  clients_.note_unfinished(client, progress.completed, now_);
  watch(client);
}

/// Then clients are asked to close when they have their answers (RFC 7828 section 3.3.2).
bool TcpServer::is_nearly_full(const Client& client) const {
  const auto is_nearly = [](size_t size, size_t most) { return most > 0 && size * 10 > most * 9; };
  return is_nearly(clients_.size(), options_.tcp_connections_max) ||
         is_nearly(clients_.size_of_network(client), options_.tcp_connections_per_client_max);
}

/// While answers wait, nothing is read: the client's own buffers fill and stop it.
void TcpServer::watch(Client& client) {
  const loop::Poll::Interest wanted = client.session.wants();
  if (wanted.readable == client.watched.readable && wanted.writable == client.watched.writable)
    return;
  client.watched = wanted;
  if (!ready_.change(client.session.descriptor(), wanted, &client)) drop(client);
}

void TcpServer::drop(Client& client) {
  WorkerCounters& counters = responder_.counters();
  counters.tcp_open.subtract();
  if (client.session.is_tls()) {
    counters.tls_open.subtract();
    if (!client.session.is_open()) counters.tls_failed.add();
  }
  ready_.forget(&client);
  clients_.remove(client);
}

void TcpServer::on_tick() {
  if (listeners_pause_) {
    listeners_pause_ = false;
    for (Listener& listener : listeners_) listener.poll->watch({.readable = true});
  }
  if (clients_.size() > 1 && is_descriptor_wanted.load(std::memory_order_relaxed)) {
    is_descriptor_wanted.store(false, std::memory_order_relaxed);
    responder_.counters().tcp_shed.add();
    drop(clients_.longest_idle());
  }
  if (clients_.empty()) take_spare();
  const MonotonicTime now = system_clock().now();
  while (!clients_.empty() && now - clients_.longest_idle().last_answer >= options_.tcp_idle) {
    drop(clients_.longest_idle());
  }
  for (Client* client = clients_.longest_unfinished();
       client && now - client->began >= options_.tcp_query_timeout;
       client = clients_.longest_unfinished()) {
    drop(*client);
  }
  end_if_finished();
}

void TcpServer::end_if_finished() {
  if (!done_ || !clients_.empty() || !listeners_.empty()) return;
  const auto done = std::exchange(done_, nullptr);
  done();
}

}  // namespace swingover::query
