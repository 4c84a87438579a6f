#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <string>

#include "base/log.h"
#include "base/printable.h"
#include "base/version.h"
#include "server/daemon.h"

namespace {

using swingover::LogLevel;

int check(const std::string& config_file) {
  const swingover::server::Checked checked = swingover::server::check_config(config_file);
  std::fputs(checked.problems.c_str(), stderr);
  if (checked.is_fine) {
    std::printf("%s: fine\n", config_file.c_str());
    std::fputs(checked.swing_times.c_str(), stdout);
  }
  return checked.is_fine ? 0 : 1;
}

int run(const std::string& config_file) {
  const swingover::Status status = swingover::server::run_daemon(config_file);
  if (status) return 0;
  std::fprintf(stderr, "swingoverd: %s\n", status.error().message.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Swingover: the DNS server that swings services between clusters by itself",
               "swingoverd"};
  app.set_version_flag("--version", std::string("swingoverd ") + swingover::version);
  std::string config_file = "/etc/swingover/swingover.toml";
  bool is_check = false;
  std::string level = "info";
  app.add_option("--config", config_file, "the config file")
      ->option_text("FILE [" + config_file + "]");
  app.add_flag("--check", is_check,
               "check the config and zone files, print every problem, and end");
  const std::map<std::string, LogLevel> levels = {{"debug", LogLevel::debug},
                                                  {"info", LogLevel::info},
                                                  {"warning", LogLevel::warning},
                                                  {"error", LogLevel::error}};
  app.add_option("--log-level", level,
                 "the least level that is logged: debug, info, warning or error")
      ->option_text("LEVEL")
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {  // --help, --version
    return app.exit(help);
  } catch (const CLI::ParseError& problem) {
    std::fprintf(stderr, "swingoverd: %s; swingoverd --help says more\n",
                 swingover::printable(problem.what()).c_str());
    return 1;
  }
  const auto chosen = levels.find(level);
  if (chosen == levels.end()) {
    std::fprintf(stderr, "swingoverd: --log-level: debug, info, warning or error, not %s\n",
                 swingover::printable(level).c_str());
    return 1;
  }
  swingover::set_log_level(chosen->second);
  return is_check ? check(config_file) : run(config_file);
}
