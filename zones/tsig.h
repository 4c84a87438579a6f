#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "zones/name.h"
#include "zones/query.h"

namespace swingover::zones {

enum class TsigAlgorithm : uint8_t { hmac_sha256, hmac_sha512 };

/// A secret shared with another server, made ready for use. Copies share it. Any thread.
class TsigKey {
 public:
  TsigKey(const Name& name, TsigAlgorithm algorithm, Bytes secret);

  const Name& name() const { return name_; }  // lower case
  TsigAlgorithm algorithm() const { return algorithm_; }
  size_t mac_size() const { return algorithm_ == TsigAlgorithm::hmac_sha256 ? 32 : 64; }

 private:
  friend class Mac;
  struct Keyed;  // the library's context, keyed once

  Name name_;
  TsigAlgorithm algorithm_;
  std::shared_ptr<const Keyed> keyed_;
};

/// Errors that stand in a TSIG record itself (RFC 8945 section 3).
namespace tsig_error {
inline constexpr uint16_t none = 0;
inline constexpr uint16_t bad_signature = 16;
inline constexpr uint16_t bad_key = 17;
inline constexpr uint16_t bad_time = 18;
}  // namespace tsig_error

/// The signatures of one exchange: of a request and of all messages that answer it, on either side of it.
///
/// Truncation  A request's MAC may be cut to half of its length, no further (RFC 8945 section 5.2.2.1); ours
///             are whole.
/// Memory      About 700 octets on the stack, deliberately not initialised. Nothing is allocated while there is no
///             TSIG; the library allocates when it makes a MAC.
/// Threads     One. Source: RFC 8945.
class Tsig {
 public:
  static constexpr uint16_t fudge = 300;  // seconds, section 10

  Tsig() {}  // NOLINT: the arrays stay unset until there is a record

  /// For who answers. Checks the TSIG at `query.tsig_at` of `packet`, if there is one. The RCODE to answer with:
  /// no_error; format_error; not_auth with the error that sign() will tell.
  uint16_t verify_request(Bytes packet, const Query& query, std::span<const TsigKey> keys,
                          uint64_t now_seconds) {
    return query.tsig_at == 0 ? rcode::no_error : verify_record(packet, query, keys, now_seconds);
  }

  /// The key that the request was signed with, if that was right; else null.
  const TsigKey* key() const { return error_ == tsig_error::none ? key_ : nullptr; }

  /// Octets that sign() adds; 0: there was no TSIG to answer.
  size_t room() const { return present_ ? record_size() : 0; }

  /// Appends the TSIG to the message of `size` octets and counts it; returns the new size. Again: the
  /// following messages of the same answer, each signed over the one before (section 5.3.1).
  size_t sign(uint8_t* message, size_t size, uint64_t now_seconds);

  /// For who asks: signs a request of ours with `key`, which must outlive this object.
  size_t sign_request(const TsigKey& key, uint8_t* message, size_t size, uint64_t now_seconds);
  /// Whether `packet`, the first message of the answer, is signed rightly and free of TSIG errors.
  bool verify_answer(Bytes packet, uint64_t now_seconds);

  /// As if there had been no TSIG: the answer goes unsigned.
  void forget() { present_ = false; }

 private:
  struct Record;

  uint16_t verify_record(Bytes packet, const Query& query, std::span<const TsigKey> keys,
                         uint64_t now_seconds);
  size_t record_size() const;
  bool read(Bytes packet, size_t at, Record& record);
  uint16_t refuse(uint16_t error);
  bool mac_matches(Bytes packet, size_t at, const Record& record) const;
  void remember_mac(Bytes mac);
  size_t append(uint8_t* message, size_t size, Bytes mac, uint64_t time, uint64_t now);

  const TsigKey* key_ = nullptr;
  bool present_ = false;
  bool is_first_ = true;
  uint16_t error_ = tsig_error::none;
  uint16_t original_id_ = 0;
  uint64_t request_time_ = 0;
  uint8_t name_size_ = 0;
  uint8_t algorithm_size_ = 0;
  uint8_t prior_mac_size_ = 0;
  std::array<uint8_t, Name::size_max> name_;  // lower case
  std::array<uint8_t, Name::size_max> algorithm_;
  std::array<uint8_t, 64> prior_mac_;
};

}  // namespace swingover::zones
