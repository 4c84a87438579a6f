#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/diagnostics.h"
#include "base/options.h"
#include "base/toml_source.h"
#include "zones/steering_file.h"
#include "zones/topology.h"

namespace swingover::zones {

/// A [[distance]] as written; Distance knows localities from regions.
struct DistanceOptions {
  std::string from;
  std::string to;
  std::optional<double> cost;
  std::optional<double> price;
};

inline constexpr std::tuple distance_options{
    option("from", &DistanceOptions::from, NotEmpty{},
           "where clients are: a [[locality]] or a [[region]]")
        .required(),
    option("to", &DistanceOptions::to, NotEmpty{},
           "where they are served, likewise; the other way costs the same unless a [[distance]] "
           "of its own says otherwise")
        .required(),
    option("cost", &DistanceOptions::cost, 0.0, cost_max,
           "what a unit of load costs from there to there, beside `[steering]` cost_same_region, "
           "cost_near and cost_anywhere")
        .by_default("as [steering] has it"),
    option("price", &DistanceOptions::price, 0.0, 1e6,
           "money for a GB that goes this way, in `[steering] currency`")
        .by_default("0"),
};

/// The `[[distance]]` tables of `document`, sorted as Topology wants them. Names may be of `topology`'s regions and
/// localities. Every problem goes to `diagnostics`.
std::vector<Distance> parse_distances(const TomlDocument& document, Diagnostics& diagnostics);

}  // namespace swingover::zones
