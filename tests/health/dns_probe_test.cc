#include "health/dns_probe.h"

#include <algorithm>

#include "probe_runner.h"

namespace swingover::health {

namespace {

std::string n16(unsigned value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

/// The query as its answer: flags, and these A records.
std::string answered(std::string query, unsigned flags, const std::vector<std::string>& addresses) {
  std::string answer = query.substr(0, 2) + n16(0x8400 | flags) + n16(1) +
                       n16(static_cast<unsigned>(addresses.size())) + n16(0) + n16(0) +
                       query.substr(12);
  for (const std::string& address : addresses) {
    answer += n16(0xc00c) + n16(1) + n16(1) + n16(0) + n16(60) + n16(4);
    const IpAddress data = *parse_ip_address(address);
    for (const uint8_t octet : data.bytes()) answer += static_cast<char>(octet);
  }
  return answer;
}

/// Answers one query over TCP on `address`:`port`, then ends.
class TcpServer {
 public:
  TcpServer(const std::string& address, uint16_t port,
            std::function<std::string(std::string)> answer) {
    sockaddr_storage name{};
    const unsigned size = to_sockaddr(*parse_ip_address(address), port, name);
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const timeval patience{10, 0};  // no test waits for ever
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    REQUIRE(bind(socket_, reinterpret_cast<sockaddr*>(&name), size) == 0);
    REQUIRE(listen(socket_, 4) == 0);
    thread_ = std::thread([this, answer = std::move(answer)] {
      const int client = accept(socket_, nullptr, nullptr);
      std::string query(512, '\0');
      const ssize_t got = recv(client, query.data(), query.size(), 0);
      if (got > 2) {
        const std::string told = answer(query.substr(2, static_cast<size_t>(got) - 2));
        const std::string framed = n16(static_cast<unsigned>(told.size())) + told;
        // In two pieces: an answer may come as it likes.
        if (!told.empty()) {
          (void)send(client, framed.data(), 1, MSG_NOSIGNAL);
          (void)send(client, framed.data() + 1, framed.size() - 1, MSG_NOSIGNAL);
        }
      }
      close(client);
    });
  }
  ~TcpServer() {
    thread_.join();
    close(socket_);
  }

 private:
  int socket_;
  std::thread thread_;
};

constexpr const char* here = "127.3.3.1";

DnsTargetOptions options(uint16_t port) {
  DnsTargetOptions all;
  all.address = here;
  all.port = port;
  all.question = {*encode_dns_name("www.example.test"), {}};
  all.timeout = Milliseconds(5000);
  return all;
}

Finding probe(DnsTargetOptions all) {
  ProbeRunner runner;
  return runner.run(*make_dns_target(runner.loop, runner.resolver, std::move(all)));
}

}  // namespace

TEST_CASE("a DNS probe passes on the expected rcode and record", "[dns_probe]") {
  UdpServer server(here, [](std::string query) {
    return answered(std::move(query), 0, {"192.0.2.1", "192.0.2.2"});
  });
  auto all = options(server.port());
  all.expect_answer = GENERATE("", "192.0.2.2");
  const Finding found = probe(all);
  CHECK(found.reason.empty());
  CHECK(found.verdict == Verdict::pass);
}

TEST_CASE("a DNS probe says in words why an answer does not do", "[dns_probe]") {
  std::vector<std::string> addresses;
  unsigned flags = 0;
  size_t cut = 0;
  auto all = options(0);
  std::string reason;
  SECTION("another rcode") {
    flags = 2;
    reason = "rcode SERVFAIL, wanted NOERROR";
  }
  SECTION("no rcode of several") {
    flags = 5;
    all.expect_rcode = {DnsRcode::noerror, DnsRcode::nxdomain};
    reason = "rcode REFUSED, wanted NOERROR, NXDOMAIN";
  }
  SECTION("other records") {
    addresses = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"};
    all.expect_answer = "192.0.2.9";
    reason = "answer 192.0.2.1, 192.0.2.2, 192.0.2.3, …, wanted 192.0.2.9";
  }
  SECTION("other records, in another order each time") {
    addresses = {"192.0.2.3", "192.0.2.1", "192.0.2.2"};
    all.expect_answer = "192.0.2.9";
    reason = "answer 192.0.2.1, 192.0.2.2, 192.0.2.3, wanted 192.0.2.9";
  }
  SECTION("no record") {
    all.expect_answer = "192.0.2.9";
    reason = "no answer, wanted 192.0.2.9";
  }
  SECTION("half a record") {
    addresses = {"192.0.2.1"};
    cut = 2;
    reason = "malformed answer";
  }
  UdpServer server(here, [&](std::string query) {
    std::string told = answered(std::move(query), flags, addresses);
    told.resize(told.size() - cut);
    return told;
  });
  all.port = server.port();
  const Finding found = probe(all);
  CHECK(found.verdict == Verdict::fail);
  CHECK(found.failure == Failure::soft);
  CHECK(found.looked);
  CHECK(found.reason == reason);
}

TEST_CASE("a DNS probe expects a missing name where that is what it should find", "[dns_probe]") {
  UdpServer server(here, [](std::string query) { return answered(std::move(query), 3, {}); });
  auto all = options(server.port());
  all.expect_rcode = {DnsRcode::nxdomain};
  CHECK(probe(all).verdict == Verdict::pass);
}

TEST_CASE("a DNS probe waits for the answer to its own query", "[dns_probe]") {
  // Answers to other ids alone, for as long as it asks.
  UdpServer server(here, [](std::string query) {
    std::string told = answered(std::move(query), 0, {});
    told[0] = static_cast<char>(told[0] ^ 1);
    return told;
  });
  auto all = options(server.port());
  all.timeout = Milliseconds(200);
  const Finding found = probe(all);
  CHECK(found.verdict == Verdict::fail);
  CHECK(found.reason == "timed out after 200ms while waiting for an answer");
}

TEST_CASE("a DNS probe's ids and ports differ from probe to probe", "[dns_probe]") {
  std::vector<std::string> ids;
  UdpServer server(here, [&](std::string query) {
    ids.push_back(query.substr(0, 2));
    return answered(std::move(query), 0, {});
  });
  ProbeRunner runner;
  const auto target = make_dns_target(runner.loop, runner.resolver, options(server.port()));
  for (int i = 0; i < 20; ++i) REQUIRE(runner.run(*target).verdict == Verdict::pass);
  server.stop();
  std::ranges::sort(ids);
  const auto repeated = std::ranges::unique(ids);
  CHECK(ids.size() - repeated.size() >= 15);  // twenty of 65,536: a pair alike once in 350 runs
}

TEST_CASE("a closed port is a DNS probe's hard failure", "[dns_probe]") {
  UdpServer server(here);
  server.stop();
  const Finding found = probe(options(server.port()));
  CHECK(found.verdict == Verdict::fail);
  CHECK(found.failure == Failure::hard);
  CHECK(found.reason == "udp: connection refused");
}

TEST_CASE("a truncated answer is asked for again over TCP", "[dns_probe]") {
  UdpServer udp(here, [](std::string query) { return answered(std::move(query), 0x0200, {}); });
  auto all = options(udp.port());
  all.expect_answer = "192.0.2.7";
  SECTION("which answers") {
    const TcpServer tcp(here, udp.port(), [](std::string query) {
      return answered(std::move(query), 0, {"192.0.2.7"});
    });
    const Finding found = probe(all);
    CHECK(found.reason.empty());
    CHECK(found.verdict == Verdict::pass);
  }
  SECTION("which answers wrongly") {
    const TcpServer tcp(here, udp.port(),
                        [](std::string query) { return answered(std::move(query), 2, {}); });
    CHECK(probe(all).reason == "rcode SERVFAIL, wanted NOERROR");
  }
  SECTION("which closes") {
    const TcpServer tcp(here, udp.port(), [](const std::string&) { return ""; });
    CHECK(probe(all).reason == "closed by the other end without an answer over TCP");
  }
  SECTION("which nobody answers") {
    const Finding found = probe(all);
    CHECK(found.reason == "connect over TCP: connection refused");
    CHECK(found.failure == Failure::hard);
  }
}

TEST_CASE("the reason of a DNS probe is short, however long the answer", "[dns_probe]") {
  UdpServer server(here, [](std::string query) {
    std::string told = answered(std::move(query), 0, {"192.0.2.1"});
    told.resize(told.size() - 6);
    told[told.size() - 7] = 10;  // a type whose data has no words
    return told + n16(4000) + std::string(4000, 'x');
  });
  auto all = options(server.port());
  all.expect_answer = "192.0.2.9";
  const std::string reason = probe(all).reason;
  CHECK(reason.starts_with("answer \\# 4000 7878"));
  CHECK(reason.ends_with("…, wanted 192.0.2.9"));
  CHECK(reason.size() < 300);
}

}  // namespace swingover::health
