#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "base/ip.h"
#include "base/published.h"
#include "base/result.h"
#include "base/units.h"
#include "server/query/tls_credentials.h"
#include "zones/respond.h"
#include "zones/snapshot.h"

namespace swingover::query {

/// What the control thread publishes to the workers: a snapshot, and for each of their threads the tally of that
/// generation, which that thread alone writes.
struct Serving {
  /// A worker's threads that answer: one for UDP over each family, one for streams.
  static constexpr uint32_t threads_a_worker = 3;

  std::shared_ptr<const zones::Snapshot> snapshot;
  uint32_t workers = 1;
  std::vector<std::unique_ptr<zones::WorkerTally>> tallies;  // threads_a_worker of each worker

  /// To `sums`, row by row of the steered service, one place a pool: the answers of this generation by all threads,
  /// modulo 2^32, so take differences. A reload begins anew, and what answers the generation before still gives until
  /// each thread has seen the new one, no more than a batch, is in no later sum. Cost: threads × rows × pools.
  void add_answers(ServiceId service, std::span<uint32_t> sums) const;
  /// Adds to each pool's place of `sums` the answers from it, of any service. One cache line a counting thread.
  void add_pool_answers(ServiceId service, std::span<uint64_t> sums) const;
  /// Whether one of the threads takes the client (PickKey::client) for many caches (zones::ManyCaches).
  bool is_many_caches(ServiceId service, uint64_t client, uint32_t now) const;

  static std::shared_ptr<const Serving> make(std::shared_ptr<const zones::Snapshot> snapshot,
                                             uint32_t workers);
};

/// A socket that systemd (or a predecessor) opened; used instead of one of our own for its address.
struct HandedSocket {
  int descriptor = -1;
  bool is_udp = true;
  SocketAddress address;
};

/// How connections and front ends are treated; what a reload can change.
struct TransportOptions {
  uint32_t tcp_connections_max =
      32'768;  // of all workers; beyond it the longest idle one is closed
  uint32_t tcp_connections_per_client_max = 256;  // of one network at one worker; 0: no limit
  Milliseconds tcp_idle{10'000};                  // without an answer
  Milliseconds tcp_query_timeout{
      5'000};  // from a query's first octet to its answer's last, as the client goes
  std::vector<IpPrefix>
      proxy_from{};  // who must say for whom they speak (PROXY protocol, version 2)
  std::shared_ptr<const TlsCredentials> tls{};  // none: TLS is refused
  uint32_t probe_descriptors = 0;               // that probes may need; connections leave them
};

struct WorkersOptions {
  std::vector<SocketAddress> listen{};
  std::vector<SocketAddress> tls_listen{};
  uint32_t workers = 1;
  std::vector<HandedSocket> handed{};
  TransportOptions transport{};
};

/// Sums over all workers since the start.
struct QueryCounters {
  static constexpr size_t transports = 3;     // by zones::Transport
  static constexpr size_t rcodes = 24;        // 0..23, BADVERS is 16; larger ones count as the last
  static constexpr size_t transfer_ends = 4;  // by zones::TransferForm; the last: broken off
  static constexpr size_t drops = 5;          // by zones::Drop
  std::array<std::array<uint64_t, rcodes>, transports> queries{};
  std::array<uint64_t, 257> types{};  // by QTYPE; 256: all larger ones
  std::array<uint64_t, drops> dropped{};
  std::array<uint64_t, transfer_ends> transfers{};
  uint64_t send_failed = 0;
  uint64_t truncated = 0;
  uint64_t slipped = 0;        // over the rate limit, and sent as a mere "prove that you are there"
  uint64_t proof_asked = 0;    // the same, of heavy networks under load
  uint64_t queue_dropped = 0;  // by the kernel: the worker did not come to fetch them
  uint64_t under_load = 0;     // UDP threads that get more than they can carry, now
  uint64_t tcp_accepted = 0;
  uint64_t tcp_open = 0;
  uint64_t tcp_shed = 0;      // idle connections closed to make room
  uint64_t tcp_shed_own = 0;  // those closed because their own network had too many
  uint64_t tls_open = 0;
  uint64_t tls_full = 0;     // handshakes with a signature
  uint64_t tls_resumed = 0;  // handshakes by a ticket
  uint64_t tls_failed = 0;   // connections that ended before their handshake did
  uint64_t proxy_refused =
      0;  // packets and connections of front ends without a proper PROXY header
};

/// Octets of kernel buffer that each UDP socket asks for; net.core.rmem_max may give less. With the kernel's own
/// needs it holds some 5,000 queries: a worker may pause for some 25 ms at 200,000 queries a second without
/// losing one. More would make answers late under overload, when the buffer is always full: a query would wait
/// until its client has asked again.
inline constexpr int udp_buffer_wished = 2 << 20;

/// The query workers: each has a SO_REUSEPORT UDP socket and TCP listener per address, a loop and its thread for
/// streams, and a thread for UDP over each family (UdpThread), which share nothing (docs/architecture.md).
///
/// Threads  All calls from the control thread.
class Workers {
 public:
  /// Binds everything, then starts the threads. The error names the address and says what to do
  /// ("binding 127.0.0.1:53: permission denied: needs CAP_NET_BIND_SERVICE or a port above 1023").
  static Result<std::unique_ptr<Workers>> start(const WorkersOptions& options,
                                                const Published<Serving>& serving);
  virtual ~Workers() = default;

  /// The addresses as bound, ports resolved, in the order of `listen`.
  virtual std::vector<SocketAddress> udp_addresses() const = 0;
  virtual std::vector<SocketAddress> tcp_addresses() const = 0;
  virtual std::vector<SocketAddress> tls_addresses() const = 0;
  /// The least receive buffer that a UDP socket got, beside udp_buffer_wished.
  virtual int udp_buffer() const = 0;
  virtual QueryCounters counters() const = 0;
  /// Client networks over the rate limit in the last seconds, and by how many responses since it began.
  virtual std::map<IpPrefix, uint64_t> limited_networks() const = 0;

  /// Soon, at every worker. Connections that are open stay so, with the certificate that they know.
  virtual void configure(const TransportOptions& options) = 0;

  /// Stops accepting, lets TCP answers that are under way go out for at most `grace`, joins.
  virtual void stop(Milliseconds grace) = 0;
};

}  // namespace swingover::query
