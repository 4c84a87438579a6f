#include "server/control/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <limits>
#include <map>
#include <span>
#include <sstream>
#include <string_view>

#include "server/control/target.h"
#include "zones/record_text.h"
#include "zones/zone_file_rdata.h"

namespace swingover::control {

namespace {

using health::Health;
using Labels = std::vector<std::pair<std::string, std::string>>;

constexpr std::array<const char*, 3> transports{"udp", "tcp", "tls"};
constexpr size_t causes_always = 2;  // failover and failback: see swing_causes

std::span<const zones::Service> services_of(const MetricsPage& page) {
  if (!page.snapshot) return {};
  return page.snapshot->model->services;
}

/// One family being filled; prometheus-cpp writes it out and escapes its labels.
class Family {
 public:
  Family(std::string name, std::string help, prometheus::MetricType type) {
    family_.name = "swingover_" + std::move(name);
    family_.help = std::move(help);
    family_.type = type;
  }
  void counter(const Labels& labels, double value) { add(labels).counter.value = value; }
  void gauge(const Labels& labels, double value) { add(labels).gauge.value = value; }
  void histogram(const Labels& labels, const std::vector<double>& bounds,
                 const std::vector<uint64_t>& buckets, double sum) {
    prometheus::ClientMetric::Histogram& histogram = add(labels).histogram;
    uint64_t total = 0;
    for (size_t i = 0; i < buckets.size(); ++i) {
      total += buckets[i];
      const double bound = i < bounds.size() ? bounds[i] : std::numeric_limits<double>::infinity();
      histogram.bucket.push_back({total, bound});
    }
    histogram.sample_count = total;
    histogram.sample_sum = sum;
  }
  prometheus::MetricFamily take() { return std::move(family_); }

 private:
  prometheus::ClientMetric& add(const Labels& labels) {
    prometheus::ClientMetric metric;
    for (const auto& [name, value] : labels) metric.label.push_back({name, value});
    family_.metric.push_back(std::move(metric));
    return family_.metric.back();
  }
  prometheus::MetricFamily family_;
};

using Families = std::vector<prometheus::MetricFamily>;
using Type = prometheus::MetricType;

double number(uint64_t value) {
  return static_cast<double>(value);
}

void add_single(Families& families, Type type, const char* name, const char* help, double value) {
  Family family(name, help, type);
  if (type == Type::Counter) {
    family.counter({}, value);
  } else {
    family.gauge({}, value);
  }
  families.push_back(family.take());
}

void add_traffic(Families& families, const Traffic& traffic) {
  Family queries("queries_total", "Queries answered, by transport and response code.",
                 Type::Counter);
  for (size_t transport = 0; transport < traffic.queries.size(); ++transport) {
    for (uint16_t rcode = 0; rcode < traffic.queries[transport].size(); ++rcode) {
      const uint64_t count = traffic.queries[transport][rcode];
      // NOERROR always stands, so that a rate has a first value to start from.
      if (count == 0 && rcode != 0) continue;
      queries.counter({{"transport", transports[transport]}, {"rcode", zones::rcode_text(rcode)}},
                      number(count));
    }
  }
  families.push_back(queries.take());

  Family types("query_types_total", "Queries answered, by question type.", Type::Counter);
  for (uint16_t type = 1; type < traffic.types.size(); ++type) {
    if (traffic.types[type] == 0) continue;
    types.counter({{"type", type == 256 ? "other" : zones::type_text(type)}},
                  number(traffic.types[type]));
  }
  families.push_back(types.take());

  Family answers("answers_total", "Answers given from each pool of a service.", Type::Counter);
  if (traffic.answers) {
    for (const Traffic::Answers& pool : traffic.answers())
      answers.counter({{"service", pool.service}, {"pool", pool.pool}}, number(pool.count));
  }
  families.push_back(answers.take());

  Family dropped("dropped_total", "Packets that were not answered.", Type::Counter);
  for (const Traffic::Dropped& drop : traffic.dropped) {
    dropped.counter({{"reason", drop.reason}}, number(drop.count));
  }
  families.push_back(dropped.take());

  add_single(families, Type::Counter, "responses_truncated_total",
             "UDP answers sent with TC because they did not fit.", number(traffic.truncated));
  add_single(
      families, Type::Counter, "responses_slipped_total",
      "UDP answers over the rate limit that were sent as TC or BADCOOKIE, so that true clients "
      "prove that they are there.",
      number(traffic.slipped));
  add_single(families, Type::Counter, "proof_asked_total",
             "UDP answers to heavy networks that were sent as TC or BADCOOKIE under load.",
             number(traffic.proof_asked));
  add_single(families, Type::Gauge, "workers_under_load",
             "UDP threads that get more queries than they can carry, now.",
             number(traffic.under_load));
  add_single(families, Type::Counter, "tcp_connections_total", "TCP connections accepted.",
             number(traffic.tcp_accepted));
  add_single(families, Type::Gauge, "tcp_connections", "TCP connections open now.",
             number(traffic.tcp_open));
  add_single(families, Type::Gauge, "tls_connections", "Those of them that speak TLS.",
             number(traffic.tls_open));
  Family handshakes("tls_handshakes_total",
                    "TLS handshakes: full, resumed by a ticket, or ended before they were done.",
                    Type::Counter);
  for (const auto& [result, count] : traffic.tls_handshakes)
    handshakes.counter({{"result", result}}, number(count));
  families.push_back(handshakes.take());
}

void add_probes(Families& families, const std::vector<health::MonitorCounters>& monitors) {
  Family durations("probe_duration_seconds", "Time that probes took.", Type::Histogram);
  Family probes("probes_total", "Probes that ended, by what they found.", Type::Counter);
  for (const health::MonitorCounters& monitor : monitors) {
    durations.histogram({{"monitor", monitor.monitor}}, health::probe_duration_bounds(),
                        monitor.duration_buckets, monitor.duration_sum_seconds);
    probes.counter({{"monitor", monitor.monitor}, {"verdict", "pass"}}, number(monitor.passes));
    probes.counter({{"monitor", monitor.monitor}, {"verdict", "fail"}}, number(monitor.failures));
    probes.counter({{"monitor", monitor.monitor}, {"verdict", "blind"}}, number(monitor.blind));
  }
  families.push_back(durations.take());
  families.push_back(probes.take());
}

void add_prober(Families& families, const health::ProberLoad& load) {
  add_single(families, Type::Gauge, "probes_running", "Probes under way now.", load.running);
  add_single(families, Type::Gauge, "probes_waiting",
             "Probes that are due and wait until others end.", number(load.waiting));
  add_single(families, Type::Counter, "probes_delayed_total",
             "Probes that had to wait because too many were under way.", number(load.delayed));
  add_single(families, Type::Counter, "probe_gaps_total",
             "Times that this process stood still for 400 ms or more.", number(load.gaps));
  Family lag("probe_lag_seconds", "How late probes started, from due to sent.", Type::Histogram);
  lag.histogram({}, health::probe_lag_bounds(), load.lag_buckets, load.lag_sum_seconds);
  families.push_back(lag.take());
  add_single(families, Type::Gauge, "watched_connections",
             "Idle connections to endpoints whose end would be heard of.", load.watched);
  add_single(families, Type::Gauge, "watch_habits",
             "Endpoints that are not watched because they close idle connections by habit.",
             load.watch_habits);
  add_single(families, Type::Counter, "watch_alarms_total",
             "Watched connections whose end made the probes look at once.",
             number(load.watch_alarms));
  add_single(families, Type::Gauge, "exec_commands_running",
             "Commands of exec monitors that run now.", load.exec_running);
  add_single(families, Type::Gauge, "exec_commands_waiting",
             "Commands of exec monitors that are due and wait because exec_max run.",
             number(load.exec_waiting));
  add_single(families, Type::Counter, "exec_commands_delayed_total",
             "Commands of exec monitors that had to wait because exec_max ran.",
             number(load.exec_delayed));
}

/// What is normal has no series of its own in the families of what is not: 50,000 endpoints are enough once.
void add_endpoints(Families& families, const MetricsPage& page) {
  Family up("endpoint_up", "1 while the endpoint's health is up.", Type::Gauge);
  Family unknown("endpoint_unknown",
                 "1 for an endpoint whose health is unknown: not probed yet, or not for long.",
                 Type::Gauge);
  Family held("endpoint_held",
              "1 for an endpoint that is up and kept out all the same, by the hold.", Type::Gauge);
  Family kept("endpoint_kept",
              "1 for an endpoint that is down and kept in answers all the same, by whom.",
              Type::Gauge);
  Family overridden("endpoint_overridden",
                    "1 for an endpoint that an intent decides whatever its health, by its kind.",
                    Type::Gauge);
  Family pools("pool_eligible", "1 while the pool may stand in new answers.", Type::Gauge);
  for (const zones::Service& service : services_of(page)) {
    const std::string name = service_text(service);
    for (const zones::Pool& pool : service.pools) {
      bool is_eligible = false;
      for (const zones::Endpoint& endpoint : pool.endpoints) {
        const MetricsPage::Endpoint& is = page.endpoints[endpoint.id.value];
        is_eligible |= is.is_eligible;
        const Labels labels{
            {"service", name}, {"pool", pool.cluster_name}, {"endpoint", endpoint.text()}};
        const auto with = [&](const char* label, std::string_view value) {
          Labels all = labels;
          all.emplace_back(label, value);
          return all;
        };
        up.gauge(labels, is.health == Health::up ? 1 : 0);
        if (is.health == Health::unknown) unknown.gauge(labels, 1);
        if (is.hold != health::Hold::none) held.gauge(with("hold", word(is.hold)), 1);
        if (is.kept != KeptBy::nobody) kept.gauge(with("by", word(is.kept)), 1);
        if (is.intent) overridden.gauge(with("intent", word(*is.intent)), 1);
      }
      pools.gauge({{"service", name}, {"pool", pool.cluster_name}}, is_eligible ? 1 : 0);
    }
  }
  for (Family* family : {&up, &unknown, &held, &kept, &overridden, &pools})
    families.push_back(family->take());
}

void add_checks(Families& families, const MetricsPage& page) {
  struct OfMonitor {
    std::array<uint64_t, 3> by_health{};
    uint64_t warnings = 0;
  };
  std::map<std::string, OfMonitor> monitors;
  Family other("check_not_up", "1 for a check whose health is down or unknown.", Type::Gauge);
  for (size_t place = 0; place < page.checks.size(); ++place) {
    const health::Check& check = page.join->checks()[place];
    const MetricsPage::Check& is = page.checks[place];
    OfMonitor& monitor = monitors[check.monitor->name];
    ++monitor.by_health[static_cast<size_t>(is.health)];
    if (is.has_warning) ++monitor.warnings;
    if (is.health == Health::up) continue;
    other.gauge({{"monitor", check.monitor->name},
                 {"address", check.address},
                 {"host", check.host},
                 {"health", std::string(word(is.health))}},
                1);
  }
  Family checks("checks", "Checks of a monitor, by what their health is.", Type::Gauge);
  Family warnings("check_warnings",
                  "Checks of a monitor that pass and warn, such as of a certificate's end.",
                  Type::Gauge);
  for (const auto& [name, monitor] : monitors) {
    for (const Health health : {Health::up, Health::unknown, Health::down}) {
      checks.gauge({{"monitor", name}, {"health", std::string(word(health))}},
                   number(monitor.by_health[static_cast<size_t>(health)]));
    }
    warnings.gauge({{"monitor", name}}, number(monitor.warnings));
  }
  for (Family* family : {&checks, &other, &warnings}) families.push_back(family->take());
}

void add_ttls(Families& families, const MetricsPage& page) {
  Family ttls("answer_ttl_seconds",
              "The TTL of a service's answers now: less than its ceiling while a change is near.",
              Type::Gauge);
  const auto now = static_cast<uint32_t>(page.at.unix_milliseconds / 1000);
  for (const zones::Service& service : services_of(page)) {
    const zones::Snapshot& snapshot = *page.snapshot;
    const Ttl ttl = snapshot.plans[service.id.value].ttl(snapshot.changes->get(service.id), now);
    ttls.gauge({{"service", service_text(service)}}, ttl.value);
  }
  families.push_back(ttls.take());
}

void add_clusters(Families& families, const MetricsPage& page) {
  Family up("cluster_up", "1 while the cluster's health is up.", Type::Gauge);
  Family unknown("cluster_unknown", "1 for a cluster whose health is unknown.", Type::Gauge);
  Family kept("cluster_kept",
              "1 for a cluster that is down and kept in answers all the same, by whom.",
              Type::Gauge);
  Family overridden("cluster_overridden", "1 for a cluster that an intent is on, by its kind.",
                    Type::Gauge);
  for (size_t place = 0; place < page.clusters.size(); ++place) {
    const std::string& name = page.snapshot->model->topology.clusters[place].name;
    const MetricsPage::Cluster& is = page.clusters[place];
    up.gauge({{"cluster", name}}, is.health == Health::up ? 1 : 0);
    if (is.health == Health::unknown) unknown.gauge({{"cluster", name}}, 1);
    if (is.kept != KeptBy::nobody)
      kept.gauge({{"cluster", name}, {"by", std::string(word(is.kept))}}, 1);
    if (is.intent)
      overridden.gauge({{"cluster", name}, {"intent", std::string(word(*is.intent))}}, 1);
  }
  for (Family* family : {&up, &unknown, &kept, &overridden}) families.push_back(family->take());
}

void add_reports(Families& families, const MetricsPage& page) {
  Family loads("reported_load", "The load figure that a push monitor was told last.", Type::Gauge);
  Family times("reported_load_time_seconds", "When that was, Unix time.", Type::Gauge);
  for (const MetricsPage::Report& report : page.reports) {
    loads.gauge({{"monitor", report.monitor}, {"from", report.from}}, report.load);
    times.gauge({{"monitor", report.monitor}, {"from", report.from}}, report.at_seconds);
  }
  families.push_back(loads.take());
  families.push_back(times.take());

  Family heard("push_report_time_seconds", "When a push monitor was told last, Unix time.",
               Type::Gauge);
  for (const auto& [place, at] : page.heard) {
    const health::Check& check = page.join->checks()[place];
    heard.gauge({{"monitor", check.monitor->name}, {"from", check.address}},
                static_cast<double>(at.unix_milliseconds) / 1000);
  }
  families.push_back(heard.take());
}

void add_loads(Families& families, const MetricsPage& page) {
  Family loads("load", "What a service carries in a cluster, as was reported last.", Type::Gauge);
  for (const LoadBoard::CellView& load : page.loads) {
    const zones::Model& model = *page.snapshot->model;
    loads.gauge({{"service", service_text(model.services[load.service.value])},
                 {"cluster", model.topology.clusters[load.cluster.value].name}},
                load.load);
  }
  families.push_back(loads.take());

  Family ages("load_age_seconds", "How long ago a cluster's newest load was measured.",
              Type::Gauge);
  Family fresh("load_fresh", "1 while a cluster's load counts; 0: it is too old.", Type::Gauge);
  Family reports("load_reports_total", "Loads that a cluster reported, by what became of them.",
                 Type::Counter);
  Family pulls("load_pulls_total", "Pages of a cluster's load that were read, by how that ended.",
               Type::Counter);
  for (size_t place = 0; place < page.load_sources.size(); ++place) {
    const std::string& name = page.snapshot->model->topology.clusters[place].name;
    const LoadBoard::ClusterView& from = page.load_sources[place];
    if (from.newest) {
      ages.gauge({{"cluster", name}},
                 static_cast<double>((page.looked_at - *from.newest).value) / 1'000);
    }
    if (from.newest || from.is_pulled)
      fresh.gauge({{"cluster", name}}, from.state == LoadBoard::State::fresh ? 1 : 0);
    for (size_t taking = 0; taking < load_takings; ++taking) {
      // What is taken always stands, so that a rate has a first value to start from.
      if (from.takings[taking] == 0 && taking != 0) continue;
      reports.counter(
          {{"cluster", name}, {"result", std::string(word(static_cast<LoadTaking>(taking)))}},
          number(from.takings[taking]));
    }
    if (!from.is_pulled) continue;
    pulls.counter({{"cluster", name}, {"result", "read"}}, number(from.pulls - from.failed_pulls));
    pulls.counter({{"cluster", name}, {"result", "failed"}}, number(from.failed_pulls));
  }
  for (Family* family : {&ages, &fresh, &reports, &pulls}) families.push_back(family->take());
}

/// Of what is steered within capacity, by the shares in force and the demand of now.
void add_outlook(Families& families, const MetricsPage& page) {
  Family utilisation("cluster_utilisation", "Load of a cluster by its capacity, as predicted.",
                     Type::Gauge);
  Family fullest("cluster_fullest_utilisation",
                 "Load by capacity of a cluster's fullest capacity: its own, or a pool's.",
                 Type::Gauge);
  Family capacity("cluster_capacity",
                  "What a cluster can carry now, in units of load: healthy endpoints, ramps.",
                  Type::Gauge);
  Family demand("service_demand", "What the clients of a service ask for, in units of load.",
                Type::Gauge);
  Family regime("service_regime",
                "0 while a service's clusters stay below their targets, 1 above, 2 above limits.",
                Type::Gauge);
  Family crossing("cross_locality_load", "Load that leaves its client's locality.", Type::Gauge);
  Family cost("cross_locality_cost_monthly",
              "What that costs a month at the declared prices, as it is now.", Type::Gauge);
  if (!page.steering.is_empty()) {
    WhatIf what_if(page.steering);
    const Outlook& now = what_if.now();
    const zones::Model& model = what_if.model();
    for (size_t i = 0; i < now.clusters.size(); ++i) {
      const std::string& name = model.topology.clusters[i].name;
      capacity.gauge({{"cluster", name}}, now.clusters[i].capacity);
      utilisation.gauge({{"cluster", name}}, now.clusters[i].utilisation());
      fullest.gauge({{"cluster", name}}, now.clusters[i].fullest);
    }
    for (const zones::Service& service : model.services) {
      if (!what_if.is_steered(service.id)) continue;
      const Outlook::Service& state = now.services[service.id.value];
      demand.gauge({{"service", service_text(service)}}, state.demand);
      regime.gauge({{"service", service_text(service)}}, static_cast<double>(state.regime));
    }
    crossing.gauge({}, now.crossing);
    cost.gauge({{"currency", model.steering.currency}}, now.monthly_cost);
  }
  for (Family* family : {&utilisation, &fullest, &capacity, &demand, &regime, &crossing, &cost})
    families.push_back(family->take());
}

void add_steering(Families& families, const MetricsPage& page) {
  add_outlook(families, page);
  Family published("shares_published_total", "Services that got other shares, by cause.",
                   Type::Counter);
  for (size_t cause = 1; cause < share_causes && !page.steering.is_empty(); ++cause) {
    published.counter({{"cause", std::string(word(static_cast<ShareCause>(cause)))}},
                      number(page.shares_published[cause]));
  }
  families.push_back(published.take());
  add_single(families, Type::Counter, "shares_refused_total",
             "Shares that broke an invariant, and were not followed.", number(page.shares_refused));

  Family overflow("n1_overflow",
                  "Load that would be above limits or unserved if that cluster died now.",
                  Type::Gauge);
  Family worst("n1_worst_utilisation",
               "Utilisation of the fullest cluster after the worst death of one.", Type::Gauge);
  if (page.n1) {
    for (const N1Report::Case& one : page.n1->cases) {
      const uint32_t cluster = one.down.front().value;
      overflow.gauge({{"cluster", page.n1->model->topology.clusters[cluster].name}},
                     one.homeless());
    }
    worst.gauge({}, page.n1->worst_utilisation());
  }
  families.push_back(overflow.take());
  families.push_back(worst.take());
}

void add_rules(Families& families, const MetricsPage& page) {
  Family broken("rule_broken", "1 while the [[rule]] does not hold.", Type::Gauge);
  for (const auto& [name, is_broken] : page.rules)
    broken.gauge({{"rule", name}}, is_broken ? 1 : 0);
  families.push_back(broken.take());
  Family moved("planned_moves_part",
               "Part of all load that moved by plan within the move_window, as it counts for the "
               "move_budget.",
               Type::Gauge);
  if (page.moved) moved.gauge({}, *page.moved);
  families.push_back(moved.take());
}

void add_old_answers(Families& families, const MetricsPage& page) {
  Family old("old_answers_part",
             "Part of a service's load that may still follow old answers to that pool.",
             Type::Gauge);
  auto next = page.old_answers.begin();
  for (const zones::Service& service : services_of(page)) {
    for (const zones::Pool& pool : service.pools) {
      if (next == page.old_answers.end() || next->pool != pool.id) continue;
      old.gauge({{"service", service_text(service)}, {"pool", pool.cluster_name}}, next->part);
      ++next;
    }
  }
  families.push_back(old.take());
}

void add_changes(Families& families, const MetricsPage& page) {
  Family swings("swings_total", "Times that a service's answers moved to other pools, by cause.",
                Type::Counter);
  for (const zones::Service& service : services_of(page)) {
    const Teller::SwingCounts& counts = page.swings[service.id.value];
    for (size_t cause = 0; cause < counts.size(); ++cause) {
      // A series that begins at 1 shows no increase: the first failover of each service would go unseen.
      if (counts[cause] == 0 && cause >= causes_always) continue;
      swings.counter(
          {{"service", service_text(service)}, {"cause", std::string(swing_causes[cause])}},
          number(counts[cause]));
    }
  }
  families.push_back(swings.take());

  Family took("swing_duration_seconds",
              "From the first failing verdict seen to the first answer changed.", Type::Histogram);
  took.histogram({}, page.swing_durations.bounds, page.swing_durations.buckets,
                 page.swing_durations.sum);
  families.push_back(took.take());

  Family stored("store_write_seconds", "Time that writes to the store took, synced.",
                Type::Histogram);
  stored.histogram({}, page.store_durations.bounds, page.store_durations.buckets,
                   page.store_durations.sum);
  families.push_back(stored.take());
}

void add_transfers(Families& families, const MetricsPage& page) {
  Family transfers("transfers_total", "Zone transfers by TCP and TLS that ended, by what was sent.",
                   Type::Counter);
  constexpr std::array<const char*, 4> forms{"whole", "incremental", "soa_alone", "broken"};
  for (size_t i = 0; i < forms.size(); ++i)
    transfers.counter({{"form", forms[i]}}, number(page.traffic.transfers[i]));
  families.push_back(transfers.take());

  Family notify("notify_total", "NOTIFY messages sent to secondaries, and how they ended.",
                Type::Counter);
  notify.counter({{"result", "sent"}}, number(page.notify.sent));
  notify.counter({{"result", "acknowledged"}}, number(page.notify.acknowledged));
  notify.counter({{"result", "refused"}}, number(page.notify.refused));
  notify.counter({{"result", "given_up"}}, number(page.notify.given_up));
  families.push_back(notify.take());

  Family serials("zone_serial", "The serial under which a zone that secondaries have is served.",
                 Type::Gauge);
  for (const auto& [zone, serial] : page.serials) serials.gauge({{"zone", zone}}, serial);
  families.push_back(serials.take());
}

void add_daemon(Families& families, const MetricsPage& page) {
  add_single(families, Type::Gauge, "store_healthy", "1 while the store can write.",
             page.is_store_healthy ? 1 : 0);
  add_single(families, Type::Counter, "journal_lost_total",
             "Journal entries lost because the store could not write.", number(page.journal_lost));
  add_single(families, Type::Gauge, "generation", "The generation in force.",
             number(page.generation));
  add_single(families, Type::Counter, "reload_failures_total", "Reloads that were refused.",
             number(page.reload_failures));
  add_single(families, Type::Gauge, "intents", "Intents in force.", number(page.intents));
  add_single(families, Type::Gauge, "brake_engaged",
             "1 while the brake keeps what would go down in answers; somebody should look.",
             page.is_brake_engaged ? 1 : 0);
  add_single(families, Type::Gauge, "brake_kept",
             "Endpoints and clusters kept in answers although their probes say that they are down.",
             number(page.kept));
  add_single(families, Type::Gauge, "self_doubt",
             "1 while this edge takes itself for what is wrong, and evicts nothing.",
             page.is_in_self_doubt ? 1 : 0);
  add_single(families, Type::Gauge, "ready", "1 while /readyz answers 200.", page.is_ready ? 1 : 0);
  add_single(families, Type::Gauge, "start_time_seconds", "When the daemon started, Unix time.",
             page.start_time_seconds);
  Family info("build_info", "Always 1; the version is in the label.", Type::Gauge);
  info.gauge({{"version", page.version}}, 1);
  families.push_back(info.take());
}

}  // namespace

namespace {

std::optional<IntentKind> kind_of(const Intent* intent) {
  if (!intent) return std::nullopt;
  return intent->kind;
}

void collect_states(MetricsPage& page, const Join& join) {
  const auto& clusters = join.model().topology.clusters;
  page.clusters.reserve(clusters.size());
  page.endpoints.resize(join.endpoint_count());
  for (uint32_t i = 0; i < clusters.size(); ++i) {
    const Join::ClusterState& cluster = join.cluster(ClusterId(i));
    const bool is_doubted = cluster.kept == KeptBy::nobody && join.is_doubted(ClusterId(i));
    page.clusters.push_back({join.shown_health(ClusterId(i)),
                             is_doubted ? KeptBy::reports : cluster.kept, kind_of(cluster.intent)});
    for (const EndpointId id : join.endpoints_of(ClusterId(i))) {
      const Join::EndpointState& state = join.endpoint(id);
      MetricsPage::Endpoint& endpoint = page.endpoints[id.value];
      endpoint.health = state.health;
      endpoint.hold = join.hold_of(id);
      if (state.health == Health::down && state.usable == Health::up)
        endpoint.kept = state.kept != KeptBy::nobody ? state.kept : cluster.kept;
      endpoint.intent = kind_of(state.intent);
      endpoint.is_eligible = state.eligibility == zones::Eligibility::eligible;
      page.kept += state.kept != KeptBy::nobody ? 1U : 0U;
    }
    page.kept += cluster.kept != KeptBy::nobody ? 1U : 0U;
  }
  page.checks.reserve(join.checks().size());
  for (uint32_t i = 0; i < join.checks().size(); ++i) {
    const CheckState& check = join.check(i);
    page.checks.push_back({check.health, !check.warning.empty()});
  }
}

}  // namespace

MetricsPage collect_metrics(const Control& control, Traffic traffic,
                            std::vector<health::MonitorCounters> monitors) {
  MetricsPage page;
  page.traffic = std::move(traffic);
  page.monitors = std::move(monitors);
  page.snapshot = control.shared_snapshot();
  page.join = control.shared_join();
  page.at = control.environment().clock.wall();
  collect_states(page, control.join());
  for (const zones::ZoneTree::Entry& entry : control.snapshot().zones.entries()) {
    if (entry.transfer)
      page.serials.emplace_back(entry.apex.text(), entry.transfer->state().serial);
  }
  for (const auto& [key, entry] : control.pushes().entries()) {
    if (entry.last_report) page.heard.emplace_back(entry.place, *entry.last_report);
    if (!entry.load) continue;
    page.reports.push_back({entry.check.monitor->name, entry.check.address, entry.load->value,
                            static_cast<double>(entry.load->at.unix_milliseconds) / 1000});
  }
  page.looked_at = control.environment().clock.now();
  control.loads().for_each([&](const LoadBoard::CellView& load) { page.loads.push_back(load); });
  for (uint32_t i = 0; i < control.join().model().topology.clusters.size(); ++i)
    page.load_sources.push_back(control.loads().cluster(ClusterId(i), page.looked_at));
  page.steering = control.steering().inputs();
  page.shares_published = control.steering().counters().published_by;
  page.shares_refused = control.steering().counters().refused;
  page.n1 = control.n1();
  for (const zones::Rule& rule : control.join().model().rules)
    page.rules.emplace_back(rule.name, control.rules().broken().contains(rule.name));
  if (!page.steering.is_empty()) page.moved = control.steering().budget().spent(page.looked_at);
  for (const zones::Service& service : control.join().model().services) {
    if (!control.answers().has_old(service.id)) continue;
    const std::optional<OldAnswers> old = control.old_answers(service);
    for (size_t i = 0; old && i < service.pools.size(); ++i) {
      if (old->by_pool[i] > 0) page.old_answers.push_back({service.pools[i].id, old->by_pool[i]});
    }
  }
  page.swings = control.swing_counts();
  page.swing_durations = control.swing_durations();
  const Control::Environment& environment = control.environment();
  page.store_durations = environment.writer.durations();
  const StoreWriter::State store = environment.writer.state();
  page.is_store_healthy = store.healthy;
  page.journal_lost = store.journal_lost;
  page.generation = control.snapshot().generation;
  page.reload_failures = control.reload_failures();
  page.intents = control.intents().size();
  page.is_brake_engaged = control.brake().is_engaged();
  page.is_in_self_doubt = control.self_doubt().is_in_doubt();
  page.is_ready = control.problems().empty();
  const Milliseconds uptime = environment.clock.now() - control.started();
  page.start_time_seconds =
      static_cast<double>(
          (environment.clock.wall() + Milliseconds(-uptime.value)).unix_milliseconds) /
      1000;
  page.version = environment.version;
  return page;
}

namespace {

Families all_families(const MetricsPage& page) {
  Families families;
  add_traffic(families, page.traffic);
  add_probes(families, page.monitors);
  add_prober(families, page.load);
  add_endpoints(families, page);
  add_checks(families, page);
  add_ttls(families, page);
  add_clusters(families, page);
  add_reports(families, page);
  add_loads(families, page);
  add_steering(families, page);
  add_old_answers(families, page);
  add_rules(families, page);
  add_changes(families, page);
  add_transfers(families, page);
  add_daemon(families, page);
  return families;
}

}  // namespace

std::string metrics_text(const MetricsPage& page) {
  Families families = all_families(page);
  // A family without any series would be a HELP and TYPE of nothing.
  std::erase_if(families, [](const auto& family) { return family.metric.empty(); });
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return out.str();
}

std::vector<std::string> metric_names() {
  std::vector<std::string> names;
  for (const prometheus::MetricFamily& family : all_families({})) {
    const char* const type = family.type == Type::Counter     ? "counter"
                             : family.type == Type::Histogram ? "histogram"
                                                              : "gauge";
    names.push_back(family.name + " " + type);
  }
  return names;
}

}  // namespace swingover::control
