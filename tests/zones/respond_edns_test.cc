// What EDNS options do to whole answers: steering, cookies, size, and what a rate limit is told.

#include <catch2/catch.hpp>

#include <set>

#include "tests/support/served.h"
#include "zones/protocol.h"

namespace swingover::tests {
namespace {

using namespace zones;
using Wire = std::vector<uint8_t>;

Model model() {
  Model out;
  out.topology = two_clusters();  // 10.1.0.0/16 is near fra, 10.2.0.0/16 near ams
  out.topology.localities[0].clients.push_back(*parse_ip_prefix("198.51.100.0/24"));
  out.topology.localities[1].clients.push_back(*parse_ip_prefix("198.51.96.0/22"));
  out.topology.localities[1].clients.push_back(*parse_ip_prefix("2001:db8:2::/48"));
  std::string text = R"(
    @ 60 IN SOA n h 1 2 3 4 5
    @ 60 IN NS n
    n 60 IN A 192.0.2.53
    to-local 60 IN CNAME local
    *.wild 60 IN TXT "w"
    sub 60 IN NS ns.sub
    ns.sub 60 IN A 192.0.2.1
    d 60 IN DNAME wild
)";
  for (int i = 0; i < 40; ++i) text += "many 60 IN A 192.0.2." + std::to_string(i) + "\n";
  out.zones = {zone_source("svc.example.", text)};
  const auto pools = [] {
    return std::vector<Pool>{pool_of("fra", {"192.0.2.1"}), pool_of("ams", {"192.0.2.2"})};
  };
  out.services = {service_of("plain.svc.example.", pools()),
                  service_of("local.svc.example.", pools()),
                  service_of("sticky.svc.example.", pools())};
  out.services[1].policy = Policy::local;
  out.services[2].policy = Policy::active_active;
  out.services[2].sticky = Sticky::client;
  out.services[2].when_all_down = WhenAllDown::servfail;
  return out;
}

Answering whole_answers() {
  Answering answering;
  answering.amplification_max = 0;
  return answering;
}

Wire option(uint8_t code, const Wire& data) {
  Wire out{0, code, 0, static_cast<uint8_t>(data.size())};
  out.insert(out.end(), data.begin(), data.end());
  return out;
}

/// The option's data; empty: it is not there, or has none.
Wire find_option(const Wire& options, unsigned code) {
  for (size_t at = 0; at + 4 <= options.size();) {
    const size_t size = read_u16(&options[at + 2]);
    const auto begin = options.begin() + static_cast<long>(at) + 4;
    if (read_u16(&options[at]) == code) return {begin, begin + static_cast<long>(size)};
    at += 4 + size;
  }
  return {};
}

Wire subnet_option(std::string_view prefix) {
  const IpPrefix parsed = *parse_ip_prefix(prefix);
  const Bytes octets = parsed.address.bytes().first((parsed.length + 7) / 8);
  Wire data{0, static_cast<uint8_t>(parsed.address.is_v4() ? 1 : 2),
            static_cast<uint8_t>(parsed.length), 0};
  data.insert(data.end(), octets.begin(), octets.end());
  return option(8, data);
}

/// One answer: its address, and "source/scope" of the subnet that it echoes.
struct Steered {
  std::string address;
  std::string scope;
};

Steered steered(Served& server, std::string_view name, const Wire& options) {
  const PacketText answer = server.ask(QueryText{.name = name, .options = options});
  Steered out;
  if (!answer.answer.empty())
    out.address = answer.answer.back().substr(answer.answer.back().rfind(' ') + 1);
  const Wire echo = find_option(answer.options, 8);
  if (echo.size() >= 4) {
    out.scope = std::to_string(echo[2]) + "/" + std::to_string(echo[3]);
    Wire as_asked = echo;
    as_asked[3] = 0;
    CHECK(as_asked == find_option(options, 8));
  }
  return out;
}

const IpAddress public_resolver = *parse_ip_address("203.0.113.53");

}  // namespace

TEST_CASE("a client subnet steers a service, and the scope says how far that holds",
          "[respond_edns]") {
  Served server(model(), whole_answers());
  server.set_all(Eligibility::eligible);
  server.set_client(public_resolver);
  const auto ask = [&](std::string_view name, std::string_view prefix) {
    return steered(server, name, subnet_option(prefix));
  };
  SECTION("as far as the locality map was looked at") {
    CHECK(ask("local.svc.example.", "198.51.100.0/24").address == "192.0.2.1");
    CHECK(ask("local.svc.example.", "198.51.100.0/24").scope == "24/24");
    CHECK(ask("local.svc.example.", "198.51.97.0/24").address == "192.0.2.2");
    CHECK(ask("local.svc.example.", "198.51.97.0/24").scope == "24/22");
    CHECK(ask("local.svc.example.", "2001:db8:2:300::/56").address == "192.0.2.2");
    CHECK(ask("local.svc.example.", "2001:db8:2:300::/56").scope == "56/48");
  }
  SECTION("as far as the map knows nothing, where clients get what their resolver gets") {
    server.set_client(*parse_ip_address("198.51.96.1"));  // near ams
    for (const std::string_view unknown : {"192.168.7.0/24", "192.0.2.0/24"}) {
      CHECK(ask("local.svc.example.", unknown).address == "192.0.2.2");
      CHECK(ask("local.svc.example.", unknown).scope == "24/6");
    }
    CHECK(ask("local.svc.example.", "2001:db8:3::/48").address == "192.0.2.2");
  }
  SECTION("also when that is longer than the prefix given") {
    CHECK(ask("local.svc.example.", "198.51.96.0/20").scope == "20/22");
    CHECK(ask("local.svc.example.", "198.0.0.0/8").scope == "8/11");
  }
  SECTION("also through a CNAME") {
    CHECK(ask("to-local.svc.example.", "198.51.97.0/24").scope == "24/22");
    CHECK(ask("to-local.svc.example.", "198.51.97.0/24").address == "192.0.2.2");
  }
  SECTION("by the sticky network, when the pick is the client's") {
    CHECK(ask("sticky.svc.example.", "198.51.100.0/24").scope == "24/24");
    CHECK(ask("sticky.svc.example.", "198.51.100.77/32").scope == "32/24");
    CHECK(ask("sticky.svc.example.", "198.0.0.0/8").scope == "8/24");
    CHECK(ask("sticky.svc.example.", "2001:db8::/48").scope == "48/56");
    std::set<std::string> seen;
    for (int i = 1; i < 40; ++i) {
      const std::string prefix = "198.51." + std::to_string(i) + ".0/24";
      const Steered first = ask("sticky.svc.example.", prefix);
      CHECK(ask("sticky.svc.example.", prefix).address == first.address);
      seen.insert(first.address);
    }
    CHECK(seen.size() == 2);
  }
  SECTION("not at all where everybody gets the same") {
    CHECK(ask("plain.svc.example.", "198.51.100.0/24").scope == "24/0");
    CHECK(ask("n.svc.example.", "198.51.100.0/24").scope == "24/0");
    CHECK(ask("missing.svc.example.", "198.51.100.0/24").scope == "24/0");
    CHECK(ask("example.org.", "198.51.100.0/24").scope == "24/0");
  }
}

TEST_CASE("a subnet that hides the client leaves the resolver's own address", "[respond_edns]") {
  Served server(model(), whole_answers());
  server.set_all(Eligibility::eligible);
  server.set_client(*parse_ip_address("198.51.96.1"));  // near ams
  CHECK(steered(server, "local.svc.example.", option(8, {0, 1, 0, 0})).address == "192.0.2.2");
  CHECK(steered(server, "local.svc.example.", option(8, {0, 1, 0, 0})).scope == "0/0");
  CHECK(steered(server, "local.svc.example.", option(8, {0, 0, 0, 0})).scope == "0/0");
  SECTION("so does a private one that no locality lists") {
    const Steered answer = steered(server, "local.svc.example.", subnet_option("192.168.7.0/24"));
    CHECK(answer.address == "192.0.2.2");
    CHECK(answer.scope == "24/6");  // 192.0.0.0/6 holds nothing that the map lists
  }
  SECTION("but not one that a locality does list") {
    const Steered answer = steered(server, "local.svc.example.", subnet_option("10.1.7.0/24"));
    CHECK(answer.address == "192.0.2.1");
    CHECK(answer.scope == "24/16");
  }
}

TEST_CASE("a client subnet is believed of whom the config says, and else is not there",
          "[respond_edns]") {
  Answering answering = whole_answers();
  answering.believes_all = false;
  answering.believed = PrefixMap<bool>({{*parse_ip_prefix("203.0.113.0/24"), true}});
  Served server(model(), answering);
  server.set_all(Eligibility::eligible);
  server.set_client(public_resolver);
  CHECK(steered(server, "local.svc.example.", subnet_option("198.51.97.0/24")).scope == "24/22");
  server.set_client(*parse_ip_address("198.51.100.9"));  // near fra
  const Steered ignored = steered(server, "local.svc.example.", subnet_option("198.51.97.0/24"));
  CHECK(ignored.address == "192.0.2.1");
  CHECK(ignored.scope.empty());
}

TEST_CASE("an option that breaks a rule gives FORMERR with a bare OPT", "[respond_edns]") {
  Served server(model(), whole_answers());
  for (const Wire& bad : {option(8, {0, 1, 24, 24, 192, 0, 2}), option(8, {0, 1, 24, 0, 192, 0}),
                          option(10, {1, 2, 3}), Wire{0, 3, 0, 9}}) {
    Wire options = option(3, {});
    options.insert(options.end(), bad.begin(), bad.end());
    const PacketText answer = server.ask(QueryText{.name = "n.svc.example.", .options = options});
    CHECK(answer.rcode == rcode::format_error);
    CHECK(answer.has_opt);
    CHECK(answer.options.empty());
    CHECK(answer.answer.empty());
  }
}

TEST_CASE("keepalive is for streams, padding for TLS", "[respond_edns]") {
  Served server(model(), whole_answers());
  QueryText query{.name = "n.svc.example.", .options = option(11, {})};
  CHECK(server.ask(query, Transport::udp).options.empty());
  CHECK(server.ask(query, Transport::tcp).options == option(11, {0, 0}));
  query.options = option(11, {0, 1});
  CHECK(server.ask(query, Transport::udp).rcode == 0);
  CHECK(server.ask(query, Transport::tcp).rcode == rcode::format_error);
  query.options = option(12, {0, 0, 0});
  CHECK(server.ask(query, Transport::udp).options.empty());
  CHECK(server.ask(query, Transport::tcp).options.empty());
  CHECK(server.raw(query_packet(query), Transport::tls).size() == 468);
  query.name = "many.svc.example.";
  CHECK(server.raw(query_packet(query), Transport::tls).size() == 936);
  query.options = {};
  CHECK(server.ask(query, Transport::tls).options.empty());
}

TEST_CASE("a client proves by its cookie that it gets our answers", "[respond_edns]") {
  Answering answering = whole_answers();
  answering.cookie_secrets = {{3, 4}};
  Served server(model(), answering);
  const Wire client_cookie{1, 2, 3, 4, 5, 6, 7, 8};
  QueryText query{.name = "n.svc.example.", .options = option(10, client_cookie)};
  const PacketText first = server.ask(query);
  CHECK(first.answer.size() == 1);
  CHECK(server.outcome().cookie == CookieState::client_only);
  const Wire cookie = find_option(first.options, 10);
  REQUIRE(cookie.size() == 24);
  CHECK(std::equal(client_cookie.begin(), client_cookie.end(), cookie.begin()));

  query.options = option(10, cookie);
  CHECK(find_option(server.ask(query).options, 10) == cookie);
  CHECK(server.outcome().cookie == CookieState::valid);
  server.ask("n.svc.example.");
  CHECK(server.outcome().cookie == CookieState::none);

  SECTION("when it must, with BADCOOKIE or by a stream") {
    Client busy{.address = public_resolver, .must_prove = true};
    Wire out(1232);
    const auto asked = [&](const Wire& options, Transport transport) {
      busy.transport = transport;
      const auto packet = query_packet({.name = "n.svc.example.", .options = options});
      const Outcome outcome = respond(packet, busy, server.snapshot(), server.tally(), out);
      return packet_text(Bytes(out).first(outcome.size));
    };
    const PacketText bad = asked(option(10, client_cookie), Transport::udp);
    CHECK(bad.rcode == rcode::bad_cookie);
    CHECK(bad.answer.empty());
    const Wire fresh = find_option(bad.options, 10);
    CHECK(asked(option(10, fresh), Transport::udp).answer.size() == 1);
    CHECK(asked(option(10, cookie), Transport::udp).rcode ==
          rcode::bad_cookie);  // another client's
    CHECK(asked({}, Transport::udp).flags == "qr tc rd");
    CHECK(asked({}, Transport::udp).answer.empty());
    CHECK(asked({}, Transport::tcp).answer.size() == 1);
    CHECK(asked(option(10, client_cookie), Transport::tcp).answer.size() == 1);
  }
  SECTION("always, where the config says so") {
    answering.cookie_require = CookieRequire::always;
    Served strict(model(), answering);
    CHECK(strict.ask("n.svc.example.").flags == "qr tc rd");
    CHECK(strict.ask({.name = "n.svc.example."}, Transport::tcp).answer.size() == 1);
  }
}

TEST_CASE("a query without a question may ask for a cookie (RFC 7873 section 5.4)",
          "[respond_edns]") {
  Answering answering = whole_answers();
  answering.cookie_secrets = {{3, 4}};
  Served server(model(), answering);
  const auto asked = [&](const Wire& options) {
    Wire packet{0xbe, 0xef, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    put_opt(packet, QueryText{.name = {}, .options = options});
    return packet_text(server.raw(packet));
  };
  const PacketText fresh = asked(option(10, {1, 2, 3, 4, 5, 6, 7, 8}));
  CHECK(fresh.rcode == 0);
  CHECK(fresh.question.empty());
  const Wire cookie = find_option(fresh.options, 10);
  CHECK(cookie.size() == 24);
  CHECK(asked(option(10, cookie)).rcode == 0);
  Wire wrong = cookie;
  wrong.back() ^= 1;
  CHECK(asked(option(10, wrong)).rcode == rcode::bad_cookie);
  CHECK(asked({}).rcode == rcode::format_error);
}

TEST_CASE("a UDP answer is at most ten times its query, unless a cookie proves the client",
          "[respond_edns]") {
  Answering answering;
  answering.cookie_secrets = {{3, 4}};
  answering.identity = std::string(200, 'i');
  Served server(model(), answering);
  const auto packet = query_packet({.name = "many.svc.example."});
  const Wire cut = server.raw(packet);
  CHECK(packet_text(cut).flags == "qr aa tc rd");
  CHECK(cut.size() <= 10 * packet.size());
  CHECK(server.raw(packet, Transport::tcp).size() > 640);
  SECTION("with a cookie it is whole") {
    const QueryText first{.name = "n.svc.example.",
                          .options = option(10, {1, 2, 3, 4, 5, 6, 7, 8})};
    const Wire cookie = find_option(server.ask(first).options, 10);
    const QueryText again{.name = "many.svc.example.", .options = option(10, cookie)};
    CHECK(server.ask(again).answer.size() == 40);
  }
  SECTION("whatever is asked, for every kind of answer") {
    for (const std::string_view name :
         {"many.svc.example.", "svc.example.", "x.sub.svc.example.", "x.wild.svc.example.",
          "x.d.svc.example.", "no.svc.example.", "example.org.", "."}) {
      for (const uint16_t qtype : {type::a, type::soa, type::ns, type::any, type::txt}) {
        for (const bool has_edns : {true, false}) {
          QueryText query{.name = name, .type = qtype, .options = option(3, {})};
          if (!has_edns) query.edns_size = {};
          const auto asked = query_packet(query);
          CHECK(server.raw(asked).size() <= 10 * asked.size());
        }
      }
    }
  }
  SECTION("but never so little that question and OPT have no room") {
    answering.amplification_max = 1;
    Served tight(model(), answering);
    const PacketText answer = tight.ask("many.svc.example.");
    CHECK(answer.parsed);
    CHECK(answer.question.size() == 1);
    CHECK(answer.has_opt);
    CHECK(answer.flags == "qr aa tc rd");
  }
}

TEST_CASE("what only helps is left out before an answer is truncated", "[respond_edns]") {
  Answering answering = whole_answers();
  answering.identity = std::string(255, 'i');
  answering.udp_size_max = 512;
  Served server(model(), answering);
  size_t with_identity = 0;
  for (int count = 1; count <= 40; ++count) {
    Model zones;
    std::string text = "@ 60 IN SOA n h 1 2 3 4 5\n@ 60 IN NS n\n";
    for (int i = 0; i < count; ++i) text += "m 60 IN A 192.0.2." + std::to_string(i) + "\n";
    zones.zones = {zone_source("svc.example.", text)};
    Served one(std::move(zones), answering);
    const QueryText query{.name = "m.svc.example.", .edns_size = 512, .options = option(3, {})};
    const PacketText answer = one.ask(query);
    const size_t records = static_cast<size_t>(count);
    const bool must_fit = 12 + 19 + records * 16 + 11 <= 512;
    CHECK((answer.answer.size() == records) == must_fit);
    with_identity += find_option(answer.options, 3).size() == 255;
  }
  CHECK(with_identity > 5);
  CHECK(with_identity < 40);
}

TEST_CASE("a service that is all down says so", "[respond_edns]") {
  Served server(model(), whole_answers());
  server.set_all(Eligibility::down);
  const auto text = [&](std::string_view name) {
    const Wire said = find_option(server.ask(name).options, 15);
    return std::string(said.begin(), said.end());
  };
  const std::string down = std::string(2, '\0') + "all endpoints down";
  CHECK(text("plain.svc.example.") == down);
  CHECK(text("sticky.svc.example.") == down);
  CHECK(server.outcome().rcode == rcode::server_failure);
  CHECK(text("n.svc.example.").empty());
  server.set_all(Eligibility::eligible);
  CHECK(text("plain.svc.example.").empty());
  SECTION("and one whose health is only remembered, too") {
    for (uint32_t i = 0; i < server.snapshot().eligibility->size(); ++i)
      server.snapshot().eligibility->set(EndpointId(i), Eligibility::eligible, true);
    const PacketText answer = server.ask("plain.svc.example.");
    CHECK(answer.answer.size() == 1);
    const Wire said = find_option(answer.options, 15);
    REQUIRE(said.size() > 2);
    CHECK(said[1] == 3);
    CHECK(text("n.svc.example.").empty());
  }
}

TEST_CASE("answers that one flood would repeat have one key, others have others",
          "[respond_edns]") {
  Served server(model(), whole_answers());
  server.set_all(Eligibility::eligible);
  const auto outcome = [&](std::string_view name, uint16_t type = type::a) {
    server.ask(name, type);
    return server.outcome();
  };
  const Outcome data = outcome("n.svc.example.");
  CHECK(data.kind == AnswerKind::data);
  CHECK(outcome("N.svc.example.").rate_key == data.rate_key);
  CHECK(outcome("plain.svc.example.").kind == AnswerKind::data);
  const Outcome nodata = outcome("n.svc.example.", type::txt);
  CHECK(nodata.kind == AnswerKind::nodata);
  const Outcome missing = outcome("a.svc.example.");
  CHECK(missing.kind == AnswerKind::name_error);
  CHECK(outcome("b.c.svc.example.").rate_key == missing.rate_key);
  const Outcome wildcard = outcome("a.wild.svc.example.", type::txt);
  CHECK(wildcard.kind == AnswerKind::data);
  CHECK(outcome("b.wild.svc.example.", type::txt).rate_key == wildcard.rate_key);
  const Outcome referral = outcome("a.sub.svc.example.");
  CHECK(referral.kind == AnswerKind::referral);
  CHECK(outcome("b.sub.svc.example.").rate_key == referral.rate_key);
  const Outcome renamed = outcome("a.d.svc.example.", type::txt);
  CHECK(outcome("b.d.svc.example.", type::txt).rate_key == renamed.rate_key);
  const Outcome refused = outcome("example.org.");
  CHECK(refused.kind == AnswerKind::error);
  CHECK(outcome("example.net.").rate_key == refused.rate_key);

  const std::set<uint64_t> keys{data.rate_key,     nodata.rate_key,   missing.rate_key,
                                wildcard.rate_key, referral.rate_key, renamed.rate_key,
                                refused.rate_key};
  CHECK(keys.size() == 7);
}

}  // namespace swingover::tests
