#include "server/query/client_limits.h"

#include <algorithm>

#include "zones/protocol.h"

namespace swingover::query {
namespace {

constexpr uint64_t v4_mark = 4;
constexpr uint64_t v6_mark = 6;
constexpr unsigned v4_bits = 24;
constexpr unsigned v6_bits = 56;
constexpr uint32_t share_least = 16;
constexpr uint64_t network_alone = 0;  // the kind under which a network is counted whatever it asks

/// Microseconds between two responses to one client at one of `workers`; 0 for a rate of 0.
uint32_t interval_of(uint32_t rate, uint32_t workers) {
  if (rate == 0) return 0;
  const uint32_t share = std::max((rate + workers - 1) / workers, std::min(rate, share_least));
  return std::max<uint32_t>(1'000'000 / share, 1);
}

/// Both halves of a product: every bit of either factor reaches every bit of the sum.
uint64_t mixed(uint64_t a, uint64_t b) {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace

ClientNetwork ClientNetwork::of(const IpAddress& client) {
  const uint8_t* octets = client.bytes().data();
  const uint64_t first = zones::read_u32(octets);
  if (client.is_v4()) return ClientNetwork((first & 0xffffff00) << 32 | v4_mark);
  const uint64_t second = zones::read_u32(octets + 4);
  return ClientNetwork(first << 32 | (second & 0xffffff00) | v6_mark);
}

IpPrefix ClientNetwork::prefix() const {
  const auto octet = [this](unsigned i) { return static_cast<uint8_t>(number_ >> (56 - 8 * i)); };
  if ((number_ & 0xff) == v4_mark) {
    return {IpAddress::v4({octet(0), octet(1), octet(2), 0}), v4_bits};
  }
  std::array<uint8_t, 16> octets{};
  for (unsigned i = 0; i < v6_bits / 8; ++i) octets[i] = octet(i);
  return {IpAddress::v6(octets), v6_bits};
}

/// A reader that finds one network before and after the count has the count of that network: whoever takes the
/// place clears the network first.
void LimitedNetworks::add(ClientNetwork network, uint32_t now_us) {
  Place* free = nullptr;
  for (Place& place : places_) {
    const uint64_t held = place.network.load(std::memory_order_relaxed);
    if (held == network.number()) {
      place.count.store(place.count.load(std::memory_order_relaxed) + 1, std::memory_order_release);
      place.last_us = now_us;
      return;
    }
    if (!free && (held == 0 || now_us - place.last_us > kept_us)) free = &place;
  }
  if (!free) return;  // it is counted all the same, only not named
  free->network.store(0, std::memory_order_release);
  free->count.store(1, std::memory_order_release);
  free->network.store(network.number(), std::memory_order_release);
  free->last_us = now_us;
}

void LimitedNetworks::add_to(std::map<IpPrefix, uint64_t>& sums) const {
  for (const Place& place : places_) {
    const uint64_t network = place.network.load(std::memory_order_acquire);
    const uint64_t count = place.count.load(std::memory_order_acquire);
    if (network == 0 || place.network.load(std::memory_order_relaxed) != network) continue;
    sums[ClientNetwork::of_number(network).prefix()] += count;
  }
}

ClientLimits::ClientLimits(uint64_t secret, LimitedNetworks& networks)
    : sets_(std::make_unique<std::array<Set, size_t{1} << set_bits>>()),
      random_(secret),
      networks_(networks) {
  for (uint64_t& key : keys_) key = random_.next() | 1;
}

void ClientLimits::apply(const zones::Answering& answering, uint32_t workers) {
  const zones::ResponseLimits& settings = answering.limits;
  const bool may_require = answering.cookie_require != zones::CookieRequire::never;
  exempt_ = &settings.exempt;
  interval_us_ = interval_of(settings.responses_per_second, std::max(workers, 1U));
  prove_interval_us_ =
      may_require ? interval_of(settings.require_cookies_above, std::max(workers, 1U)) : 0;
  slip_ = settings.slip;
}

uint64_t ClientLimits::hash_of(ClientNetwork network, uint64_t kind, uint64_t key) const {
  const uint64_t first = mixed(network.number() ^ keys_[0], key ^ keys_[1]);
  return mixed(first ^ keys_[2], (kind << 56 | 0x9e3779b97f4a7cU) ^ keys_[1]);
}

/// How far a bucket's time lies ahead. What is further than any bucket goes lies in the past, or is so old that
/// the clock has come round.
uint32_t ClientLimits::lead_of(uint32_t full_at_us) const {
  const uint32_t lead = full_at_us - now_us_;
  return lead <= heavy_us ? lead : 0;
}

/// One response out of the bucket; false, and nothing taken, when it would run more than `most_us` ahead.
bool ClientLimits::take(uint64_t hash, uint32_t interval_us, uint32_t most_us) {
  Set& set = set_of(hash);
  const auto tag = static_cast<uint32_t>(hash);
  size_t way = 0;
  while (way < ways && set.tags[way] != tag) ++way;
  uint32_t lead = 0;
  if (way < ways) {
    lead = lead_of(set.full_at_us[way]);
    if (lead + interval_us > most_us) return false;
  } else {
    way = least_used(set);
    set.tags[way] = tag;
  }
  set.full_at_us[way] = now_us_ + lead + interval_us;
  return true;
}

size_t ClientLimits::least_used(const Set& set) const {
  size_t best = 0;
  uint32_t least = lead_of(set.full_at_us[0]);
  for (size_t way = 1; way < ways && least > 0; ++way) {
    const uint32_t lead = lead_of(set.full_at_us[way]);
    if (lead < least) {
      best = way;
      least = lead;
    }
  }
  return best;
}

ClientLimits::Verdict ClientLimits::over_limit(const IpAddress& client, ClientNetwork network) {
  if (is_exempt(client)) return Verdict::send;
  networks_.add(network, now_us_);
  return slip_ > 0 && random_.below(slip_) == 0 ? Verdict::slip : Verdict::drop;
}

void ClientLimits::count_network(const IpAddress& client) {
  if (prove_interval_us_ == 0) return;
  take(hash_of(ClientNetwork::of(client), network_alone, 0), prove_interval_us_, heavy_us);
}

bool ClientLimits::is_heavy(const IpAddress& client) const {
  const uint64_t hash = hash_of(ClientNetwork::of(client), network_alone, 0);
  const Set& set = set_of(hash);
  const auto found =
      std::find(set.tags.begin(), set.tags.end(), static_cast<uint32_t>(hash)) - set.tags.begin();
  const auto way = static_cast<size_t>(found);
  return way < ways && lead_of(set.full_at_us[way]) > burst_us && !is_exempt(client);
}

bool ClientLimits::is_exempt(const IpAddress& client) const {
  return exempt_->find(client).value.has_value();
}

}  // namespace swingover::query
