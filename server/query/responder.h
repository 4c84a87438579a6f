#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/counters.h"
#include "base/published.h"
#include "server/query/workers.h"
#include "zones/respond.h"

namespace swingover::query {

/// One worker's part of QueryCounters.
struct alignas(cache_line_size) WorkerCounters {
  std::array<std::array<Counter, QueryCounters::rcodes>, QueryCounters::transports> queries;
  std::array<Counter, 257> types;
  std::array<Counter, QueryCounters::drops> dropped;
  Counter send_failed;
  Counter truncated;
  Counter tcp_accepted;
  Counter tcp_open;
  Counter tcp_shed;

  void add_to(QueryCounters& sum) const;
};

/// Answers one worker's packets from the newest snapshot, and counts them.
///
/// Threads  The worker's. Hot path: no lock unless something was published, no allocation.
class Responder {
 public:
  Responder(const Published<Serving>& serving, uint32_t worker, WorkerCounters& counters)
      : reader_(serving), worker_(worker), counters_(counters) {
    refresh();
  }

  /// Takes the newest snapshot and lets the old one go: once a batch, and now and then when idle.
  void refresh() { serving_ = &reader_.current(); }

  /// Writes the answer to `out`; its size, 0: say nothing.
  size_t respond(Bytes packet, const zones::Client& client, std::span<uint8_t> out) {
    const zones::Outcome outcome =
        zones::respond(packet, client, *serving_->snapshot, *serving_->tallies[worker_], out);
    count(outcome, client.transport);
    return outcome.size;
  }

  WorkerCounters& counters() { return counters_; }

 private:
  void count(const zones::Outcome& outcome, zones::Transport transport);

  Published<Serving>::Reader reader_;
  uint32_t worker_;
  WorkerCounters& counters_;
  const Serving* serving_ = nullptr;
};

}  // namespace swingover::query
