#include "server/query/tcp_clients.h"

#include <cstring>
#include <iterator>

#include "base/random.h"

namespace swingover::query {
namespace {

constexpr unsigned ipv6_network_bits = 56;

IpAddress network_of(const IpAddress& client) {
  return client.is_v4() ? client : masked(client, ipv6_network_bits);
}

uint64_t mixed(uint64_t value) {
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9U;
  value = (value ^ value >> 27) * 0x94d049bb133111ebU;
  return value ^ value >> 31;
}

}  // namespace

/// Seeded, so that nobody can choose addresses that meet in one bucket.
size_t TcpClients::Hash::operator()(const IpAddress& address) const {
  uint64_t high = 0;
  uint32_t low = 0;
  const Bytes bytes = address.bytes();
  std::memcpy(&low, bytes.data(), sizeof low);
  if (!address.is_v4()) std::memcpy(&high, bytes.data(), sizeof high);
  return mixed(mixed(high ^ seed) ^ low);
}

TcpClients::TcpClients() : networks_(0, Hash{random_seed()}) {}

TcpClients::Client& TcpClients::add(Socket socket, const IpAddress& peer,
                                    TcpSession::Opening opening, MonotonicTime now) {
  const auto place = all_.emplace(all_.end(), std::move(socket), peer, opening, now);
  place->place = place;
  return *place;
}

void TcpClients::join_network(Client& client) {
  client.network = network_of(client.session.client());
  client.neighbours = &networks_[client.network];
  client.neighbours_place = client.neighbours->insert(client.neighbours->end(), &client);
}

void TcpClients::touch(Client& client, MonotonicTime now) {
  client.last_answer = now;
  all_.splice(all_.end(), all_, client.place);
  if (client.neighbours) {
    client.neighbours->splice(client.neighbours->end(), *client.neighbours,
                              client.neighbours_place);
  }
}

void TcpClients::note_unfinished(Client& client, bool began, MonotonicTime now) {
  const bool is_unfinished = client.session.is_unfinished();
  if (is_unfinished == client.is_unfinished && !(is_unfinished && began)) return;
  set_unfinished(client, false);
  if (!is_unfinished) return;
  client.began = now;
  set_unfinished(client, true);
}

void TcpClients::set_unfinished(Client& client, bool is_unfinished) {
  if (client.is_unfinished) unfinished_.erase(client.unfinished_place);
  if (is_unfinished) client.unfinished_place = unfinished_.insert(unfinished_.end(), &client);
  client.is_unfinished = is_unfinished;
}

void TcpClients::remove(Client& client) {
  set_unfinished(client, false);
  if (client.neighbours) {
    client.neighbours->erase(client.neighbours_place);
    if (client.neighbours->empty()) networks_.erase(client.network);
  }
  all_.erase(client.place);
}

}  // namespace swingover::query
