#include "server/query/workers.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/descriptors.h"
#include "base/log.h"
#include "server/query/socket.h"
#include "server/query/tls_tickets.h"
#include "server/query/worker.h"

namespace swingover::query {
namespace {

/// How many connections fit the process's limit of descriptors, which is raised as far as it may be. The store and the
/// admin address keep theirs, and probes what they may need: three quarters at most (health/prober.cc bounds
/// those under way and watched connections by a half, health/http_probe.cc kept ones by a quarter).
uint32_t connections_that_fit(uint32_t wanted, uint64_t probes) {
  constexpr uint64_t others_least = 256;
  constexpr uint64_t others_most = 4096;
  const uint64_t limit = raise_descriptor_limit();
  const uint64_t others = std::min(std::clamp(limit / 16, others_least, others_most), limit / 2);
  const uint64_t left = limit - others;
  const uint64_t fit =
      std::clamp<uint64_t>(left - std::min({probes, left, limit / 4 * 3}), 1, wanted);
  if (fit < wanted) {
    log_warning("fewer TCP connections than configured: raise LimitNOFILE=",
                {{"connections_max", std::to_string(wanted)},
                 {"fit", std::to_string(fit)},
                 {"descriptors", std::to_string(limit)}});
  }
  return static_cast<uint32_t>(fit);
}

/// What one of `workers` is told.
TransportOptions share_of(const TransportOptions& options, uint32_t workers) {
  TransportOptions share = options;
  const uint32_t all = connections_that_fit(std::max<uint32_t>(options.tcp_connections_max, 1),
                                            options.probe_descriptors);
  share.tcp_connections_max = (all + workers - 1) / workers;
  return share;
}

class QueryWorkers : public Workers {
 public:
  struct Addresses {
    std::vector<SocketAddress> udp;
    std::vector<SocketAddress> tcp;
    std::vector<SocketAddress> tls;
  };
  QueryWorkers(Addresses addresses, int udp_buffer)
      : addresses_(std::move(addresses)), udp_buffer_(udp_buffer) {}
  ~QueryWorkers() override { stop(Milliseconds(0)); }

  void add(std::unique_ptr<Worker> worker) { workers_.push_back(std::move(worker)); }

  std::vector<SocketAddress> udp_addresses() const override { return addresses_.udp; }
  std::vector<SocketAddress> tcp_addresses() const override { return addresses_.tcp; }
  std::vector<SocketAddress> tls_addresses() const override { return addresses_.tls; }

  int udp_buffer() const override { return udp_buffer_; }

  QueryCounters counters() const override {
    QueryCounters sum;
    for (const auto& worker : workers_) worker->add_to(sum);
    return sum;
  }

  std::map<IpPrefix, uint64_t> limited_networks() const override {
    std::map<IpPrefix, uint64_t> sums;
    for (const auto& worker : workers_) worker->add_to(sums);
    return sums;
  }

  void configure(const TransportOptions& options) override {
    const TransportOptions each = share_of(options, static_cast<uint32_t>(workers_.size()));
    for (const auto& worker : workers_) worker->configure(each);
  }

  void stop(Milliseconds grace) override {
    for (const auto& worker : workers_) worker->stop(grace);
    for (const auto& worker : workers_) worker->join();
  }

 private:
  Addresses addresses_;
  int udp_buffer_;
  std::vector<std::unique_ptr<Worker>> workers_;  // kept when stopped: their counts still count
};

}  // namespace

std::shared_ptr<const Serving> Serving::make(std::shared_ptr<const zones::Snapshot> snapshot,
                                             uint32_t workers) {
  auto serving = std::make_shared<Serving>();
  serving->workers = workers;
  for (uint32_t slot = 0; slot < workers * threads_a_worker; ++slot) {
    serving->tallies.push_back(std::make_unique<zones::WorkerTally>(*snapshot, slot));
  }
  serving->snapshot = std::move(snapshot);
  return serving;
}

void Serving::add_answers(ServiceId service, std::span<uint32_t> sums) const {
  const zones::ServicePlan& plan = snapshot->plans[service.value];
  const size_t pools = plan.pools().size();
  for (const auto& tally : tallies) {
    for (size_t row = 0; row * pools < sums.size(); ++row)
      tally->add_answers(plan, row, sums.subspan(row * pools, pools));
  }
}

void Serving::add_pool_answers(ServiceId service, std::span<uint64_t> sums) const {
  if (sums.empty()) return;
  const PoolId first = snapshot->plans[service.value].pool_id(0);
  for (const auto& tally : tallies) {
    for (uint32_t pool = 0; pool < sums.size(); ++pool)
      sums[pool] += tally->answers(service, PoolId(first.value + pool));
  }
}

bool Serving::is_many_caches(ServiceId service, uint64_t client, uint32_t now) const {
  return std::ranges::any_of(tallies, [&](const auto& tally) {
    return tally->many_caches().is_many(service, client, now);
  });
}

Result<std::unique_ptr<Workers>> Workers::start(const WorkersOptions& options,
                                                const Published<Serving>& serving) {
  const uint32_t count = std::max<uint32_t>(options.workers, 1);
  std::vector<WorkerSockets> sockets(count);
  QueryWorkers::Addresses addresses;
  int udp_buffer = udp_buffer_wished;
  for (const SocketAddress& address : options.listen) {
    auto pairs = open_listeners(address, count, options.handed);
    if (!pairs) return pairs.error();
    addresses.udp.push_back(pairs->front().udp_address);
    udp_buffer = std::min(udp_buffer, udp_buffer_of(pairs->front().udp));
    addresses.tcp.push_back(pairs->front().tcp_address);
    for (uint32_t i = 0; i < count; ++i) sockets[i].pairs.push_back(std::move((*pairs)[i]));
  }
  for (const SocketAddress& address : options.tls_listen) {
    auto listeners = open_stream_listeners(address, count, options.handed);
    if (!listeners) return listeners.error();
    addresses.tls.push_back(listeners->address);
    for (uint32_t i = 0; i < count; ++i) sockets[i].tls.push_back(std::move(listeners->sockets[i]));
  }
  auto workers = std::make_unique<QueryWorkers>(std::move(addresses), udp_buffer);
  const TransportOptions each = share_of(options.transport, count);
  const TlsTickets::Origin tickets{TlsTickets::new_secret(), system_clock().now()};
  for (uint32_t i = 0; i < count; ++i) {
    workers->add(std::make_unique<Worker>(i, std::move(sockets[i]), each, tickets, serving));
  }
  return std::unique_ptr<Workers>(std::move(workers));
}

}  // namespace swingover::query
