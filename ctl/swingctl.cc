// swingctl: the operators' tool. It asks a running daemon over its admin address.

#include <pwd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/printable.h"
#include "base/text.h"
#include "base/version.h"
#include "ctl/client.h"
#include "ctl/commands.h"
#include "ctl/table.h"

namespace {

namespace ctl = swingover::ctl;

std::string environment(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

/// The person, also behind sudo.
std::string user_name() {
  const passwd* user = getpwuid(getuid());
  return environment("SUDO_USER", user != nullptr ? user->pw_name : std::to_string(getuid()));
}

struct Options {
  std::string server = environment("SWINGCTL_SERVER", "127.0.0.1:8053");
  std::string owner = user_name();
  bool json = false;
  std::map<std::string, std::map<std::string, std::string>> given;  // by verb, then by argument
};

void add_verbs(CLI::App& app, Options& options) {
  for (const ctl::Verb& verb : ctl::verbs()) {
    CLI::App* sub = app.add_subcommand(verb.name, verb.help);
    sub->fallthrough();  // --json and --server may also stand behind the verb
    auto& given = options.given[verb.name];
    for (const ctl::Argument& word : verb.words) {
      sub->add_option(word.name, given[word.name], word.help)
          ->required(word.needed)
          ->option_text(" ");
    }
    for (const ctl::Argument& option : verb.options) {
      if (option.value.empty()) {
        sub->add_flag_callback(
            option.name, [&value = given[option.name]] { value = "yes"; }, option.help);
        continue;
      }
      sub->add_option(option.name, given[option.name], option.help)
          ->required(option.needed)
          ->option_text(option.value + (option.needed ? " (needed)" : ""));
    }
  }
}

/// Says what is wrong, with the nearest verb if it was one mistyped.
int wrong_use(const CLI::App& app, const CLI::ParseError& problem, int argc, char** argv) {
  std::vector<std::string> names;
  for (const ctl::Verb& verb : ctl::verbs()) names.push_back(verb.name);
  const auto subcommands = app.get_subcommands();
  if (subcommands.empty()) {
    for (int i = 1; i < argc; ++i) {
      const std::string word = argv[i];
      if (word.starts_with('-')) {
        if (word == "--server" || word == "--owner") ++i;
        continue;
      }
      const auto nearest = swingover::nearest_word(word, names);
      std::cerr << "swingctl: no such command: " << swingover::printable(word)
                << (nearest ? " (" + *nearest + "?)" : "") << "; swingctl --help lists them\n";
      return ctl::exit_wrong_use;
    }
  }
  std::cerr << "swingctl: " << swingover::printable(problem.what()) << "; swingctl"
            << (subcommands.empty() ? "" : " " + subcommands[0]->get_name())
            << " --help says more\n";
  return ctl::exit_wrong_use;
}

int run(const CLI::App& app, const Options& options) {
  auto server = ctl::parse_server_address(options.server);
  if (!server) {
    std::cerr << "swingctl: --server: " << swingover::printable(server.error().message) << "\n";
    return ctl::exit_wrong_use;
  }
  const std::string chosen = app.get_subcommands()[0]->get_name();
  const auto& verbs = ctl::verbs();
  const auto verb = std::ranges::find(verbs, chosen, &ctl::Verb::name);
  ctl::Arguments arguments;
  const CLI::App* sub = app.get_subcommand(chosen);
  for (const auto& [name, value] : options.given.at(chosen)) {
    if (sub->get_option(name)->count() > 0) arguments.set(name, value);
  }
  ctl::Client client(*std::move(server));
  ctl::Session session{client,       swingover::system_clock(),       std::cout,
                       std::cerr,    ctl::terminal_of(STDOUT_FILENO), options.json,
                       options.owner};
  const int status = verb->run(session, arguments);
  if (!std::cout.flush()) {
    std::cerr << "swingctl: standard output cannot be written\n";
    return ctl::exit_refused;
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Asks and steers a running swingoverd.", "swingctl"};
  Options options;
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("swingctl ") + swingover::version);
  app.add_option("--server", options.server,
                 "the admin address: HOST:PORT, http://HOST:PORT or unix:/PATH; default: "
                 "$SWINGCTL_SERVER, else 127.0.0.1:8053")
      ->option_text("ADDRESS");
  app.add_option("--owner", options.owner, "who asks; default: $SUDO_USER, else the user's name")
      ->option_text("NAME");
  app.add_flag("--json", options.json, "print the daemon's JSON");
  app.footer("Exit status: 0 done, 1 refused or failed, 2 wrong use, 3 no daemon reached.");
  add_verbs(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {  // --help, --version
    return app.exit(help);
  } catch (const CLI::ParseError& problem) {
    return wrong_use(app, problem, argc, argv);
  }
  return run(app, options);
}
