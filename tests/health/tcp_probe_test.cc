#include "health/tcp_probe.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "base/ip.h"
#include "tests/health/look.h"
#include "tests/support/backend.h"
#include "tests/support/certificates.h"
#include "tests/support/counterpart.h"

namespace swingover::health {

namespace {

using tests::Backend;
using tests::Connection;
using tests::Counterpart;
using tests::Listener;

struct Looker {
  Finding probe(const MonitorOptions& options, const std::string& address,
                const std::string& host = "shop.example.test") {
    const auto target = make_tcp_target(world, tests::check_of(options, address, host));
    return tests::look(loop, *target);
  }
  loop::Loop loop;
  StreamWorld world{loop};
};

MonitorOptions tcp(uint16_t port, Milliseconds timeout = Milliseconds(5000)) {
  MonitorOptions options;
  options.name = "db";
  options.kind = MonitorKind::tcp;
  options.port = port;
  options.timeout = timeout;
  return options;
}

MonitorOptions dialogue(uint16_t port, std::string send, std::string expect) {
  MonitorOptions options = tcp(port);
  options.send.value = std::move(send);
  options.expect.value = std::move(expect);
  return options;
}

MonitorOptions tls(uint16_t port) {
  MonitorOptions options = tcp(port);
  options.kind = MonitorKind::tls;
  options.tls_ca_file = tests::Certificates::made().file("ca.pem");
  return options;
}

Backend tls_backend(const std::string& certificate, std::vector<std::string> more = {}) {
  const auto& made = tests::Certificates::made();
  std::vector<std::string> words{"--bind", "127.3.0.5", "--tls", made.file(certificate + ".pem"),
                                 made.file(certificate + ".key")};
  words.insert(words.end(), more.begin(), more.end());
  return Backend(words);
}

}  // namespace

TEST_CASE("a TCP probe passes where somebody listens", "[tcp_probe]") {
  const std::string address = GENERATE("127.3.0.1", "::1");
  const Listener listener(address);
  Looker looker;
  const Finding found = looker.probe(tcp(listener.port()), address);
  CHECK(found.reason.empty());
  CHECK(found.duration_nanoseconds > 0);
  CHECK(found.duration_nanoseconds < 5'000'000'000);
}

TEST_CASE("a TCP probe that is refused fails hard, one that is ignored does not", "[tcp_probe]") {
  Looker looker;
  Listener listener("127.3.0.1", 0);
  const MonitorOptions options = tcp(listener.port(), Milliseconds(300));

  SECTION("nobody listens") {
    listener.stop();
    const Finding found = looker.probe(options, "127.3.0.1");
    CHECK(found.looked);
    CHECK(found.failure == Failure::hard);
    CHECK(found.reason == "connect: connection refused");
  }
  SECTION("nobody answers") {
    // With its queue full the kernel drops further SYNs, as a silent host does.
    std::vector<int> fillers;
    sockaddr_storage to{};
    const unsigned size = to_sockaddr(*parse_ip_address("127.3.0.1"), options.port, to);
    for (int i = 0; i < 4; ++i) {
      fillers.push_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      (void)connect(fillers.back(), reinterpret_cast<sockaddr*>(&to), size);
    }
    const Finding found = looker.probe(options, "127.3.0.1");
    CHECK(found.failure == Failure::silent);
    CHECK(found.reason == "timed out after 300ms while connecting");
    CHECK(found.duration_nanoseconds >= 290'000'000);
    for (const int filler : fillers) close(filler);
  }
}

TEST_CASE("a TCP probe of a name that does not resolve says so", "[tcp_probe]") {
  Looker looker;
  const Finding found = looker.probe(tcp(1, Milliseconds(2500)), "nobody.invalid");
  // Without a resolver in reach it may also time out; both say what they did.
  CHECK(found.reason.find("resolv") != std::string::npos);
  CHECK(found.failure == Failure::soft);
}

TEST_CASE("a TCP probe of a name connects to one of its addresses", "[tcp_probe]") {
  const Listener listener("127.0.0.1");
  Looker looker;
  CHECK(looker.probe(tcp(listener.port()), "localhost").reason.empty());
}

TEST_CASE("without descriptors a TCP probe blames this host, not the target", "[tcp_probe]") {
  const Listener listener("127.3.0.1");
  Looker looker;
  // UBSan looks at a type's first object through a pipe of its own; with no descriptor it would cry wolf.
  REQUIRE(looker.probe(tcp(listener.port()), "127.3.0.1").reason.empty());
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit none = before;
  none.rlim_cur = 3;
  setrlimit(RLIMIT_NOFILE, &none);
  const Finding found = looker.probe(tcp(listener.port()), "127.3.0.1");
  setrlimit(RLIMIT_NOFILE, &before);
  CHECK_FALSE(found.looked);
  CHECK(found.reason == "socket: too many open files");
}

TEST_CASE("a cancelled TCP probe is silent", "[tcp_probe]") {
  const Listener listener("127.3.0.1");
  Looker looker;
  const auto target = make_tcp_target(
      looker.world, tests::check_of(tcp(listener.port()), GENERATE("127.3.0.1", "localhost")));
  bool told = false;
  auto probe = target->start([&](const Finding&) { told = true; });
  probe.reset();
  looker.loop.run_until([&] { return told; }, 50);
  CHECK_FALSE(told);
}

TEST_CASE("a TCP probe sends what it is told, and passes when what it expects comes",
          "[tcp_probe]") {
  std::string heard;
  Looker looker;
  {
    const Counterpart server("127.3.0.1", [&heard](Connection& connection) {
      heard = connection.hear("\r\n");
      connection.say("-LOADING\r\n+PO");
      connection.say("NG\r\n");
      connection.hear_the_end();
    });
    CHECK(looker.probe(dialogue(server.port(), "PING\r\n", "+PONG"), "127.3.0.1").reason.empty());
  }
  CHECK(heard == "PING\r\n");
}

TEST_CASE("a TCP probe finds what is cut into single octets", "[tcp_probe]") {
  const std::string wanted("\x00\xff\x00\xff\x01", 5);
  const Counterpart server("127.3.0.1", [](Connection& connection) {
    for (const char octet : std::string("ab\x00\xff\x00\xff\x00\xff\x01", 9)) {
      connection.say({&octet, 1});
    }
    connection.hear_the_end();
  });
  Looker looker;
  CHECK(looker.probe(dialogue(server.port(), "", wanted), "127.3.0.1").reason.empty());
}

TEST_CASE("a TCP probe that does not hear what it expects says why", "[tcp_probe]") {
  struct Case {
    void (*serve)(Connection&);
    const char* reason;
    Failure failure;
  };
  const Case one =
      GENERATE(Case{[](Connection& c) { c.hear("PING"); },
                    R"(closed by the other end before "PO\x0a" came)", Failure::soft},
               Case{[](Connection& c) {
                      c.hear("PING");
                      c.say("PO");
                    },
                    R"(closed by the other end before "PO\x0a" came)", Failure::soft},
               Case{[](Connection& c) {
                      c.hear("PING");
                      c.reset_at_end();
                    },
                    R"(connection reset by peer while waiting for "PO\x0a")", Failure::hard},
               Case{[](Connection& c) {
                      c.say("PO PO PO");
                      c.hear_the_end();
                    },
                    R"(timed out after 400ms while waiting for "PO\x0a")", Failure::silent},
               Case{[](Connection& c) {
                      c.say(std::string(70'000, 'x') + "PO\n");
                      c.hear_the_end();
                    },
                    R"(the first 64 KiB lack "PO\x0a")", Failure::soft});
  const Counterpart server("127.3.0.1", one.serve);
  Looker looker;
  MonitorOptions options = dialogue(server.port(), "PING", "PO\n");
  if (std::string_view(one.reason).starts_with("timed")) options.timeout = Milliseconds(400);
  const Finding found = looker.probe(options, "127.3.0.1");
  CHECK(found.reason == one.reason);
  CHECK(found.failure == one.failure);
}

TEST_CASE("a TLS probe believes only a certificate that is good", "[tls_probe]") {
  const auto reason = [](const std::string& certificate, const std::string& host, bool verify) {
    const Backend backend = tls_backend(certificate);
    Looker looker;
    MonitorOptions options = tls(backend.port());
    options.tls_verify = verify;
    const Finding found = looker.probe(options, "127.3.0.5", host);
    CHECK(found.failure == Failure::soft);
    CHECK(found.looked);
    return found.reason;
  };
  CHECK(reason("good", "shop.example.test", true).empty());
  CHECK(reason("good", "SHOP.example.test.", true).empty());
  CHECK(reason("good", "", true).empty());  // for its address
  CHECK(reason("self", "shop.example.test", true) == "certificate: self-signed certificate");
  CHECK(reason("expired", "shop.example.test", true) == "certificate: certificate has expired");
  CHECK(reason("other", "shop.example.test", true) ==
        "certificate: for other.example.test, 127.3.0.5, not for shop.example.test");
  CHECK(reason("self", "shop.example.test", false).empty());
  CHECK(reason("expired", "any.example.test", false).empty());
}

TEST_CASE("a TLS probe warns of a certificate's end, and fails before it if told to",
          "[tls_probe]") {
  const Backend backend = tls_backend("soon");
  Looker looker;
  MonitorOptions options = tls(backend.port());
  const Finding near = looker.probe(options, "127.3.0.5");
  CHECK(near.reason.empty());
  CHECK(near.warning == "certificate expires in 2 days");
  options.expiry_warning = Milliseconds(0);
  CHECK(looker.probe(options, "127.3.0.5").warning.empty());
  options.expiry_min = Milliseconds(int64_t{7} * 24 * 3'600'000);
  CHECK(looker.probe(options, "127.3.0.5").reason == "certificate expires in 2 days, wanted 7d");
  const Backend later = tls_backend("good");
  options = tls(later.port());
  CHECK(looker.probe(options, "127.3.0.5").warning.empty());
}

TEST_CASE("a TLS probe sends and expects within TLS", "[tls_probe]") {
  const Backend backend = tls_backend("good", {"--body", "all is ok"});
  Looker looker;
  MonitorOptions options = tls(backend.port());
  options.send.value = "GET / HTTP/1.0\r\n\r\n";
  options.expect.value = "all is ok";
  CHECK(looker.probe(options, "127.3.0.5").reason.empty());
  options.expect.value = "nothing is";
  CHECK(looker.probe(options, "127.3.0.5").reason ==
        "closed by the other end before \"nothing is\" came");
}

TEST_CASE("a TLS probe says how a handshake failed", "[tls_probe]") {
  Looker looker;
  const auto reason = [&looker](void (*serve)(Connection&), Milliseconds timeout) {
    const Counterpart server("127.3.0.5", serve);
    MonitorOptions options = tls(server.port());
    options.timeout = timeout;
    return looker.probe(options, "127.3.0.5");
  };
  SECTION("an alert") {
    const Backend backend = tls_backend("good", {"--tls-refuse"});
    const Finding found = looker.probe(tls(backend.port()), "127.3.0.5");
    CHECK(found.reason == "tls: alert handshake failure");
    CHECK(found.failure == Failure::soft);
  }
  SECTION("no TLS") {
    const Finding found = reason([](Connection& c) { c.say("HTTP/1.1 400 Bad Request\r\n\r\n"); },
                                 Milliseconds(5000));
    CHECK(found.reason == "tls: the other end does not speak it");
  }
  SECTION("silence") {
    const Finding found = reason([](Connection& c) { c.hear_the_end(); }, Milliseconds(300));
    CHECK(found.reason == "timed out after 300ms while shaking hands over TLS");
  }
  SECTION("an end") {
    const Finding found = reason([](Connection& c) { c.hear("\x01"); }, Milliseconds(5000));
    CHECK(found.reason == "closed by the other end while shaking hands over TLS");
    CHECK(found.failure == Failure::soft);
  }
  SECTION("a reset") {
    const Finding found = reason(
        [](Connection& c) {
          c.hear("\x01");
          c.reset_at_end();
        },
        Milliseconds(5000));
    CHECK(found.reason == "connection reset by peer while shaking hands over TLS");
    CHECK(found.failure == Failure::hard);
  }
  SECTION("nobody there") {
    Listener listener("127.3.0.5");
    listener.stop();
    const Finding found = looker.probe(tls(listener.port()), "127.3.0.5");
    CHECK(found.reason == "connect: connection refused");
    CHECK(found.failure == Failure::hard);
  }
}

TEST_CASE("a TLS probe without its CA file blames this host", "[tls_probe]") {
  const Backend backend = tls_backend("good");
  Looker looker;
  MonitorOptions options = tls(backend.port());
  options.tls_ca_file = tests::Certificates::made().file("missing.pem");
  const Finding found = looker.probe(options, "127.3.0.5");
  CHECK(found.reason == "tls_ca_file " + options.tls_ca_file + " cannot be read as certificates");
  CHECK_FALSE(found.looked);
}

}  // namespace swingover::health
