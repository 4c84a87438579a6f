#include "health/http_probe.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/health/look.h"
#include "tests/health/nginx.h"
#include "tests/support/backend.h"
#include "tests/support/certificates.h"
#include "tests/support/counterpart.h"

namespace swingover::health {

namespace {

using tests::Backend;
using tests::Certificates;
using tests::Connection;
using tests::Counterpart;
using tests::Listener;

struct Looker {
  Finding probe(const MonitorOptions& options, const std::string& address,
                const std::string& host = "shop.example.test") {
    const auto target = probes.make_target(tests::check_of(options, address, host));
    return tests::look(loop, *target);
  }
  /// "" on a pass.
  std::string reason(const MonitorOptions& options, const std::string& address,
                     const std::string& host = "shop.example.test") {
    const Finding found = probe(options, address, host);
    CHECK(found.duration_nanoseconds < options.timeout.value * 1'000'000 + 2'000'000'000);
    return found.reason;
  }
  loop::Loop loop;
  StreamWorld world{loop};
  HttpProbes probes{world};
};

MonitorOptions http(uint16_t port) {
  MonitorOptions options;
  options.name = "web";
  options.port = port;
  options.timeout = Milliseconds(400);
  return options;
}

MonitorOptions https(uint16_t port) {
  MonitorOptions options = http(port);
  options.kind = MonitorKind::https;
  options.timeout = Milliseconds(5000);
  options.tls_ca_file = Certificates::made().file("ca.pem");
  return options;
}

}  // namespace

TEST_CASE("an HTTP probe passes on the status and the body that are wanted", "[http_probe]") {
  const std::string address = GENERATE("127.3.0.2", "::1");
  const Backend backend({"--bind", address, "--body", "all is ok here"});
  Looker looker;
  MonitorOptions options = http(backend.port());
  CHECK(looker.reason(options, address).empty());
  CHECK(looker.reason(options, address, "").empty());
  options.expect_body = "ok";
  CHECK(looker.reason(options, address).empty());
  options.expect_body = "fine";
  CHECK(looker.reason(options, address) == "body lacks \"fine\"");
  options.expect_status = {{301, 301}, {404, 499}};
  CHECK(looker.reason(options, address) == "status 200, wanted 301, 404-499");
}

TEST_CASE("each way of a backend to misbehave ends in time, with its reason in words",
          "[http_probe]") {
  struct Case {
    const char* mode;
    const char* reason;
  };
  const Case c = GENERATE(
      Case{"status", "status 503, wanted 200-299"}, Case{"redirect", "status 302, wanted 200-299"},
      Case{"hang", "timed out after 400ms while waiting for the status"},
      Case{"slow", "timed out after 400ms while waiting for the status"},
      Case{"slow-body", "timed out after 400ms while reading the body"},
      Case{"reset", "connection reset by peer while waiting for the status"},
      Case{"close", "closed by the other end without an answer"},
      Case{"garbage", "not an HTTP answer: \"SSH-2.0-OpenSSH_\""},
      Case{"headers", "headers of more than 64 KiB"},
      Case{"partial", "closed by the other end before the end of the body"}, Case{"huge", ""});
  const Backend backend({"--bind", "127.3.0.2", "--mode", c.mode});
  Looker looker;
  INFO(c.mode);
  CHECK(looker.reason(http(backend.port()), "127.3.0.2") == c.reason);
}

TEST_CASE("of a body without end the first 64 KiB are read", "[http_probe]") {
  const Backend backend({"--bind", "127.3.0.2", "--mode", "huge"});
  Looker looker;
  MonitorOptions options = http(backend.port());
  options.timeout = Milliseconds(3000);
  options.expect_body = "ok";
  const auto found = looker.probe(options, "127.3.0.2");
  CHECK(found.reason == "body lacks \"ok\" in its first 64 KiB");
  CHECK(found.duration_nanoseconds < 1'000'000'000);  // 1 GiB takes longer
}

TEST_CASE("an HTTP probe says where connecting failed", "[http_probe]") {
  Looker looker;
  uint16_t port = 0;
  {
    const Backend backend({"--bind", "127.3.0.2"});
    port = backend.port();
  }
  CHECK(looker.reason(http(port), "127.3.0.2") == "connect: connection refused");
  CHECK(looker.reason(http(port), "::1") == "connect: connection refused");
  MonitorOptions options = http(port);
  options.timeout = Milliseconds(2500);
  CHECK(looker.reason(options, "nobody.invalid").find("resolv") != std::string::npos);
}

TEST_CASE("an HTTP probe that a proxy of the environment would catch goes straight",
          "[http_probe]") {
  setenv("http_proxy", "http://127.3.0.9:1", 1);
  setenv("all_proxy", "http://127.3.0.9:1", 1);
  const Backend backend({"--bind", "127.3.0.2"});
  Looker looker;
  CHECK(looker.reason(http(backend.port()), "127.3.0.2").empty());
  unsetenv("http_proxy");
  unsetenv("all_proxy");
}

TEST_CASE("an HTTP probe names itself, its host and its path, over a connection of its own",
          "[http_probe]") {
  std::string request;
  Looker looker;
  {
    const Counterpart server("127.3.0.2",
                             [&request](Connection& c) { request = c.hear("\r\n\r\n"); });
    MonitorOptions options = http(server.port());
    options.path = "/a/../healthz?deep=1";
    CHECK(looker.reason(options, "127.3.0.2") == "closed by the other end without an answer");
  }
  CHECK(request.starts_with("GET /a/../healthz?deep=1 HTTP/1.1\r\n"));
  CHECK(request.find("\r\nHost: shop.example.test\r\n") != std::string::npos);
  CHECK(request.find("\r\nUser-Agent: swingover/") != std::string::npos);
  CHECK(request.find("\r\nConnection: close\r\n") != std::string::npos);
}

TEST_CASE("an HTTPS probe believes only a certificate that is good", "[http_probe]") {
  const Certificates& made = Certificates::made();
  const auto probe = [&](const std::string& certificate, const std::string& host, bool verify) {
    const Backend backend({"--bind", "127.3.0.3", "--tls", made.file(certificate + ".pem"),
                           made.file(certificate + ".key")});
    MonitorOptions options = https(backend.port());
    options.tls_verify = verify;
    Looker looker;
    return looker.reason(options, "127.3.0.3", host);
  };
  CHECK(probe("good", "shop.example.test", true).empty());
  CHECK(probe("self", "shop.example.test", true) == "certificate: self-signed certificate");
  CHECK(probe("expired", "shop.example.test", true) == "certificate: certificate has expired");
  CHECK(probe("other", "shop.example.test", true) ==
        "certificate: for other.example.test, 127.3.0.5, not for shop.example.test");
  CHECK(probe("good", "", true) ==
        "certificate: for shop.example.test, 127.3.0.5, not for 127.3.0.3");
  CHECK(probe("self", "shop.example.test", false).empty());
  CHECK(probe("expired", "any.example.test", false).empty());
}

TEST_CASE("an HTTPS probe warns of a certificate's end, and fails before it if told to",
          "[http_probe]") {
  const Certificates& made = Certificates::made();
  const Backend backend(
      {"--bind", "127.3.0.3", "--tls", made.file("soon.pem"), made.file("soon.key")});
  Looker looker;
  MonitorOptions options = https(backend.port());
  CHECK(looker.probe(options, "127.3.0.3").warning == "certificate expires in 2 days");
  options.expiry_min = Milliseconds(int64_t{4} * 24 * 3'600'000);
  CHECK(looker.reason(options, "127.3.0.3") == "certificate expires in 2 days, wanted 4d");
}

TEST_CASE("an HTTPS probe without its CA file blames this host", "[http_probe]") {
  const Certificates& made = Certificates::made();
  const Backend backend(
      {"--bind", "127.3.0.3", "--tls", made.file("good.pem"), made.file("good.key")});
  MonitorOptions options = https(backend.port());
  options.tls_ca_file = made.file("missing.pem");
  Looker looker;
  const Finding found = looker.probe(options, "127.3.0.3");
  CHECK(found.reason ==
        "tls_ca_file " + made.file("missing.pem") + " cannot be read as certificates");
  CHECK_FALSE(found.looked);
}

TEST_CASE("an HTTPS probe of what does not speak TLS says so", "[http_probe]") {
  const Backend backend({"--bind", "127.3.0.3"});
  MonitorOptions options = https(backend.port());
  options.timeout = Milliseconds(400);
  Looker looker;
  CHECK(looker.reason(options, "127.3.0.3") ==
        "timed out after 400ms while shaking hands over TLS");
}

TEST_CASE("an HTTP probe fails hard where the other host said no", "[http_probe]") {
  Looker looker;
  const auto failure = [&looker](const MonitorOptions& options) {
    return looker.probe(options, "127.3.0.2").failure;
  };
  Listener listener("127.3.0.2");
  listener.stop();
  CHECK(failure(http(listener.port())) == Failure::hard);
  CHECK(failure(https(listener.port())) == Failure::hard);
  {
    const Backend backend({"--bind", "127.3.0.2", "--mode", "reset"});
    CHECK(failure(http(backend.port())) == Failure::hard);
  }
  {
    const Backend backend({"--bind", "127.3.0.2", "--mode", "hang"});
    CHECK(failure(http(backend.port())) == Failure::silent);
  }
  const Backend backend({"--bind", "127.3.0.2", "--mode", "status"});
  CHECK(failure(http(backend.port())) == Failure::soft);
}

TEST_CASE("an HTTP probe asks by the method, with the headers and the body that it is given",
          "[http_probe]") {
  std::string request;
  Looker looker;
  {
    const Counterpart server("127.3.0.2", [&request](Connection& c) {
      request = c.hear("{}");
      c.say("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    });
    MonitorOptions options = http(server.port());
    options.method = HttpMethod::post;
    options.headers = {{"X-Token", "a b"}, {"Content-Type", "application/json"}};
    options.body = "{}";
    CHECK(looker.reason(options, "127.3.0.2").empty());
  }
  CHECK(request.starts_with("POST / HTTP/1.1\r\n"));
  CHECK(request.find("\r\nX-Token: a b\r\nContent-Type: application/json\r\n") !=
        std::string::npos);
  CHECK(request.ends_with("\r\nContent-Length: 2\r\n\r\n{}"));
}

TEST_CASE("a HEAD is answered without a body", "[http_probe]") {
  const Counterpart server("127.3.0.2", [](Connection& c) {
    c.hear("\r\n\r\n");
    c.say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    c.hear_the_end();
  });
  MonitorOptions options = http(server.port());
  Looker looker;
  CHECK(looker.reason(options, "127.3.0.2") == "timed out after 400ms while reading the body");
  options.method = HttpMethod::head;
  CHECK(looker.reason(options, "127.3.0.2").empty());
}

TEST_CASE("an HTTP probe looks for a regular expression in the body", "[http_probe]") {
  const Backend backend({"--bind", "127.3.0.2", "--body", "load: 0.42\nok"});
  MonitorOptions options = http(backend.port());
  Looker looker;
  options.expect_body_regex = *Pattern::parse(R"(load: 0\.\d+)");
  CHECK(looker.reason(options, "127.3.0.2").empty());
  options.expect_body_regex = *Pattern::parse(R"(^ok)");
  CHECK(looker.reason(options, "127.3.0.2") == R"(body does not match "^ok")");
  options.expect_body_regex = *Pattern::parse(R"((?m)^ok$)");
  CHECK(looker.reason(options, "127.3.0.2").empty());
}

TEST_CASE("an HTTP probe follows as many redirects as it may", "[http_probe]") {
  const Backend backend({"--bind", "127.3.0.2", "--mode", "redirect"});
  MonitorOptions options = http(backend.port());
  options.timeout = Milliseconds(5000);
  Looker looker;
  CHECK(looker.reason(options, "127.3.0.2") == "status 302, wanted 200-299");
  options.redirects = 1;
  CHECK(looker.reason(options, "127.3.0.2").empty());
}

TEST_CASE("an HTTP probe does not follow just anywhere", "[http_probe]") {
  const auto reason = [](const std::string& location) {
    const Counterpart server("127.3.0.2", [&location](Connection& c) {
      c.hear("\r\n\r\n");
      c.say("HTTP/1.1 301 Moved\r\nLocation: " + location + "\r\nContent-Length: 0\r\n\r\n");
    });
    MonitorOptions options = http(server.port());
    options.timeout = Milliseconds(5000);
    options.redirects = 3;
    Looker looker;
    return looker.reason(options, "127.3.0.2");
  };
  CHECK(reason("/again") == "more than 3 redirects");
  CHECK(reason("file:///etc/passwd") ==
        "redirected to \"file:///etc/passwd\", which is neither http nor https");
  Listener nobody("127.3.0.7");
  nobody.stop();
  CHECK(reason("http://127.3.0.7:" + std::to_string(nobody.port()) + "/") ==
        "connect: connection refused");
}

TEST_CASE("what people wrote for one host is not told to another", "[http_probe]") {
  std::string request;
  Looker looker;
  {
    const Counterpart other("127.3.0.7", [&request](Connection& c) {
      request = c.hear("\r\n\r\n");
      c.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
    const std::string host = GENERATE("127.3.0.7", "shop.example.test");
    const Counterpart server("127.3.0.7", [&](Connection& c) {
      c.hear("\r\n\r\n");
      c.say("HTTP/1.1 302 Found\r\nLocation: http://" + host + ":" + std::to_string(other.port()) +
            "/\r\nContent-Length: 0\r\n\r\n");
    });
    MonitorOptions options = http(server.port());
    options.timeout = Milliseconds(5000);
    options.redirects = 1;
    options.headers = {{"Authorization", "Bearer secret"}};
    CHECK(looker.reason(options, "127.3.0.7").empty());
    INFO(host);
    CHECK((request.find("secret") == std::string::npos) == (host == "127.3.0.7"));
  }
}

TEST_CASE("a redirect does not make a probe look at this host itself", "[http_probe]") {
  const std::string host = GENERATE("127.3.0.7", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0",
                                    "169.254.169.254", "2130706433", "[fe80::1]");
  const Counterpart server("127.0.0.1", [&host](Connection& c) {
    c.hear("\r\n\r\n");
    c.say("HTTP/1.1 302 Found\r\nLocation: http://" + host + ":1/\r\nContent-Length: 0\r\n\r\n");
  });
  MonitorOptions options = http(server.port());
  options.timeout = Milliseconds(5000);
  options.redirects = 1;
  Looker looker;
  INFO(host);
  CHECK(looker.reason(options, "localhost") ==
        "redirect to this host or its link: permission denied");
}

TEST_CASE("a redirect to https is followed with the certificate verified", "[http_probe]") {
  const Certificates& made = Certificates::made();
  const Backend secure(
      {"--bind", "127.3.0.2", "--tls", made.file("good.pem"), made.file("good.key")});
  const Counterpart plain("127.3.0.2", [&secure](Connection& c) {
    c.hear("\r\n\r\n");
    c.say("HTTP/1.1 308 Moved\r\nLocation: https://shop.example.test:" +
          std::to_string(secure.port()) + "/\r\nContent-Length: 0\r\n\r\n");
  });
  MonitorOptions options = http(plain.port());
  options.timeout = Milliseconds(5000);
  options.redirects = 1;
  Looker looker;
  CHECK(looker.reason(options, "127.3.0.2").starts_with("certificate: unable to get"));
  options.tls_ca_file = made.file("ca.pem");
  CHECK(looker.reason(options, "127.3.0.2").empty());
}

TEST_CASE("a probe that keeps its connection asks on it again, or anew if it has gone stale",
          "[http_probe]") {
  int connections = 0;
  Looker looker;
  {
    // Two answers a connection, then it closes without a word.
    const Counterpart server("127.3.0.2", [&connections](Connection& c) {
      ++connections;
      for (int i = 0; i < 2; ++i) {
        c.hear("\r\n\r\n");
        c.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      }
    });
    MonitorOptions options = http(server.port());
    options.timeout = Milliseconds(5000);
    options.keep_alive = true;
    const auto target = looker.probes.make_target(tests::check_of(options, "127.3.0.2"));
    for (int i = 0; i < 5; ++i) CHECK(tests::look(looker.loop, *target).reason.empty());
  }
  CHECK(connections == 3);
}

TEST_CASE("HTTP/2 is asked of a server that has it, with and without TLS", "[http_probe]") {
  const bool is_secure = GENERATE(false, true);
  const bool keep_alive = GENERATE(false, true);
  const Certificates& made = Certificates::made();
  const tests::Nginx nginx("127.3.0.6", made.file("good.pem"), made.file("good.key"));
  Looker looker;
  MonitorOptions options = is_secure ? https(nginx.tls_port()) : http(nginx.plain_port());
  options.timeout = Milliseconds(5000);
  options.http_version = HttpVersion::two;
  options.keep_alive = keep_alive;
  options.expect_body = "asked in HTTP/2.0 for shop.example.test";
  const auto target = looker.probes.make_target(tests::check_of(options, "127.3.0.6"));
  CHECK(tests::look(looker.loop, *target).reason.empty());
  CHECK(tests::look(looker.loop, *target).reason.empty());
  options.path = "/fail";
  CHECK(looker.reason(options, "127.3.0.6") == "status 503, wanted 200-299");
  options.path = "/empty";
  options.method = HttpMethod::head;
  options.expect_body = "";
  CHECK(looker.reason(options, "127.3.0.6").empty());
}

namespace {

/// Frames of HTTP/2 (RFC 9113), as a server's octets.
const std::string h2_settings("\0\0\0\x04\0\0\0\0\0", 9);
const std::string h2_answer_200("\0\0\1\1\5\0\0\0\1\x88", 10);
/// Of a type that nobody knows, and so has to ignore (section 5.5).
const std::string h2_unknown = std::string("\0\x40\0\x20\0\0\0\0\0", 9) + std::string(16384, 'x');

}  // namespace

TEST_CASE("headers that unpack to more than 64 KiB end an HTTP/2 answer", "[http_probe]") {
  // Status 200, a header of 4,000 octets that is remembered, and then its number, over and over (RFC 7541).
  std::string block = std::string("\x88\x40\x01z\x7f\xa1\x1e", 7) + std::string(4000, 'x');
  block += std::string(12'000, '\xbe');
  std::string frame{'\0', static_cast<char>(block.size() >> 8), static_cast<char>(block.size())};
  frame += std::string("\1\4\0\0\0\1", 6) + block;
  const Counterpart server("127.3.0.2", [&frame](Connection& c) {
    c.hear("SM\r\n\r\n");
    c.say(h2_settings + frame);
    c.hear_the_end();
  });
  MonitorOptions options = http(server.port());
  options.http_version = HttpVersion::two;
  options.timeout = Milliseconds(4000);
  Looker looker;
  CHECK(looker.reason(options, "127.3.0.2") == "headers of more than 64 KiB");
}

TEST_CASE("a server that talks without end is not listened to for ever", "[http_probe]") {
  const Counterpart server("127.3.0.2", [](Connection& c) {
    c.hear("SM\r\n\r\n");
    c.say(h2_settings);
    for (int i = 0; i < 1000; ++i) c.say(h2_unknown);  // 16 MB, and never reads
    c.hear_the_end();
  });
  MonitorOptions options = http(server.port());
  options.http_version = HttpVersion::two;
  options.timeout = Milliseconds(4000);
  Looker looker;
  CHECK(looker.reason(options, "127.3.0.2") == "flood: the other end sends more than 1 MiB");
}

TEST_CASE("a kept connection that talks without end is given up", "[http_probe]") {
  std::atomic<int> connections = 0;
  std::atomic<bool> is_flooded = false;
  Looker looker;
  const Counterpart server("127.3.0.2", [&](Connection& c) {
    ++connections;
    c.hear("SM\r\n\r\n");
    c.say(h2_settings + h2_answer_200);
    if (connections > 1) return c.hear_the_end();
    for (int i = 0; i < 1000; ++i) c.say(h2_unknown);
    is_flooded = true;
    c.hear_the_end();
  });
  MonitorOptions options = http(server.port());
  options.http_version = HttpVersion::two;
  options.timeout = Milliseconds(4000);
  options.keep_alive = true;
  const auto target = looker.probes.make_target(tests::check_of(options, "127.3.0.2"));
  CHECK(tests::look(looker.loop, *target).reason.empty());
  looker.loop.run_until([&] { return is_flooded.load(); }, 4000);
  looker.loop.run_until([] { return false; }, 50);
  CHECK(tests::look(looker.loop, *target).reason.empty());
  CHECK(connections == 2);
}

TEST_CASE("HTTP/2 asked of a server without it fails, and says so", "[http_probe]") {
  Looker looker;
  SECTION("over TLS it is not agreed on") {
    const Certificates& made = Certificates::made();
    const Backend backend(
        {"--bind", "127.3.0.3", "--tls", made.file("good.pem"), made.file("good.key")});
    MonitorOptions options = https(backend.port());
    options.http_version = HttpVersion::two;
    CHECK(looker.reason(options, "127.3.0.3") == "tls: the other end does not agree on HTTP/2");
  }
  SECTION("without TLS the answer is of another version, or none") {
    struct Case {
      const char* says;
      const char* reason;
    };
    const Case one =
        GENERATE(Case{"HTTP/1.1 400 Bad Request\r\n\r\n", "the other end does not speak HTTP/2"},
                 Case{"220 mail.example.test ESMTP and more\r\n", "not an HTTP/2 answer"},
                 Case{"", "closed by the other end without an answer"});
    const Counterpart server("127.3.0.2", [&one](Connection& c) {
      c.hear("SM\r\n\r\n");
      c.say(one.says);
      if (*one.says) c.hear_the_end();
    });
    MonitorOptions options = http(server.port());
    options.http_version = HttpVersion::two;
    CHECK(looker.reason(options, "127.3.0.2") == one.reason);
  }
}

TEST_CASE("a cancelled HTTP probe is silent, and others go on", "[http_probe]") {
  const Backend backend({"--bind", "127.3.0.2"});
  Looker looker;
  const auto target =
      looker.probes.make_target({std::make_shared<const MonitorOptions>(http(backend.port())),
                                 "127.3.0.2",
                                 "shop.example.test",
                                 {}});
  int told = 0;
  std::vector<std::unique_ptr<Probe>> all;
  for (int i = 0; i < 40; ++i) {
    all.push_back(target->start([&](const Finding&) {
      ++told;
      if (told == 1) all.resize(20);  // within a callback, too
    }));
  }
  looker.loop.run_until([&] { return told >= 20; }, 3000);
  looker.loop.run_until([] { return false; }, 50);
  CHECK(told >= 20);
  CHECK(told <= 40);
  all.clear();
}

}  // namespace swingover::health
