#include "zones/dnssec/set_signer.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "zones/protocol.h"

namespace swingover::dnssec {
namespace {

using zones::write_u16;
using zones::write_u32;

/// The RDATA of an RRSIG in front of the signer's name (RFC 4034 section 3.1).
void write_head(const SetFields& fields, const SigningKey& key, const Validity& validity,
                uint8_t* to) {
  write_u16(to, fields.type);
  to[2] = static_cast<uint8_t>(key.algorithm());
  to[3] = fields.labels;
  write_u32(to + 4, fields.ttl_seconds);
  write_u32(to + 8, validity.expiration);
  write_u32(to + 12, validity.inception);
  write_u16(to + 16, key.tag());
}

/// Serial numbers of RFC 1982: at least 2^31 ahead counts as behind.
bool is_due(uint32_t refresh, uint32_t now_seconds) {
  return static_cast<int32_t>(now_seconds - refresh) >= 0;
}

}  // namespace

const SipKey& set_secret() {
  static const SipKey secret{.low = random_seed(), .high = random_seed()};
  return secret;
}

SetSigner::Lane::State::State(const SetSigner& signer) {
  for (const Key& key : signer.keys_) uses.emplace_back(key.key);
}

SetSigner::SetSigner(const Name& apex, std::vector<SigningKey> keys, const SignaturePlan& plan,
                     std::shared_ptr<SignatureCache> cache)
    : plan_(plan), cache_(std::move(cache)) {
  const Name folded = apex.folded();
  apex_.assign(folded.wire().begin(), folded.wire().end());
  for (SigningKey& key : keys) {
    assert(key.signature_size() <= cache_->signature_size());
    // The zone and the key, so that what one signed is never found for another one.
    std::vector<uint8_t> identity = apex_;
    identity.insert(identity.end(), key.dnskey_rdata().begin(), key.dnskey_rdata().end());
    keys_.push_back({std::move(key), siphash_128(set_secret(), identity)});
  }
}

SetSigner::~SetSigner() {
  for (const auto& idle : idle_) delete idle.load(std::memory_order_acquire);
}

bool SetSigner::find(size_t key, const SipKey& set, const SetFields& fields, uint32_t now_seconds,
                     std::span<uint8_t> out) const {
  const std::span<uint8_t> signature = out.subspan(rrsig_fixed_size + apex_.size());
  const auto found = cache_->find(cache_key(keys_[key], set), signature);
  if (!found || found->size != signature.size() || !holds_at(found->validity, now_seconds) ||
      is_due(found->refresh, now_seconds)) {
    return false;
  }
  write_head(fields, keys_[key].key, found->validity, out.data());
  std::memcpy(out.data() + rrsig_fixed_size, apex_.data(), apex_.size());
  return true;
}

SetSigner::Lane SetSigner::take_lane() const {
  for (auto& idle : idle_) {
    if (idle.load(std::memory_order_relaxed) == nullptr) continue;
    if (auto* const state = idle.exchange(nullptr, std::memory_order_acquire))
      return {*this, std::unique_ptr<Lane::State>(state)};
  }
  return {*this, std::make_unique<Lane::State>(*this)};
}

void SetSigner::lay_back(std::unique_ptr<Lane::State> state) const {
  if (!state) return;
  for (auto& idle : idle_) {
    Lane::State* nothing = nullptr;
    if (idle.compare_exchange_strong(nothing, state.get(), std::memory_order_release,
                                     std::memory_order_relaxed)) {
      static_cast<void>(state.release());
      return;
    }
  }
}

bool SetSigner::sign(size_t key, const SipKey& set, Lane& lane, uint32_t now_seconds,
                     std::span<uint8_t> out) const {
  const WallTime now{int64_t{now_seconds} * 1000};
  const SignatureTimes times = signature_times(now, plan_, lane.state_->random);
  const Validity validity = times.validity();
  const Bytes rdata = lane.request().sign(lane.state_->uses[key], apex_, validity);
  if (rdata.size() != out.size()) return false;
  std::ranges::copy(rdata, out.begin());
  cache_->keep(cache_key(keys_[key], set), validity, rrsig_seconds(times.refresh),
               rdata.subspan(rrsig_fixed_size + apex_.size()));
  return true;
}

void SetSigner::try_out(size_t key, Lane& lane) const {
  static_cast<void>(lane.request().sign(lane.state_->uses[key], apex_, {}));
}

}  // namespace swingover::dnssec
