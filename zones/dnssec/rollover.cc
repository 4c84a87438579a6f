#include "zones/dnssec/rollover.h"

#include <algorithm>
#include <array>
#include <utility>

namespace swingover::dnssec {
namespace {

constexpr KeySet bit(size_t index) {
  return KeySet{1} << index;
}
constexpr bool has(KeySet keys, size_t index) {
  return (keys & bit(index)) != 0;
}

/// All that somebody may have of a place.
std::vector<KeySet> visible(const PlaceVersions& place) {
  std::vector<KeySet> out{place.keys};
  for (const PlaceVersions::Old& old : place.old) out.push_back(old.keys);
  return out;
}

}  // namespace

std::string_view key_place_name(KeyPlace place) {
  constexpr std::array<std::string_view, key_places> names{"DS", "DNSKEY", "RRSIG"};
  return names[static_cast<size_t>(place)];
}

bool Rollover::bring_in(const RolloverKey& key) {
  const bool is_there = std::ranges::any_of(state_.keys, [&key](const RolloverKey& other) {
    return other.tag == key.tag && other.algorithm == key.algorithm;
  });
  if (is_there || state_.keys.size() == rollover_keys_max) return false;
  state_.keys.push_back(key);
  state_.keys.back().is_wanted = true;
  return true;
}

bool Rollover::take_out(uint16_t tag, Algorithm algorithm) {
  for (RolloverKey& key : state_.keys) {
    if (key.tag != tag || key.algorithm != algorithm) continue;
    key.is_wanted = false;
    return true;
  }
  return false;
}

bool Rollover::see_parent(KeySet keys, WallTime now) {
  end_caches(now);
  const bool is_news = keys != place(KeyPlace::ds).keys;
  show(KeyPlace::ds, keys, now);
  if (!state_.offered.empty() && state_.offered.back() == keys) state_.offered.clear();
  return is_news;
}

std::vector<RolloverStep> Rollover::advance(WallTime now) {
  end_caches(now);
  std::vector<RolloverStep> steps;
  while (const std::optional<RolloverStep> step = next_step(now)) steps.push_back(*step);
  return steps;
}

std::optional<WallTime> Rollover::next_look() const {
  std::optional<WallTime> next;
  for (const PlaceVersions& versions : state_.places) {
    for (const PlaceVersions::Old& old : versions.old)
      next = next ? std::min(*next, old.until) : old.until;
  }
  return next;
}

KeySet Rollover::wanted_ds() const {
  return state_.offered.empty() ? place(KeyPlace::ds).keys : state_.offered.back();
}

bool Rollover::is_settled() const {
  if (waits_for_parent()) return false;
  for (size_t i = 0; i < state_.keys.size(); ++i) {
    const RolloverKey& key = state_.keys[i];
    const bool in_ds = has(place(KeyPlace::ds).keys, i);
    const bool in_dnskey = has(place(KeyPlace::dnskey).keys, i);
    const bool in_signatures = has(place(KeyPlace::signatures).keys, i);
    if (!key.is_wanted && (in_ds || in_dnskey || in_signatures)) return false;
    if (!key.is_wanted) continue;
    if (!in_dnskey || in_ds != key.signs_keys) return false;
    if (key.signs_zone && (signers_with(i) & all(&RolloverKey::is_wanted)) == 0) return false;
  }
  return true;
}

std::vector<RolloverKey> Rollover::forget() {
  KeySet seen = all(&RolloverKey::is_wanted);
  for (const PlaceVersions& versions : state_.places) {
    for (const KeySet keys : visible(versions)) seen |= keys;
  }
  for (const KeySet keys : state_.offered) seen |= keys;

  const auto moved = [seen](KeySet keys) {
    KeySet out = 0;
    for (size_t from = 0, to = 0; from < rollover_keys_max; ++from) {
      if (!has(seen, from)) continue;
      if (has(keys, from)) out |= bit(to);
      ++to;
    }
    return out;
  };
  std::vector<RolloverKey> kept;
  std::vector<RolloverKey> gone;
  for (size_t i = 0; i < state_.keys.size(); ++i)
    (has(seen, i) ? kept : gone).push_back(state_.keys[i]);
  state_.keys = std::move(kept);
  for (PlaceVersions& versions : state_.places) {
    versions.keys = moved(versions.keys);
    for (PlaceVersions::Old& old : versions.old) old.keys = moved(old.keys);
  }
  for (KeySet& keys : state_.offered) keys = moved(keys);
  return gone;
}

std::vector<RolloverStep> Rollover::forecast(WallTime now, Milliseconds parent_delay) const {
  constexpr int rounds_max = 64;  // far more than an algorithm's rollover with two keys has
  Rollover future = *this;
  std::vector<RolloverStep> steps;
  std::optional<WallTime> parent_acts;
  for (int round = 0; round < rounds_max; ++round) {
    const std::vector<RolloverStep> made = future.advance(now);
    steps.insert(steps.end(), made.begin(), made.end());
    if (future.waits_for_parent() && !parent_acts) parent_acts = now + parent_delay;
    std::optional<WallTime> next = future.next_look();
    if (parent_acts && (!next || *parent_acts <= *next)) next = parent_acts;
    if (!next) break;
    now = *next;
    if (parent_acts != next) continue;
    parent_acts.reset();
    const KeySet before = future.place(KeyPlace::ds).keys;
    const KeySet after = future.wanted_ds();
    future.see_parent(after, now);
    if (after == before) continue;
    steps.push_back({.at = now,
                     .place = KeyPlace::ds,
                     .added = after & ~before,
                     .removed = before & ~after,
                     .is_request = false});
  }
  return steps;
}

Milliseconds Rollover::lag(KeyPlace at) const {
  switch (at) {
    case KeyPlace::ds:
      return times_.ds;
    case KeyPlace::dnskey:
      return times_.dnskey;
    case KeyPlace::signatures:
      return times_.signatures;
  }
  return times_.signatures;
}

KeySet Rollover::all(bool RolloverKey::*trait) const {
  KeySet keys = 0;
  for (size_t i = 0; i < state_.keys.size(); ++i) {
    if (state_.keys[i].*trait) keys |= bit(i);
  }
  return keys;
}

/// The keys of this one's algorithm, itself among them.
KeySet Rollover::alike(size_t index) const {
  KeySet keys = 0;
  for (size_t i = 0; i < state_.keys.size(); ++i) {
    if (state_.keys[i].algorithm == state_.keys[index].algorithm) keys |= bit(i);
  }
  return keys;
}

/// The keys of the same algorithm that sign the zone now.
KeySet Rollover::signers_with(size_t index) const {
  return place(KeyPlace::signatures).keys & alike(index);
}

bool Rollover::is_valid(KeySet ds, KeySet dnskey, KeySet signatures) const {
  const KeySet chained = ds & dnskey & all(&RolloverKey::signs_keys);
  const KeySet signing = signatures & dnskey & all(&RolloverKey::signs_zone);
  for (size_t i = 0; i < state_.keys.size() && ds != 0; ++i) {
    if (has(ds, i) && (chained & alike(i)) == 0) return false;
    if (has(dnskey, i) && (signing & alike(i)) == 0) return false;
  }
  return true;
}

bool Rollover::is_safe() const {
  std::vector<KeySet> ds_sets = visible(place(KeyPlace::ds));
  ds_sets.insert(ds_sets.end(), state_.offered.begin(), state_.offered.end());
  for (const KeySet ds : ds_sets) {
    for (const KeySet dnskey : visible(place(KeyPlace::dnskey))) {
      for (const KeySet signatures : visible(place(KeyPlace::signatures))) {
        if (!is_valid(ds, dnskey, signatures)) return false;
      }
    }
  }
  return true;
}

void Rollover::end_caches(WallTime now) {
  for (PlaceVersions& versions : state_.places)
    std::erase_if(versions.old, [now](const PlaceVersions::Old& old) { return old.until <= now; });
}

void Rollover::show(KeyPlace at, KeySet keys, WallTime now) {
  PlaceVersions& versions = place(at);
  if (versions.keys == keys) return;
  // What was put there in this same instant nobody has seen.
  if (versions.since < now) versions.old.push_back({.keys = versions.keys, .until = now + lag(at)});
  versions.keys = keys;
  versions.since = now;
}

/// A key is shown once every cache has its DS, if another of its algorithm keeps the chain meanwhile: should the parent be
/// slow, then nothing has changed.
bool Rollover::is_held_for_parent(size_t index) const {
  const KeySet chained = place(KeyPlace::ds).keys & place(KeyPlace::dnskey).keys;
  if (!state_.keys[index].signs_keys || (chained & alike(index)) == 0) return false;
  return std::ranges::any_of(visible(place(KeyPlace::ds)),
                             [index](KeySet keys) { return !has(keys, index); });
}

/// Shows these keys there, or asks the parent to; nothing changes if that would not be safe.
std::optional<RolloverStep> Rollover::try_step(KeyPlace at, KeySet keys, WallTime now) {
  const bool is_request = at == KeyPlace::ds;
  const KeySet before = is_request ? wanted_ds() : place(at).keys;
  const bool is_repair = (before & ~keys) == 0 && !is_request &&
                         !is_valid(place(KeyPlace::ds).keys, place(KeyPlace::dnskey).keys,
                                   place(KeyPlace::signatures).keys);
  PlaceVersions place_before = place(at);
  std::vector<KeySet> offered_before = state_.offered;
  if (is_request) {
    std::erase(state_.offered, keys);
    state_.offered.push_back(keys);
  } else {
    show(at, keys, now);
  }
  // Where the parent has made the zone bogus by itself, whatever is missing is added at once.
  if (!is_safe() && !is_repair) {
    place(at) = std::move(place_before);
    state_.offered = std::move(offered_before);
    return std::nullopt;
  }
  return RolloverStep{.at = now,
                      .place = at,
                      .added = keys & ~before,
                      .removed = before & ~keys,
                      .is_request = is_request};
}

std::optional<RolloverStep> Rollover::next_step(WallTime now) {
  const KeySet wanted = all(&RolloverKey::is_wanted);
  const KeySet keepers = wanted & all(&RolloverKey::signs_keys);
  const KeySet dnskey = place(KeyPlace::dnskey).keys;
  const KeySet signatures = place(KeyPlace::signatures).keys;
  std::optional<RolloverStep> step;
  for (size_t i = 0; i < state_.keys.size() && !step; ++i) {
    const RolloverKey& key = state_.keys[i];
    if (key.is_wanted) {
      // Signs in the place of those that shall go, or beside keys of other algorithms.
      if (key.signs_zone && (signers_with(i) & wanted) == 0)
        step = try_step(KeyPlace::signatures, (signatures & ~signers_with(i)) | bit(i), now);
      if (!step && !has(dnskey, i) && !is_held_for_parent(i))
        step = try_step(KeyPlace::dnskey, dnskey | bit(i), now);
      if (!step && key.signs_keys && !has(wanted_ds(), i))
        step = try_step(KeyPlace::ds, wanted_ds() | bit(i), now);
    } else {
      if (has(dnskey, i)) step = try_step(KeyPlace::dnskey, dnskey & ~bit(i), now);
      const KeySet rest = wanted_ds() & ~bit(i);
      // The DS goes last, unless its algorithm goes with it; and never the last one, if others shall be there.
      const bool is_kept =
          (has(dnskey, i) && (keepers & alike(i)) != 0) || (rest == 0 && keepers != 0);
      if (!step && has(wanted_ds(), i) && !is_kept) step = try_step(KeyPlace::ds, rest, now);
      if (!step && has(signatures, i))
        step = try_step(KeyPlace::signatures, signatures & ~bit(i), now);
    }
  }
  return step;
}

}  // namespace swingover::dnssec
