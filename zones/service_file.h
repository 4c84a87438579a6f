#pragma once

#include <array>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "base/diagnostics.h"
#include "base/options.h"
#include "base/toml_source.h"
#include "zones/name.h"
#include "zones/service.h"
#include "zones/steering_options.h"
#include "zones/topology.h"

namespace swingover {

template <>
struct Form<zones::Name> {
  static constexpr std::string_view noun = R"(a DNS name such as "shop.svc.example.com.")";
  static constexpr std::string_view plural = "DNS names";
  static constexpr bool in_quotes = true;
  static Result<zones::Name> read(const TomlValue& value, NoLimits);
  static std::string text(const zones::Name& value) { return value.text(); }
};

template <>
struct Form<zones::Endpoint> {
  static constexpr std::string_view noun =
      R"(an address, or a target such as "lb.fra.example.net.")";
  static constexpr std::string_view plural =
      "addresses, or one target such as \"lb.fra.example.net.\"";
  static constexpr bool in_quotes = true;
  static Result<zones::Endpoint> read(const TomlValue& value, NoLimits);
  static std::string text(const zones::Endpoint& value) { return value.text(); }
};

template <>
struct OptionWords<zones::Policy> {
  using Policy = zones::Policy;
  static constexpr std::array words{
      Word<Policy>{Policy::failover, "failover",
                   "the pools of the lowest `priority` that are eligible; where shares follow "
                   "`capacity`, what is above their `target` goes to the next"},
      Word<Policy>{Policy::active_active, "active-active",
                   "all pools that are eligible, by `weight`, or by `capacity` where shares follow "
                   "that"},
      Word<Policy>{Policy::local, "local",
                   "the pools that cost least from the client's locality: that itself, its region, "
                   "what is near or declared to be, anywhere"},
      Word<Policy>{Policy::all, "all", "every eligible endpoint of every pool, in one answer"},
  };
};

template <>
struct OptionWords<zones::Sticky> {
  using Sticky = zones::Sticky;
  static constexpr std::array words{
      Word<Sticky>{Sticky::none, "none", "every query is chosen for anew"},
      Word<Sticky>{Sticky::client, "client",
                   "a client network keeps its pool while that stays eligible"},
  };
};

template <>
struct OptionWords<zones::WhenAllDown> {
  using Rule = zones::WhenAllDown;
  static constexpr std::array words{
      Word<Rule>{Rule::all, "all", "answer as if all were up: the checks may be what is wrong"},
      Word<Rule>{Rule::last_resort, "last_resort",
                 "answer the pools with `last_resort = true`, whatever their health"},
      Word<Rule>{Rule::nodata, "nodata", "answer that the name has no such records"},
      Word<Rule>{Rule::servfail, "servfail",
                 "answer SERVFAIL, so that resolvers may keep what they have"},
  };
};

template <>
struct OptionWords<zones::Overflow> {
  using Overflow = zones::Overflow;
  static constexpr std::array words{
      Word<Overflow>{Overflow::spread, "spread",
                     "all pools go above their limits alike, and an event says how far"},
      Word<Overflow>{Overflow::last_resort, "last_resort",
                     "the pools stay at their limits, and the rest gets the `last_resort` pools"},
  };
};

template <>
struct OptionWords<zones::Failback> {
  using Failback = zones::Failback;
  static constexpr std::array words{
      Word<Failback>{Failback::ramp, "ramp", "in steps, over `ramp` of [steering]"},
      Word<Failback>{Failback::at_once, "at_once", "the whole share with the verdict"},
      Word<Failback>{Failback::hold, "hold", "in steps too, `failback_hold` after the verdict"},
      Word<Failback>{Failback::manual, "manual", "when a person resumes the pool; then in steps"},
  };
};

}  // namespace swingover

namespace swingover::zones {

inline constexpr Ttl ttl_max{0x7fffffff};  // RFC 2181 section 8

inline constexpr std::tuple service_options{
    option("name", &Service::name, "the name that clients ask for, inside one of the zones")
        .required(),
    option("policy", &Service::policy, "who gets which pool"),
    option("ttl", &Service::ttl, Ttl(0), ttl_max,
           "how long resolvers may keep an answer while nothing speaks of a change; whole seconds"),
    option("ttl_min", &Service::ttl_min, Ttl(0), ttl_max,
           "the least that an answer's TTL counts down to while a change is near: a failure is "
           "being confirmed, "
           "a hold or an intent ends; at most `ttl`")
        .by_default("5s, or `ttl` if that is less"),
    option("answers", &Service::answers, 0, 100,
           "at most so many addresses of a family in one answer; 0 = all")
        .by_default("1; 0 with the policy `all`"),
    option("monitors", &Service::monitors,
           "probed at each endpoint, each must pass; with none, endpoints are up while their "
           "cluster is"),
    option("voting_monitors", &Service::voting_monitors,
           "probed at each endpoint, which is down when more than half of them fail"),
    option("observing_monitors", &Service::observing_monitors,
           "probed at each endpoint and shown, never counted"),
    option("sticky", &Service::sticky, "whether a client network keeps its pool"),
    option("when_all_down", &Service::when_all_down, "what to answer when nothing is eligible"),
    option("only_regions", &Service::only_regions,
           "`only_regions` of its pools that have none of their own")
        .by_default("everywhere"),
    option("demand", &Service::demand, 0.0, 1e15,
           "what clients ask of the service in all, in the unit of its pools' capacities: where to "
           "begin, and what counts while no load is reported; with neither nothing is ever full")
        .by_default("none known"),
    option("target", &Service::target, 0.01, 10.0,
           "the part of a pool's capacity up to which clients stay where they are cheapest")
        .by_default("that of [steering]"),
    option("limit", &Service::limit, 0.01, 10.0,
           "the part of a pool's capacity that is never passed while the others have room")
        .by_default("that of [steering]"),
    option("overflow", &Service::overflow,
           "where demand goes that does not fit within the limits of all pools"),
    option(
        "steered", &Service::may_be_steered,
        "whether shares follow capacity where each pool but the `last_resort` ones has one; false: "
        "the policy alone decides whatever the load, as it must where only one pool may serve, and "
        "its load counts in no cluster's capacity"),
    option("failback", &Service::failback,
           "how a pool that was down gets its share again, where shares follow capacity; elsewhere "
           "`hold_up` and `resume` of its monitors say when it is up again"),
    option("failback_hold", &Service::failback_hold, Milliseconds(1'000),
           Milliseconds(7LL * 24 * 3600 * 1000), "how long `hold` waits"),
    option("bytes_per_unit", &Service::bytes_per_unit, 0.0, 1e15,
           "octets that a unit of load sends, so that traffic between localities has its price; "
           "with requests per second: octets of a request and its response"),
};

inline constexpr std::tuple pool_options{
    option("cluster", &Pool::cluster_name, NotEmpty{},
           "the [[cluster]] that these endpoints are in")
        .required(),
    option("priority", &Pool::priority, 0, 65535,
           "the order of the policy `failover`, lowest first"),
    option("weight", &Pool::weight, Weight(0), Weight(65535),
           "the share among equals; 0 = only when no other of its kind is eligible; of no effect "
           "where shares follow `capacity`"),
    option("last_resort", &Pool::last_resort, "used only when no other pool is eligible"),
    option("endpoints", &Pool::endpoints, "addresses, or one target, which is answered as a CNAME")
        .by_default("the cluster's addresses"),
    option("only_regions", &Pool::only_regions,
           "serves clients of these regions alone; nobody else is ever answered it, whatever is "
           "down; a client of no known locality, or only the nearest by coordinates, is in no "
           "region; not in zone transfers")
        .by_default("the service's `only_regions`"),
    option("capacity", &Pool::capacity, 0.0, 1e15,
           "what it can carry of this service, in units of load; where each pool but the "
           "`last_resort` ones has "
           "one, shares follow it")
        .by_default("the cluster's `capacity`"),
    option("in_flight_low", &Pool::in_flight_low, 0.0, 1e9,
           "with `in_flight_high`: where reports say how many requests are under way, the capacity "
           "follows them, so that each endpoint has between so many and so many; below `low` it "
           "rises")
        .by_default("`capacity` stands"),
    option(
        "in_flight_high", &Pool::in_flight_high, 0.001, 1e9,
        "requests under way at one endpoint at which the pool is full; above, the capacity falls")
        .by_default("`capacity` stands"),
    option("monitors", &Pool::monitors, "more of the service's `monitors`, for this pool alone"),
    option("voting_monitors", &Pool::voting_monitors,
           "more of the service's `voting_monitors`, for this pool alone"),
    option("observing_monitors", &Pool::observing_monitors,
           "more of the service's `observing_monitors`; a monitor that stands in the service and "
           "here counts as it does here"),
    option("min_healthy", &Pool::min_healthy,
           "the pool as a whole is down when fewer of its endpoints are healthy")
        .by_default("no such bound"),
    option("min_healthy_ipv4", &Pool::min_healthy_ipv4, "the same, of its IPv4 endpoints alone")
        .by_default("no such bound"),
    option("min_healthy_ipv6", &Pool::min_healthy_ipv6, "the same, of its IPv6 endpoints alone")
        .by_default("no such bound"),
    option("min_healthy_up", &Pool::min_healthy_up,
           "once it fell below `min_healthy`, the pool is up again from so many on")
        .by_default("`min_healthy`"),
};

/// What services refer to. The spans are of the whole file, whatever else is wrong with those sections.
struct ServiceContext {
  const Topology& topology;
  std::span<const std::string> monitors;
  std::span<const Name> zones;
  SteeringOptions steering{};  // what services leave out
};

/// The `[[service]]` tables of `document`, every cross-reference checked, not numbered yet. Every problem goes to
/// `diagnostics`; use the result only if there is no error.
std::vector<Service> parse_services(const TomlDocument& document, const ServiceContext& context,
                                    Diagnostics& diagnostics);

}  // namespace swingover::zones
