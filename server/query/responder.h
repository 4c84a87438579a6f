#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/counters.h"
#include "base/published.h"
#include "server/query/client_limits.h"
#include "server/query/message_stream.h"
#include "server/query/workers.h"
#include "zones/respond.h"

namespace swingover::query {

/// One answering thread's part of QueryCounters.
struct alignas(cache_line_size) WorkerCounters {
  std::array<std::array<Counter, QueryCounters::rcodes>, QueryCounters::transports> queries;
  std::array<Counter, 257> types;
  std::array<Counter, QueryCounters::drops> dropped;
  Counter send_failed;
  Counter truncated;
  Counter slipped;        // over the limit, and answered with what makes a true client prove itself
  Counter proof_asked;    // of heavy networks, under load
  Counter queue_dropped;  // by the kernel: nobody came to fetch them
  Counter under_load;     // 1 while it is
  LimitedNetworks limited;
  Counter tcp_accepted;
  Counter tcp_open;
  Counter tcp_shed;
  Counter tcp_shed_own;
  Counter tls_open;
  Counter tls_full;
  Counter tls_resumed;
  Counter tls_failed;
  Counter proxy_refused;
  std::array<Counter, QueryCounters::transfer_ends> transfers;

  void add_to(QueryCounters& sum) const;
};

/// Answers one thread's packets from the newest snapshot, within the limits of their clients, and counts them.
///
/// Threads  The one that made it. Hot path: no lock unless something was published, no allocation.
class Responder {
 public:
  /// What is sent at a time; a secondary that comes then is told to come again.
  static constexpr uint32_t transfers_max = 64;

  enum class Serves : uint8_t {
    all,
    streams,  // alone: no batches and no limits, which take 0.4 MB
  };

  /// `slot`: the place of the thread's tally in Serving.
  Responder(const Published<Serving>& serving, uint32_t slot, WorkerCounters& counters,
            Serves serves = Serves::all);

  /// Reads the clocks, takes the newest snapshot and lets the old one go: once a batch, and now and then when
  /// idle.
  void refresh();
  /// The time of the last refresh(), of some milliseconds' grain.
  MonotonicTime now() const { return now_; }
  void set_under_load(bool is_under_load);

  static constexpr size_t batch_max = 64;

  /// Reads a batch of at most batch_max queries, and asks memory for what their answers will touch.
  void read(std::span<const Bytes> packets);
  /// Writes the answer to the query at this place of the batch; its size, 0: say nothing. Each once.
  size_t respond(size_t place, const zones::Client& client, std::span<uint8_t> out) {
    return serve(batch_[place], client, out);
  }
  /// Writes the answer to one that comes alone.
  size_t respond(Bytes packet, const zones::Client& client, std::span<uint8_t> out) {
    zones::Prepared& query = batch_[0];
    query.read(packet, *serving_->snapshot);
    return serve(query, client, out);
  }

  /// What respond() began and a stream must send: the messages of a zone transfer. Taken once.
  std::unique_ptr<MessageStream> take_stream() { return std::move(stream_); }
  /// The answer at hand goes on with these messages.
  void follow_with(std::unique_ptr<MessageStream> stream) { stream_ = std::move(stream); }

  WorkerCounters& counters() { return counters_; }

 private:
  size_t serve(zones::Prepared& query, zones::Client client, std::span<uint8_t> out) {
    client.now = wall_seconds_;
    client.must_prove =
        client.transport == zones::Transport::udp && limits_->must_prove(client.address);
    client.may_transfer = transfers_running_ < transfers_max;
    zones::Outcome outcome = answer(query, client, out);
    if (outcome.is_transfer) begin_transfer(query.packet(), client);
    if (client.transport == zones::Transport::udp && outcome.size > 0 &&
        outcome.cookie != zones::CookieState::valid) {
      const auto verdict = limits_->judge(client.address, outcome.kind, outcome.rate_key);
      if (client.must_prove || verdict != ClientLimits::Verdict::send) {
        outcome = limit(outcome, verdict, query.packet(), client, out);
      }
    }
    count(outcome, client.transport);
    return outcome.size;
  }
  zones::Outcome answer(zones::Prepared& query, const zones::Client& client,
                        std::span<uint8_t> out) {
    return zones::answer(query, client, *serving_->snapshot, *serving_->tallies[slot_], out);
  }
  void begin_transfer(Bytes packet, const zones::Client& client);
  zones::Outcome limit(const zones::Outcome& outcome, ClientLimits::Verdict verdict, Bytes packet,
                       zones::Client client, std::span<uint8_t> out);
  void count(const zones::Outcome& outcome, zones::Transport transport);

  Published<Serving>::Reader reader_;
  uint32_t slot_;
  WorkerCounters& counters_;
  const Serving* serving_ = nullptr;
  std::vector<zones::Prepared> batch_;
  std::optional<ClientLimits> limits_;  // nothing: for streams alone
  MonotonicTime now_{};
  uint32_t wall_seconds_ = 0;
  std::unique_ptr<MessageStream> stream_;
  uint32_t transfers_running_ = 0;  // of its streams, which end before it
};

}  // namespace swingover::query
