#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>

#include "base/clock.h"
#include "base/loop/poll.h"
#include "server/query/tcp_session.h"

namespace swingover::query {

/// One worker's TCP clients, in the orders in which they may have to go. Idle is who got no answer, whatever it
/// sent or left unread.
///
/// Cost     add(), remove(), touch(): constant.
/// Threads  The worker's.
class TcpClients {
 public:
  struct Client;
  using Clients = std::list<Client>;
  /// Those of one client network: an IPv4 address, or the /56 that an IPv6 client commonly has.
  using Network = std::list<Client*>;

  struct Client {
    Client(Socket socket, const IpAddress& peer, TcpSession::Opening opening, MonotonicTime now)
        : session(std::move(socket), peer, opening, now), last_answer(now) {}

    TcpSession session;
    MonotonicTime last_answer;
    MonotonicTime began;  // what is unfinished
    loop::Poll::Interest watched{.readable = true};

   private:
    friend TcpClients;
    Clients::iterator place;
    IpAddress network;
    Network* neighbours = nullptr;  // none while nobody knows for whom a front end speaks
    Network::iterator neighbours_place;
    Network::iterator unfinished_place;
    bool is_unfinished = false;
  };

  TcpClients();

  /// Of no network yet. The reference is good until remove().
  Client& add(Socket socket, const IpAddress& peer, TcpSession::Opening opening, MonotonicTime now);
  /// Its session says who it is.
  void join_network(Client& client);
  bool is_in_network(const Client& client) const { return client.neighbours != nullptr; }
  /// It got an answer: all others are idle for longer.
  void touch(Client& client, MonotonicTime now);
  /// `began`: what it has begun was begun now; else it goes on, or is nothing, as its session says.
  void note_unfinished(Client& client, bool began, MonotonicTime now);
  void remove(Client& client);

  bool empty() const { return all_.empty(); }
  size_t size() const { return all_.size(); }
  size_t size_of_network(const Client& client) const {
    return client.neighbours ? client.neighbours->size() : 0;
  }
  Client& longest_idle() { return all_.front(); }
  Client& longest_idle_neighbour(Client& client) { return *client.neighbours->front(); }
  /// Nothing: nobody has begun anything.
  Client* longest_unfinished() { return unfinished_.empty() ? nullptr : unfinished_.front(); }
  Clients& all() { return all_; }  // the longest idle first

 private:
  struct Hash {
    uint64_t seed;
    size_t operator()(const IpAddress& address) const;
  };
  void set_unfinished(Client& client, bool is_unfinished);

  Clients all_;
  std::unordered_map<IpAddress, Network, Hash> networks_;
  Network unfinished_;
};

}  // namespace swingover::query
