#include "server/setup.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "base/file.h"

namespace swingover::server {

namespace {

PrefixMap<bool> prefix_map(const std::vector<IpPrefix>& prefixes) {
  std::vector<PrefixMap<bool>::Rule> rules;
  for (const IpPrefix& prefix : prefixes) rules.push_back({prefix, true});
  return PrefixMap<bool>(std::move(rules));
}

/// Both families as a whole.
bool is_everybody(const std::vector<IpPrefix>& prefixes) {
  const auto has_all = [&](bool v4) {
    return std::ranges::any_of(
        prefixes, [v4](const IpPrefix& p) { return p.length == 0 && p.address.is_v4() == v4; });
  };
  return has_all(true) && has_all(false);
}

zones::ResponseLimits response_limits(const RateLimitOptions& options) {
  return {.responses_per_second = options.responses_per_second,
          .slip = options.slip,
          .require_cookies_above = options.require_cookies_above,
          .exempt = prefix_map(options.exempt)};
}

zones::Answering answering_of(const Config& config, const SetupSource& source) {
  zones::Answering answering;
  const AnswerIdentity told = config.server.answer_identity;
  if (told != AnswerIdentity::never) answering.identity = source.server.identity;
  if (told == AnswerIdentity::everywhere) answering.chaos_identity = source.server.identity;
  answering.chaos_version = config.server.version;
  answering.amplification_max = config.rate_limit.amplification_max;
  answering.cookie_secrets = config.cookies.secrets;
  if (answering.cookie_secrets.empty()) answering.cookie_secrets = {source.cookie_secret};
  answering.cookie_require = config.cookies.require;
  answering.believes_all = is_everybody(config.server.client_subnet_from);
  if (!answering.believes_all) answering.believed = prefix_map(config.server.client_subnet_from);
  answering.limits = response_limits(config.rate_limit);
  return answering;
}

/// The same in no more memory than they need.
std::vector<zones::Service> compact(std::vector<zones::Service> services) {
  return {std::make_move_iterator(services.begin()), std::make_move_iterator(services.end())};
}

control::Setup compile(Config& config, LoadedZones zones, LoadedClients clients,
                       const SetupSource& source, uint64_t generation, zones::Serials serials,
                       const zones::Snapshot* previous) {
  auto model = std::make_shared<zones::Model>();
  model->steering = config.steering;
  model->topology = config.topology;
  model->services = compact(std::move(config.services));
  model->zones = std::move(zones.zones);
  model->tsig_keys = config.tsig_keys;
  model->clients = std::move(clients.sources);
  control::Setup setup;
  setup.snapshot = zones::build_snapshot(model,
                                         {.generation = generation,
                                          .pick_secret = source.pick_secret,
                                          .answering = answering_of(config, source),
                                          .serials = std::move(serials)},
                                         previous);
  // From here on nothing needs them: queries and transfers read the compiled zones.
  for (zones::ZoneSource& zone : model->zones) {
    zone.contents.reset();
    zone.unchanged.reset();
  }
  setup.model = std::move(model);
  setup.monitors = config.monitors;
  setup.failed_zones = std::move(zones.failed);
  setup.warnings = zones.problems + clients.problems;
  setup.failed_client_files = std::move(clients.failed);
  setup.journal_keep = config.server.journal_keep;
  setup.loads = {.age_max = config.steering.load_age_max, .hold = config.steering.demand_hold};
  setup.brake = {.endpoints = config.brake.endpoints,
                 .clusters = config.brake.clusters,
                 .window = config.brake.window};
  setup.self_checks = config.self_check.checks;
  setup.self_check_window = config.self_check.window;
  return setup;
}

}  // namespace

control::Setup build_setup(Config& config, const SetupSource& source, uint64_t generation,
                           std::string config_text, zones::Serials serials) {
  LoadedClients clients = load_clients(config);
  if (source.watch_files) source.watch_files(clients.files);
  control::Setup setup = compile(config, load_zones(config), std::move(clients), source, generation,
                                 std::move(serials), nullptr);
  setup.config_text = without_secrets(config_text);
  return setup;
}

control::Loaded load_setup(const SetupSource& source, uint64_t generation,
                           const zones::Snapshot* previous) {
  Result<std::string> text = read_file(source.config_file);
  if (!text) return {std::nullopt, source.config_file + ": error: " + text.error().message + "\n"};
  LoadedConfig loaded = parse_config(source.config_file, *text);
  if (!loaded.config) return {std::nullopt, std::move(loaded.problems)};
  LoadedZones zones = load_zones(*loaded.config, previous);
  LoadedClients clients = load_clients(*loaded.config, previous);
  if (!zones.failed.empty() || !clients.failed.empty())
    return {std::nullopt, loaded.problems + zones.problems + clients.problems};

  std::vector<FileWatch::File> files = std::move(clients.files);
  control::Setup setup = compile(*loaded.config, std::move(zones), std::move(clients), source,
                                 generation, {}, previous);
  setup.warnings = loaded.problems + setup.warnings;
  setup.needs_restart = needs_restart(source, *loaded.config);
  setup.config_text = without_secrets(*text);
  setup.also_put_in_force = [transport = source.configure_transport, exec = source.configure_exec,
                             options = transport_of(*loaded.config),
                             exec_max = loaded.config->server.exec_max, watch = source.watch_files,
                             files = std::move(files)] {
    if (transport) transport(options);
    if (exec) exec(exec_max);
    if (watch) watch(files);
  };
  return {std::move(setup), {}};
}

query::TransportOptions transport_of(const Config& config) {
  return {.tcp_connections_max = config.tcp.connections_max,
          .tcp_connections_per_client_max = config.tcp.connections_per_client_max,
          .tcp_idle = config.tcp.idle,
          .tcp_query_timeout = config.tcp.query_timeout,
          .proxy_from = config.server.proxy_from,
          .tls = config.tls ? config.tls->credentials : nullptr,
          .probe_descriptors = config.probe_descriptors};
}

std::vector<SocketAddress> tls_listen_of(const Config& config) {
  return config.tls ? config.tls->listen : std::vector<SocketAddress>{};
}

std::vector<std::string> needs_restart(const SetupSource& running, const Config& config) {
  std::vector<std::string> keys;
  if (config.server.listen != running.server.listen) keys.emplace_back("server.listen");
  if (config.server.workers != running.server.workers) keys.emplace_back("server.workers");
  if (config.server.identity != running.server.identity) keys.emplace_back("server.identity");
  if (config.server.state_dir != running.server.state_dir) keys.emplace_back("server.state_dir");
  if (tls_listen_of(config) != running.tls_listen) keys.emplace_back("tls.listen");
  if (config.admin.listen != running.admin.listen) keys.emplace_back("admin.listen");
  return keys;
}

}  // namespace swingover::server
