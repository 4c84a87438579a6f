#pragma once

#include <tuple>

#include "base/diagnostics.h"
#include "base/options.h"
#include "base/toml_source.h"
#include "zones/steering_options.h"

namespace swingover::zones {

inline constexpr double cost_max = 1e6;

inline constexpr std::tuple steering_options{
    option("target", &SteeringOptions::target, 0.01, 2.0,
           "the part of its capacity up to which a cluster is used where that is cheapest; only "
           "what goes beyond leaves for other places"),
    option("limit", &SteeringOptions::limit, 0.01, 2.0,
           "the part of its capacity above which a cluster is overloaded; nothing goes beyond "
           "while all of the demand fits"),
    option(
        "high", &SteeringOptions::high, 0.01, 2.0,
        "load moves traffic once a cluster is predicted to be used more than this; for services "
        "with a `target` of their own as far above that one at least, and at most their `limit`"),
    option("low", &SteeringOptions::low, 0.0, 2.0,
           "traffic comes home only to clusters that are used less than this; for services with a "
           "`target` of their own the same part of that one"),
    option("min_gain", &SteeringOptions::min_gain, 0.0, 1.0,
           "the part of the cost that it must save to bring traffic home"),
    option("ramp", &SteeringOptions::ramp, Milliseconds(0), Milliseconds(86'400'000),
           "how long a cluster that is back takes until it carries all it can"),
    option("ramp_start", &SteeringOptions::ramp_start, 0.0, 1.0,
           "the part of its capacity that it starts with"),
    option("cost_same_region", &SteeringOptions::cost_same_region, 0.0, cost_max,
           "what a unit of load costs in another locality of the client's region; in its own it "
           "costs 0"),
    option("cost_near", &SteeringOptions::cost_near, 0.0, cost_max,
           "what it costs outside the region, within `near_km`"),
    option("cost_anywhere", &SteeringOptions::cost_anywhere, 0.0, cost_max,
           "what it costs everywhere else, and for clients of no known locality"),
    option("near_km", &SteeringOptions::near_km, 0.0, 20'100.0,
           "kilometres between the `coordinates` of two localities that are near"),
    option("gamma", &SteeringOptions::gamma, 0.0, 1.0,
           "how far one report of load moves what is thought of the demand: 0 = not, 1 = all the "
           "way"),
    option("connection_life", &SteeringOptions::connection_life, Milliseconds(0),
           Milliseconds(86'400'000),
           "how long clients go on with a connection after they were answered otherwise, on "
           "average"),
    option("load_age_max", &SteeringOptions::load_age_max, Milliseconds(1'000),
           Milliseconds(3'600'000), "a report of load counts no longer than this"),
    option("demand_hold", &SteeringOptions::demand_hold, Milliseconds(1'000),
           Milliseconds(7LL * 86'400'000),
           "without reports the last known demand is believed so long"),
    option(
        "corroborate", &SteeringOptions::corroborate,
        "a cluster whose probes hear nothing in time stays in answers while it still reports its "
        "load, when too much seems to be down at once for that to be likely"),
    option("corroborate_from", &SteeringOptions::corroborate_from, 0.01, 1.0,
           "that is: this part of all capacity, or of all clusters where none has one"),
    option("currency", &SteeringOptions::currency, LabelOnly{}, "of the prices of [[distance]]"),
    option(
        "move_budget", &SteeringOptions::move_budget, 0.0, 1.0,
        "at most this part of all load may move within `move_window` by what is planned: acts of "
        "people, steps of plans, ramps, traffic that comes home, never of health and overload; "
        "1 = no bound"),
    option("move_window", &SteeringOptions::move_window, Milliseconds(1'000),
           Milliseconds(86'400'000), "the window that slides over what has moved"),
};

/// `[steering]` of `document`; the defaults where it is absent. Every problem goes to `diagnostics`.
SteeringOptions parse_steering(const TomlDocument& document, Diagnostics& diagnostics);

}  // namespace swingover::zones
