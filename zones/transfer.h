#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "zones/query.h"
#include "zones/respond.h"
#include "zones/snapshot.h"
#include "zones/transfer_zone.h"
#include "zones/tsig.h"

namespace swingover::zones {

/// What an AXFR or IXFR question gets: no_error is a grant, and `zone` what is transferred. not_auth for a name that
/// is no zone of ours (RFC 5936 section 2.2.1), server_failure for a zone that did not load, refused for who
/// has no right; format_error for AXFR over UDP.
struct TransferRight {
  uint16_t rcode = 0;
  const TransferZone* zone = nullptr;
};
TransferRight find_transfer(const Query& query, const Client& client, const Snapshot& snapshot,
                            const TsigKey* key);

enum class TransferForm : uint8_t {
  whole,        // all records between two copies of the SOA (RFC 5936)
  incremental,  // the differences from the client's version (RFC 1995)
  soa_alone,    // the client is up to date, or must ask by TCP
};

/// One transfer: its messages, made one by one out of the zone as it lies in memory.
///
/// Shape    Messages of up to 32 KiB, or of one larger record; the question in each, owners compressed, the OPT of a
///          client that sent one in the first. Signed, each of them, when the request was.
/// Memory   The records of one name; nothing of the zone is copied beyond that.
/// Threads  One; the snapshot must outlive it. Not for queries: it allocates.
/// Source   RFC 5936 section 2.2, RFC 1995, RFC 8945 section 5.3.1.
class Transfer {
 public:
  /// `packet` is a request that find_transfer() granted for `zone`; `tsig` what verified it.
  Transfer(Bytes packet, const Query& query, const TransferZone& zone, const Tsig& tsig);

  TransferForm form() const { return form_; }

  /// Writes the next message; its size. 0: the last one was written, or is_broken(): what comes next fits in no
  /// message.
  size_t next(std::span<uint8_t> out, uint64_t now_seconds);
  bool is_complete() const { return stage_ == Stage::done && rest_.empty(); }
  bool is_broken() const { return is_broken_; }

  /// For UDP: the whole answer in one message, or else the SOA alone (RFC 1995 section 2). 0: not even that fits.
  size_t in_one_message(std::span<uint8_t> out, uint64_t now_seconds);

 private:
  enum class Stage : uint8_t { first_soa, body, last_soa, done };

  void restart(TransferForm form);
  bool fetch();

  const TransferZone& zone_;
  Tsig tsig_;
  uint16_t id_ = 0;
  uint16_t flags_ = 0;
  bool has_opt_ = false;
  bool is_first_ = true;
  bool is_broken_ = false;
  std::vector<uint8_t> question_;
  std::span<const std::shared_ptr<const ZoneDifference>> differences_;

  TransferForm form_ = TransferForm::whole;
  Stage stage_ = Stage::first_soa;
  size_t place_ = 0;           // whole: of the zone; incremental: list of the differences
  std::vector<uint8_t> list_;  // of the name at hand, or the SOA
  Bytes rest_;                 // what of list_, or of a difference, is to be sent yet
};

/// A granted request, pinned: for who sends its messages later. Null if it is none.
std::unique_ptr<Transfer> start_transfer(Bytes packet, const Client& client,
                                         const Snapshot& snapshot);

}  // namespace swingover::zones
