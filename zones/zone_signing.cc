#include "zones/zone_signing.h"

#include <algorithm>
#include <ctime>
#include <span>

#include "zones/protocol.h"

namespace swingover::zones {
namespace {

using dnssec::SigningKey;
using Rdatas = std::vector<std::vector<uint8_t>>;

CompiledRrset compiled(const Name& apex, uint16_t type, Ttl ttl, Rdatas rdatas) {
  std::ranges::sort(rdatas);
  const auto repeated = std::unique(rdatas.begin(), rdatas.end());
  rdatas.erase(repeated, rdatas.end());
  std::vector<uint8_t> octets;
  for (const std::vector<uint8_t>& rdata : rdatas) RdataList::append(rdata, octets);
  CompiledRrset out;
  if (!rdatas.empty())
    compile_rrset(apex, {.type = type, .ttl = ttl, .rdatas = {rdatas.size(), octets}}, out);
  return out;
}

Rdatas dnskeys(std::span<const SigningKey> keys) {
  Rdatas out;
  for (const SigningKey& key : keys)
    out.emplace_back(key.dnskey_rdata().begin(), key.dnskey_rdata().end());
  return out;
}

/// RFC 8078 section 4: what asks the parent to go insecure.
const std::vector<uint8_t> cds_deletion{0, 0, 0, 0, 0};
const std::vector<uint8_t> cdnskey_deletion{0, 0, 3, 0, 0};

Rdatas cds_of(const Name& apex, const ZoneKeys& keys) {
  if (keys.deletes_ds) return {cds_deletion};
  Rdatas out;
  for (const SigningKey& key : keys.wanted_ds)
    out.push_back(dnssec::ds_rdata(apex, key.dnskey_rdata(), dnssec::DsDigest::sha256));
  return out;
}

RrsetView view_of(const CompiledRrset& set, uint16_t type) {
  return {.type = type,
          .records = set.records,
          .block = set.block,
          .fixups = set.fixups,
          .additional = {}};
}

int64_t cpu_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// Of one set, by all its keys; the least of several times.
uint32_t measured_cost(const dnssec::SetSigner& signer, const Name& apex) {
  constexpr int times = 5;
  int64_t least = INT32_MAX;
  for (int i = 0; i < times; ++i) {
    dnssec::SetSigner::Lane lane = signer.take_lane();
    const int64_t start = cpu_nanoseconds();
    for (size_t key = 0; key < signer.keys(); ++key) {
      lane.request().begin(apex.wire(), type::nsec, 0);
      lane.request().add(apex.wire());
      signer.try_out(key, lane);
    }
    least = std::min(least, cpu_nanoseconds() - start);
  }
  return static_cast<uint32_t>(least);
}

size_t signature_size_of(const ZoneKeys& keys) {
  size_t size = 0;
  for (const SigningKey& key : keys.sign_keys) size = std::max(size, key.signature_size());
  for (const SigningKey& key : keys.sign_zone) size = std::max(size, key.signature_size());
  return size;
}

}  // namespace

std::shared_ptr<const ZoneSigning> ZoneSigning::make(const Name& apex, const ZoneKeys& keys,
                                                     const SigningOptions& options,
                                                     const ZoneSigning* previous) {
  const size_t size = signature_size_of(keys);
  std::shared_ptr<dnssec::SignatureCache> cache = previous ? previous->zone.cache() : nullptr;
  const size_t places = options.signatures_max + options.static_sets;
  if (!cache || cache->signature_size() < size || cache->places() < places) {
    const size_t growth =
        options.static_sets / 4;  // sets of a hash are not all equally full, and zones grow
    cache = std::make_shared<dnssec::SignatureCache>(places + growth, size);
  }
  return std::make_shared<const ZoneSigning>(apex, keys, options, std::move(cache));
}

ZoneSigning::ZoneSigning(const Name& apex, const ZoneKeys& used, const SigningOptions& options,
                         std::shared_ptr<dnssec::SignatureCache> cache)
    : unknown_names_nanoseconds(static_cast<uint32_t>(options.unknown_names.value * 1e7)),
      zone(apex, used.sign_zone, options.plan, cache),
      keys(apex, used.sign_keys, options.plan, cache),
      dnskey(compiled(apex, type::dnskey, options.key_ttl, dnskeys(used.published))),
      cds(compiled(apex, type::cds, options.key_ttl, cds_of(apex, used))),
      cdnskey(compiled(apex, type::cdnskey, options.key_ttl,
                       used.deletes_ds ? Rdatas{cdnskey_deletion} : dnskeys(used.wanted_ds))) {
  cost_nanoseconds = measured_cost(zone, apex);
}

RrsetView ZoneSigning::key_set(uint16_t type) const {
  switch (type) {
    case type::dnskey:
      return view_of(dnskey, type);
    case type::cds:
      return view_of(cds, type);
    case type::cdnskey:
      return view_of(cdnskey, type);
    default:
      return {.type = type, .records = 0, .block = {}, .fixups = {}, .additional = {}};
  }
}

const dnssec::SetSigner& ZoneSigning::signer_of(uint16_t type) const {
  const bool is_about_keys = type == type::dnskey || type == type::cds || type == type::cdnskey;
  return is_about_keys ? keys : zone;
}

}  // namespace swingover::zones
