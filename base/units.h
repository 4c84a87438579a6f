#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace swingover {

/// A number that cannot be mistaken for another one. Compares, hashes; arithmetic is per unit below.
template <class Tag, class Rep>
struct Strong {
  using rep = Rep;
  Rep value{};

  constexpr Strong() = default;
  constexpr explicit Strong(Rep v) : value(v) {}
  friend constexpr auto operator<=>(const Strong&, const Strong&) = default;
};

struct MillisecondsTag {};
struct TtlTag {};
struct PercentTag {};
struct WeightTag {};
struct EndpointTag {};
struct PoolTag {};
struct ServiceTag {};
struct ClusterTag {};
struct LocalityTag {};

using Milliseconds = Strong<MillisecondsTag, int64_t>;  // a length of time
using Ttl = Strong<TtlTag, uint32_t>;                   // seconds, RFC 2181 section 8: 31 bits
using Percent = Strong<PercentTag, double>;
using Weight = Strong<WeightTag, uint32_t>;

// Places in the arrays of one generation; a reload may move them.
using EndpointId = Strong<EndpointTag, uint32_t>;
using PoolId = Strong<PoolTag, uint32_t>;
using ServiceId = Strong<ServiceTag, uint32_t>;
using ClusterId = Strong<ClusterTag, uint32_t>;
using LocalityId = Strong<LocalityTag, uint32_t>;
inline constexpr LocalityId no_locality{UINT32_MAX};

constexpr Milliseconds operator+(Milliseconds a, Milliseconds b) {
  return Milliseconds(a.value + b.value);
}
constexpr Milliseconds operator-(Milliseconds a, Milliseconds b) {
  return Milliseconds(a.value - b.value);
}
constexpr Milliseconds operator*(Milliseconds a, int64_t n) {
  return Milliseconds(a.value * n);
}

/// "500ms", "10s", "5m", "1h", "90d"; a whole number and a unit, nothing else. Bare numbers are refused.
Result<Milliseconds> parse_duration(std::string_view text);

/// The shortest text that parse_duration() reads back to the same value: 1500 ms -> "1500ms", 60 s -> "1m".
std::string duration_text(Milliseconds duration);

}  // namespace swingover

template <class Tag, class Rep>
struct std::hash<swingover::Strong<Tag, Rep>> {
  size_t operator()(const swingover::Strong<Tag, Rep>& s) const {
    return std::hash<Rep>{}(s.value);
  }
};
