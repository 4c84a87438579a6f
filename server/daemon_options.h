#pragma once

#include <array>
#include <tuple>

#include "base/options.h"
#include "base/toml_tables.h"
#include "server/config.h"
#include "zones/service_file.h"

/// The rows of the sections that are the daemon's own, and the list of all sections.
namespace swingover::server {

inline constexpr std::tuple server_options{
    option("listen", &ServerOptions::listen, PortDefault{53},
           "where queries are answered: UDP and TCP on each"),
    option("workers", &ServerOptions::workers, 0, 256, "query threads; 0 = one a CPU"),
    option("identity", &ServerOptions::identity, NotEmpty{},
           "the answer to NSID queries, and this server's name among its peers")
        .by_default("the host name"),
    option("state_dir", &ServerOptions::state_dir, NotEmpty{},
           "the folder of the store; one daemon each"),
    option("journal_keep", &ServerOptions::journal_keep, Milliseconds(3'600'000),
           Milliseconds(3650LL * 86'400'000), "how long the history of changes is kept"),
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
};

inline constexpr std::tuple zone_options{
    option("name", &ZoneOptions::name, "the zone that this server is authoritative for").required(),
    option("file", &ZoneOptions::file, NotEmpty{},
           "its master file (RFC 1035): SOA, NS, static records, delegations; relative to the "
           "config file")
        .required(),
};

inline constexpr std::array sections{
    TomlSection{"server", false}, TomlSection{"admin", false},  TomlSection{"rate_limit", false},
    TomlSection{"zone", true},    TomlSection{"region", true},  TomlSection{"locality", true},
    TomlSection{"cluster", true}, TomlSection{"monitor", true}, TomlSection{"service", true},
};

}  // namespace swingover::server
