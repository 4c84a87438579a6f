#include "health/monitor_file.h"

#include <catch2/catch.hpp>

#include "base/toml_source.h"
#include "health/prober.h"
#include "tests/support/problems.h"

using namespace swingover;
using health::MonitorOptions;

namespace {

struct Parsed {
  std::vector<MonitorOptions> monitors;
  std::vector<std::string> problems;
};

Parsed parsed(std::string_view text) {
  Diagnostics diagnostics("t.toml", text);
  const TomlDocument document = parse_toml(text, diagnostics);
  Parsed result{health::parse_monitors(document, diagnostics), {}};
  result.problems = tests::listed(diagnostics);
  return result;
}

/// The one problem of a monitor "web" with `keys`, which begin in line 3.
std::string problem_of(std::string_view keys) {
  const auto problems = parsed("[[monitor]]\nname = \"web\"\n" + std::string(keys)).problems;
  CAPTURE(problems);
  REQUIRE(problems.size() == 1);
  return problems.front();
}

}  // namespace

TEST_CASE("a monitor's keys reach its options", "[monitor_file]") {
  const auto result = parsed(R"([[monitor]]
name = "web"
kind = "https"
port = 8443
path = "/up?deep=1"
host = "shop.example.com"
expect_status = ["200-299", "304", 401]
expect_body = "ok"
tls_verify = false
interval = "2s"
timeout = "500ms"
confirm_interval = "100ms"
rise = 3
fall = 4
)");
  CHECK(result.problems.empty());
  REQUIRE(result.monitors.size() == 1);
  MonitorOptions expected;
  expected.name = "web";
  expected.kind = health::MonitorKind::https;
  expected.port = 8443;
  expected.path = "/up?deep=1";
  expected.host = "shop.example.com";
  expected.expect_status = {{200, 299}, {304, 304}, {401, 401}};
  expected.expect_body = "ok";
  expected.tls_verify = false;
  expected.interval = Milliseconds(2000);
  expected.timeout = Milliseconds(500);
  expected.confirm_interval = Milliseconds(100);
  expected.rise = 3;
  expected.fall = 4;
  CHECK(result.monitors[0] == expected);
}

TEST_CASE("a kind that is misspelt is told from the kinds that there are", "[monitor_file]") {
  std::string kinds;
  for (const auto& row : OptionWords<health::MonitorKind>::words) {
    kinds += (kinds.empty() ? "\"" : ", \"") + std::string(row.word) + '"';
  }
  CHECK(problem_of("kind = \"htpp\"\n") ==
        "3:8: \"kind\" must be one of " + kinds + R"(, not "htpp"; did you mean "http"?)");
}

TEST_CASE("times must fit into one another", "[monitor_file]") {
  CHECK(problem_of("timeout = \"6s\"\n") ==
        R"(3:11: "timeout" (6s) must not be longer than "interval" (5s))");
  CHECK(problem_of("interval = \"500ms\"\n") ==
        R"(3:12: "timeout" (1s) must not be longer than "interval" (500ms))");
  CHECK(problem_of("confirm_interval = \"6s\"\n") ==
        R"(3:20: "confirm_interval" (6s) must not be longer than "interval" (5s))");
  CHECK(problem_of("interval = \"99ms\"\ntimeout = \"50ms\"\n") ==
        R"(3:12: "interval" must be from 100ms to 1h, not 99ms)");
}

TEST_CASE("an interval that cannot be read is one problem, not two", "[monitor_file]") {
  CHECK(problem_of("interval = 60\ntimeout = \"6s\"\n") ==
        R"(3:12: "interval" must be a duration in quotes such as "5s", not the number 60)");
}

TEST_CASE("a kind has the keys that mean something to it", "[monitor_file]") {
  CHECK(problem_of("kind = \"tcp\"\n") ==
        R"(1:1: [[monitor]] of the kind "tcp" needs the key "port")");
  CHECK(
      problem_of("kind = \"tcp\"\nport = 1\nexpect_body = \"x\"\n") ==
      R"(5:1: "expect_body" means nothing to a monitor of the kind "tcp", which asks nothing by itself, without TLS)");
  CHECK(problem_of("kind = \"tls\"\n") ==
        R"(1:1: [[monitor]] of the kind "tls" needs the key "port")");
  CHECK(problem_of("send = \"x\"\n") ==
        R"(3:1: "send" means nothing to a monitor of the kind "http", which has no TLS)");
  CHECK(problem_of("tls_verify = false\n") ==
        R"(3:1: "tls_verify" means nothing to a monitor of the kind "http", which has no TLS)");
  CHECK(problem_of("kind = \"https\"\ntls_verify = false\ntls_ca_file = \"x\"\n") ==
        R"(5:1: warning: "tls_ca_file" has no effect while "tls_verify" is false)");
}

TEST_CASE("what goes into a request cannot break out of it", "[monitor_file]") {
  CHECK(problem_of("path = \"healthz\"\n") == R"(3:8: "path" must begin with "/")");
  CHECK(problem_of("path = \"/a b\"\n") ==
        R"(3:8: "path" must not hold blanks or control characters: write %20)");
  CHECK(problem_of("path = \"/a\\r\\nHost: x\"\n") ==
        R"(3:8: "path" must not hold blanks or control characters: write %20)");
  CHECK(problem_of("host = \"http://x\"\n") ==
        R"(3:8: "host" must be a bare host name such as "shop.example.com")");
}

TEST_CASE("a monitor may look at another address than the one that is answered", "[monitor_file]") {
  for (const char* address : {"192.0.2.1", "2001:db8::1", "db-1.example.com", "db_1"}) {
    const auto result =
        parsed("[[monitor]]\nname = \"web\"\naddress = \"" + std::string(address) + '"');
    CHECK(result.problems.empty());
    CHECK(result.monitors.at(0).address == address);
  }
  for (const char* address : {"192.0.2.1:80", "http://db", "a b", "[::1]"}) {
    CHECK(
        problem_of("address = \"" + std::string(address) + '"') ==
        R"(3:11: "address" must be an address or a name such as "192.0.2.1" or "db.example.com")");
  }
}

TEST_CASE("what a monitor asks names a host only where that matters", "[check]") {
  const auto made = [](MonitorOptions options) {
    return health::make_check(std::make_shared<const MonitorOptions>(std::move(options)),
                              "192.0.2.1", "shop.example.test");
  };
  MonitorOptions options;
  CHECK(made(options).host == "shop.example.test");
  CHECK(made(options).address == "192.0.2.1");
  options.address = "db.example.test";
  CHECK(made(options).host == "db.example.test");
  CHECK(made(options).address == "db.example.test");
  options.host = "own.example.test";
  CHECK(made(options).host == "own.example.test");
  options.kind = health::MonitorKind::tcp;
  CHECK(made(options).host.empty());
}

TEST_CASE("statuses are numbers from 100 to 599 and ranges of them", "[monitor_file]") {
  CHECK(
      problem_of("expect_status = [\"2xx\"]\n") ==
      R"(3:18: "expect_status" must be an HTTP status such as "204" or a range such as "200-299", not "2xx")");
  CHECK(problem_of("expect_status = [\"299-200\"]\n") ==
        R"(3:18: "expect_status" must be a range with the smaller status first, not "299-200")");
  CHECK(problem_of("expect_status = [99]\n") ==
        R"(3:18: "expect_status" must be within 100 to 599, not the number 99)");
  CHECK(problem_of("expect_status = []\n") == R"(3:17: "expect_status" needs at least one status)");
}

TEST_CASE("a monitor's name is a label, and its own", "[monitor_file]") {
  CHECK(
      parsed("[[monitor]]\nname = \"a b\"\n").problems ==
      std::vector<std::string>{
          R"(2:8: "name" must be 1 to 63 letters, digits, "-" and "_", without "-" at the ends, not "a b")"});
  CHECK(problem_of("[[monitor]]\nname = \"WEB\"\n") ==
        R"(4:8: the name of the [[monitor]] "WEB" stands twice; first in line 2)");
}

TEST_CASE("a monitor's rules of health are those that were written", "[monitor_file]") {
  const auto written = parsed(R"([[monitor]]
name = "web"
fall_hard = 3
flaky_fall = 6
flaky_window = 20
flap_half_life = "0s"
flap_suppress = 3000
flap_reuse = 500
flap_hold_max = "10m"
hold_up = "30s"
resume = "manual"
stale_after = "1m"
)");
  CHECK(written.problems.empty());
  REQUIRE(written.monitors.size() == 1);
  const health::HealthRules rules = written.monitors[0].rules();
  CHECK(rules.fall_hard == 3);
  CHECK(rules.flaky_fall == 6);
  CHECK(rules.flaky_window == 20);
  CHECK(rules.flap_half_life == Milliseconds(0));
  CHECK(rules.flap_suppress == 3000);
  CHECK(rules.flap_reuse == 500);
  CHECK(rules.flap_hold_max == Milliseconds(600'000));
  CHECK(rules.hold_up == Milliseconds(30'000));
  CHECK(rules.resumes_by_hand);
  CHECK(written.monitors[0].silence_max() == Milliseconds(60'000));
}

TEST_CASE("rules that were not written follow from `fall` and the interval", "[monitor_file]") {
  MonitorOptions monitor;
  CHECK(monitor.rules().fall_hard == 2);
  CHECK(monitor.rules().flaky_fall == 5);
  CHECK(monitor.rules().flaky_window == 10);
  CHECK(monitor.rules().flap_half_life == Milliseconds(300'000));
  CHECK_FALSE(monitor.rules().resumes_by_hand);
  CHECK(monitor.rules().confirm_hard == Milliseconds(100));
  CHECK(monitor.silence_max() == Milliseconds(16'000));
  monitor.interval = Milliseconds(1000);
  CHECK(monitor.rules().confirm == Milliseconds(100));
  CHECK(monitor.rules().confirm_hard == Milliseconds(50));
  monitor.fall = 9;
  CHECK(monitor.rules().fall_hard == 5);
  CHECK(monitor.rules().flaky_fall == 9);
  CHECK(monitor.rules().flaky_window == 18);
}

TEST_CASE("rules of health that can never strike are refused", "[monitor_file]") {
  CHECK(problem_of("interval = \"5s\"\nstale_after = \"6s\"\n") ==
        R"(4:15: "stale_after" (6s) must be longer than "interval" and "timeout" together (6s))");
  CHECK(problem_of("flaky_window = 4\n") ==
        R"(3:16: "flaky_window" (4) must not be less than "flaky_fall" (5))");
  CHECK(problem_of("flap_reuse = 3000\n") ==
        R"(3:14: "flap_reuse" (3000) must not be more than "flap_suppress" (2500))");
  CHECK(problem_of("flap_suppress = 900\n") ==
        R"(3:17: "flap_reuse" (1000) must not be more than "flap_suppress" (900))");
  CHECK(problem_of("resume = \"never\"\n") ==
        R"(3:10: "resume" must be one of "auto", "manual", not "never")");
}

TEST_CASE("how http asks and what it wants is read from the file", "[monitor_file]") {
  const auto result = parsed(R"([[monitor]]
name = "web"
kind = "https"
method = "POST"
headers = ["X-Token: a b", "accept:text/plain"]
body = "{}"
expect_body_regex = '^ok\d$'
redirects = 3
http_version = "2"
keep_alive = true
expiry_warning = "30d"
expiry_min = "7d"
)");
  CHECK(result.problems.empty());
  const MonitorOptions& monitor = result.monitors.at(0);
  CHECK(monitor.method == health::HttpMethod::post);
  CHECK(monitor.headers ==
        std::vector<health::HttpHeader>{{"X-Token", "a b"}, {"accept", "text/plain"}});
  CHECK(monitor.body == "{}");
  CHECK(monitor.expect_body_regex.text() == R"(^ok\d$)");
  CHECK(monitor.expect_body_regex.occurs_in("ok1"));
  CHECK(monitor.redirects == 3);
  CHECK(monitor.http_version == health::HttpVersion::two);
  CHECK(monitor.keep_alive);
  CHECK(monitor.expiry_warning == Milliseconds(int64_t{30} * 24 * 3'600'000));
  CHECK(monitor.expiry_min == Milliseconds(int64_t{7} * 24 * 3'600'000));
}

TEST_CASE("what would not be asked, or could not be found, is an error", "[monitor_file]") {
  CHECK(problem_of("expect_body_regex = \"a(b\"\n") ==
        R"(3:21: "expect_body_regex" must be a regular expression, not "a(b" (missing ): a(b))");
  CHECK(
      problem_of("headers = [\"X\"]\n").starts_with("3:12: \"headers\" must be a header such as"));
  CHECK(problem_of("headers = [\"X: a\\nY: b\"]\n")
            .starts_with("3:12: \"headers\" must be a header"));
  CHECK(problem_of("headers = [\"Host: a\"]\n").ends_with("(the key \"host\" is for that)"));
  CHECK(
      problem_of("headers = [\"content-length: 1\"]\n").ends_with("(the probe says that itself)"));
  CHECK(problem_of("body = \"x\"\n") == R"(3:1: "body" is sent with the method "POST" alone)");
  CHECK(problem_of("method = \"HEAD\"\nexpect_body = \"x\"\n") ==
        R"(4:1: "expect_body" finds nothing: the answer to a HEAD has no body)");
  CHECK(problem_of("redirects = 11\n").starts_with("3:13: \"redirects\" must be"));
  CHECK(problem_of("kind = \"grpc\"\n") ==
        R"(1:1: [[monitor]] of the kind "grpc" needs the key "port")");
  CHECK(problem_of("kind = \"grpc\"\nport = 1\nexpiry_min = \"1d\"\n") ==
        R"(5:1: warning: "expiry_min" has no effect without "tls = true")");
}

TEST_CASE("octets are written as they are, or as escapes of two hexadecimal digits",
          "[monitor_file]") {
  using Written = Form<health::Octets>;
  const auto read = [](std::string text) {
    TomlValue value;
    value.kind = TomlValue::Kind::text;
    value.text = std::move(text);
    return Written::read(value, NotEmpty{});
  };
  CHECK(read("PING\r\n")->value == "PING\r\n");
  CHECK(read(R"(PING\r\n)")->value == "PING\r\n");
  CHECK(read(R"(\x00\xfF\t\\x)")->value == std::string("\0\xff\t\\x", 5));
  for (const char* wrong : {R"(\)", R"(a\q)", R"(\x)", R"(\x1)", R"(\xg0)", R"(\x 1)"}) {
    CAPTURE(wrong);
    CHECK_FALSE(read(wrong));
  }
  CHECK(problem_of("kind = \"tcp\"\nport = 1\nexpect = 'a\\q'\n")
            .starts_with("5:10: \"expect\" must be "));
  CHECK(read("").error().message == "must not be empty");
  const health::Octets all{std::string("a\\\0\xff\n", 5)};
  CHECK(Written::text(all) == R"(a\\\x00\xff\x0a)");
  CHECK(*read(Written::text(all)) == all);
}

TEST_CASE("a monitor that asks DNS has a question", "[monitor_file]") {
  const auto result = parsed(R"([[monitor]]
name = "ns"
kind = "dns"
query_name = "www.example.test"
query_type = "txt"
expect_rcode = ["NOERROR", "NXDOMAIN"]
expect_answer = "v=1"
)");
  CHECK(result.problems.empty());
  const MonitorOptions& monitor = result.monitors.at(0);
  CHECK(monitor.query_name == "www.example.test");
  CHECK(monitor.query_type.value == 16);
  CHECK(monitor.expect_rcode == std::vector{health::DnsRcode::noerror, health::DnsRcode::nxdomain});
  CHECK(monitor.expect_answer == "v=1");

  const std::string dns = "kind = \"dns\"\nquery_name = \"a.test\"\n";
  CHECK(problem_of("kind = \"dns\"\n") ==
        R"(1:1: [[monitor]] of the kind "dns" needs the key "query_name")");
  CHECK(problem_of("kind = \"dns\"\nquery_name = \"a..b\"\n") ==
        R"(4:14: "a..b" is no DNS name: a label is empty)");
  CHECK(
      problem_of(dns + "query_type = \"AAAAA\"\n") ==
      R"(5:14: "query_type" must be a DNS record type such as "AAAA" or "TYPE65280", not "AAAAA")");
  CHECK(problem_of(dns + "expect_rcode = []\n") ==
        R"(5:16: "expect_rcode" needs at least one rcode)");
  CHECK(problem_of(dns + "path = \"/\"\n") ==
        R"(5:1: "path" means nothing to a monitor of the kind "dns", which asks one DNS question)");
}

TEST_CASE("a monitor that sends a datagram has a port and something to send", "[monitor_file]") {
  const auto result = parsed(R"([[monitor]]
name = "game"
kind = "udp"
port = 27015
send = '\xff\xffinfo'
expect = "ok"
)");
  CHECK(result.problems.empty());
  CHECK(result.monitors.at(0).send.value == "\xff\xffinfo");
  CHECK(result.monitors.at(0).expect.value == "ok");
  CHECK(problem_of("kind = \"udp\"\nsend = \"x\"\n") ==
        R"(1:1: [[monitor]] of the kind "udp" needs the key "port")");
  CHECK(problem_of("kind = \"udp\"\nport = 1\n") ==
        R"(1:1: [[monitor]] of the kind "udp" needs the key "send")");
}

TEST_CASE("a monitor that runs a command has a program", "[monitor_file]") {
  const auto result = parsed(R"([[monitor]]
name = "own"
kind = "exec"
command = ["/bin/check", "-v", "-v", ""]
)");
  CHECK(result.problems.empty());
  CHECK(result.monitors.at(0).command ==
        std::vector<health::Argument>{{"/bin/check"}, {"-v"}, {"-v"}, {""}});
  const std::string exec = "kind = \"exec\"\n";
  CHECK(problem_of(exec) == R"(1:1: [[monitor]] of the kind "exec" needs the key "command")");
  CHECK(problem_of(exec + "command = []\n") == R"(4:11: "command" needs a program at least)");
  CHECK(problem_of(exec + "command = [\"\"]\n") ==
        R"(4:12: the first text of "command" must be a program)");
  CHECK(problem_of(exec + "command = \"/bin/true\"\n") ==
        R"(4:11: "command" must be a list of texts in [ ], not "/bin/true")");
  CHECK(problem_of(exec + "command = [\"a\\u0000b\"]\n") ==
        "4:12: \"command\" must be without zero octets, not \"a\\u0000b\"");
}

TEST_CASE("a monitor that reads a file has one", "[monitor_file]") {
  const auto result = parsed(
      "[[monitor]]\nname = \"own\"\nkind = \"file\"\nfile = \"up/{address}\"\nmax_age = \"1m\"\n");
  CHECK(result.problems.empty());
  CHECK(result.monitors.at(0).file == "up/{address}");
  CHECK(result.monitors.at(0).max_age == Milliseconds(60'000));
  CHECK(problem_of("kind = \"file\"\n") ==
        R"(1:1: [[monitor]] of the kind "file" needs the key "file")");
  CHECK(
      problem_of("kind = \"icmp\"\nport = 7\n") ==
      R"(4:1: "port" means nothing to a monitor of the kind "icmp", which sends an echo request)");
}
