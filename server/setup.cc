#include "server/setup.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/file.h"
#include "base/files.h"
#include "server/load_keys.h"

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

std::shared_ptr<zones::Model> model_of(Config& config, std::vector<zones::ZoneSource> zones,
                                       zones::ClientSources clients) {
  auto model = std::make_shared<zones::Model>();
  model->steering = config.steering;
  model->rules = config.rules;
  model->topology = config.topology;
  model->services = compact(std::move(config.services));
  model->zones = std::move(zones);
  model->tsig_keys = config.tsig_keys;
  model->clients = std::move(clients);
  return model;
}

std::vector<control::SignedZone> load_signing(const Config& config, const SetupSource& source,
                                              const zones::Snapshot* previous, LoadedZones& zones) {
  return load_keys(config, key_folder_of(source.server.state_dir), system_clock().wall(), previous,
                   zones);
}

control::Setup compile(Config& config, LoadedZones zones,
                       std::vector<control::SignedZone> signed_zones, LoadedClients clients,
                       const SetupSource& source, uint64_t generation, zones::Serials serials,
                       const zones::Snapshot* previous) {
  auto model = model_of(config, std::move(zones.zones), std::move(clients.sources));
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
  setup.signed_zones = std::move(signed_zones);
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
  NotedFiles read;
  LoadedClients clients = load_clients(config, nullptr, read);
  if (source.watch_files) source.watch_files(clients.files);
  LoadedZones zones = load_zones(config, nullptr, read);
  auto signed_zones = load_signing(config, source, nullptr, zones);
  control::Setup setup =
      compile(config, std::move(zones), std::move(signed_zones), std::move(clients), source,
              generation, std::move(serials), nullptr);
  setup.config_text = without_secrets(config_text);
  setup.config_path = source.config_file;
  setup.files = read.take();
  return setup;
}

control::Loaded load_setup(const SetupSource& source, uint64_t generation,
                           const zones::Snapshot* previous) {
  Result<std::string> text = read_file(source.config_file);
  if (!text) return {std::nullopt, source.config_file + ": error: " + text.error().message + "\n"};
  LoadedConfig loaded = parse_config(source.config_file, *text, &Files::on_disk());
  if (!loaded.config) return {std::nullopt, std::move(loaded.problems)};
  NotedFiles read;
  LoadedZones zones = load_zones(*loaded.config, previous, read);
  LoadedClients clients = load_clients(*loaded.config, previous, read);
  // A reload that is refused anyway makes no keys.
  std::vector<control::SignedZone> signed_zones;
  if (zones.failed.empty() && clients.failed.empty())
    signed_zones = load_signing(*loaded.config, source, previous, zones);
  if (!zones.failed.empty() || !clients.failed.empty())
    return {std::nullopt, loaded.problems + zones.problems + clients.problems};

  std::vector<FileWatch::File> files = std::move(clients.files);
  control::Setup setup = compile(*loaded.config, std::move(zones), std::move(signed_zones),
                                 std::move(clients), source, generation, {}, previous);
  setup.warnings = loaded.problems + setup.warnings;
  setup.needs_restart = needs_restart(source, *loaded.config);
  setup.config_text = without_secrets(*text);
  setup.config_path = source.config_file;
  setup.files = read.take();
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

Result<control::PastGeneration> build_past(const control::PastTexts& texts,
                                           const control::StateCycle& cycle) {
  class KeptFiles : public Files {
   public:
    explicit KeptFiles(const control::PastTexts& texts) : texts_(texts) {}
    Result<std::string> read(const std::string& path, size_t /*size_max*/) override {
      Result<std::string> text = texts_.read(path);
      if (!text && text.error().code != ErrorCode::not_found) lost_.emplace(path, text.error());
      return text;
    }
    bool is_special(const std::string& /*path*/) const override { return false; }
    const Error* lost(const std::string& path) const {
      const auto found = lost_.find(path);
      return found == lost_.end() ? nullptr : &found->second;
    }

   private:
    const control::PastTexts& texts_;
    std::map<std::string, Error> lost_;
  };

  LoadedConfig loaded = parse_past_config(texts.config_path(), texts.config_text());
  if (!loaded.config) {
    return Error{ErrorCode::conflict, "this version does not take it: " +
                                          loaded.problems.substr(0, loaded.problems.find('\n'))};
  }
  Config& config = *loaded.config;
  KeptFiles files(texts);
  LoadedClients clients = load_clients(config, nullptr, files);
  for (const std::string& file : clients.failed) {
    if (const Error* lost = files.lost(file)) return *lost;
  }
  LoadedZones zones = load_zones(config, nullptr, files);
  control::PastGeneration past;
  for (const ZoneOptions& zone : config.zones) {
    if (files.lost(path_beside(config.file, zone.file))) past.lost_zones.push_back(zone.name);
  }
  zones::Serials serials;
  for (const auto& [zone, state] : cycle.serials) {
    const Result<zones::Name> name = zones::parse_name(zone);
    if (name) serials.emplace(*name, state);
  }
  past.snapshot =
      zones::build_snapshot(model_of(config, std::move(zones.zones), std::move(clients.sources)),
                            {.generation = cycle.generation,
                             .pick_secret = cycle.pick_secret,
                             .answering = {},
                             .serials = std::move(serials)});
  return past;
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
