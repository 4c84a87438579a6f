#include "server/query/workers.h"

#include <sys/resource.h>

#include <algorithm>
#include <utility>

#include "server/query/socket.h"
#include "server/query/worker.h"

namespace swingover::query {
namespace {

class QueryWorkers : public Workers {
 public:
  QueryWorkers(std::vector<SocketAddress> udp, std::vector<SocketAddress> tcp)
      : udp_(std::move(udp)), tcp_(std::move(tcp)) {}
  ~QueryWorkers() override { stop(Milliseconds(0)); }

  void add(std::unique_ptr<Worker> worker) { workers_.push_back(std::move(worker)); }

  std::vector<SocketAddress> udp_addresses() const override { return udp_; }
  std::vector<SocketAddress> tcp_addresses() const override { return tcp_; }

  QueryCounters counters() const override {
    QueryCounters sum;
    for (const auto& worker : workers_) worker->counters().add_to(sum);
    return sum;
  }

  std::map<IpPrefix, uint64_t> limited_networks() const override {
    std::map<IpPrefix, uint64_t> sums;
    for (const auto& worker : workers_) worker->counters().limited.add_to(sums);
    return sums;
  }

  void stop(Milliseconds grace) override {
    for (const auto& worker : workers_) worker->stop(grace);
    for (const auto& worker : workers_) worker->join();
  }

 private:
  std::vector<SocketAddress> udp_;
  std::vector<SocketAddress> tcp_;
  std::vector<std::unique_ptr<Worker>> workers_;  // kept when stopped: their counts still count
};

/// Makes the process's limit of descriptors fit, as far as it may; returns how many connections one
/// worker can then hold so that probes, store and admin address keep half of all descriptors.
uint32_t connections_that_fit(uint32_t wanted, uint32_t workers) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  const rlim_t needed = 2 * rlim_t{wanted} * workers;
  if (limit.rlim_cur < needed && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = std::min(needed, limit.rlim_max);
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
  }
  return static_cast<uint32_t>(std::clamp<rlim_t>(limit.rlim_cur / 2 / workers, 1, wanted));
}

}  // namespace

std::shared_ptr<const Serving> Serving::make(std::shared_ptr<const zones::Snapshot> snapshot,
                                             uint32_t workers) {
  auto serving = std::make_shared<Serving>();
  for (uint32_t worker = 0; worker < workers; ++worker) {
    serving->tallies.push_back(std::make_unique<zones::WorkerTally>(*snapshot, worker));
  }
  serving->snapshot = std::move(snapshot);
  return serving;
}

Result<std::unique_ptr<Workers>> Workers::start(const WorkersOptions& options,
                                                const Published<Serving>& serving) {
  const uint32_t count = std::max<uint32_t>(options.workers, 1);
  std::vector<std::vector<ListenPair>> sockets(count);  // by worker
  std::vector<SocketAddress> udp;
  std::vector<SocketAddress> tcp;
  for (const SocketAddress& address : options.listen) {
    auto pairs = open_listeners(address, count, options.handed);
    if (!pairs) return pairs.error();
    udp.push_back(pairs->front().udp_address);
    tcp.push_back(pairs->front().tcp_address);
    for (uint32_t i = 0; i < count; ++i) sockets[i].push_back(std::move((*pairs)[i]));
  }
  auto workers = std::make_unique<QueryWorkers>(std::move(udp), std::move(tcp));
  const TcpLimits limits{
      connections_that_fit(std::max<uint32_t>(options.tcp_connections_max, 1), count),
      options.tcp_idle};
  for (uint32_t i = 0; i < count; ++i) {
    workers->add(std::make_unique<Worker>(i, std::move(sockets[i]), limits, serving));
  }
  return std::unique_ptr<Workers>(std::move(workers));
}

}  // namespace swingover::query
