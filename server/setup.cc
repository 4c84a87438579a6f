#include "server/setup.h"

#include <memory>
#include <utility>

#include "base/file.h"

namespace swingover::server {

namespace {

zones::ResponseLimits response_limits(const RateLimitOptions& options) {
  std::vector<PrefixMap<bool>::Rule> exempt;
  exempt.reserve(options.exempt.size());
  for (const IpPrefix& prefix : options.exempt) exempt.push_back({prefix, true});
  return {.responses_per_second = options.responses_per_second,
          .slip = options.slip,
          .require_cookies_above = options.require_cookies_above,
          .exempt = PrefixMap<bool>(std::move(exempt))};
}

control::Setup compile(const Config& config, LoadedZones zones, const SetupSource& source,
                       uint64_t generation, const zones::Snapshot* previous) {
  auto model = std::make_shared<zones::Model>();
  model->topology = config.topology;
  model->services = config.services;
  model->zones = std::move(zones.zones);
  control::Setup setup;
  setup.snapshot =
      zones::build_snapshot(model,
                            {.generation = generation,
                             .pick_secret = source.pick_secret,
                             .answering = {.identity = source.server.identity,
                                           .limits = response_limits(config.rate_limit)}},
                            previous);
  setup.model = std::move(model);
  setup.monitors = config.monitors;
  setup.failed_zones = std::move(zones.failed);
  setup.warnings = std::move(zones.problems);
  setup.journal_keep = config.server.journal_keep;
  return setup;
}

}  // namespace

control::Setup build_setup(const Config& config, const SetupSource& source, uint64_t generation,
                           std::string config_text) {
  control::Setup setup = compile(config, load_zones(config), source, generation, nullptr);
  setup.config_text = std::move(config_text);
  return setup;
}

control::Loaded load_setup(const SetupSource& source, uint64_t generation,
                           const zones::Snapshot* previous) {
  Result<std::string> text = read_file(source.config_file);
  if (!text) return {std::nullopt, source.config_file + ": error: " + text.error().message + "\n"};
  LoadedConfig loaded = parse_config(source.config_file, *text);
  if (!loaded.config) return {std::nullopt, std::move(loaded.problems)};
  LoadedZones zones = load_zones(*loaded.config);
  if (!zones.failed.empty()) return {std::nullopt, loaded.problems + zones.problems};

  control::Setup setup = compile(*loaded.config, std::move(zones), source, generation, previous);
  setup.warnings = loaded.problems + setup.warnings;
  setup.needs_restart = needs_restart(source, *loaded.config);
  setup.config_text = std::move(*text);
  return {std::move(setup), {}};
}

std::vector<std::string> needs_restart(const SetupSource& running, const Config& config) {
  std::vector<std::string> keys;
  if (config.server.listen != running.server.listen) keys.emplace_back("server.listen");
  if (config.server.workers != running.server.workers) keys.emplace_back("server.workers");
  if (config.server.identity != running.server.identity) keys.emplace_back("server.identity");
  if (config.server.state_dir != running.server.state_dir) keys.emplace_back("server.state_dir");
  if (config.admin.listen != running.admin.listen) keys.emplace_back("admin.listen");
  return keys;
}

}  // namespace swingover::server
