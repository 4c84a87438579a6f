#pragma once

#include <array>
#include <string>
#include <tuple>
#include <vector>

#include "base/diagnostics.h"
#include "base/options.h"
#include "base/toml_source.h"
#include "health/monitor_options.h"

namespace swingover {

template <>
struct OptionWords<health::MonitorKind> {
  using Kind = health::MonitorKind;
  static constexpr std::array words{
      Word<Kind>{Kind::tcp, "tcp",
                 "a connection to `port` is accepted; with `send` and `expect` also answered"},
      Word<Kind>{Kind::tls, "tls", "the same over TLS, the certificate verified"},
      Word<Kind>{Kind::http, "http", "a GET of `path` is answered as expected"},
      Word<Kind>{Kind::https, "https", "the same over TLS, the certificate verified"},
      Word<Kind>{Kind::grpc, "grpc", "the gRPC health service says that it serves"},
      Word<Kind>{Kind::dns, "dns", "a question is answered as expected, over UDP or TCP"},
      Word<Kind>{Kind::udp, "udp", "a datagram is answered as expected, or at least not refused"},
      Word<Kind>{Kind::icmp, "icmp", "an echo request is answered"},
      Word<Kind>{Kind::exec, "exec", "`command` exits with status 0"},
      Word<Kind>{Kind::file, "file", "`file` begins with the word up"},
      Word<Kind>{Kind::push, "push", "the target reports itself: POST /v1/push, each `deadline`"},
      Word<Kind>{Kind::calculated, "calculated", "what other monitors, `of`, add up to there"},
  };
};

template <>
struct OptionWords<health::DnsRcode> {
  using Rcode = health::DnsRcode;
  static constexpr std::array words{
      Word<Rcode>{Rcode::noerror, "NOERROR", "the name is there"},
      Word<Rcode>{Rcode::formerr, "FORMERR", "the server does not understand"},
      Word<Rcode>{Rcode::servfail, "SERVFAIL", "the server has failed"},
      Word<Rcode>{Rcode::nxdomain, "NXDOMAIN", "there is no such name"},
      Word<Rcode>{Rcode::notimp, "NOTIMP", "the server does not do this"},
      Word<Rcode>{Rcode::refused, "REFUSED", "the server does not want to"},
      Word<Rcode>{Rcode::notauth, "NOTAUTH", "the zone is not this server's"},
  };
};

/// "AAAA", "TYPE65280".
template <>
struct Form<health::DnsType> {
  static constexpr std::string_view noun = R"(a DNS record type such as "AAAA" or "TYPE65280")";
  static constexpr std::string_view plural = "DNS record types";
  static constexpr bool in_quotes = true;
  static Result<health::DnsType> read(const TomlValue& value, NoLimits);
  static std::string text(const health::DnsType& value) { return health::text_of(value); }
};

template <>
struct Form<health::Argument> {
  static constexpr std::string_view noun = "a text";
  static constexpr std::string_view plural = "texts";
  static constexpr bool in_quotes = true;
  static Result<health::Argument> read(const TomlValue& value, NoLimits);
  static std::string text(const health::Argument& value) { return value.value; }
  static bool may_repeat(const health::Argument&) { return true; }
};

template <>
struct OptionWords<health::HttpMethod> {
  using Method = health::HttpMethod;
  static constexpr std::array words{
      Word<Method>{Method::get, "GET", ""},
      Word<Method>{Method::head, "HEAD", ""},
      Word<Method>{Method::post, "POST", "sends `body`"},
      Word<Method>{Method::options, "OPTIONS", ""},
  };
};

template <>
struct OptionWords<health::HttpVersion> {
  using Version = health::HttpVersion;
  static constexpr std::array words{
      Word<Version>{Version::one, "1.1", ""},
      Word<Version>{Version::two, "2", "by ALPN over https, without asking (h2c) over http"},
  };
};

/// "Authorization: Bearer x".
template <>
struct Form<health::HttpHeader> {
  static constexpr std::string_view noun = R"(a header such as "Accept: text/plain")";
  static constexpr std::string_view plural = "headers";
  static constexpr bool in_quotes = true;
  static Result<health::HttpHeader> read(const TomlValue& value, NoLimits);
  static std::string text(const health::HttpHeader& value) {
    return value.name + ": " + value.value;
  }
};

template <>
struct Form<health::Pattern> {
  static constexpr std::string_view noun = "a regular expression";
  static constexpr std::string_view plural = "regular expressions";
  static constexpr bool in_quotes = true;
  static Result<health::Pattern> read(const TomlValue& value, NotEmpty);
  static std::string text(const health::Pattern& value) { return value.text(); }
};

template <>
struct OptionWords<health::Resume> {
  using Resume = health::Resume;
  static constexpr std::array words{
      Word<Resume>{Resume::by_itself, "auto", "it comes back when it passes"},
      Word<Resume>{Resume::by_hand, "manual",
                   "it stays out, though it passes, until `swingctl resume`"},
  };
};

template <>
struct Form<health::Need> {
  static constexpr std::string_view noun = R"("all", "any", a count such as 2, or "50%")";
  static constexpr std::string_view plural = "counts and percentages";
  static constexpr bool in_quotes = true;
  static Result<health::Need> read(const TomlValue& value, NoLimits);
  static std::string text(const health::Need& value);
};

/// "200-299", "204", or the bare number 204.
template <>
struct Form<health::StatusRange> {
  static constexpr std::string_view noun =
      R"(an HTTP status such as "204" or a range such as "200-299")";
  static constexpr std::string_view plural = "HTTP statuses and ranges of them";
  static constexpr bool in_quotes = true;
  static Result<health::StatusRange> read(const TomlValue& value, NoLimits);
  static std::string text(const health::StatusRange& value);
};

/// A text that may hold any octet: `\xNN`, `\r`, `\n`, `\t` and `\\` mean in it what they say, beside the escapes
/// of TOML's own. So 'PING\r\n' in single quotes and "PING\r\n" are the same, and '\x00\xff' needs single quotes.
template <>
struct Form<health::Octets> {
  static constexpr std::string_view noun = R"(a text, in which \xNN is an octet)";
  static constexpr std::string_view plural = "texts";
  static constexpr bool in_quotes = true;
  static Result<health::Octets> read(const TomlValue& value, NoLimits);
  static Result<health::Octets> read(const TomlValue& value, NotEmpty);
  static std::string text(const health::Octets& value);
};

}  // namespace swingover

namespace swingover::health {

inline constexpr std::tuple monitor_options{
    option("name", &MonitorOptions::name, LabelOnly{}, "what services and clusters call it")
        .required(),
    option("kind", &MonitorOptions::kind, "how it looks"),
    option("address", &MonitorOptions::address, NotEmpty{},
           "where it looks instead: an address or a name; one look for all endpoints that use it")
        .by_default("each endpoint's own address"),
    option("port", &MonitorOptions::port, 1, 65535, "where it connects; the others need it")
        .by_default("80 for http, 443 for https, 53 for dns"),
    option("method", &MonitorOptions::method, "how http and https ask"),
    option("path", &MonitorOptions::path, "what http and https ask for; begins with `/`"),
    option("host", &MonitorOptions::host, NotEmpty{},
           "Host header and, over TLS, the name in the certificate")
        .by_default("the service's name, or `address` where that is set"),
    option("headers", &MonitorOptions::headers,
           "what http and https send beside their own headers"),
    option("body", &MonitorOptions::body, NotEmpty{}, "what a POST sends").by_default("nothing"),
    option("expect_status", &MonitorOptions::expect_status, "the HTTP statuses that pass"),
    option("expect_body", &MonitorOptions::expect_body,
           "a text that must occur in the first 64 KiB of the body")
        .by_default("the body is not looked at"),
    option("expect_body_regex", &MonitorOptions::expect_body_regex, NotEmpty{},
           "a regular expression of RE2's syntax that must match somewhere in them")
        .by_default("the body is not looked at"),
    option("redirects", &MonitorOptions::redirects, 0, 10,
           "how many redirects are followed, to http and https alone"),
    option("http_version", &MonitorOptions::http_version, "the version that http and https speak"),
    option("keep_alive", &MonitorOptions::keep_alive,
           "whether http, https and grpc ask on the connection of the probe before"),
    option("grpc_service", &MonitorOptions::grpc_service, NotEmpty{},
           "the service that grpc asks the health service for")
        .by_default("the server as a whole"),
    option("tls", &MonitorOptions::tls, "whether grpc asks over TLS"),
    option("send", &MonitorOptions::send, NotEmpty{},
           "what tcp and tls send once they are connected, and udp at once, which needs it; a "
           "backslash is an escape: `\\xNN` is an octet")
        .by_default("nothing is sent"),
    option("expect", &MonitorOptions::expect, NotEmpty{},
           "what must occur in the first 64 KiB that tcp and tls get, and in the datagram that udp "
           "gets; escapes as in `send`")
        .by_default("nothing is waited for; udp: any answer passes, and so does silence"),
    option("tls_verify", &MonitorOptions::tls_verify,
           "whether the certificate must be valid, and for `host`"),
    option("tls_ca_file", &MonitorOptions::tls_ca_file, NotEmpty{},
           "the authorities that are trusted, PEM; relative to the config file")
        .by_default("the system's"),
    option("expiry_warning", &MonitorOptions::expiry_warning, Milliseconds(0),
           Milliseconds(int64_t{3650} * 24 * 3'600'000),
           "a certificate of the chain with less than this left is warned of; `0s`: never"),
    option("expiry_min", &MonitorOptions::expiry_min, Milliseconds(0),
           Milliseconds(int64_t{3650} * 24 * 3'600'000), "one with less than this left fails"),
    option("query_name", &MonitorOptions::query_name, NotEmpty{}, "the name that dns asks for")
        .by_default("none: dns needs it"),
    option("query_type", &MonitorOptions::query_type, "the type that dns asks for"),
    option("expect_rcode", &MonitorOptions::expect_rcode, "the rcodes that pass"),
    option("expect_answer", &MonitorOptions::expect_answer, NotEmpty{},
           "the data that one of the answer's records must have: an address, a name, a TXT's text")
        .by_default("the records are not looked at"),
    option("command", &MonitorOptions::command,
           "the program that exec runs, and its arguments; no shell")
        .by_default("none: exec needs it"),
    option("file", &MonitorOptions::file, NotEmpty{},
           "what file reads, relative to the config file; `{address}` stands for the endpoint's")
        .by_default("none: file needs it"),
    option("max_age", &MonitorOptions::max_age, Milliseconds(1000),
           Milliseconds(365LL * 86'400'000), "a file that was written longer ago than this fails")
        .by_default("as old as it likes"),
    option("interval", &MonitorOptions::interval, Milliseconds(100), Milliseconds(3'600'000),
           "from one probe of an endpoint to its next"),
    option("timeout", &MonitorOptions::timeout, Milliseconds(10), Milliseconds(60'000),
           "how long a probe may take; at most the interval"),
    option(
        "confirm_interval", &MonitorOptions::confirm_interval, Milliseconds(10),
        Milliseconds(3'600'000),
        "from one probe to the next while a first failure is being confirmed; at most the interval")
        .by_default("a tenth of the interval, at least 50ms"),
    option("rise", &MonitorOptions::rise, 1, 100, "passes in a row that bring an endpoint up")
        .by_default("2; 1 for push"),
    option("fall", &MonitorOptions::fall, 1, 100, "failures in a row that bring an endpoint down")
        .by_default("3; 1 for push"),
    option(
        "fall_hard", &MonitorOptions::fall_hard, 1, 100,
        "the same for hard failures (refused, reset, unreachable), which come at half the confirm "
        "interval, 100ms at most; never more than `fall`")
        .by_default("half of `fall`, at least 2"),
    option(
        "flaky_fall", &MonitorOptions::flaky_fall, 0, 64,
        "failures among the last `flaky_window` verdicts that bring an endpoint down, in a row or "
        "not; never fewer than `fall`; 0: only those in a row count")
        .by_default("5, or `fall` if that is more"),
    option("flaky_window", &MonitorOptions::flaky_window, 1, 64,
           "how many verdicts `flaky_fall` looks back")
        .by_default("twice `flaky_fall`"),
    option(
        "flap_half_life", &MonitorOptions::flap_half_life, Milliseconds(0),
        Milliseconds(86'400'000),
        "each fall of an endpoint adds 1000 to a penalty that halves in this time; \"0s\": flaps "
        "are not counted"),
    option("flap_suppress", &MonitorOptions::flap_suppress, 1, 1'000'000,
           "from this penalty on the endpoint is kept out, though it passes, while others are "
           "eligible"),
    option("flap_reuse", &MonitorOptions::flap_reuse, 1, 1'000'000,
           "below this penalty it may come back"),
    option("flap_hold_max", &MonitorOptions::flap_hold_max, Milliseconds(1000),
           Milliseconds(86'400'000), "how long after its last fall it may at the latest"),
    option("hold_up", &MonitorOptions::hold_up, Milliseconds(0), Milliseconds(86'400'000),
           "how long an endpoint that was down must pass without a failure before it comes back, "
           "while others are eligible"),
    option("resume", &MonitorOptions::resume, "who lets an endpoint that went down come back"),
    option("stale_after", &MonitorOptions::stale_after, Milliseconds(100), Milliseconds(86'400'000),
           "without a verdict for so long an endpoint is unknown; longer than interval and timeout")
        .by_default("three intervals and the timeout"),
    option("watch", &MonitorOptions::watch,
           "keep an idle TCP connection to each endpoint that is up: when it ends, the endpoint is "
           "probed at once; not for servers that serve one connection at a time"),
    option("of", &MonitorOptions::of, "the monitors that a calculated one is made of, at one place")
        .by_default("none"),
    option("need", &MonitorOptions::need, "how many of them must be up: all, any, a count, a part"),
    option("inverted", &MonitorOptions::inverted, "whether it is up when that is not so"),
    option("deadline", &MonitorOptions::deadline, Milliseconds(1000), Milliseconds(86'400'000),
           "how long a push monitor waits for a report before that is a failure"),
};

/// The `[[monitor]]` tables of `document`: every problem goes to `diagnostics`; of equal names the first is kept.
std::vector<MonitorOptions> parse_monitors(const TomlDocument& document, Diagnostics& diagnostics);

}  // namespace swingover::health
