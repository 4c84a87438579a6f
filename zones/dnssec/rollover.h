#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/units.h"
#include "zones/dnssec/key.h"

namespace swingover::dnssec {

/// Keys of one zone, each a bit: the index in RolloverState::keys.
using KeySet = uint32_t;
inline constexpr size_t rollover_keys_max = 32;

/// Where a key can be seen from outside.
enum class KeyPlace : uint8_t {
  ds,          // the parent's DS set
  dnskey,      // the zone's DNSKEY set, which each key in it that signs keys signs
  signatures,  // the RRSIGs of all other records
};
inline constexpr size_t key_places = 3;
std::string_view key_place_name(KeyPlace place);  // "DS", "DNSKEY", "RRSIG"

/// A key as a rollover sees it.
struct RolloverKey {
  uint16_t tag = 0;
  Algorithm algorithm = Algorithm::ecdsa_p256_sha256;
  bool signs_keys = true;  // it is one that the parent points at,
  bool signs_zone = true;  // and with both a CSK
  bool is_wanted = true;   // it shall be in use; otherwise, gone
};

/// What one place shows, and what it showed before, as long as somebody may still have that in a cache.
struct PlaceVersions {
  struct Old {
    KeySet keys = 0;
    WallTime until;
  };
  KeySet keys = 0;
  WallTime since;
  std::vector<Old> old;
};

/// All that has to survive a restart.
struct RolloverState {
  std::vector<RolloverKey> keys;
  PlaceVersions places[key_places];
  /// The DS sets that the parent was asked for (CDS, or a person) and may put in place any time; the last one is the wanted
  /// one, the others it may have read before. Empty: what it has is right.
  std::vector<KeySet> offered;
};

/// How long something may still be seen after it was replaced: its TTL, and what the copies at secondaries lag behind.
struct RolloverTimes {
  Milliseconds ds{86'400'000};
  Milliseconds dnskey{3'600'000};
  Milliseconds signatures{86'400'000};  // the zone's greatest TTL, negative answers among them
};

struct RolloverStep {
  WallTime at;
  KeyPlace place = KeyPlace::ds;
  KeySet added = 0;
  KeySet removed = 0;
  bool is_request = false;  // to the parent, whose doing it is; otherwise, done
};

/// Brings keys of a zone in and out without a moment in which a validator could find the zone bogus.
///
/// How      Safe is what every validator finds valid, whatever mix of DS, DNSKEY and RRSIG sets it has in its caches, of
///          those that may be there (RFC 7583 section 3 has the same as timelines for each kind of rollover). With each
///          DS set but the empty one, which means "not signed": for each of its algorithms a key in the DNSKEY set that
///          signs that set, and for each algorithm of the DNSKEY set a signature by a key in it (RFC 4035 section 2.2,
///          which strict validators hold zones to). A step is made as soon as it is safe, so that what order the steps
///          come in follows: ZSKs are published first (RFC 6781 section 4.1.1.1), DS sets hold two keys while KSKs and
///          CSKs change (section 4.1.2, double-DS), a new algorithm signs first (section 4.1.4), a zone is signed before
///          the parent hears of it, and signed until nobody remembers its DS.
/// Parent   Only asked, by what CDS shows (wanted_ds()); nothing goes on before see_parent() has it. It may take for ever.
/// Clock    Wall time; a clock that was wrong and forward would end caches early: the caller steps it only as far as time
///          has really passed.
/// Cost     Microseconds: a few steps, each against a few dozen mixes. Threads: one. Pure.
class Rollover {
 public:
  Rollover(RolloverState state, const RolloverTimes& times)
      : state_(std::move(state)), times_(times) {}

  const RolloverState& state() const { return state_; }

  /// A key that shall come into use; false: no room, or one of this tag and algorithm is there.
  bool bring_in(const RolloverKey& key);
  /// A key that shall go; with the last one that signs keys the zone becomes insecure (RFC 8078 section 4).
  bool take_out(uint16_t tag, Algorithm algorithm);

  /// The parent's servers, all of them, have the DS of these keys. True: that is news.
  bool see_parent(KeySet keys, WallTime now);
  /// Makes every step that is safe now; what was done, in order.
  std::vector<RolloverStep> advance(WallTime now);
  /// When to look again, if nobody asks for anything and the parent does nothing: some cache's end.
  std::optional<WallTime> next_look() const;

  /// What CDS and CDNSKEY show (RFC 7344); 0 with `is_signed()`: the deletion (RFC 8078 section 4).
  KeySet wanted_ds() const;
  bool waits_for_parent() const { return !state_.offered.empty(); }
  bool is_signed() const { return place(KeyPlace::dnskey).keys != 0; }
  /// Every wanted key is in its places, and no other anywhere.
  bool is_settled() const;
  /// Drops keys that nobody can see any more; their bits move. What they were, for their files to be deleted.
  std::vector<RolloverKey> forget();

  /// The steps to come, if the parent takes `parent_delay` for each request and nothing else happens.
  std::vector<RolloverStep> forecast(WallTime now, Milliseconds parent_delay) const;

 private:
  PlaceVersions& place(KeyPlace at) { return state_.places[static_cast<size_t>(at)]; }
  const PlaceVersions& place(KeyPlace at) const { return state_.places[static_cast<size_t>(at)]; }
  Milliseconds lag(KeyPlace at) const;
  KeySet all(bool RolloverKey::*trait) const;
  KeySet alike(size_t index) const;
  bool is_safe() const;
  bool is_valid(KeySet ds, KeySet dnskey, KeySet signatures) const;
  void end_caches(WallTime now);
  void show(KeyPlace at, KeySet keys, WallTime now);
  std::optional<RolloverStep> next_step(WallTime now);
  std::optional<RolloverStep> try_step(KeyPlace at, KeySet keys, WallTime now);
  KeySet signers_with(size_t index) const;
  bool is_held_for_parent(size_t index) const;

  RolloverState state_;
  RolloverTimes times_;
};

}  // namespace swingover::dnssec
