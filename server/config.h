#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "base/files.h"
#include "base/ip.h"
#include "base/portion.h"
#include "base/siphash.h"
#include "base/units.h"
#include "health/monitor_options.h"
#include "health/prober.h"
#include "server/file_watch.h"
#include "server/query/tls_credentials.h"
#include "zones/answering.h"
#include "zones/rule.h"
#include "zones/service.h"
#include "zones/signing_file.h"
#include "zones/snapshot.h"
#include "zones/steering_options.h"
#include "zones/topology.h"

namespace swingover::server {

/// Who is told this server's identity.
enum class AnswerIdentity : uint8_t { nsid, everywhere, never };

struct ServerOptions {
  std::vector<SocketAddress> listen{{.address = {}, .port = 53, .unix_path = {}},
                                    {.address = IpAddress::v6({}), .port = 53, .unix_path = {}}};
  uint32_t workers = 0;  // 0: one a CPU
  std::string identity;  // NSID, and this edge's name as a vantage
  std::string state_dir = "/var/lib/swingover";
  Milliseconds journal_keep{90LL * 24 * 3600 * 1000};
  AnswerIdentity answer_identity = AnswerIdentity::nsid;
  std::string version;  // told by CHAOS TXT version.server; empty: nobody is told
  std::vector<IpPrefix> client_subnet_from{{.address = {}, .length = 0},
                                           {.address = IpAddress::v6({}), .length = 0}};
  std::vector<IpPrefix> proxy_from{};
  uint32_t exec_max = 16;
};

struct TcpOptions {
  uint32_t connections_max = 32'768;
  uint32_t connections_per_client_max = 256;
  Milliseconds idle{10'000};
  Milliseconds query_timeout{5'000};
};

struct TlsOptions {
  std::vector<SocketAddress> listen{{.address = {}, .port = 853, .unix_path = {}},
                                    {.address = IpAddress::v6({}), .port = 853, .unix_path = {}}};
  std::string certificate;
  std::string key;
  std::shared_ptr<const query::TlsCredentials> credentials{};  // what the files hold
};

struct AdminOptions {
  std::vector<SocketAddress> listen{
      {.address = IpAddress::v4({127, 0, 0, 1}), .port = 8053, .unix_path = {}}};
};

struct RateLimitOptions {
  uint32_t responses_per_second = 200;
  uint32_t slip = 2;
  uint32_t require_cookies_above = 1000;
  uint32_t amplification_max = 10;
  std::vector<IpPrefix> exempt{
      {.address = IpAddress::v4({127, 0, 0, 0}), .length = 8},
      {.address = IpAddress::v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}), .length = 128}};
};

struct CookieOptions {
  std::string secret_file;  // empty: a secret of this process alone
  zones::CookieRequire require = zones::CookieRequire::under_load;
  std::vector<SipKey> secrets{};  // what the file holds
};

struct BrakeOptions {
  std::optional<Portion> endpoints;
  std::optional<Portion> clusters;
  Milliseconds window{30'000};
};

struct SelfCheckOptions {
  std::vector<std::string> targets;
  Milliseconds interval{1'000};
  Milliseconds window{30'000};
  std::vector<health::Check> checks{};  // what the targets come to
};

struct ClientsOptions {
  // As written, seen from the config file's folder.
  std::vector<std::string> maps;
  std::vector<std::string> databases;
  std::vector<Position> maps_at{};  // in the config file, of each
  std::vector<Position> databases_at{};
};

struct ZoneOptions {
  zones::Name name;
  std::string file;  // as written, seen from the config file's folder
  Position file_at;  // in the config file
  zones::TransferView transfer_view = zones::TransferView::primary;
  std::vector<zones::Secondary> secondaries{};
  std::optional<zones::DnssecOptions> dnssec{};  // none: the zone is not signed
  Position dnssec_at{};                          // in the config file
};

/// One config file, checked: every name refers to something, services are numbered, `identity` is set, and
/// state_dir and the names of other files stand as they are to be opened.
struct Config {
  std::string file;
  ServerOptions server;
  TcpOptions tcp;
  std::optional<TlsOptions> tls;  // none: no DNS over TLS
  AdminOptions admin;
  RateLimitOptions rate_limit;
  CookieOptions cookies;
  BrakeOptions brake;
  SelfCheckOptions self_check;
  ClientsOptions clients;
  std::vector<ZoneOptions> zones;
  std::vector<zones::TsigKey> tsig_keys;
  zones::SteeringOptions steering;
  std::vector<zones::Rule> rules;
  zones::Topology topology;
  std::vector<std::shared_ptr<const health::MonitorOptions>> monitors;
  std::vector<zones::Service> services;
  uint32_t probe_descriptors = 0;  // see server/probe_descriptors.h
};

/// `swingover.toml:12:8: ` for what is wrong with a file that a key names.
std::string at_key(const Config& config, Position at);

struct LoadedConfig {
  std::optional<Config> config;  // nothing if there was any error
  std::string problems;          // for people: `file:line:column: error: …`; warnings too
};

/// Reads and checks the file at `path`; never stops at the first problem. Any thread.
LoadedConfig load_config(const std::string& path);
/// The same for a text that is at hand. What zones and [clients] name is read later, by load_zones and load_clients; if the
/// text has errors, which keep it from getting there, and `files` are given, those that cannot be opened are told too.
LoadedConfig parse_config(const std::string& path, std::string_view text, Files* files = nullptr);

/// Of a config that was in force what answers hang on: zones, localities, clusters and services, [steering] and [clients].
/// Nothing else is looked at, nor any other file: the text has lost its secrets.
LoadedConfig parse_past_config(const std::string& path, std::string_view text);

/// The text of a config with asterisks for the secrets that stand in it, for where it is kept and shown. Every line and
/// column stays where it is; a text that is no TOML loses what looks like a secret.
std::string without_secrets(std::string_view text);

struct LoadedZones {
  std::vector<zones::ZoneSource>
      zones;  // one for each of config.zones; neither contents nor unchanged where a file has errors
  std::vector<std::string> failed;  // the names of those
  std::string problems;
};

/// Reads each zone's file and checks it against the services. A bad one never takes the others with it. A file that
/// gives what it gave for `previous` is read, but not parsed.
LoadedZones load_zones(const Config& config, const zones::Snapshot* previous = nullptr,
                       Files& files = Files::on_disk());

struct LoadedClients {
  zones::ClientSources sources;     // of the files that are fine
  std::vector<std::string> failed;  // the others
  std::string problems;
  std::vector<FileWatch::File> files;  // all of them
};

/// Reads the files of [clients] and checks them against the localities and one another. One that gives what it gave
/// for `previous` is read, but not parsed; if that is true of all, nothing is compiled either.
LoadedClients load_clients(const Config& config, const zones::Snapshot* previous = nullptr,
                           Files& files = Files::on_disk());

}  // namespace swingover::server
