#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>

#include "base/clock.h"
#include "base/counters.h"
#include "base/ip.h"
#include "base/random.h"
#include "zones/answering.h"
#include "zones/respond.h"

namespace swingover::query {

/// The network of a client as limits see it, /24 of IPv4 and /56 of IPv6, in one number: whoever can send
/// from one address of it can mostly send from all.
class ClientNetwork {
 public:
  static ClientNetwork of(const IpAddress& client);
  static ClientNetwork of_number(uint64_t number) { return ClientNetwork(number); }

  uint64_t number() const { return number_; }  // never 0
  IpPrefix prefix() const;

 private:
  explicit ClientNetwork(uint64_t number) : number_(number) {}

  uint64_t number_;  // the network's bits at the top, 4 or 6 in the lowest octet
};

/// The networks that one worker limits at present, for the log: sixteen of them, the first to come. A place
/// is given away when its network was not limited for ten seconds.
///
/// Threads  add(): the worker that owns it. add_to(): any. A count always belongs to the network beside it.
class LimitedNetworks {
 public:
  void add(ClientNetwork network, uint32_t now_us);
  /// Adds, by network, the responses over the limit since it took its place.
  void add_to(std::map<IpPrefix, uint64_t>& sums) const;

 private:
  static constexpr uint32_t kept_us = 10'000'000;

  struct Place {
    std::atomic<uint64_t> network{0};  // 0: free
    std::atomic<uint64_t> count{0};
    uint32_t last_us = 0;  // the worker's alone
  };
  std::array<Place, 16> places_;
};

/// One UDP thread's view of its clients: how many UDP responses each network gets, and whether it must show that
/// it is there before it gets more. A worker's clients of one family meet one thread of it (UdpThread).
///
/// Limit    Of one answer (Outcome::rate_key, apart for data, NODATA, NXDOMAIN, referrals and errors) a network
///          gets `responses_per_second`, and as many again at once after a quiet second. Beyond it, one response
///          in `slip` goes out as a mere "come by TCP" or "come with this cookie", the rest are dropped. Which
///          one is drawn by lot: nobody can time a flood so that a true client's query is always the dropped
///          one. A client with a valid cookie, or by TCP or TLS, has shown that its address is its own, and is
///          never limited; exempt networks neither. They are looked up only when they would be limited.
/// Workers  The rate is that of the whole daemon: each of N workers gives a share of rate / N, since the kernel
///          spreads clients over workers by their ports, and resolvers change theirs with every query
///          (RFC 5452), as who forges sources does. A client that asks from one port only meets one worker, and
///          the limit earlier; so a share is never below 16 a second (or the rate itself, where that is less),
///          which lets N > rate / 16 workers give more than the rate in sum. The burst keeps chance from
///          hurting: at half of the limit, the odds that random ports fill a share of 16 are below 1e-8.
/// Bucket   A token bucket is kept as one time: when it will be full again (the generic cell rate algorithm).
///          A response moves that time ahead by 1 / share; one that would move it more than a second ahead of
///          now is over the limit and moves nothing. A bucket whose time has come is as good as none: it can
///          give up its place and nothing is lost.
/// Table    4,096 sets of eight buckets, 64 octets and one cache line each: 256 KiB a thread, made at start. At
///          200 a second and one worker, a response fills its bucket for 5 ms; 150,000 responses a second to as
///          many networks keep 750 buckets busy, and all eight of a set are busy in less than one set in 10^9.
///          Where a flood fills a set anyway, the bucket that is nearest to full gives way: those that are being
///          limited stay, and only what is hardly used is forgotten. What is forgotten is never limited wrongly.
/// Chance   A bucket is known by 44 bits of a hash that is keyed by a secret of this process. A response meets
///          another's busy bucket with odds of at most 8 / 2^32, 2e-9, and is limited by mistake only if that
///          one is at its limit too. Times are microseconds in 32 bits: a bucket that comes back after 71
///          minutes, to the second, counts as used for up to two seconds.
///
/// Under load  A worker is under load when the kernel has dropped queries because it did not come to fetch them
///          (Overload). Only then it also counts by network alone, and a network that takes more than its share
///          of `require_cookies_above` a second for a second is heavy: its queries without a valid cookie are answered
///          with a fresh cookie or with TC, which tells those that are there from those that are not. The others
///          are answered as ever: a population of true resolvers spreads over many networks, and asking all of
///          them for proof would drive them to TCP, which costs us several times an answer, at the worst
///          moment. A flood that is spread over many forged networks cannot be told from them, and is none's
///          fault: it is carried as far as it goes.
///
/// Threads  The worker's. Hot path: no lock, no allocation.
/// Cost     One cache line and some 90 instructions a response; nothing while the rate is 0.
class ClientLimits {
 public:
  enum class Verdict : uint8_t { send, slip, drop };

  /// `secret` keys the table; `networks` outlives this object.
  ClientLimits(uint64_t secret, LimitedNetworks& networks);

  /// Takes new settings, which stay where they are until the next ones; what clients have used stays used.
  void apply(const zones::Answering& answering, uint32_t workers);
  /// Once a batch; a clock of some milliseconds' grain is fine.
  void set_now(MonotonicTime now) { now_us_ = static_cast<uint32_t>(now.nanoseconds / 1000); }
  void set_under_load(bool is_under_load) { is_under_load_ = is_under_load; }

  /// Before an answer: whether this client's network is heavy and we are under load.
  bool must_prove(const IpAddress& client) const {
    return is_under_load_ && prove_interval_us_ != 0 && is_heavy(client);
  }

  /// Behind an answer by UDP to a client without a valid cookie: what to do with it.
  Verdict judge(const IpAddress& client, zones::AnswerKind kind, uint64_t rate_key) {
    if (is_under_load_) count_network(client);
    if (interval_us_ == 0) return Verdict::send;
    const ClientNetwork network = ClientNetwork::of(client);
    if (take(hash_of(network, static_cast<uint64_t>(kind) + 1, rate_key), interval_us_, burst_us)) {
      return Verdict::send;
    }
    return over_limit(client, network);
  }

 private:
  static constexpr size_t set_bits = 12;
  static constexpr size_t ways = 8;
  static constexpr uint32_t burst_us = 1'000'000;
  /// How far a heavy network's time runs ahead, so that it stays heavy while it goes on.
  static constexpr uint32_t heavy_us = 2'000'000;

  struct alignas(cache_line_size) Set {
    std::array<uint32_t, ways> tags{};
    std::array<uint32_t, ways> full_at_us{};
  };

  uint64_t hash_of(ClientNetwork network, uint64_t kind, uint64_t key) const;
  Set& set_of(uint64_t hash) const { return (*sets_)[hash >> (64 - set_bits)]; }
  uint32_t lead_of(uint32_t full_at_us) const;
  bool take(uint64_t hash, uint32_t interval_us, uint32_t most_us);
  size_t least_used(const Set& set) const;
  Verdict over_limit(const IpAddress& client, ClientNetwork network);
  void count_network(const IpAddress& client);
  bool is_heavy(const IpAddress& client) const;
  bool is_exempt(const IpAddress& client) const;

  std::unique_ptr<std::array<Set, size_t{1} << set_bits>> sets_;
  std::array<uint64_t, 3> keys_;
  uint32_t now_us_ = 0;
  uint32_t interval_us_ = 0;  // between two responses at the limit; 0: no limit
  uint32_t prove_interval_us_ = 0;
  uint32_t slip_ = 0;
  bool is_under_load_ = false;
  const PrefixMap<bool>* exempt_ = nullptr;
  Random random_;
  LimitedNetworks& networks_;
};

}  // namespace swingover::query
