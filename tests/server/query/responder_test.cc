#include "server/query/responder.h"

#include <catch2/catch.hpp>

#include "tests/server/query/query_fixture.h"
#include "tests/support/allocations.h"
#include "zones/protocol.h"

namespace swingover::tests {
namespace {

using query::Responder;
using query::WorkerCounters;
using zones::Transport;

/// A responder without sockets. Its clock stands still: it is read by refresh() alone.
class Answers {
 public:
  explicit Answers(zones::ResponseLimits limits) { set(std::move(limits)); }

  /// New settings, published as a reload does it.
  void set(zones::ResponseLimits limits) {
    zones::Model model = query_model();
    zones::number(model.services);
    zones::Answering answering;
    answering.cookie_secrets = {{1, 2}};
    answering.limits = std::move(limits);
    const auto snapshot = zones::build_snapshot(
        std::make_shared<const zones::Model>(std::move(model)), {.answering = answering});
    for (uint32_t i = 0; i < snapshot->eligibility->size(); ++i) {
      snapshot->eligibility->set(EndpointId(i), zones::Eligibility::eligible);
    }
    const auto serving = query::Serving::make(snapshot, 1);
    if (published_) {
      published_->publish(serving);
      responder_->refresh();
    } else {
      published_ = std::make_unique<Published<query::Serving>>(serving);
      responder_ = std::make_unique<Responder>(*published_, 0, counters_);
    }
  }

  Bytes raw(Bytes packet, const IpAddress& client, Transport transport = Transport::udp) {
    const zones::Client from{.address = client, .transport = transport};
    const size_t room = transport == Transport::udp ? 4096 : out_.size();
    return {out_.data(), responder_->respond(packet, from, std::span(out_).first(room))};
  }
  PacketText ask(const QueryText& query, std::string_view client = "192.0.2.1",
                 Transport transport = Transport::udp) {
    return packet_text(raw(query_packet(query), *parse_ip_address(client), transport));
  }
  Responder& responder() { return *responder_; }
  query::QueryCounters counters() const {
    query::QueryCounters sum;
    counters_.add_to(sum);
    return sum;
  }
  uint64_t dropped() const {
    return counters().dropped[static_cast<size_t>(zones::Drop::rate_limit)];
  }

 private:
  WorkerCounters counters_;
  std::unique_ptr<Published<query::Serving>> published_;
  std::unique_ptr<Responder> responder_;
  std::vector<uint8_t> out_ = std::vector<uint8_t>(65'535);
};

const QueryText www{.name = "www.example."};

/// A query with this cookie option, and the cookie that an answer brings.
QueryText with_cookie(const std::vector<uint8_t>& cookie) {
  QueryText query = www;
  put_u16(query.options, 10);
  put_u16(query.options, static_cast<unsigned>(cookie.size()));
  query.options.insert(query.options.end(), cookie.begin(), cookie.end());
  return query;
}
std::vector<uint8_t> cookie_of(const PacketText& answer) {
  if (answer.options.size() != 4 + 24) return {};
  return {answer.options.begin() + 4, answer.options.end()};
}
const std::vector<uint8_t> client_cookie{1, 2, 3, 4, 5, 6, 7, 8};

TEST_CASE("over the limit a UDP answer is dropped, or says: come by TCP", "[responder]") {
  Answers answers({.responses_per_second = 10, .slip = 2});
  unsigned whole = 0;
  unsigned truncated = 0;
  for (int i = 0; i < 1010; ++i) {
    const PacketText answer = answers.ask(www);
    if (!answer.parsed) continue;
    ++(answer.answer.empty() ? truncated : whole);
    const bool is_truncated = answer.flags.find("tc") != std::string::npos;
    REQUIRE(is_truncated == answer.answer.empty());
    REQUIRE(answer.rcode == 0);
    REQUIRE(answer.has_opt);
    REQUIRE(answer.question.size() == 1);
  }
  CHECK(whole == 10);
  CHECK(truncated > 350);
  CHECK(truncated < 650);
  CHECK(answers.dropped() == 1000 - truncated);
  CHECK(answers.counters().slipped == truncated);
  CHECK(answers.counters().queries[0][0] == whole + truncated);
  CHECK(answers.counters().types[1] == whole + truncated);

  SECTION("TCP and TLS are not limited, nor are other networks and other answers") {
    for (int i = 0; i < 50; ++i) {
      REQUIRE(answers.ask(www, "192.0.2.1", Transport::tcp).answer.size() == 1);
      REQUIRE(answers.ask(www, "192.0.2.1", Transport::tls).answer.size() == 1);
    }
    CHECK(answers.ask(www, "192.0.3.1").answer.size() == 1);
    CHECK(answers.ask({.name = "shop.example."}).answer.size() == 1);
    CHECK(answers.ask({.name = "no.example."}).rcode == 3);
  }
  SECTION("a reload changes the limit") {
    answers.set({.responses_per_second = 0});
    for (int i = 0; i < 50; ++i) REQUIRE(answers.ask(www).answer.size() == 1);
  }
  SECTION("an exempt client has none") {
    answers.set({.responses_per_second = 10,
                 .exempt = PrefixMap<bool>({{*parse_ip_prefix("192.0.2.0/25"), true}})});
    for (int i = 0; i < 50; ++i) REQUIRE(answers.ask(www).answer.size() == 1);
    CHECK(answers.counters().slipped == truncated);
  }
}

TEST_CASE("random names below one zone are one answer to the limit", "[responder]") {
  Answers answers({.responses_per_second = 10, .slip = 0});
  unsigned answered = 0;
  for (int i = 0; i < 500; ++i) {
    const std::string name = "x" + std::to_string(i) + ".example.";
    if (answers.ask({.name = name}).parsed) ++answered;
  }
  CHECK(answered == 10);
}

TEST_CASE("a client with cookies gets a fresh one over the limit, and has no limit with it",
          "[responder]") {
  Answers answers({.responses_per_second = 1, .slip = 1});
  const QueryText first = with_cookie(client_cookie);
  CHECK(answers.ask(first).answer.size() == 1);
  const PacketText refused = answers.ask(first);
  CHECK(refused.rcode == 23);  // BADCOOKIE
  CHECK(refused.answer.empty());
  REQUIRE(cookie_of(refused).size() == 24);
  const QueryText proven = with_cookie(cookie_of(refused));
  for (int i = 0; i < 100; ++i) REQUIRE(answers.ask(proven).answer.size() == 1);
  CHECK(answers.ask(proven, "192.0.2.2").rcode == 23);  // another address of the same network
  CHECK(answers.counters().slipped == 2);
  CHECK(answers.counters().queries[0][23] == 2);
}

TEST_CASE("under load a heavy network must prove itself, and only it", "[responder]") {
  Answers answers({.require_cookies_above = 100});
  const auto ask_much = [&](const QueryText& query) {
    for (int i = 0; i < 300; ++i) answers.ask(query);
  };
  ask_much(www);
  CHECK(answers.ask(www).answer.size() == 1);
  answers.responder().set_under_load(true);
  CHECK(answers.counters().under_load == 1);
  ask_much(www);
  const PacketText truncated = answers.ask(www);
  CHECK(truncated.answer.empty());
  CHECK(truncated.flags.find("tc") != std::string::npos);
  const PacketText refused = answers.ask(with_cookie(client_cookie));
  CHECK(refused.rcode == 23);
  CHECK(answers.counters().proof_asked > 2);
  CHECK(answers.ask(with_cookie(cookie_of(refused))).answer.size() == 1);
  CHECK(answers.ask(www, "192.0.2.1", Transport::tcp).answer.size() == 1);
  CHECK(answers.ask(www, "198.51.100.1").answer.size() == 1);
  answers.responder().set_under_load(false);
  CHECK(answers.ask(www).answer.size() == 1);
  CHECK(answers.counters().slipped == 0);
}

TEST_CASE("no answer and no limit allocates memory", "[responder]") {
  Answers answers({.responses_per_second = 3, .slip = 2, .require_cookies_above = 50});
  std::vector<std::vector<uint8_t>> packets;
  for (const std::string_view name :
       {"www.example.", "shop.example.", "fra.on.shop.example.", "no.example.", "example.org."}) {
    for (const uint16_t type : {zones::type::a, zones::type::mx, zones::type::aaaa,
                                zones::type::any, zones::type::axfr}) {
      packets.push_back(query_packet({.name = name, .type = type}));
    }
  }
  packets.push_back(query_packet(with_cookie(client_cookie)));
  packets.push_back(query_packet(with_cookie(cookie_of(answers.ask(with_cookie(client_cookie))))));
  packets.push_back({1, 2, 3});
  packets.push_back(query_packet({.name = "www.example.", .flags = 0x8000}));
  packets.push_back(query_packet({.name = "big.example.", .type = 16}));
  const IpAddress v4 = *parse_ip_address("192.0.2.1");
  const IpAddress v6 = *parse_ip_address("2001:db8::1");
  for (const bool under_load : {false, true}) {
    for (const Transport transport : {Transport::udp, Transport::tcp, Transport::tls}) {
      answers.responder().set_under_load(under_load);
      const uint64_t before = allocations();
      for (int round = 0; round < 20; ++round) {
        answers.responder().refresh();
        for (const auto& packet : packets) {
          answers.raw(packet, v4, transport);
          answers.raw(packet, v6, transport);
        }
      }
      const uint64_t after = allocations();
      CHECK(after == before);
    }
  }
  CHECK(answers.dropped() > 0);
  CHECK(answers.counters().slipped > 0);
  CHECK(answers.counters().proof_asked > 0);
}

}  // namespace
}  // namespace swingover::tests
