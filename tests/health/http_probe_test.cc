#include "health/http_probe.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <thread>

#include "base/ip.h"
#include "tests/support/backend.h"

namespace swingover::health {

namespace {

using tests::Backend;

struct Looker {
  std::optional<Finding> probe(const MonitorOptions& options, const std::string& address,
                               const std::string& host = "shop.example.test") {
    const auto target =
        probes.make_target({std::make_shared<const MonitorOptions>(options), address, host, {}});
    std::optional<Finding> found;
    std::unique_ptr<Probe> probe = target->start([&](Finding finding) {
      found = std::move(finding);
      probe.reset();
    });
    CHECK_FALSE(found);  // never within start()
    loop.run_until([&] { return found.has_value(); }, 5000);
    probe.reset();
    return found;
  }
  /// "" on a pass.
  std::string reason(const MonitorOptions& options, const std::string& address,
                     const std::string& host = "shop.example.test") {
    const auto found = probe(options, address, host);
    if (!found) return "no verdict";
    CHECK((found->verdict == Verdict::pass) == found->reason.empty());
    CHECK(found->duration_nanoseconds < options.timeout.value * 1'000'000 + 2'000'000'000);
    return found->reason;
  }
  loop::Loop loop;
  HttpProbes probes{loop};
};

MonitorOptions http(uint16_t port) {
  MonitorOptions options;
  options.name = "web";
  options.port = port;
  options.timeout = Milliseconds(400);
  return options;
}

/// Certificates of a CA of its own, made once a run by openssl.
struct Certificates {
  Certificates() {
    char name[] = "/tmp/swingover-test-XXXXXX";
    folder = mkdtemp(name);
    const std::string script = "cd " + folder + R"( && exec 2>/dev/null
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem \
        -days 2 -subj "/CN=Test CA" || exit 1
      make() { # name, subject's name, extra arguments of the signing
        file=$1; name=$2; shift 2
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $file.key -out $file.csr \
          -subj "/CN=$name" || exit 1
        printf 'subjectAltName=DNS:%s\n' "$name" > $file.ext
        openssl x509 -req -in $file.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile $file.ext \
          -out $file.pem "$@" || exit 1
      }
      make good shop.example.test -days 2
      make other other.example.test -days 2
      make expired shop.example.test -days -1
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout self.key -out self.pem \
        -days 2 -subj "/CN=shop.example.test" -addext "subjectAltName=DNS:shop.example.test" || exit 1
    )";
    made = std::system(script.c_str()) == 0;
  }
  ~Certificates() { std::filesystem::remove_all(folder); }
  std::string file(const std::string& name) const { return folder + '/' + name; }
  std::string folder;
  bool made = false;
};

const Certificates& certificates() {
  static const Certificates made;
  return made;
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
      Case{"garbage", "not an HTTP answer: received HTTP/0.9 when not allowed"},
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
  REQUIRE(found);
  CHECK(found->reason == "body lacks \"ok\" in its first 64 KiB");
  CHECK(found->duration_nanoseconds < 1'000'000'000);  // 1 GiB takes longer
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
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_storage name{};
  socklen_t size = to_sockaddr(*parse_ip_address("127.3.0.2"), 0, name);
  REQUIRE(bind(listener, reinterpret_cast<sockaddr*>(&name), size) == 0);
  REQUIRE(listen(listener, 4) == 0);
  getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size);
  std::string request;
  std::thread server([&] {
    const int connection = accept(listener, nullptr, nullptr);
    char buffer[4096];
    const ssize_t got = read(connection, buffer, sizeof buffer);
    if (got > 0) request.assign(buffer, static_cast<size_t>(got));
    close(connection);
  });
  Looker looker;
  MonitorOptions options = http(from_sockaddr(reinterpret_cast<sockaddr&>(name)).port);
  options.path = "/a/../healthz?deep=1";
  CHECK(looker.reason(options, "127.3.0.2") == "closed by the other end without an answer");
  server.join();
  close(listener);
  CHECK(request.starts_with("GET /a/../healthz?deep=1 HTTP/1.1\r\n"));
  CHECK(request.find("\r\nHost: shop.example.test\r\n") != std::string::npos);
  CHECK(request.find("\r\nUser-Agent: swingover/") != std::string::npos);
  CHECK(request.find("\r\nConnection: close\r\n") != std::string::npos);
}

TEST_CASE("an HTTPS probe believes only a certificate that is good", "[http_probe]") {
  const Certificates& made = certificates();
  REQUIRE(made.made);
  const auto probe = [&](const std::string& certificate, const std::string& host, bool verify) {
    const Backend backend({"--bind", "127.3.0.3", "--tls", made.file(certificate + ".pem"),
                           made.file(certificate + ".key")});
    MonitorOptions options = http(backend.port());
    options.kind = MonitorKind::https;
    options.timeout = Milliseconds(2000);
    options.tls_ca_file = made.file("ca.pem");
    options.tls_verify = verify;
    Looker looker;
    const std::string first = looker.reason(options, "127.3.0.3", host);
    CHECK(looker.reason(options, "127.3.0.3", host) == first);  // also with handles used again
    return first;
  };
  CHECK(probe("good", "shop.example.test", true).empty());
  CHECK(probe("self", "shop.example.test", true) == "certificate: self-signed certificate");
  CHECK(probe("expired", "shop.example.test", true) == "certificate: certificate has expired");
  CHECK(probe("other", "shop.example.test", true) ==
        "certificate: no alternative certificate subject name matches target host name "
        "'shop.example.test'");
  CHECK(probe("good", "", true).starts_with("certificate: no alternative"));
  CHECK(probe("self", "shop.example.test", false).empty());
  CHECK(probe("expired", "any.example.test", false).empty());
}

TEST_CASE("an HTTPS probe without its CA file blames this host", "[http_probe]") {
  const Certificates& made = certificates();
  REQUIRE(made.made);
  const Backend backend(
      {"--bind", "127.3.0.3", "--tls", made.file("good.pem"), made.file("good.key")});
  MonitorOptions options = http(backend.port());
  options.kind = MonitorKind::https;
  options.tls_ca_file = made.file("missing.pem");
  Looker looker;
  const auto found = looker.probe(options, "127.3.0.3");
  REQUIRE(found);
  CHECK(found->reason ==
        "tls_ca_file " + made.file("missing.pem") + " cannot be read as certificates");
  CHECK_FALSE(found->looked);
}

TEST_CASE("an HTTPS probe of what does not speak TLS says so", "[http_probe]") {
  const auto probe = [](const std::string& mode) {
    const Backend backend({"--bind", "127.3.0.3", "--mode", mode});
    MonitorOptions options = http(backend.port());
    options.kind = MonitorKind::https;
    Looker looker;
    return looker.reason(options, "127.3.0.3");
  };
  CHECK(probe("ok") == "timed out after 400ms while shaking hands over TLS");
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
