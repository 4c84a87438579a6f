#include "server/config.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/clock.h"
#include "base/file.h"
#include "base/options.h"
#include "base/text.h"
#include "base/toml_source.h"
#include "base/toml_tables.h"
#include "health/metric_page.h"
#include "health/monitor_file.h"
#include "health/url.h"
#include "server/daemon_options.h"
#include "server/probe_descriptors.h"
#include "zones/cookie_file.h"
#include "zones/rule_file.h"
#include "zones/service_file.h"
#include "zones/steering_file.h"
#include "zones/topology_file.h"
#include "zones/transfer_file.h"

namespace swingover::server {
namespace {

constexpr size_t config_size_max = size_t{16} << 20;
constexpr size_t cookie_file_size_max = size_t{64} << 10;

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "swingover";
  return name.data();
}

void check_sections(const TomlDocument& document, Diagnostics& diagnostics) {
  std::vector<std::string> known;
  for (const TomlSection& section : sections) known.emplace_back(section.name);
  for (const TomlMember& member : document.root.members) {
    const auto section =
        std::ranges::find(sections, std::string_view(member.key), &TomlSection::name);
    if (section != sections.end()) {
      check_shape(member, *section, "", diagnostics);
      continue;
    }
    // A key whose header is not TOML stands outside of all sections for us alone.
    const auto is_table = [](const TomlValue& value) {
      return value.kind == TomlValue::Kind::table;
    };
    if (!document.complete && !is_table(member.value) &&
        std::ranges::none_of(member.value.items, is_table))
      continue;
    const bool is_section =
        member.value.kind == TomlValue::Kind::table || member.value.kind == TomlValue::Kind::array;
    std::string message =
        is_section ? fmt::format("unknown section {}", toml_quoted(member.key))
                   : fmt::format("unknown key {} outside of all sections", toml_quoted(member.key));
    if (const auto near = nearest_word(member.key, known)) {
      const auto meant = std::ranges::find(sections, std::string_view(*near), &TomlSection::name);
      message += fmt::format("; did you mean {}?", meant->header());
    } else if (is_section) {
      message += "; there are " + joined(known, ", ");
    }
    diagnostics.error(member.at, std::move(message));
  }
}

/// Reads the one table `[name]`, if it is there.
template <class Options, class Rows>
const TomlValue* read_section(const TomlDocument& document, std::string_view name, const Rows& rows,
                              Options& into, Diagnostics& diagnostics) {
  const TomlMember* member = document.root.find(name);
  if (!member || member->value.kind != TomlValue::Kind::table) return nullptr;
  const std::string header = fmt::format("[{}]", name);
  read_options(member->value, rows, into, {.header = header, .complete = document.complete},
               diagnostics);
  return &member->value;
}

/// Calls `check` with each address of the list at "listen" and its position.
template <class Check>
void each_listen(const TomlValue& table, uint16_t port_default, const Check& check) {
  const TomlMember* listen = table.find("listen");
  if (!listen) return;
  for (const TomlValue& item : listen->value.items) {
    const auto address = Form<SocketAddress>::read(item, {port_default});
    if (address) check(*address, item.at);
  }
}

void refuse_empty_listen(const TomlValue& table, Diagnostics& diagnostics) {
  const TomlMember* listen = table.find("listen");
  if (!listen || listen->value.kind != TomlValue::Kind::array || !listen->value.items.empty())
    return;
  diagnostics.error(listen->value.at, R"("listen" needs at least one address)");
}

void check_server(const TomlValue& table, Diagnostics& diagnostics) {
  refuse_empty_listen(table, diagnostics);
  each_listen(table, 53, [&](const SocketAddress& address, Position at) {
    if (address.is_unix())
      diagnostics.error(at, "queries come by UDP and TCP: give an address, not a Unix socket");
  });
}

void check_admin(const TomlValue& table, const ServerOptions& server, Diagnostics& diagnostics) {
  refuse_empty_listen(table, diagnostics);
  each_listen(table, 8053, [&](const SocketAddress& address, Position at) {
    if (address.is_unix()) return;
    if (!address.address.unmapped().is_loopback()) {
      diagnostics.error(
          at, fmt::format("the admin address is never public, and {} is not a loopback address: "
                          "use 127.0.0.1, [::1] or unix:/path",
                          address.address.text()));
    } else if (address.port != 0 && std::ranges::count(server.listen, address) > 0) {
      diagnostics.error(at, fmt::format("{} is one of [server] listen already", address.text()));
    }
  });
}

std::vector<ZoneOptions> parse_zones(const TomlDocument& document, Diagnostics& diagnostics) {
  std::vector<ZoneOptions> zones;
  UniqueNames names("the name of the [[zone]]", diagnostics);
  for (const TomlValue* table : tables_of(document.root, "zone")) {
    ZoneOptions zone;
    const size_t before = diagnostics.errors();
    read_options(
        *table, zone_options, zone,
        {.header = "[[zone]]", .complete = document.complete, .inner = {"secondary", "dnssec"}},
        diagnostics);
    zone.secondaries = zones::parse_secondaries(document, *table, diagnostics);
    zone.dnssec = zones::parse_dnssec(document, *table, diagnostics);
    zone.dnssec_at = table->position_of("dnssec");
    zone.file_at = table->position_of("file");
    const TomlMember* name = table->find("name");
    const bool has_name = name && Form<zones::Name>::read(name->value, {});
    if (has_name) names.add(zone.name.folded().text(), zone.name.text(), name->value.at);
    // A zone whose file is missing is a zone all the same: its services are inside it.
    if (has_name || diagnostics.errors() == before) zones.push_back(std::move(zone));
  }
  return zones;
}

void check_authorities(const std::string& config_file, Position at, std::string& ca_file,
                       Diagnostics& diagnostics) {
  if (ca_file.empty()) return;
  ca_file = path_beside(config_file, ca_file);
  std::error_code ignored;  // a device or a pipe would be read for ever
  if (!std::filesystem::is_regular_file(ca_file, ignored)) {
    return diagnostics.error(at, fmt::format("there is no file {}", ca_file));
  }
  const auto pem = read_file(ca_file, config_size_max);
  if (!pem) {
    diagnostics.error(at, pem.error().message);
  } else if (pem->find("-----BEGIN CERTIFICATE-----") == std::string::npos) {
    diagnostics.error(at, fmt::format("{} holds no certificate in PEM form", ca_file));
  }
}

/// The daemon reads these files as they are named here, whatever its working directory.
void resolve_authorities(const TomlDocument& document, const std::string& file,
                         std::vector<health::MonitorOptions>& monitors, Diagnostics& diagnostics) {
  for (health::MonitorOptions& monitor : monitors) {
    const TomlValue* table = table_named(document.root, "monitor", monitor.name);
    const Position at = table ? table->position_of("tls_ca_file") : Position{};
    check_authorities(file, at, monitor.tls_ca_file, diagnostics);
  }
}

/// The pages that clusters are asked at: what only who asks knows to be wrong.
void resolve_loads(const TomlDocument& document, const std::string& file, zones::Topology& topology,
                   Diagnostics& diagnostics) {
  for (zones::Cluster& cluster : topology.clusters) {
    zones::LoadSource& load = cluster.load;
    if (load.url.empty()) continue;
    const TomlValue* table = table_named(document.root, "cluster", cluster.name);
    const auto at = [&](std::string_view key) {
      return table ? table->position_of(key) : Position{};
    };
    const bool is_http = load.url.starts_with("http://") || load.url.starts_with("https://");
    if (!is_http || !health::follow({}, load.url))
      diagnostics.error(at("load_url"), "not an http or https URL: " + load.url);
    if (!load.metric.empty()) {
      const auto selector = health::parse_metric_selector(load.metric);
      if (!selector) diagnostics.error(at("load_metric"), selector.error().message);
    }
    check_authorities(file, at("load_tls_ca_file"), load.tls_ca_file, diagnostics);
  }
}

/// What a monitor reads and runs; it may well not be there yet. A program without a "/" is looked for in PATH.
void resolve_local(const TomlDocument& document, const std::string& config_file,
                   std::vector<health::MonitorOptions>& monitors, Diagnostics& diagnostics) {
  const auto resolved = [&](const std::string& path) {
    std::error_code ignored;  // there is no working folder: then it stays as it is
    auto whole = std::filesystem::absolute(path_beside(config_file, path), ignored);
    return ignored ? path : whole.string();
  };
  for (health::MonitorOptions& monitor : monitors) {
    if (!monitor.file.empty()) monitor.file = resolved(monitor.file);
    if (monitor.command.empty()) continue;
    std::string& program = monitor.command.front().value;
    if (program.find('/') == program.npos) continue;
    program = resolved(program);
    std::error_code ignored;
    if (std::filesystem::exists(program, ignored)) continue;
    const TomlValue* table = table_named(document.root, "monitor", monitor.name);
    diagnostics.warning(table ? table->position_of("command") : Position{},
                        fmt::format("there is no program {}", program));
  }
}

void read_cookie_secrets(const TomlValue& table, const std::string& config_file,
                         CookieOptions& cookies, Diagnostics& diagnostics) {
  if (cookies.secret_file.empty()) return;
  const Position at = table.position_of("secret_file");
  cookies.secret_file = path_beside(config_file, cookies.secret_file);
  const auto text = read_file(cookies.secret_file, cookie_file_size_max);
  if (!text) return diagnostics.error(at, text.error().message);
  auto secrets = zones::parse_cookie_secrets(*text);
  if (!secrets) return diagnostics.error(at, secrets.error(cookies.secret_file).message);
  cookies.secrets = *std::move(secrets);

  using std::filesystem::perms;
  constexpr perms too_open = perms::others_all | perms::group_write;
  std::error_code ignored;  // it was read a moment ago
  const perms mode = std::filesystem::status(cookies.secret_file, ignored).permissions();
  if (!ignored && (mode & too_open) != perms::none) {
    diagnostics.warning(
        at, fmt::format("{} is open to others: chmod 640 keeps it a secret", cookies.secret_file));
  }
}

void check_tls(const TomlValue& table, const ServerOptions& server, const std::string& config_file,
               TlsOptions& tls, Diagnostics& diagnostics) {
  refuse_empty_listen(table, diagnostics);
  each_listen(table, 853, [&](const SocketAddress& address, Position at) {
    if (address.is_unix()) {
      diagnostics.error(at, "DNS over TLS comes by TCP: give an address, not a Unix socket");
    } else if (address.port != 0 && std::ranges::count(server.listen, address) > 0) {
      diagnostics.error(at, fmt::format("{} is one of [server] listen already", address.text()));
    }
  });
  if (tls.certificate.empty() || tls.key.empty()) return;
  tls.certificate = path_beside(config_file, tls.certificate);
  tls.key = path_beside(config_file, tls.key);
  query::LoadedTls loaded = query::load_tls(tls.certificate, tls.key, system_clock().wall());
  for (query::TlsProblem& problem : loaded.problems) {
    const Position at =
        table.position_of(problem.in == query::TlsProblem::In::certificate ? "certificate" : "key");
    if (problem.is_error) {
      diagnostics.error(at, std::move(problem.message));
    } else {
      diagnostics.warning(at, std::move(problem.message));
    }
  }
  tls.credentials = std::move(loaded.credentials);
  using std::filesystem::perms;
  std::error_code ignored;  // it was read a moment ago
  const perms mode = std::filesystem::status(tls.key, ignored).permissions();
  if (tls.credentials && !ignored && (mode & perms::others_read) != perms::none) {
    diagnostics.warning(table.position_of("key"),
                        fmt::format("{} can be read by everybody", tls.key));
  }
}

/// Each target is a check of a monitor of its own, which nobody else can name.
void read_self_checks(const TomlValue& table, SelfCheckOptions& options, Diagnostics& diagnostics) {
  constexpr std::string_view tcp = "tcp://";
  const TomlMember* targets = table.find("targets");
  if (!targets) return;
  for (const TomlValue& item : targets->value.items) {
    if (item.kind != TomlValue::Kind::text || item.text.empty()) continue;  // that has been told
    health::MonitorOptions monitor;
    monitor.name = "self_check:" + item.text;
    monitor.interval = options.interval;
    monitor.timeout = std::min(options.interval, Milliseconds(1'000));
    monitor.flap_half_life = Milliseconds(0);
    std::string address = item.text;
    if (item.text.starts_with(tcp)) {
      monitor.kind = health::MonitorKind::tcp;
      const auto socket = parse_socket_address(item.text.substr(tcp.size()), 0);
      if (!socket || socket->is_unix() || socket->port == 0) {
        diagnostics.error(item.at, R"("targets" takes tcp://ADDRESS:PORT, or an address)");
        continue;
      }
      address = socket->address.text();
      monitor.port = socket->port;
    } else {
      monitor.kind = health::MonitorKind::icmp;
      const auto ip = parse_ip_address(item.text);
      if (!ip) {
        diagnostics.error(item.at, R"("targets" takes an address, or tcp://ADDRESS:PORT)");
        continue;
      }
      address = ip->text();
    }
    // The same target would count twice. (The same text has been told.)
    const auto is_same = [&](const health::Check& other) {
      return other.address == address && other.monitor->kind == monitor.kind &&
             other.monitor->port == monitor.port && other.monitor->name != monitor.name;
    };
    if (std::ranges::any_of(options.checks, is_same)) {
      diagnostics.error(item.at,
                        fmt::format(R"("targets" holds {} twice, here as {})", address, item.text));
      continue;
    }
    options.checks.push_back(health::make_check(
        std::make_shared<const health::MonitorOptions>(std::move(monitor)), address, {}));
  }
}

/// Of texts only: with anything else wrong the config is refused, and the two lists need not fit.
std::vector<Position> positions_in(const TomlDocument& document, std::string_view section,
                                   std::string_view key) {
  const TomlMember* table = document.root.find(section);
  const TomlMember* list = table ? table->value.find(key) : nullptr;
  if (!list) return {};
  if (list->value.items.empty()) return {list->value.at};
  std::vector<Position> positions;
  for (const TomlValue& item : list->value.items) positions.push_back(item.at);
  return positions;
}

void read_clients(const TomlDocument& document, ClientsOptions& clients, Diagnostics& diagnostics) {
  read_section(document, "clients", clients_options, clients, diagnostics);
  clients.maps_at = positions_in(document, "clients", "maps");
  clients.databases_at = positions_in(document, "clients", "databases");
}

/// Files that cannot be opened are told when they are loaded. A config with errors never gets that far.
void tell_missing_files(const Config& config, Files& files, Diagnostics& diagnostics) {
  const auto look = [&](const std::string& what, const std::string& name, Position at) {
    if (name.empty()) return;
    // Its first octet is enough: what is in it is looked at when it is loaded.
    const auto begun = files.read(path_beside(config.file, name), 1);
    if (!begun && begun.error().code != ErrorCode::invalid)
      diagnostics.error(at, what + ": " + begun.error().message);
  };
  for (const ZoneOptions& zone : config.zones)
    look("zone " + zone.name.text(), zone.file, zone.file_at);
  const auto look_at_all = [&](const std::vector<std::string>& names,
                               const std::vector<Position>& positions) {
    for (size_t i = 0; i < std::min(names.size(), positions.size()); ++i)
      look("clients", names[i], positions[i]);
  };
  look_at_all(config.clients.maps, config.clients.maps_at);
  look_at_all(config.clients.databases, config.clients.databases_at);
}

/// What is legal, and likely a slip.
void warn_of_unused(const TomlDocument& document, Diagnostics& diagnostics) {
  const auto used = [&](std::string_view key, std::string_view name) {
    const auto holds = [&](const TomlValue* table) {
      const TomlMember* member = table->find(key);
      return member && (member->value.text == name ||
                        std::ranges::find(member->value.items, name, &TomlValue::text) !=
                            member->value.items.end());
    };
    std::vector<const TomlValue*> users = tables_of(document.root, "cluster");
    for (const TomlValue* monitor : tables_of(document.root, "monitor")) users.push_back(monitor);
    for (const TomlValue* service : tables_of(document.root, "service")) {
      users.push_back(service);
      for (const TomlValue* pool : tables_of(*service, "pool")) users.push_back(pool);
    }
    return std::ranges::any_of(users, holds);
  };
  const auto warn = [&](std::string_view section, std::initializer_list<std::string_view> keys,
                        std::string_view words) {
    for (const TomlValue* table : tables_of(document.root, section)) {
      const TomlMember* name = table->find("name");
      if (!name || name->value.kind != TomlValue::Kind::text) continue;
      if (std::ranges::any_of(keys, [&](auto key) { return used(key, name->value.text); }))
        continue;
      diagnostics.warning(name->value.at, fmt::format("the {} {} {}", section,
                                                      toml_quoted(name->value.text), words));
    }
  };
  warn("monitor", {"monitors", "voting_monitors", "observing_monitors", "of"},
       "is used by no service and no cluster");
  warn("cluster", {"cluster"}, "has no pool of any service");
}

/// What answers are made of, before its services: zones, steering and topology.
struct Names {
  std::vector<std::string> monitors;
  std::vector<zones::Name> zones;
};
Names read_surroundings(const TomlDocument& document, Config& config, Diagnostics& diagnostics) {
  read_clients(document, config.clients, diagnostics);
  config.zones = parse_zones(document, diagnostics);
  config.steering = zones::parse_steering(document, diagnostics);
  Names names{names_in(document.root, "monitor"), {}};
  for (const ZoneOptions& zone : config.zones) names.zones.push_back(zone.name);
  config.topology = zones::parse_topology(document, names.monitors, diagnostics);
  config.topology.costs = config.steering.distance_costs();
  return names;
}

Config read_config(const TomlDocument& document, const std::string& path,
                   Diagnostics& diagnostics) {
  Config config;
  config.file = path;
  check_sections(document, diagnostics);
  const TomlValue* server =
      read_section(document, "server", server_options, config.server, diagnostics);
  if (server) check_server(*server, diagnostics);
  read_section(document, "tcp", tcp_options, config.tcp, diagnostics);
  TlsOptions tls;
  if (const TomlValue* table = read_section(document, "tls", tls_options, tls, diagnostics)) {
    check_tls(*table, config.server, path, tls, diagnostics);
    config.tls = std::move(tls);
  }
  const TomlValue* admin =
      read_section(document, "admin", admin_options, config.admin, diagnostics);
  if (admin) check_admin(*admin, config.server, diagnostics);
  read_section(document, "rate_limit", rate_limit_options, config.rate_limit, diagnostics);
  const TomlValue* cookies =
      read_section(document, "cookies", cookie_options, config.cookies, diagnostics);
  if (cookies) read_cookie_secrets(*cookies, path, config.cookies, diagnostics);
  read_section(document, "brake", brake_options, config.brake, diagnostics);
  const TomlValue* self =
      read_section(document, "self_check", self_check_options, config.self_check, diagnostics);
  if (self) read_self_checks(*self, config.self_check, diagnostics);
  config.tsig_keys = zones::parse_tsig_keys(document, path, diagnostics);

  const Names names = read_surroundings(document, config, diagnostics);
  resolve_loads(document, path, config.topology, diagnostics);
  auto monitors = health::parse_monitors(document, diagnostics);
  resolve_authorities(document, path, monitors, diagnostics);
  resolve_local(document, path, monitors, diagnostics);
  config.services = zones::parse_services(document,
                                          {.topology = config.topology,
                                           .monitors = names.monitors,
                                           .zones = names.zones,
                                           .steering = config.steering},
                                          diagnostics);
  if (document.complete) warn_of_unused(document, diagnostics);

  for (health::MonitorOptions& monitor : monitors) {
    config.monitors.push_back(std::make_shared<const health::MonitorOptions>(std::move(monitor)));
  }
  zones::number(config.services);
  config.rules = zones::parse_rules(document, config.services, diagnostics);
  if (config.server.identity.empty()) config.server.identity = host_name();
  config.server.state_dir = path_beside(path, config.server.state_dir);
  config.probe_descriptors = probe_descriptors(config);
  return config;
}

}  // namespace

std::string at_key(const Config& config, Position at) {
  return fmt::format("{}:{}:{}: ", config.file, at.line, at.column);
}

LoadedConfig load_config(const std::string& path) {
  const auto text = read_file(path, config_size_max);
  if (!text) return {std::nullopt, "error: " + text.error().message + "\n"};
  return parse_config(path, *text, &Files::on_disk());
}

std::string without_secrets(std::string_view text) {
  static constexpr std::string_view key = "secret";
  static constexpr std::string_view blanks = " \t";
  static constexpr std::string_view word =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  std::string out(text);
  for (size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
    size_t equals = std::min(text.find_first_not_of(word, at), text.size());
    if (text.substr(at, equals - at) == "secret_file") continue;
    if (equals < text.size() && (text[equals] == '"' || text[equals] == '\'')) ++equals;
    equals = text.find_first_not_of(blanks, equals);
    if (equals == std::string_view::npos || text[equals] != '=') continue;
    const size_t value = text.find_first_not_of(blanks, equals + 1);
    if (value == std::string_view::npos) continue;
    // What is no whole string ends with its line: it is a mistake, and shown as one.
    std::string_view quote = text.substr(value, 3);
    if (quote != "\"\"\"" && quote != "'''") quote = text.substr(value, 1);
    const bool is_quoted = quote.front() == '"' || quote.front() == '\'';
    const size_t begin = value + (is_quoted ? quote.size() : 0);
    size_t end = is_quoted ? text.find(quote, begin) : std::string_view::npos;
    if (quote.size() < 3) end = std::min(end, text.find('\n', begin));
    end = std::min(end, text.size());
    std::replace_if(
        out.begin() + static_cast<std::ptrdiff_t>(begin),
        out.begin() + static_cast<std::ptrdiff_t>(end), [](char c) { return c != '\n'; }, '*');
  }
  return out;
}

LoadedConfig parse_past_config(const std::string& path, std::string_view text) {
  Diagnostics diagnostics(path, text);
  const TomlDocument document = parse_toml(text, diagnostics);
  Config config;
  config.file = path;
  const Names names = read_surroundings(document, config, diagnostics);
  config.services = zones::parse_services(
      document, {.topology = config.topology, .monitors = names.monitors, .zones = names.zones},
      diagnostics);
  zones::number(config.services);
  LoadedConfig loaded{std::nullopt, diagnostics.text()};
  if (!diagnostics.has_errors()) loaded.config = std::move(config);
  return loaded;
}

LoadedConfig parse_config(const std::string& path, std::string_view text, Files* files) {
  Diagnostics diagnostics(path, without_secrets(text));  // it quotes lines
  const TomlDocument document = parse_toml(text, diagnostics);
  Config config = read_config(document, path, diagnostics);
  if (files && diagnostics.has_errors()) tell_missing_files(config, *files, diagnostics);
  LoadedConfig loaded{std::nullopt, diagnostics.text()};
  if (!diagnostics.has_errors()) loaded.config = std::move(config);
  return loaded;
}

}  // namespace swingover::server
