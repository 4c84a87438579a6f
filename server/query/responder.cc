#include "server/query/responder.h"

#include <time.h>

#include <algorithm>

#include "server/query/transfer_stream.h"

namespace swingover::query {
namespace {

/// Some milliseconds' grain is fine for limits and cookies, and costs a few nanoseconds.
timespec coarse(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now;
}

}  // namespace

Responder::Responder(const Published<Serving>& serving, uint32_t slot, WorkerCounters& counters,
                     Serves serves)
    : reader_(serving),
      slot_(slot),
      counters_(counters),
      batch_(serves == Serves::streams ? 1 : batch_max) {
  if (serves == Serves::all) limits_.emplace(random_seed(), counters.limited);
  refresh();
}

void Responder::refresh() {
  const timespec now = coarse(CLOCK_MONOTONIC_COARSE);
  now_ = {now.tv_sec * 1'000'000'000 + now.tv_nsec};
  if (limits_) limits_->set_now(now_);
  wall_seconds_ = static_cast<uint32_t>(coarse(CLOCK_REALTIME_COARSE).tv_sec);
  const Serving* newest = &reader_.current();
  if (newest == serving_) return;
  serving_ = newest;
  if (limits_) limits_->apply(newest->snapshot->answering, newest->workers);
}

/// Step by step for all, so that the waits for memory overlap.
void Responder::read(std::span<const Bytes> packets) {
  const zones::Snapshot& snapshot = *serving_->snapshot;
  const zones::WorkerTally& tally = *serving_->tallies[slot_];
  const std::span<zones::Prepared> batch = std::span(batch_).first(packets.size());
  for (size_t i = 0; i < packets.size(); ++i) batch[i].read(packets[i], snapshot);
  for (zones::Prepared& query : batch) query.fetch_node();
  for (zones::Prepared& query : batch) query.fetch_plan(snapshot);
  for (const zones::Prepared& query : batch) query.fetch_tally(snapshot, tally);
}

void Responder::set_under_load(bool is_under_load) {
  if (limits_) limits_->set_under_load(is_under_load);
  counters_.under_load.set(is_under_load ? 1 : 0);
}

void Responder::begin_transfer(Bytes packet, const zones::Client& client) {
  auto transfer = zones::start_transfer(packet, client, *serving_->snapshot);
  follow_with(std::make_unique<TransferStream>(reader_.hold(), std::move(transfer), counters_,
                                               transfers_running_));
}

/// What goes out instead of the answer at hand to a client that got enough, or that is heavy under load.
zones::Outcome Responder::limit(const zones::Outcome& outcome, ClientLimits::Verdict verdict,
                                Bytes packet, zones::Client client, std::span<uint8_t> out) {
  if (verdict == ClientLimits::Verdict::drop) {
    return {.drop = zones::Drop::rate_limit, .qtype = outcome.qtype};
  }
  if (client.must_prove) {  // it was asked already
    counters_.proof_asked.add();
    return outcome;
  }
  counters_.slipped.add();
  client.must_prove = true;
  zones::Prepared again;
  again.read(packet, *serving_->snapshot);
  return answer(again, client, out);
}

void Responder::count(const zones::Outcome& outcome, zones::Transport transport) {
  if (outcome.size == 0 && !outcome.is_transfer) {
    counters_.dropped[static_cast<size_t>(outcome.drop)].add();
    return;
  }
  auto& by_rcode = counters_.queries[static_cast<size_t>(transport)];
  by_rcode[std::min<size_t>(outcome.rcode, by_rcode.size() - 1)].add();
  counters_.types[std::min<size_t>(outcome.qtype, counters_.types.size() - 1)].add();
  if (outcome.truncated) counters_.truncated.add();
}

void WorkerCounters::add_to(QueryCounters& sum) const {
  for (size_t transport = 0; transport < queries.size(); ++transport) {
    for (size_t rcode = 0; rcode < queries[transport].size(); ++rcode) {
      sum.queries[transport][rcode] += queries[transport][rcode].value();
    }
  }
  for (size_t type = 0; type < types.size(); ++type) sum.types[type] += types[type].value();
  for (size_t drop = 0; drop < dropped.size(); ++drop) sum.dropped[drop] += dropped[drop].value();
  sum.send_failed += send_failed.value();
  sum.truncated += truncated.value();
  sum.slipped += slipped.value();
  sum.proof_asked += proof_asked.value();
  sum.queue_dropped += queue_dropped.value();
  sum.under_load += under_load.value();
  sum.tcp_accepted += tcp_accepted.value();
  sum.tcp_open += tcp_open.value();
  sum.tcp_shed += tcp_shed.value();
  sum.tcp_shed_own += tcp_shed_own.value();
  sum.tls_open += tls_open.value();
  sum.tls_full += tls_full.value();
  sum.tls_resumed += tls_resumed.value();
  sum.tls_failed += tls_failed.value();
  sum.proxy_refused += proxy_refused.value();
  for (size_t end = 0; end < transfers.size(); ++end) sum.transfers[end] += transfers[end].value();
}

}  // namespace swingover::query
