#pragma once

#include <array>
#include <tuple>

#include "base/options.h"
#include "base/toml_tables.h"
#include "server/config.h"
#include "zones/service_file.h"
#include "zones/transfer_file.h"

/// The rows of the sections that are the daemon's own, and the list of all sections.
namespace swingover {

template <>
struct OptionWords<server::AnswerIdentity> {
  using Answer = server::AnswerIdentity;
  static constexpr std::array words{
      Word<Answer>{Answer::nsid, "nsid", "to who asks by the EDNS option NSID"},
      Word<Answer>{Answer::everywhere, "everywhere",
                   "also as CHAOS TXT of `id.server` and `hostname.bind`"},
      Word<Answer>{Answer::never, "never", "to nobody"},
  };
};

template <>
struct OptionWords<zones::CookieRequire> {
  using Rule = zones::CookieRequire;
  static constexpr std::array words{
      Word<Rule>{Rule::under_load, "under_load",
                 "while this server has more queries than it likes"},
      Word<Rule>{Rule::always, "always", "of every query by UDP"},
      Word<Rule>{Rule::never, "never", "of nobody"},
  };
};

}  // namespace swingover

namespace swingover::server {

inline constexpr std::tuple server_options{
    option("listen", &ServerOptions::listen, PortDefault{53},
           "where queries are answered: UDP and TCP on each"),
    option("workers", &ServerOptions::workers, 0, 256,
           "query workers, each a thread for UDP over IPv4, one for IPv6 and one for TCP; 0 = one "
           "a CPU"),
    option("identity", &ServerOptions::identity, NotEmpty{},
           "the answer to NSID queries, and this server's name among its peers")
        .by_default("the host name"),
    option("state_dir", &ServerOptions::state_dir, NotEmpty{},
           "the folder of the store; one daemon each"),
    option("journal_keep", &ServerOptions::journal_keep, Milliseconds(3'600'000),
           Milliseconds(3650LL * 86'400'000), "how long the history of changes is kept"),
    option("answer_identity", &ServerOptions::answer_identity, "who is told `identity`"),
    option(
        "version", &ServerOptions::version,
        "the answer to CHAOS TXT queries of `version.server` and `version.bind`; empty: REFUSED"),
    option("client_subnet_from", &ServerOptions::client_subnet_from,
           "resolvers whose EDNS client subnet steers the answer; that of others is ignored"),
    option("proxy_from", &ServerOptions::proxy_from,
           "front ends that must say by PROXY protocol, version 2, for whom they speak: on each "
           "connection, and in front of each UDP query"),
    option("exec_max", &ServerOptions::exec_max, 1, 1024,
           "commands of exec monitors that run at once; the rest wait for their turn"),
};

inline constexpr std::tuple tcp_options{
    option("connections_max", &TcpOptions::connections_max, 1, 1'000'000,
           "TCP and TLS connections of all query threads; beyond it the one that has been idle "
           "longest is closed, never a new one"),
    option("connections_per_client_max", &TcpOptions::connections_per_client_max, 0, 1'000'000,
           "connections of one client (an IPv4 address, an IPv6 /56) at one query thread; beyond "
           "it the client loses its own longest idle one; 0 = no limit"),
    option("idle", &TcpOptions::idle, Milliseconds(100), Milliseconds(3'600'000),
           "how long a connection may go without an answer; told to clients that ask (RFC 7828)"),
    option("query_timeout", &TcpOptions::query_timeout, Milliseconds(100), Milliseconds(600'000),
           "how long a client may take over a TLS handshake, over one query, and over reading what "
           "it was answered"),
};

inline constexpr std::tuple tls_options{
    option("listen", &TlsOptions::listen, PortDefault{853}, "where DNS over TLS is spoken"),
    option("certificate", &TlsOptions::certificate, NotEmpty{},
           "PEM file of the certificate and the chain behind it; relative to the config file; a "
           "reload reads it anew")
        .required(),
    option("key", &TlsOptions::key, NotEmpty{},
           "PEM file of its private key, without a pass phrase; relative to the config file")
        .required(),
};

inline constexpr std::tuple admin_options{
    option("listen", &AdminOptions::listen, PortDefault{8053},
           "where swingctl and Prometheus ask: loopback, or \"unix:/run/swingover/admin.sock\"; "
           "never public"),
};

inline constexpr std::tuple rate_limit_options{
    option(
        "responses_per_second", &RateLimitOptions::responses_per_second, 0, 1'000'000,
        "UDP responses of one answer to one client network (/24, /56) without a valid cookie; 0 = "
        "off"),
    option("slip", &RateLimitOptions::slip, 0, 10,
           "every so many responses over the limit, one is sent truncated, so that true clients "
           "ask by TCP; 0 = none"),
    option(
        "require_cookies_above", &RateLimitOptions::require_cookies_above, 0, 10'000'000,
        "a network that takes more UDP responses a second of all kinds than this must show a DNS "
        "cookie, or come by TCP, while the server gets more queries than it can carry; 0 = never"),
    option("exempt", &RateLimitOptions::exempt, "networks that are never limited"),
    option("amplification_max", &RateLimitOptions::amplification_max, 0, 1000,
           "how many times its query's octets a UDP answer may have, before the client has shown a "
           "valid cookie; larger ones are truncated; 0 = no limit"),
};

inline constexpr std::tuple cookie_options{
    option("secret_file", &CookieOptions::secret_file, NotEmpty{},
           "secrets of DNS cookies, one of 32 hexadecimal digits a line: the first makes cookies, "
           "all are accepted; edges with one address share it; relative to the config file")
        .by_default("one of this process alone"),
    option("require", &CookieOptions::require,
           "when a client must show by a cookie, or by TCP, that it is where it says"),
};

inline constexpr std::tuple brake_options{
    option("endpoints", &BrakeOptions::endpoints,
           "how many endpoints, of all services, may go down by themselves within `window`")
        .by_default("as many as fail"),
    option("clusters", &BrakeOptions::clusters,
           "how many clusters may, by their own monitors or their `min_healthy`")
        .by_default("as many as fail"),
    option("window", &BrakeOptions::window, Milliseconds(1'000), Milliseconds(3'600'000),
           "how far back is counted"),
};

inline constexpr std::tuple self_check_options{
    option("targets", &SelfCheckOptions::targets, NotEmpty{},
           "what this edge reaches whenever it reaches anything: an address (ping), or "
           "\"tcp://192.0.2.53:53\""),
    option("interval", &SelfCheckOptions::interval, Milliseconds(100), Milliseconds(60'000),
           "from one look at a target to the next"),
    option(
        "window", &SelfCheckOptions::window, Milliseconds(1'000), Milliseconds(3'600'000),
        "what went down so long before a doubt comes back with it, and doubt lasts so long after "
        "its reason"),
};

inline constexpr std::tuple clients_options{
    option("maps", &ClientsOptions::maps, NotEmpty{},
           "files of client networks, each line a prefix and a [[locality]]; relative to the "
           "config file; read anew when they change"),
    option("databases", &ClientsOptions::databases, NotEmpty{},
           "MaxMind databases (.mmdb) of countries, autonomous systems or coordinates, for clients "
           "that no locality and no map lists; relative to the config file; read anew when they "
           "change"),
};

inline constexpr std::tuple zone_options{
    option("name", &ZoneOptions::name, "the zone that this server is authoritative for").required(),
    option("file", &ZoneOptions::file, NotEmpty{},
           "its master file (RFC 1035): SOA, NS, static records, delegations; relative to the "
           "config file")
        .required(),
    option("transfer_view", &ZoneOptions::transfer_view,
           "which endpoints of its services secondaries get, whatever their health"),
};

inline constexpr std::array sections{
    TomlSection{"server", false},     TomlSection{"tcp", false},
    TomlSection{"tls", false},        TomlSection{"admin", false},
    TomlSection{"rate_limit", false}, TomlSection{"cookies", false},
    TomlSection{"zone", true},        TomlSection{"region", true},
    TomlSection{"locality", true},    TomlSection{"cluster", true},
    TomlSection{"monitor", true},     TomlSection{"service", true},
    TomlSection{"tsig_key", true},    TomlSection{"brake", false},
    TomlSection{"self_check", false}, TomlSection{"steering", false},
    TomlSection{"distance", true},    TomlSection{"clients", false},
    TomlSection{"rule", true},
};

}  // namespace swingover::server
