#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/ip.h"
#include "zones/name.h"
#include "zones/service.h"
#include "zones/tsig.h"
#include "zones/zone.h"

namespace swingover::zones {

/// Which endpoints of a service a static copy of its zone holds (docs/transfers.md). Health takes no part.
enum class TransferView : uint8_t { primary, all };

/// A server that keeps a copy of a zone.
struct Secondary {
  SocketAddress address;    // where NOTIFY goes; its IP address may transfer
  std::optional<Name> key;  // which must then sign its requests, and signs ours
  bool notify = true;
};

/// How a zone is transferred; without secondaries it is not.
struct TransferOptions {
  TransferView view = TransferView::primary;
  std::vector<Secondary> secondaries;
};

/// RFC 1982: whether `a` is newer than `b`.
constexpr bool is_newer_serial(uint32_t a, uint32_t b) {
  const uint32_t ahead = a - b;
  return ahead != 0 && ahead < 0x80000000U;
}

/// All records of a version, its serial left out, in 128 bits, whatever their order: equal on every host and in every
/// release, since it is stored. Tells versions apart; protects nothing.
struct ZoneDigest {
  uint64_t low = 0;
  uint64_t high = 0;
  friend bool operator==(const ZoneDigest&, const ZoneDigest&) = default;
};

/// What was served last under which serial: what a later version must not fall behind.
struct SerialState {
  uint32_t serial = 0;
  ZoneDigest digest;
  friend bool operator==(const SerialState&, const SerialState&) = default;
};

/// One record as lists of them hold it: octets of the owner left of the apex, their number in front; type, TTL,
/// size and uncompressed RDATA.
struct FlatRecord {
  Bytes own_name;
  uint16_t type = 0;
  uint32_t ttl = 0;
  Bytes rdata;
  Bytes whole;
};
/// The first record of `list`, which loses it; the list is not empty and ours.
FlatRecord take_record(Bytes& list);

/// What turns one version into the next (RFC 1995 section 4): lists that start with their SOA.
struct ZoneDifference {
  uint32_t from = 0;
  uint32_t to = 0;
  std::vector<uint8_t> removed;
  std::vector<uint8_t> added;
  size_t octets() const { return removed.size() + added.size(); }
};

/// One version of a zone as secondaries see it: static records, and of each service the endpoints that the view
/// declares. With the differences from the versions before, as many as are worth it. Immutable.
///
/// Serial   That of the file; if other records would stand under a serial that was served, or an older one, the
///          one after it. The zone itself is given it, so that all answers show the same.
/// Memory   The differences, together at most as large as the zone and 16 in number; no copy of the records.
/// Threads  Any, read only.
class TransferZone {
 public:
  static constexpr size_t differences_max = 16;

  /// Counts the zone's records and sets its serial. Control path, O(records): about 0.2 us each.
  /// `last`: what was served last under this name; `previous`: that version itself, if it is still there.
  static std::shared_ptr<const TransferZone> build(const std::shared_ptr<Zone>& zone,
                                                   std::span<const Service* const> services,
                                                   TransferOptions options,
                                                   const std::optional<SerialState>& last,
                                                   const TransferZone* previous);
  /// Whether a copy of the same zone would hold the same of these services.
  bool shows_same(std::span<const Service* const> services, TransferView view) const;
  /// The same version, for other secondaries.
  static std::shared_ptr<const TransferZone> with_secondaries(const TransferZone& same,
                                                              TransferOptions options);

  const Zone& zone() const { return *zone_; }
  const TransferOptions& options() const { return options_; }
  const SerialState& state() const { return state_; }

  /// Whether a client at this address, which signed with this key (null: with none), is one of the secondaries.
  bool admits(const IpAddress& client, const TsigKey* key) const;

  /// Appends the node's records to a list, but for the zone's SOA.
  void append_records(const ZoneNode& node, std::vector<uint8_t>& list) const;
  void append_soa(std::vector<uint8_t>& list) const;

  /// Those that lead from `serial` to this version, in order; none if it is too old, or never was.
  std::span<const std::shared_ptr<const ZoneDifference>> differences_from(uint32_t serial) const;

 private:
  struct ServiceRecords {  // what stands at a service's name
    Ttl ttl;
    std::vector<std::variant<IpAddress, Name>> endpoints;
    friend bool operator==(const ServiceRecords&, const ServiceRecords&) = default;
  };

  static ServiceRecords records_of(const Service& service, TransferView view);
  void count_records();
  void find_differences(const TransferZone& previous);
  void append_changes(const TransferZone& other, std::vector<uint8_t>& only_here) const;

  std::shared_ptr<const Zone> zone_;
  TransferOptions options_;
  SerialState state_;
  size_t octets_ = 0;                                               // of all records as a list
  std::vector<ServiceRecords> services_;                            // by place in the zone
  std::vector<std::shared_ptr<const ZoneDifference>> differences_;  // oldest first
};

}  // namespace swingover::zones
