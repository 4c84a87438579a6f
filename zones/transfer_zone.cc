#include "zones/transfer_zone.h"

#include <algorithm>
#include <cassert>
#include <unordered_set>

#include "zones/protocol.h"

namespace swingover::zones {
namespace {

constexpr size_t record_fixed_size = 12;  // of a compiled record: owner, type, class, TTL, RDLENGTH
constexpr size_t flat_fixed_size = 8;     // of a flat one behind its name: type, TTL, RDLENGTH

void append_u16(std::vector<uint8_t>& list, unsigned value) {
  list.push_back(static_cast<uint8_t>(value >> 8));
  list.push_back(static_cast<uint8_t>(value));
}

void append(std::vector<uint8_t>& list, Bytes octets) {
  list.insert(list.end(), octets.begin(), octets.end());
}

/// Writes compiled records out in full.
class Expander {
 public:
  Expander(const Zone& zone, Bytes own_name, std::vector<uint8_t>& list)
      : zone_(zone),
        own_name_(own_name),
        base_(compiled_base(own_name.size() + zone.apex_size())),
        list_(list) {}

  void append_rrset(const RrsetView& rrset) {
    size_t at = 0;
    const uint16_t* fixup = rrset.fixups.data();
    const uint16_t* const end = fixup + rrset.fixups.size();
    for (unsigned i = 0; i < rrset.records; ++i) {
      const size_t size = read_u16(&rrset.block[at + 10]);
      const size_t rdata_at = at + record_fixed_size;
      const size_t size_at = append_fixed(rrset.type, read_u32(&rrset.block[at + 6]));
      at = rdata_at;
      for (; fixup != end && *fixup < rdata_at + size; ++fixup) {
        append(list_, rrset.block.subspan(at, *fixup - at));
        append_target(rrset.block, *fixup);
        at = *fixup + 2U;
      }
      append(list_, rrset.block.subspan(at, rdata_at + size - at));
      at = rdata_at + size;
      end_record(size_at);
    }
  }

  void append_record(uint16_t type, uint32_t ttl, Bytes rdata) {
    const size_t size_at = append_fixed(type, ttl);
    append(list_, rdata);
    end_record(size_at);
  }

 private:
  size_t append_fixed(uint16_t type, uint32_t ttl) {
    list_.push_back(static_cast<uint8_t>(own_name_.size()));
    append(list_, own_name_);
    append_u16(list_, type);
    append_u16(list_, ttl >> 16);
    append_u16(list_, ttl & 0xffff);
    list_.resize(list_.size() + 2);
    return list_.size() - 2;
  }
  void end_record(size_t size_at) {
    write_u16(&list_[size_at], static_cast<unsigned>(list_.size() - size_at - 2));
  }

  /// The name that the pointer at `at` of the block means: parts of the block, perhaps, then the owner's end.
  void append_target(Bytes block, size_t at) {
    for (;;) {
      const size_t target = read_u16(&block[at]) & pointer_max;
      if (target < base_) {
        append_owner_from(target - header_size);
        return;
      }
      at = target - base_;
      while (block[at] != 0 && block[at] < 0xc0) {
        append(list_, block.subspan(at, 1U + block[at]));
        at += 1U + block[at];
      }
      if (block[at] == 0) {
        list_.push_back(0);
        return;
      }
    }
  }
  void append_owner_from(size_t offset) {
    if (offset < own_name_.size()) append(list_, own_name_.subspan(offset));
    const size_t in_apex = offset < own_name_.size() ? 0 : offset - own_name_.size();
    append(list_, zone_.apex().wire().subspan(in_apex));
  }

  const Zone& zone_;
  Bytes own_name_;
  size_t base_;
  std::vector<uint8_t>& list_;
};

/// Two rounds of multiply and shift a word: spreads every bit, and is the same everywhere.
uint64_t hash_of(Bytes octets, uint64_t seed) {
  uint64_t hash = seed + octets.size();
  const auto mix = [&hash](uint64_t word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15U;
    hash = (hash ^ (hash >> 32)) * 0xd6e8feb86659fd93U;
    hash ^= hash >> 29;
  };
  size_t at = 0;
  for (; at + 8 <= octets.size(); at += 8)
    mix(uint64_t{read_u32(&octets[at])} << 32 | read_u32(&octets[at + 4]));
  uint64_t rest = 0;
  for (; at < octets.size(); ++at) rest = rest << 8 | octets[at];
  mix(rest);
  mix(seed);
  return hash;
}

/// Sums, so that the order in which a version's records are met does not matter.
void add_record(ZoneDigest& digest, Bytes record) {
  digest.low += hash_of(record, 0x2545f4914f6cdd1dU);
  digest.high += hash_of(record, 0x5851f42d4c957f2dU);
}

bool is_target_pool(const Pool& pool) {
  return !pool.endpoints.empty() && std::holds_alternative<Name>(pool.endpoints[0].address);
}

/// Places of the pools that a copy of the zone shows, the first in failover order first. None with a fence: who answers
/// from the copy knows of no fences.
std::vector<size_t> pools_in_view(const Service& service, TransferView view) {
  std::vector<size_t> places;
  for (size_t i = 0; i < service.pools.size(); ++i) {
    if (service.pools[i].only_regions.empty()) places.push_back(i);
  }
  const auto rank = [&service](size_t place) {
    const Pool& pool = service.pools[place];
    return std::pair(pool.last_resort,
                     service.policy == Policy::failover ? pool.priority : uint32_t{0});
  };
  std::ranges::stable_sort(places, {}, rank);
  if (view == TransferView::primary && !places.empty()) {
    const auto first = rank(places[0]);
    std::erase_if(places, [&](size_t place) { return rank(place) != first; });
  }
  return places;
}

uint32_t next_serial(uint32_t of_file, const std::optional<SerialState>& last,
                     const ZoneDigest& digest) {
  if (!last || is_newer_serial(of_file, last->serial)) return of_file;
  if (digest == last->digest) return last->serial;
  return last->serial + 1 == 0 ? 1 : last->serial + 1;  // 0 means "none yet" to some servers
}

}  // namespace

FlatRecord take_record(Bytes& list) {
  const size_t name_size = list[0];
  const uint8_t* fixed = &list[1 + name_size];
  const size_t rdata_size = read_u16(fixed + 6);
  const FlatRecord record{.own_name = list.subspan(1, name_size),
                          .type = read_u16(fixed),
                          .ttl = read_u32(fixed + 2),
                          .rdata = list.subspan(1 + name_size + flat_fixed_size, rdata_size),
                          .whole = list.first(1 + name_size + flat_fixed_size + rdata_size)};
  list = list.subspan(record.whole.size());
  return record;
}

std::shared_ptr<const TransferZone> TransferZone::build(const std::shared_ptr<Zone>& zone,
                                                        std::span<const Service* const> services,
                                                        TransferOptions options,
                                                        const std::optional<SerialState>& last,
                                                        const TransferZone* previous) {
  auto made = std::make_shared<TransferZone>();
  made->zone_ = zone;
  made->options_ = std::move(options);
  for (const Service* service : services)
    made->services_.push_back(records_of(*service, made->options_.view));
  made->count_records();
  made->state_.serial = next_serial(zone->serial(), last, made->state_.digest);
  zone->set_serial(made->state_.serial);
  if (previous) made->find_differences(*previous);
  return made;
}

std::shared_ptr<const TransferZone> TransferZone::with_secondaries(const TransferZone& same,
                                                                   TransferOptions options) {
  assert(options.view == same.options_.view);
  auto made = std::make_shared<TransferZone>(same);
  made->options_ = std::move(options);
  return made;
}

bool TransferZone::shows_same(std::span<const Service* const> services, TransferView view) const {
  const auto is_same = [view](const Service* service, const ServiceRecords& records) {
    return records_of(*service, view) == records;
  };
  return view == options_.view && std::ranges::equal(services, services_, is_same);
}

TransferZone::ServiceRecords TransferZone::records_of(const Service& service, TransferView view) {
  ServiceRecords records{.ttl = service.ttl, .endpoints = {}};
  const std::vector<size_t> pools = pools_in_view(service, view);
  // A name with a CNAME has nothing else: the first pool says which of both it is.
  const bool wants_target = !pools.empty() && is_target_pool(service.pools[pools[0]]);
  for (const size_t place : pools) {
    const Pool& pool = service.pools[place];
    if (is_target_pool(pool) != wants_target) continue;
    if (wants_target && !records.endpoints.empty()) break;
    for (const Endpoint& endpoint : pool.endpoints) records.endpoints.push_back(endpoint.address);
  }
  return records;
}

void TransferZone::count_records() {
  std::vector<uint8_t> list;
  append_soa(list);
  if (list.size() >= 20) write_u32(&list[list.size() - 20], 0);  // the serial
  add_record(state_.digest, list);
  octets_ = list.size();
  for (size_t place = 0; place < zone_->places(); ++place) {
    const ZoneNode* node = zone_->node_at(place);
    if (!node) continue;
    list.clear();
    append_records(*node, list);
    octets_ += list.size();
    for (Bytes rest = list; !rest.empty();) add_record(state_.digest, take_record(rest).whole);
  }
}

void TransferZone::append_records(const ZoneNode& node, std::vector<uint8_t>& list) const {
  Expander expander(*zone_, zone_->own_name(node), list);
  for (unsigned i = 0; i < node.rrsets; ++i) {
    const RrsetView rrset = zone_->rrset(node, i);
    if (rrset.type != type::soa) expander.append_rrset(rrset);
  }
  if (!(node.flags & ZoneNode::is_service)) return;
  const ServiceRecords& service = services_[node.service];
  for (const uint16_t type : {type::cname, type::a, type::aaaa}) {
    for (const auto& endpoint : service.endpoints) {
      const auto* address = std::get_if<IpAddress>(&endpoint);
      const uint16_t own = !address ? type::cname : address->is_v4() ? type::a : type::aaaa;
      if (own != type) continue;
      expander.append_record(type, service.ttl.value,
                             address ? address->bytes() : std::get<Name>(endpoint).wire());
    }
  }
}

void TransferZone::append_soa(std::vector<uint8_t>& list) const {
  RrsetView soa;
  if (zone_->find_rrset(zone_->apex_node(), type::soa, soa))
    Expander(*zone_, {}, list).append_rrset(soa);
}

bool TransferZone::admits(const IpAddress& client, const TsigKey* key) const {
  return std::ranges::any_of(options_.secondaries, [&](const Secondary& secondary) {
    return secondary.address.address.unmapped() == client &&
           (!secondary.key || (key && key->name() == *secondary.key));
  });
}

std::span<const std::shared_ptr<const ZoneDifference>> TransferZone::differences_from(
    uint32_t serial) const {
  const auto first = std::ranges::find(differences_, serial, &ZoneDifference::from);
  return {first, differences_.end()};
}

void TransferZone::find_differences(const TransferZone& previous) {
  if (previous.state_.serial == state_.serial) {
    differences_ = previous.differences_;
    return;
  }
  // An older serial than before is a new history: no secondary could follow the way back.
  if (!is_newer_serial(state_.serial, previous.state_.serial)) return;
  auto difference = std::make_shared<ZoneDifference>();
  difference->from = previous.state_.serial;
  difference->to = state_.serial;
  previous.append_soa(difference->removed);
  append_soa(difference->added);
  previous.append_changes(*this, difference->removed);
  append_changes(previous, difference->added);

  differences_ = previous.differences_;
  differences_.push_back(std::move(difference));
  size_t sum = 0;
  size_t kept = 0;  // of the newest ones
  for (; kept < std::min(differences_.size(), differences_max); ++kept) {
    sum += differences_[differences_.size() - 1 - kept]->octets();
    if (sum > octets_) break;  // a whole transfer says it in less
  }
  differences_.erase(differences_.begin(), differences_.end() - static_cast<std::ptrdiff_t>(kept));
}

/// The records of this version that `other` has not.
void TransferZone::append_changes(const TransferZone& other,
                                  std::vector<uint8_t>& only_here) const {
  const HashKey key = HashKey::of_process();
  LookupName name;
  std::vector<uint8_t> wire;
  std::vector<uint8_t> here;
  std::vector<uint8_t> there;
  for (size_t place = 0; place < zone_->places(); ++place) {
    const ZoneNode* node = zone_->node_at(place);
    if (!node) continue;
    here.clear();
    there.clear();
    append_records(*node, here);
    if (here.empty()) continue;
    wire.clear();
    append(wire, zone_->own_name(*node));
    append(wire, zone_->apex().wire());
    name.assign(wire, key);
    if (const Zone::Match match = other.zone_->find(name); match.exact)
      other.append_records(*match.node, there);
    if (here == there) continue;
    const auto text = [](Bytes octets) {
      return std::string_view(reinterpret_cast<const char*>(octets.data()), octets.size());
    };
    std::unordered_set<std::string_view> known;
    for (Bytes rest = there; !rest.empty();) known.insert(text(take_record(rest).whole));
    for (Bytes rest = here; !rest.empty();) {
      const FlatRecord record = take_record(rest);
      if (!known.contains(text(record.whole))) append(only_here, record.whole);
    }
  }
}

}  // namespace swingover::zones
