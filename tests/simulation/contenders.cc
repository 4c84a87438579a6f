#include "tests/simulation/policy.h"

namespace swingover::simulation {
namespace {

/// gdnsd's defaults: every 10 s, ten failures to go down, twenty passes to come back, no quicker looks meanwhile.
DetectionRules gdnsd_timers() {
  return {.vantages = 1,
          .interval = Milliseconds(10'000),
          .probes = {.rise = 20,
                     .fall = 10,
                     .fall_hard = 10,
                     .flaky_fall = 0,
                     .confirm = Milliseconds(10'000),
                     .confirm_hard = Milliseconds(10'000)},
          .cluster = {.rise = 1, .fall = 1, .fall_hard = 1, .flaky_fall = 0}};
}

}  // namespace

std::vector<Contender> all_contenders() {
  return {{"static failover", make_static_failover},
          {"static failover, gdnsd's timers", make_static_failover, gdnsd_timers()},
          {"equal weights", make_equal_weights},
          {"zone aware (Envoy-like)", make_zone_aware},
          {"load bands (HAZL-like)", make_load_bands},
          {"shedding (NS1-like)", make_shedding},
          {"**swingover**", make_swingover}};
}

}  // namespace swingover::simulation
