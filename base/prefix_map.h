#pragma once

#include <algorithm>
#include <bit>
#include <compare>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/ip.h"

namespace swingover {

/// Immutable longest-prefix match from address prefix to T, for both families.
///
/// Shape  Built once from rules (equal prefixes: the last wins) into sorted, disjoint ranges of
///        addresses; neighbours with equal values become one range. T compares with ==.
/// Cost   find(): one binary search, no allocation. Build: O(n log n). At most two ranges a rule,
///        each of 16 bytes and an optional T.
template <class T>
class PrefixMap {
 public:
  struct Rule {
    IpPrefix prefix;
    T value;
  };

  PrefixMap() = default;
  explicit PrefixMap(std::vector<Rule> rules);

  /// For prefixes that come in the order of their addresses and never overlap, each family for itself: no sort, and
  /// nothing is held but the ranges.
  class Builder;

  struct Found {
    std::optional<T> value;  // of the longest prefix that contains the address
    unsigned length = 0;  // every address that shares so many leading bits with it finds the same
  };
  Found find(const IpAddress& address) const;

  /// What `join` makes of the values of both maps at each address: an optional<R> from an optional<T> and an
  /// optional<U>, of which not both are empty.
  template <class R, class U, class Join>
  PrefixMap<R> joined_with(const PrefixMap<U>& other, const Join& join) const;

  size_t ranges() const { return v4_.size() + v6_.size(); }
  static constexpr size_t range_octets() { return sizeof(Range); }

 private:
  template <class>
  friend class PrefixMap;

  /// An address of either family, its first bit in the highest place.
  struct Key {
    uint64_t high = 0;
    uint64_t low = 0;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  static constexpr Key key_max{UINT64_MAX, UINT64_MAX};

  struct Range {
    Key first;  // the range ends where the next one starts
    std::optional<T> value;
  };
  using Ranges = std::vector<Range>;  // empty: nothing is known of this family

  struct Span {
    Key first;
    Key last;
    const Rule* rule;
  };

  static Key key_of(const IpAddress& address) {
    const Bytes bytes = address.bytes();
    Key key;
    for (size_t i = 0; i < 8 && i < bytes.size(); ++i)
      key.high |= uint64_t{bytes[i]} << (56 - 8 * i);
    for (size_t i = 8; i < bytes.size(); ++i) key.low |= uint64_t{bytes[i]} << (120 - 8 * i);
    return key;
  }
  /// The last address that shares `length` bits with `key`.
  static Key last_of(Key key, unsigned length) {
    if (length < 64) return {key.high | (UINT64_MAX >> length), UINT64_MAX};
    if (length == 64) return {key.high, UINT64_MAX};
    return length < 128 ? Key{key.high, key.low | (UINT64_MAX >> (length - 64))} : key;
  }
  static Key next(Key key) { return {key.high + (key.low == UINT64_MAX ? 1U : 0U), key.low + 1}; }
  static Key before(Key key) { return {key.high - (key.low == 0 ? 1U : 0U), key.low - 1}; }
  /// The shortest prefix of `inside` that does not contain `outside`.
  static unsigned length_apart(Key inside, Key outside) {
    const uint64_t high = inside.high ^ outside.high;
    const uint64_t low = inside.low ^ outside.low;
    const int equal_bits = high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(low);
    return static_cast<unsigned>(equal_bits) + 1;
  }

  static Ranges build(std::vector<Span> spans);
  template <class R, class U, class Join>
  static typename PrefixMap<R>::Ranges join_ranges(const Ranges& mine,
                                                   const typename PrefixMap<U>::Ranges& theirs,
                                                   const Join& join);
  static void append(Ranges& ranges, Key first, std::optional<T> value);

  Ranges v4_;
  Ranges v6_;
};

template <class T>
PrefixMap<T>::PrefixMap(std::vector<Rule> rules) {
  std::vector<Span> v4;
  std::vector<Span> v6;
  for (const Rule& rule : rules) {
    const Key first = key_of(masked(rule.prefix.address, rule.prefix.length));
    const Span span{first, last_of(first, rule.prefix.length), &rule};
    // A full-length IPv4 prefix covers the unused low bits of its key as well.
    (rule.prefix.address.is_v4() ? v4 : v6).push_back(span);
  }
  v4_ = build(std::move(v4));
  v6_ = build(std::move(v6));
}

template <class T>
class PrefixMap<T>::Builder {
 public:
  void add(const IpPrefix& prefix, T value) {
    Ranges& ranges = prefix.address.is_v4() ? map_.v4_ : map_.v6_;
    if (ranges.empty()) append(ranges, Key{}, std::nullopt);
    const Key first = key_of(prefix.address);
    const Key last = last_of(first, prefix.length);
    append(ranges, first, std::move(value));
    if (last != key_max) append(ranges, next(last), std::nullopt);
  }
  PrefixMap build() && {
    map_.v4_.shrink_to_fit();
    map_.v6_.shrink_to_fit();
    return std::move(map_);
  }

 private:
  PrefixMap map_;
};

template <class T>
template <class R, class U, class Join>
PrefixMap<R> PrefixMap<T>::joined_with(const PrefixMap<U>& other, const Join& join) const {
  PrefixMap<R> out;
  out.v4_ = join_ranges<R, U>(v4_, other.v4_, join);
  out.v6_ = join_ranges<R, U>(v6_, other.v6_, join);
  return out;
}

template <class T>
template <class R, class U, class Join>
typename PrefixMap<R>::Ranges PrefixMap<T>::join_ranges(const Ranges& mine,
                                                        const typename PrefixMap<U>::Ranges& theirs,
                                                        const Join& join) {
  typename PrefixMap<R>::Ranges out;
  if (mine.empty() && theirs.empty()) return out;
  size_t a = 0;  // ranges that have begun
  size_t b = 0;
  Key at{};
  for (;;) {
    while (a < mine.size() && mine[a].first <= at) ++a;
    while (b < theirs.size() && Key{theirs[b].first.high, theirs[b].first.low} <= at) ++b;
    const std::optional<T> left = a > 0 ? mine[a - 1].value : std::nullopt;
    const std::optional<U> right = b > 0 ? theirs[b - 1].value : std::nullopt;
    PrefixMap<R>::append(out, {at.high, at.low},
                         left || right ? join(left, right) : std::optional<R>());
    if (a == mine.size() && b == theirs.size()) break;
    at = a < mine.size() ? mine[a].first : key_max;
    if (b < theirs.size()) at = std::min(at, Key{theirs[b].first.high, theirs[b].first.low});
  }
  out.shrink_to_fit();
  return out;
}

template <class T>
typename PrefixMap<T>::Found PrefixMap<T>::find(const IpAddress& address) const {
  const Ranges& ranges = address.is_v4() ? v4_ : v6_;
  if (ranges.empty()) return {};
  const Key key = key_of(address);
  // The first range starts at the lowest address, so there always is one in front of the bound.
  const auto after = std::upper_bound(ranges.begin(), ranges.end(), key,
                                      [](Key k, const Range& range) { return k < range.first; });
  const auto range = std::prev(after);
  unsigned length = 0;
  if (range != ranges.begin()) length = length_apart(key, before(range->first));
  if (after != ranges.end()) length = std::max(length, length_apart(key, after->first));
  return {range->value, length};
}

template <class T>
typename PrefixMap<T>::Ranges PrefixMap<T>::build(std::vector<Span> spans) {
  if (spans.empty()) return {};
  // Prefixes are nested or apart. In this order each comes after those around it, and of equal ones
  // the last configured is the innermost.
  std::stable_sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) {
    return a.first != b.first ? a.first < b.first : a.last > b.last;
  });
  Ranges ranges;
  append(ranges, Key{}, std::nullopt);
  std::vector<Span> open;
  const auto close_innermost = [&] {
    const Key last = open.back().last;
    open.pop_back();
    if (last == key_max) return;
    append(ranges, next(last),
           open.empty() ? std::nullopt : std::optional<T>(open.back().rule->value));
  };
  for (const Span& span : spans) {
    while (!open.empty() && open.back().last < span.first) close_innermost();
    open.push_back(span);
    append(ranges, span.first, span.rule->value);
  }
  while (!open.empty()) close_innermost();
  ranges.shrink_to_fit();
  return ranges;
}

template <class T>
void PrefixMap<T>::append(Ranges& ranges, Key first, std::optional<T> value) {
  if (!ranges.empty() && ranges.back().first == first) ranges.pop_back();
  if (!ranges.empty() && ranges.back().value == value) return;
  ranges.push_back({first, std::move(value)});
}

}  // namespace swingover
