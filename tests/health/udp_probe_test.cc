#include "health/udp_probe.h"

#include <sys/resource.h>

#include "probe_runner.h"

namespace swingover::health {

namespace {

Finding probe(UdpTargetOptions options) {
  ProbeRunner runner;
  return runner.run(*make_udp_target(runner.loop, runner.resolver, std::move(options)));
}

}  // namespace

TEST_CASE("a UDP probe passes when the answer holds what is expected", "[udp_probe]") {
  const std::string address = GENERATE("127.3.2.1", "::1");
  std::string got;
  UdpServer server(address, [&](std::string sent) {
    got = std::move(sent);
    return std::string("\0pong\xff", 6);
  });
  const Finding found = probe({.address = address,
                               .port = server.port(),
                               .send = std::string("p\0ing", 5),
                               .expect = "pong\xff"});
  CHECK(found.reason.empty());
  CHECK(found.verdict == Verdict::pass);
  CHECK(found.duration_nanoseconds > 0);
  server.stop();
  CHECK(got == std::string("p\0ing", 5));
}

TEST_CASE("a UDP probe says in words why it fails", "[udp_probe]") {
  SECTION("another answer") {
    UdpServer server("127.3.2.1", [](const std::string&) { return "go away\n"; });
    const Finding found =
        probe({.address = "127.3.2.1", .port = server.port(), .send = "ping", .expect = "pong"});
    CHECK(found.verdict == Verdict::fail);
    CHECK(found.failure == Failure::soft);
    CHECK(found.reason == R"(answer lacks "pong": "go away\x0a")");
  }
  SECTION("silence") {
    const UdpServer server("127.3.2.1");
    const Finding found = probe({.address = "127.3.2.1",
                                 .port = server.port(),
                                 .send = "ping",
                                 .expect = "pong",
                                 .timeout = Milliseconds(100)});
    CHECK(found.verdict == Verdict::fail);
    CHECK(found.failure == Failure::silent);
    CHECK(found.reason == "timed out after 100ms while waiting for an answer");
  }
  SECTION("a closed port") {
    UdpServer server("127.3.2.1");
    server.stop();
    const std::string expect = GENERATE("", "pong");
    const Finding found =
        probe({.address = "127.3.2.1", .port = server.port(), .send = "ping", .expect = expect});
    CHECK(found.verdict == Verdict::fail);
    CHECK(found.failure == Failure::hard);
    CHECK(found.looked);
    CHECK(found.reason == "udp: connection refused");
  }
  SECTION("a name that does not resolve") {
    const Finding found = probe(
        {.address = "nobody.invalid", .port = 9, .send = "ping", .timeout = Milliseconds(2500)});
    CHECK(found.verdict == Verdict::fail);
    CHECK(found.reason.find("resolv") != std::string::npos);
  }
}

TEST_CASE("without an expectation UDP silence passes after the timeout, any answer at once",
          "[udp_probe]") {
  const UdpServer silent("127.3.2.1");
  const Finding quiet = probe({.address = "127.3.2.1",
                               .port = silent.port(),
                               .send = "x",
                               .expect = "",
                               .timeout = Milliseconds(100)});
  CHECK(quiet.verdict == Verdict::pass);
  CHECK(quiet.duration_nanoseconds >= 95'000'000);

  UdpServer talker("127.3.2.1", [](const std::string&) { return "whatever"; });
  const Finding heard = probe({.address = "127.3.2.1",
                               .port = talker.port(),
                               .send = "x",
                               .expect = "",
                               .timeout = Milliseconds(9000)});
  CHECK(heard.verdict == Verdict::pass);
  CHECK(heard.duration_nanoseconds < 8'000'000'000);
}

TEST_CASE("a UDP probe of a name looks at its addresses", "[udp_probe]") {
  UdpServer server("127.0.0.1", [](const std::string&) { return "pong"; });
  const Finding found =
      probe({.address = "localhost", .port = server.port(), .send = "ping", .expect = "pong"});
  INFO(found.reason);
  CHECK(found.verdict == Verdict::pass);
}

TEST_CASE("without descriptors a UDP probe blames this host, not the target", "[udp_probe]") {
  const UdpServer server("127.3.2.1");
  ProbeRunner runner;
  const auto target = make_udp_target(runner.loop, runner.resolver,
                                      {.address = "127.3.2.1",
                                       .port = server.port(),
                                       .send = "x",
                                       .expect = "y",
                                       .timeout = Milliseconds(50)});
  // The sanitizer for virtual calls asks the kernel about memory by a pipe, once for each type.
  CHECK(runner.run(*target).looked);
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit none = before;
  none.rlim_cur = 3;
  setrlimit(RLIMIT_NOFILE, &none);
  const Finding found = runner.run(*target);
  setrlimit(RLIMIT_NOFILE, &before);
  CHECK_FALSE(found.looked);
  CHECK(found.reason == "socket: too many open files");
}

TEST_CASE("a cancelled UDP probe is silent", "[udp_probe]") {
  UdpServer server("127.3.2.1", [](const std::string&) { return "pong"; });
  ProbeRunner runner;
  const auto target = make_udp_target(
      runner.loop, runner.resolver,
      {.address = "127.3.2.1", .port = server.port(), .send = "x", .expect = "pong"});
  bool told = false;
  auto probe = target->start([&](const Finding&) { told = true; });
  probe.reset();
  runner.loop.run_until([&] { return told; }, 50);
  CHECK_FALSE(told);
}

}  // namespace swingover::health
