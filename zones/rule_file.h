#pragma once

#include <span>
#include <tuple>
#include <vector>

#include "base/diagnostics.h"
#include "base/options.h"
#include "base/toml_source.h"
#include "zones/rule.h"
#include "zones/service_file.h"

namespace swingover::zones {

inline constexpr std::tuple rule_options{
    option("name", &Rule::name, LabelOnly{}, "what messages, metrics and the history call it")
        .required(),
    option("services", &Rule::services,
           "the services that it is about, each by itself; without any it is about the clusters as "
           "a whole: one counts while any endpoint in it is eligible")
        .by_default("the clusters as a whole"),
    option("clusters", &Rule::clusters, NotEmpty{}, "only these [[cluster]]s count")
        .by_default("all"),
    option("min_clusters", &Rule::min_clusters,
           "so many of the clusters that count must be eligible; of those that have an ordinary "
           "pool of the service")
        .by_default("no such bound"),
    option(
        "min_capacity", &Rule::min_capacity, 0.0, 1e15,
        "what they can carry together must be as much as this: healthy endpoints, ramps, weights "
        "and reports count")
        .by_default("no such bound"),
    option("min_capacity_part", &Rule::min_capacity_part, 0.0, 1.0,
           "it must be this part of what they can carry when all is well")
        .by_default("no such bound"),
    option("covers_demand", &Rule::covers_demand, 0.0, 100.0,
           "it must be so many times what clients ask for now; 1.2 leaves a sixth of it free")
        .by_default("no such bound"),
};

/// The `[[rule]]` tables of `document`. `services` are numbered. Every problem goes to `diagnostics`.
std::vector<Rule> parse_rules(const TomlDocument& document, std::span<const Service> services,
                              Diagnostics& diagnostics);

}  // namespace swingover::zones
