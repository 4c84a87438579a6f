#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/ip.h"
#include "base/units.h"
#include "zones/cookie.h"
#include "zones/prepared.h"
#include "zones/snapshot.h"
#include "zones/worker_tally.h"

namespace swingover::zones {

enum class Transport : uint8_t { udp, tcp, tls };

/// Who asks, as the socket knows it.
struct Client {
  IpAddress address;
  Transport transport = Transport::udp;
  uint32_t now =
      0;  // wall-clock seconds since 1970 (RFC 1982 order), read once a batch: cookies, TSIG
  bool must_prove =
      false;  // that it is where it says: by a server cookie, or by a stream. Set under load
  uint16_t keepalive =
      0;  // tcp, tls: how long its connection may idle, in units of 100 ms (RFC 7828); 0: not at all
  bool may_transfer = true;  // tcp, tls: whether one more transfer can be sent now
};

/// Why nothing is said; `rate_limit` is the worker's own decision, behind an answer.
enum class Drop : uint8_t { none, too_short, is_response, no_room, rate_limit };

/// What sort of answer it is, for limits on its rate: a flood asks one sort over and over.
enum class AnswerKind : uint8_t { data, nodata, name_error, referral, error };

/// What happened, for the worker's counters, its limits, and what only a stream can do.
struct Outcome {
  size_t size = 0;  // octets of `out` to send; 0: say nothing
  Drop drop = Drop::none;
  uint16_t rcode = 0;  // with the extended bits
  uint16_t qtype = 0;  // 0: none was read
  bool truncated = false;
  AnswerKind kind = AnswerKind::error;
  CookieState cookie = CookieState::none;
  bool is_transfer =
      false;  // AXFR or IXFR that is granted: nothing is written, a stream must follow
  uint64_t rate_key =
      0;  // answers with equal keys are the same answer to a limit: of the name that
          // gave it (the wildcard, the cut, the apex for errors), never of random labels
};

/// The whole hot path without a socket: a packet in, its answer out. What the workers, the tests, the
/// fuzzers, bench/ and `explain` run.
///
/// Shape    `out` must hold 65,535 octets for TCP, Answering::udp_size_max for UDP; what is larger than the
///          client can take is truncated (RFC 2181 section 9).
/// Threads  The worker that owns `tally`. No lock, no allocation, no exception, no log.
/// Source   RFC 1034 section 4.3.2 as clarified by 2181, 2308, 4592, 6672, 6891, 8020, 8482, 9471.
Outcome respond(Bytes packet, const Client& client, const Snapshot& snapshot, WorkerTally& tally,
                std::span<uint8_t> out);

/// The same for a query that was read from the same snapshot; it can be answered once.
Outcome answer(Prepared& query, const Client& client, const Snapshot& snapshot, WorkerTally& tally,
               std::span<uint8_t> out);

}  // namespace swingover::zones
