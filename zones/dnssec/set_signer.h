#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/siphash.h"
#include "zones/dnssec/key_use.h"
#include "zones/dnssec/signature_cache.h"
#include "zones/dnssec/signatures.h"
#include "zones/dnssec/signer.h"
#include "zones/name.h"

namespace swingover::dnssec {

/// Secret of this process that says which set is which in caches of signatures.
const SipKey& set_secret();

/// What an RRSIG says of its set beside the signature.
struct SetFields {
  uint16_t type = 0;
  uint8_t labels = 0;        // RFC 4034 section 3.1.3
  uint32_t ttl_seconds = 0;  // the original one
};

/// The keys that sign one kind of a zone's sets, for all who answer.
///
/// Shape    Each key gives one RRSIG. find() has those that were made before; who finds none takes a lane, puts the set
///          into its request and signs.
/// Threads  Any number at once; no lock of ours, nobody waits for anybody.
/// Cost     find(): the cache's. sign(): the key's, and a few allocations of the library. Threads that sign at once have a
///          lane each; one more than ever before takes some microseconds to make.
class SetSigner {
 public:
  /// `cache` has room for the keys' signatures.
  SetSigner(const Name& apex, std::vector<SigningKey> keys, const SignaturePlan& plan,
            std::shared_ptr<SignatureCache> cache);
  ~SetSigner();
  SetSigner(const SetSigner&) = delete;
  SetSigner& operator=(const SetSigner&) = delete;

  size_t keys() const { return keys_.size(); }
  const SigningKey& key(size_t place) const { return keys_[place].key; }
  /// Octets of the RRSIG's RDATA by that key.
  size_t rdata_size(size_t key) const {
    return rrsig_fixed_size + apex_.size() + keys_[key].key.signature_size();
  }
  const std::shared_ptr<SignatureCache>& cache() const { return cache_; }

  /// Writes the RDATA to `out`, which is of its size. False: there is none that is good at `now_seconds` (since 1970) and
  /// for a while.
  ///
  /// `set` is a hash under set_secret() of all that is signed but for fields that belong to the key.
  bool find(size_t key, const SipKey& set, const SetFields& fields, uint32_t now_seconds,
            std::span<uint8_t> out) const;

  /// What a thread signs with, from its making to its end.
  class Lane {
   public:
    ~Lane() { signer_.lay_back(std::move(state_)); }
    Lane(Lane&&) noexcept = default;
    Lane& operator=(Lane&&) = delete;
    SignRequest& request() { return state_->request; }

   private:
    friend class SetSigner;
    struct State {
      explicit State(const SetSigner& signer);
      std::vector<KeyUse> uses;  // by key
      SignRequest request;
      Random random{random_seed()};
    };
    Lane(const SetSigner& signer, std::unique_ptr<State> state)
        : signer_(signer), state_(std::move(state)) {}
    const SetSigner& signer_;
    std::unique_ptr<State> state_;
  };
  Lane take_lane() const;

  /// Signs the lane's request, which is the set, and keeps the signature. False: the library failed.
  bool sign(size_t key, const SipKey& set, Lane& lane, uint32_t now_seconds,
            std::span<uint8_t> out) const;
  /// The same for nothing, for who measures it.
  void try_out(size_t key, Lane& lane) const;

 private:
  struct Key {
    SigningKey key;
    SipKey identity;
  };
  static SignatureKey cache_key(const Key& key, const SipKey& set) {
    return {.high = set.high ^ key.identity.high, .low = set.low ^ key.identity.low};
  }

  void lay_back(std::unique_ptr<Lane::State> state) const;

  std::vector<uint8_t> apex_;  // wire form, lower case
  std::vector<Key> keys_;
  SignaturePlan plan_;
  std::shared_ptr<SignatureCache> cache_;
  static constexpr size_t idle_lanes_max = 64;
  mutable std::array<std::atomic<Lane::State*>, idle_lanes_max> idle_{};
};

}  // namespace swingover::dnssec
