#include "server/query/worker.h"

#include <netinet/in.h>

#include <array>
#include <string>
#include <utility>

#include "base/loop/timer.h"
#include "server/query/thread.h"

namespace swingover::query {
namespace {

constexpr Milliseconds refresh_every{100};

// Slots of a worker's threads.
constexpr std::array<uint32_t, 2> udp_slots{0, 1};  // IPv4, IPv6
constexpr uint32_t streams_slot = 2;
static_assert(streams_slot + 1 == Serving::threads_a_worker);

/// A handed socket may serve IPv4 clients too.
bool serves_both_families(const ListenPair& pair) {
  if (pair.udp_address.address.is_v4()) return false;
  int is_v6_only = 0;
  socklen_t size = sizeof is_v6_only;
  getsockopt(pair.udp.descriptor(), IPPROTO_IPV6, IPV6_V6ONLY, &is_v6_only, &size);
  return is_v6_only == 0;
}

}  // namespace

struct Worker::Streams {
  TcpServer tcp;
  bool finishing = false;
};

Worker::Worker(uint32_t index, WorkerSockets sockets, const TransportOptions& transport,
               const TlsTickets::Origin& tickets, const Published<Serving>& serving)
    : index_(index), serving_(serving) {
  start_udp(sockets.pairs, transport);
  thread_ = start_thread("query-" + std::to_string(index_),
                         [this, transport, tickets, mine = std::move(sockets)]() mutable {
                           run(std::move(mine), transport, tickets);
                         });
}

/// One thread a family, so that the limits of a client are in one place.
void Worker::start_udp(std::vector<ListenPair>& pairs, const TransportOptions& transport) {
  bool is_one_thread = false;
  for (const ListenPair& pair : pairs) is_one_thread = is_one_thread || serves_both_families(pair);
  std::array<std::vector<UdpSource>, 2> sources;
  for (ListenPair& pair : pairs) {
    const bool is_v4 = is_one_thread || pair.udp_address.address.is_v4();
    sources[is_v4 ? 0 : 1].push_back(
        {std::move(pair.udp), pair.udp_address, index_ == 0 || !pair.is_shared});
  }
  constexpr std::array<const char*, 2> names{"udp4-", "udp6-"};
  for (size_t family = 0; family < sources.size(); ++family) {
    if (sources[family].empty()) continue;
    udp_.push_back(std::make_unique<UdpThread>(names[family] + std::to_string(index_),
                                               slot(udp_slots[family]), std::move(sources[family]),
                                               transport.proxy_from, serving_));
  }
}

void Worker::configure(const TransportOptions& transport) {
  if (!thread_.joinable()) return;
  for (const auto& udp : udp_) udp->trust(transport.proxy_from);
  loop_.post([this, transport] { streams_->tcp.configure(transport); });
}

void Worker::stop(Milliseconds grace) {
  if (!thread_.joinable()) return;
  for (const auto& udp : udp_) udp->stop();
  loop_.post([this, grace] {
    if (streams_->finishing) return;
    streams_->finishing = true;
    streams_->tcp.finish(grace, [this] { loop_.stop(); });
  });
}

void Worker::join() {
  for (const auto& udp : udp_) udp->join();
  if (thread_.joinable()) thread_.join();
}

void Worker::add_to(QueryCounters& sum) const {
  counters_.add_to(sum);
  for (const auto& udp : udp_) udp->counters().add_to(sum);
}

void Worker::add_to(std::map<IpPrefix, uint64_t>& limited) const {
  for (const auto& udp : udp_) udp->counters().limited.add_to(limited);
}

void Worker::run(WorkerSockets sockets, const TransportOptions& transport,
                 const TlsTickets::Origin& tickets) {
  Responder responder(serving_, slot(streams_slot), counters_, Responder::Serves::streams);
  Streams open{TcpServer(loop_, transport, tickets, responder), false};
  for (ListenPair& pair : sockets.pairs) open.tcp.listen(std::move(pair.tcp), false);
  for (Socket& listener : sockets.tls) open.tcp.listen(std::move(listener), true);
  streams_ = &open;
  // An idle thread holds no old snapshot for longer.
  loop::Timer tick(loop_, [&] { responder.refresh(); });
  tick.start_repeating(refresh_every);
  loop_.run();
}

}  // namespace swingover::query
