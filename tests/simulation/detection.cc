#include "tests/simulation/detection.h"

#include <algorithm>

namespace swingover::simulation {
namespace {

using health::Failure;
using health::Health;
using health::Verdict;

constexpr size_t endpoints_each = 10;
constexpr double lost_probes = 0.005;
constexpr Milliseconds timeout{2'000};

}  // namespace

Detection::Detection(size_t clusters, const DetectionRules& rules, uint64_t seed)
    : rules_(rules), random_(seed), seen_(clusters) {
  const auto watched = [&] {
    const auto spread =
        static_cast<int64_t>(random_.below(static_cast<uint64_t>(rules.interval.value)));
    return Watched{health::EndpointHealth(rules.probes),
                   MonotonicTime{1'000'000'000} + Milliseconds(spread)};
  };
  for (size_t j = 0; j < clusters; ++j) {
    Cluster cluster{{},
                    {},
                    health::EndpointHealth(rules.cluster),
                    health::MinimumUp({.down_below = 3, .up_from = 4})};
    for (size_t v = 0; v < rules.vantages; ++v) cluster.vantages.push_back(watched());
    for (size_t e = 0; e < endpoints_each; ++e) cluster.endpoints.push_back(watched());
    clusters_.push_back(std::move(cluster));
  }
}

void Detection::probe(Watched& watched, bool is_right, bool refuses, double fails,
                      const World& world) {
  const MonotonicTime now = world.clock().now();
  while (watched.next <= now) {
    const bool passes = is_right && random_.unit() >= fails;
    const bool is_hard = !passes && refuses;
    const MonotonicTime ends = passes || is_hard ? watched.next : watched.next + timeout;
    watched.health.apply(passes ? Verdict::pass : Verdict::fail,
                         is_hard ? Failure::hard : Failure::soft, ends);
    if (!passes) watched.was_hard = is_hard;
    const double jitter = 0.9 + 0.2 * random_.unit();
    const Milliseconds pause = watched.health.is_confirming()
                                   ? watched.health.pace()
                                   : Milliseconds(static_cast<int64_t>(
                                         static_cast<double>(rules_.interval.value) * jitter));
    watched.next = ends + pause;
  }
}

void Detection::look(const World& world) {
  const MonotonicTime now = world.clock().now();
  for (size_t j = 0; j < clusters_.size(); ++j) {
    Cluster& cluster = clusters_[j];
    const World::Cluster& real = world.clusters()[j];
    const bool answers = real.serves && !real.seems_down;
    const bool refuses = !real.serves && real.refuses;
    const double overload = std::clamp((real.utilisation() - 1.10) / 0.50, 0.0, 1.0);
    health::Tally votes;
    size_t hard = 0;
    for (Watched& vantage : cluster.vantages) {
      probe(vantage, answers, refuses, std::max(lost_probes, overload), world);
      votes.add(vantage.health.health());
      hard += vantage.health.health() == Health::down && vantage.was_hard;
    }
    health::Tally endpoints;
    const auto lost = static_cast<size_t>(real.lost * endpoints_each + 0.5);
    for (size_t e = 0; e < endpoints_each; ++e) {
      const bool gone = e < lost;
      probe(cluster.endpoints[e], answers && !gone, refuses || gone, lost_probes, world);
      endpoints.add(cluster.endpoints[e].health.health());
    }
    const Health agreed = health::worse(health::voted(votes), cluster.minimum.apply(endpoints));
    if (agreed != Health::unknown) {
      cluster.agreed.apply(agreed == Health::up ? Verdict::pass : Verdict::fail, Failure::hard,
                           now);
    }
    cluster.agreed.tick(now);

    Seen& seen = seen_[j];
    seen.is_up = cluster.agreed.health() != Health::down;
    seen.is_held = cluster.agreed.hold() != health::Hold::none;
    seen.is_hard = !seen.is_up && 2 * hard > cluster.vantages.size();
    seen.healthy = static_cast<double>(endpoints_each - endpoints.down) / endpoints_each;
  }
}

}  // namespace swingover::simulation
