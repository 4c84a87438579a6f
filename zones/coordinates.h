#pragma once

namespace swingover::zones {

/// A place on Earth in degrees: latitude from -90 to 90, longitude from -180 to 180.
struct Coordinates {
  double latitude = 0;
  double longitude = 0;
  friend bool operator==(const Coordinates&, const Coordinates&) = default;
};

/// Great-circle distance on a sphere of Earth's mean radius: within 0.6 % of the truth. Control path.
double kilometres_between(const Coordinates& a, const Coordinates& b);

}  // namespace swingover::zones
