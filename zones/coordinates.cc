#include "zones/coordinates.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace swingover::zones {

double kilometres_between(const Coordinates& a, const Coordinates& b) {
  constexpr double radius = 6371.0088;  // kilometres; the mean of IUGG
  constexpr double radian = std::numbers::pi / 180;
  const double half_up = std::sin((b.latitude - a.latitude) * radian / 2);
  const double half_along = std::sin((b.longitude - a.longitude) * radian / 2);
  // The haversine: unlike the law of cosines it keeps its digits for places near to one another.
  const double h = half_up * half_up + std::cos(a.latitude * radian) *
                                           std::cos(b.latitude * radian) * half_along * half_along;
  return 2 * radius * std::asin(std::sqrt(std::clamp(h, 0.0, 1.0)));
}

}  // namespace swingover::zones
