#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "zones/topology.h"

namespace swingover::zones {

/// What a database says of a network; each part may be absent.
struct GeoFacts {
  uint32_t asn = 0;         // 0: absent
  std::string country;      // "DE"
  std::string subdivision;  // "DE-HE"
  std::optional<Coordinates> coordinates;
};

/// Where that leads, each way by itself, so that databases can be joined; no_locality: nowhere.
struct GeoDecision {
  LocalityId by_asn = no_locality;
  LocalityId by_country = no_locality;
  LocalityId by_coordinates = no_locality;

  LocalityId locality() const {
    return by_asn != no_locality ? by_asn : by_country != no_locality ? by_country : by_coordinates;
  }
  /// Nothing leads there but being near.
  bool is_nearest() const { return by_asn == no_locality && by_country == no_locality; }
  /// What is absent here is taken from `other`.
  GeoDecision filled_from(const GeoDecision& other) const;
  bool is_empty() const { return locality() == no_locality; }
  friend bool operator==(const GeoDecision&, const GeoDecision&) = default;
};

/// The localities as databases see them: by the `asns`, `countries` and `coordinates` of each.
///
/// Order   A subdivision counts before its country; of several localities that list the same, the nearest by
///         coordinates, without them the first. By coordinates alone: the nearest of all localities that have some.
/// Cost    decide(): two look-ups, and one multiplication a locality with coordinates. Control path; any thread.
class Geography {
 public:
  explicit Geography(const Topology& topology);

  GeoDecision decide(const GeoFacts& facts) const;
  /// Nothing that a database could know leads anywhere.
  bool is_empty() const { return asns_.empty() && countries_.empty() && all_.empty(); }

  friend bool operator==(const Geography&, const Geography&) = default;

 private:
  using Vector =
      std::array<double, 3>;  // from Earth's centre: of two places, the greater product is nearer
  struct Site {
    LocalityId locality;
    std::optional<Vector> vector;
    friend bool operator==(const Site&, const Site&) = default;
  };

  static Vector vector_of(const Coordinates& coordinates);
  static LocalityId nearest(const std::vector<Site>& sites, const std::optional<Vector>& to);

  std::map<uint32_t, LocalityId> asns_;
  std::map<std::string, std::vector<Site>, std::less<>> countries_;  // and subdivisions
  std::vector<Site> all_;                                            // with coordinates
};

}  // namespace swingover::zones
