#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

#include "base/block.h"
#include "base/bytes.h"
#include "base/random.h"
#include "zones/dnssec/signer.h"

namespace swingover::dnssec {

/// What a signature is one of: a hash under a secret key of all that was signed and of the key that signed it. Who makes it
/// has to see to it that no two sets have one: 128 bits, no less.
struct SignatureKey {
  uint64_t high = 0;
  uint64_t low = 0;
};

/// A signature's own octets, without the RRSIG around them, and its times: seconds modulo 2^32 as in the RRSIG.
struct CachedSignature {
  Validity validity;
  uint32_t refresh = 0;  // due to be made anew
  size_t size = 0;
};

/// Signatures that were made for answers, for all who answer; bounded.
///
/// Shape    Sets of eight places. What is kept where all are taken goes where nobody asked since the last round (CLOCK):
///          what is asked for once, as each name of a flood, does not drive out what is asked for again.
/// Threads  Any number at once, without locks: a reader copies and looks whether somebody wrote meanwhile (a seqlock; Boehm,
///          "Can seqlocks get along with programming language memory models?", 2012, with ordered accesses instead of
///          fences). Whoever meets a writer does without: find() finds nothing, keep() keeps nothing.
/// Memory   As told, reserved from the start and the kernel's until it is used; none later.
/// Cost     find(): three cache lines for signatures of 64 octets, some 20 ns in the nearer caches. keep(): twice that.
class SignatureCache {
 public:
  /// Room for that many signatures of at most `signature_size` octets, in whole sets, at least one.
  SignatureCache(size_t places, size_t signature_size);

  /// Copies the signature to `out`, of which it is the first octets; nothing if there is none, or no room for it.
  std::optional<CachedSignature> find(const SignatureKey& key, std::span<uint8_t> out) const;
  /// False: it is too long, or somebody else was writing in its place.
  bool keep(const SignatureKey& key, const Validity& validity, uint32_t refresh, Bytes signature);

  size_t places() const { return sets_ * ways; }
  size_t signature_size() const { return signature_size_; }
  size_t octets() const;

 private:
  static constexpr size_t ways = 8;
  using Word = std::atomic<uint64_t>;

  /// The tags of a set in one cache line: the keys' upper halves, 0 for none.
  struct alignas(64) Tags {
    Word tags[ways];
  };
  /// Where the next search for room begins, and what was asked for since the last: a bit each.
  struct Clock {
    std::atomic<uint8_t> hand{0};
    mutable std::atomic<uint8_t> asked{0};
  };
  // A place: version (odd: being written), the key's halves, the times, the size, then the signature.
  static constexpr size_t version_word = 0;
  static constexpr size_t high_word = 1;
  static constexpr size_t low_word = 2;
  static constexpr size_t validity_word = 3;
  static constexpr size_t refresh_word = 4;
  static constexpr size_t signature_word = 5;

  size_t set_of(const SignatureKey& key) const {
    return static_cast<size_t>(static_cast<Wide>(key.low) * sets_ >> 64);
  }
  Word* place(size_t set, size_t way) const { return words_ + (set * ways + way) * place_words_; }
  size_t room_in(size_t set, uint64_t tag);

  size_t signature_size_;
  size_t place_words_;
  size_t sets_;
  Block memory_;  // zeroes are valid: free places
  Tags* tags_;
  Word* words_;
  Clock* clocks_;
};

}  // namespace swingover::dnssec
