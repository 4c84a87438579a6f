#include "health/tcp_probe.h"

#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <optional>

#include "base/ip.h"

namespace swingover::health {

namespace {

/// A listening socket that nobody accepts from.
struct Listener {
  explicit Listener(const std::string& address, int backlog = 16) {
    sockaddr_storage name{};
    const unsigned size = to_sockaddr(*parse_ip_address(address), 0, name);
    descriptor = socket(name.ss_family, SOCK_STREAM, 0);
    bind(descriptor, reinterpret_cast<sockaddr*>(&name), size);
    listen(descriptor, backlog);
    socklen_t got = sizeof name;
    getsockname(descriptor, reinterpret_cast<sockaddr*>(&name), &got);
    port = from_sockaddr(reinterpret_cast<sockaddr&>(name)).port;
  }
  ~Listener() { stop(); }
  void stop() {
    if (descriptor >= 0) close(descriptor);
    descriptor = -1;
  }
  int descriptor;
  uint16_t port;
};

struct Looker {
  std::optional<Finding> probe(TcpTargetOptions options) {
    const auto target = make_tcp_target(loop, resolver, std::move(options));
    std::optional<Finding> found;
    std::unique_ptr<Probe> probe = target->start([&](Finding finding) {
      found = std::move(finding);
      probe.reset();
    });
    CHECK_FALSE(found);  // never within start()
    loop.run_until([&] { return found.has_value(); }, 3000);
    return found;
  }
  loop::Loop loop;
  Resolver resolver{loop};
};

}  // namespace

TEST_CASE("a TCP probe passes where somebody listens", "[tcp_probe]") {
  const std::string address = GENERATE("127.3.0.1", "::1");
  const Listener listener(address);
  Looker looker;
  const auto found = looker.probe({.address = address, .port = listener.port});
  REQUIRE(found);
  CHECK(found->verdict == Verdict::pass);
  CHECK(found->reason.empty());
  CHECK(found->duration_nanoseconds > 0);
  CHECK(found->duration_nanoseconds < 1'000'000'000);
}

TEST_CASE("a TCP probe says in words why it fails", "[tcp_probe]") {
  Looker looker;
  Listener listener("127.3.0.1", 0);
  TcpTargetOptions options{
      .address = "127.3.0.1", .port = listener.port, .timeout = Milliseconds(300)};

  SECTION("nobody listens") {
    listener.stop();
    const auto found = looker.probe(options);
    REQUIRE(found);
    CHECK(found->verdict == Verdict::fail);
    CHECK(found->looked);
    CHECK(found->reason == "connect: connection refused");
  }
  SECTION("nobody answers") {
    // With its queue full the kernel drops further SYNs, as a silent host does.
    std::vector<int> fillers;
    sockaddr_storage to{};
    const unsigned size = to_sockaddr(*parse_ip_address(options.address), options.port, to);
    for (int i = 0; i < 4; ++i) {
      fillers.push_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      (void)connect(fillers.back(), reinterpret_cast<sockaddr*>(&to), size);
    }
    const auto found = looker.probe(options);
    REQUIRE(found);
    CHECK(found->reason == "timed out after 300ms while connecting");
    CHECK(found->duration_nanoseconds >= 290'000'000);
    CHECK(found->duration_nanoseconds < 600'000'000);
    for (const int filler : fillers) close(filler);
  }
  SECTION("the name does not resolve") {
    options.address = "nobody.invalid";
    options.timeout = Milliseconds(2500);
    const auto found = looker.probe(options);
    REQUIRE(found);
    CHECK(found->verdict == Verdict::fail);
    // Without a resolver in reach it may also time out; both say what they did.
    CHECK(found->reason.find("resolv") != std::string::npos);
  }
}

TEST_CASE("a TCP probe of a name connects to one of its addresses", "[tcp_probe]") {
  const Listener listener("127.0.0.1");
  Looker looker;
  const auto found = looker.probe({.address = "localhost", .port = listener.port});
  REQUIRE(found);
  INFO(found->reason);
  CHECK(found->verdict == Verdict::pass);
}

TEST_CASE("without descriptors a TCP probe blames this host, not the target", "[tcp_probe]") {
  const Listener listener("127.3.0.1");
  Looker looker;
  // UBSan looks at a type's first object through a pipe of its own; with no descriptor it would cry wolf.
  REQUIRE(looker.probe({.address = "127.3.0.1", .port = listener.port}));
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit none = before;
  none.rlim_cur = 3;
  setrlimit(RLIMIT_NOFILE, &none);
  const auto found = looker.probe({.address = "127.3.0.1", .port = listener.port});
  setrlimit(RLIMIT_NOFILE, &before);
  REQUIRE(found);
  CHECK_FALSE(found->looked);
  CHECK(found->reason == "socket: too many open files");
}

TEST_CASE("a cancelled TCP probe is silent", "[tcp_probe]") {
  const Listener listener("127.3.0.1");
  Looker looker;
  const auto target =
      make_tcp_target(looker.loop, looker.resolver,
                      {.address = GENERATE("127.3.0.1", "localhost"), .port = listener.port});
  bool told = false;
  auto probe = target->start([&](const Finding&) { told = true; });
  probe.reset();
  looker.loop.run_until([&] { return told; }, 50);
  CHECK_FALSE(told);
}

}  // namespace swingover::health
