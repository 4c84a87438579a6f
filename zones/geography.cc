#include "zones/geography.h"

#include <cmath>
#include <numbers>

namespace swingover::zones {

GeoDecision GeoDecision::filled_from(const GeoDecision& other) const {
  const auto first = [](LocalityId a, LocalityId b) { return a != no_locality ? a : b; };
  return {first(by_asn, other.by_asn), first(by_country, other.by_country),
          first(by_coordinates, other.by_coordinates)};
}

Geography::Geography(const Topology& topology) {
  for (uint32_t i = 0; i < topology.localities.size(); ++i) {
    const Locality& locality = topology.localities[i];
    Site site{LocalityId(i), std::nullopt};
    if (locality.coordinates) site.vector = vector_of(*locality.coordinates);
    for (const uint32_t asn : locality.asns) asns_.emplace(asn, LocalityId(i));
    for (const CountryCode& country : locality.countries) countries_[country.text].push_back(site);
    if (site.vector) all_.push_back(site);
  }
}

GeoDecision Geography::decide(const GeoFacts& facts) const {
  GeoDecision decision;
  if (const auto found = asns_.find(facts.asn); found != asns_.end())
    decision.by_asn = found->second;
  std::optional<Vector> to;
  if (facts.coordinates) to = vector_of(*facts.coordinates);
  for (const std::string* code : {&facts.subdivision, &facts.country}) {
    const auto found = code->empty() ? countries_.end() : countries_.find(*code);
    if (found == countries_.end()) continue;
    decision.by_country = nearest(found->second, to);
    break;
  }
  if (to) decision.by_coordinates = nearest(all_, to);
  return decision;
}

Geography::Vector Geography::vector_of(const Coordinates& coordinates) {
  const double up = coordinates.latitude * std::numbers::pi / 180;
  const double along = coordinates.longitude * std::numbers::pi / 180;
  return {std::cos(up) * std::cos(along), std::cos(up) * std::sin(along), std::sin(up)};
}

LocalityId Geography::nearest(const std::vector<Site>& sites, const std::optional<Vector>& to) {
  if (sites.empty()) return no_locality;
  const Site* best = &sites.front();
  double best_product = -2;
  for (const Site& site : sites) {
    if (!to || !site.vector) continue;
    const Vector& v = *site.vector;
    const double product = v[0] * (*to)[0] + v[1] * (*to)[1] + v[2] * (*to)[2];
    if (product <= best_product) continue;
    best = &site;
    best_product = product;
  }
  return best->locality;
}

}  // namespace swingover::zones
