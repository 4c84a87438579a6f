#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

#include "tests/support/served.h"
#include "tests/support/validator.h"
#include "zones/protocol.h"
#include "zones/zone_signing.h"

namespace swingover::tests {
namespace {

using namespace zones;
using dnssec::Algorithm;
using dnssec::KeyRole;
using dnssec::SigningKey;

constexpr uint32_t now = 1'800'000'000;

SigningKey key_of(KeyRole role = KeyRole::ksk, Algorithm algorithm = Algorithm::ecdsa_p256_sha256) {
  auto key = SigningKey::generate(algorithm, role);
  REQUIRE(key);
  return *key;
}
ZoneKeys csk(const SigningKey& key) {
  return {.published = {key}, .sign_keys = {key}, .sign_zone = {key}, .wanted_ds = {key}};
}

const char* const zone_file = R"(
    @ 3600 IN SOA Ns.Svc.Example. h 7 2 3 4 300
    @ 3600 IN NS ns
    @ 60 IN MX 1 mail
    ns 60 IN A 192.0.2.53
    ns 60 IN AAAA 2001:db8::53
    mail 60 IN A 192.0.2.25
    alias 60 IN CNAME shop
    Mixed 60 IN CNAME MIXED.Target
    mixed.target 60 IN TXT "mixed"
    loop 60 IN CNAME loop
    out 60 IN CNAME www.example.net.
    to-other 60 IN CNAME name.other.example.
    *.wild 60 IN A 192.0.2.7
    *.wild 60 IN MX 1 mail
    *.w2 60 IN CNAME ns
    a.b.c 60 IN TXT "below two empty non-terminals"
    insecure 60 IN NS ns.insecure
    ns.insecure 60 IN A 192.0.2.1
    secure 60 IN NS ns
    secure 60 IN DS 12345 13 2 0000000000000000000000000000000000000000000000000000000000000000
    d 60 IN DNAME target
    x.target 60 IN A 192.0.2.2
    srv 60 IN SRV 1 1 443 mail
    binding 60 IN HTTPS 1 shop alpn=h2
)";

Model model() {
  Model out;
  out.topology = two_clusters();
  out.zones = {zone_source("svc.example.", zone_file),
               zone_source("other.example.",
                           "@ 60 IN SOA n h 1 2 3 4 5\n@ 60 IN NS ns\n"
                           "ns 60 IN A 192.0.2.3\nname 60 IN A 192.0.2.4\n")};
  std::string many = "@ 60 IN SOA n h 1 2 3 4 5\n@ 60 IN NS ns.svc.example.\n";
  for (int i = 0; i < 70; ++i) many += "many 60 IN A 192.0.2." + std::to_string(i) + "\n";
  out.zones.push_back(zone_source("many.example.", many));
  out.services = {
      service_of("shop.svc.example.", {pool_of("fra", {"192.0.2.10", "192.0.2.11", "2001:db8::10"}),
                                       pool_of("ams", {"192.0.2.20", "2001:db8::20"})}),
      service_of("v4.svc.example.", {pool_of("fra", {"192.0.2.12"})}),
      service_of("cdn.svc.example.", {pool_of("fra", {"ns.svc.example."})}),
      service_of("all.svc.example.", {pool_of("fra", {"192.0.2.31", "192.0.2.32", "192.0.2.33"})})};
  out.services[3].policy = Policy::all;
  out.services[3].answers = 0;
  return out;
}

class Signed {
 public:
  explicit Signed(const ZoneKeys& keys = csk(key_of()), const SigningOptions& options = {})
      : server_(signed_model(keys, options)) {
    server_.set_all(Eligibility::eligible);
    server_.set_now(now);
  }

  Served& server() { return server_; }
  const ZoneSigning& signing() const { return *signing_; }
  /// Signed, and looked at.
  PacketText ask(std::string_view name, uint16_t type, bool compact_ok = false,
                 Transport transport = Transport::tcp) {
    std::vector<uint8_t> query = query_packet({.name = name, .type = type, .dnssec_ok = true});
    if (compact_ok) query[query.size() - 4] |= 0x40;
    wire_ = server_.raw(query, transport);
    problems_ = validator_.problems(wire_, now_);
    return packet_text(wire_);
  }
  const Lines& problems() const { return problems_; }
  void set_now(uint32_t seconds) {
    now_ = seconds;
    server_.set_now(seconds);
  }

 private:
  Model signed_model(const ZoneKeys& keys, const SigningOptions& options) {
    Model out = model();
    for (ZoneSource& zone : out.zones) {
      if (zone.apex == *parse_name("other.example.")) continue;
      zone.signing = ZoneSigning::make(zone.apex, keys, options);
      validator_.trust(zone.apex, *zone.signing);
    }
    signing_ = out.zones[0].signing;
    return out;
  }

  Validator validator_;
  std::shared_ptr<const ZoneSigning> signing_;
  Served server_;
  std::vector<uint8_t> wire_;
  Lines problems_;
  uint32_t now_ = now;
};

/// Without what only signed answers have.
Lines plain(const Lines& lines) {
  Lines out;
  for (const std::string& line : lines) {
    if (line.find(" IN RRSIG ") == std::string::npos &&
        line.find(" IN NSEC ") == std::string::npos && line.find(" IN DS ") == std::string::npos)
      out.push_back(line);
  }
  return out;
}
Lines of_type(const Lines& lines, const std::string& type) {
  Lines out;
  for (const std::string& line : lines) {
    if (line.find(" IN " + type + " ") != std::string::npos) out.push_back(line);
  }
  return out;
}

}  // namespace

TEST_CASE("who sets DO gets what everybody gets, signed", "[signed_answers]") {
  struct Kind {
    const char* what;
    std::string_view name;
    uint16_t type;
    size_t unsigned_sets = 0;  // records that no zone of ours signs
  };
  const std::vector<Kind> kinds{
      {"SOA", "svc.example.", type::soa},
      {"NS with addresses", "svc.example.", type::ns},
      {"MX with addresses", "svc.example.", type::mx},
      {"another case", "SvC.eXample.", type::mx},
      {"addresses", "ns.svc.example.", type::aaaa},
      {"a service", "shop.svc.example.", type::a},
      {"a service, other family", "shop.svc.example.", type::aaaa},
      {"a service of all", "all.svc.example.", type::a},
      {"a CNAME to a service", "alias.svc.example.", type::a},
      {"a CNAME with capitals", "mixed.svc.example.", type::txt},
      {"a CNAME to itself", "loop.svc.example.", type::a},
      {"a CNAME out", "out.svc.example.", type::a},
      {"a CNAME to an unsigned zone", "to-other.svc.example.", type::a, 1},
      {"a service of targets", "cdn.svc.example.", type::a},
      {"a pool", "fra.on.shop.svc.example.", type::a},
      {"a pool of targets", "fra.on.cdn.svc.example.", type::aaaa},
      {"a wildcard", "x.wild.svc.example.", type::a},
      {"a wildcard, deeper", "x.y.z.wild.svc.example.", type::mx},
      {"the wildcard itself", "*.wild.svc.example.", type::a},
      {"a name that begins with a star", "*.x.wild.svc.example.", type::a},
      {"a CNAME of a wildcard", "x.w2.svc.example.", type::a},
      {"a DNAME", "x.d.svc.example.", type::a, 1},
      {"a DNAME itself", "d.svc.example.", type::dname},
      {"DS at a cut", "secure.svc.example.", type::ds},
      {"SRV with addresses", "srv.svc.example.", type::srv},
      {"HTTPS with a service's addresses", "binding.svc.example.", type::https},
      {"ANY", "ns.svc.example.", type::any},
      {"ANY of a service", "shop.svc.example.", type::any},
      {"DNSKEY", "svc.example.", type::dnskey},
      {"CDS", "svc.example.", type::cds},
      {"CDNSKEY", "svc.example.", type::cdnskey},
      {"a large set", "many.many.example.", type::a},
      {"an unsigned zone", "name.other.example.", type::a, 1},
  };
  Signed signed_zone;
  for (const Kind& kind : kinds) {
    CAPTURE(kind.what);
    // Twice, so that the second one's signatures are found.
    for (int round = 0; round < 2; ++round) {
      const PacketText got = signed_zone.ask(kind.name, kind.type);
      CAPTURE(got.answer, got.authority, got.additional, signed_zone.problems());
      const PacketText everybodys =
          signed_zone.server().ask({.name = kind.name, .type = kind.type}, Transport::tcp);
      CHECK(got.rcode == 0);
      CHECK(signed_zone.problems().size() == kind.unsigned_sets);
      if (kind.type != type::ds) {
        CHECK(plain(got.answer).size() == everybodys.answer.size());
        std::set<std::string> ours, theirs;
        for (const auto& line : plain(got.answer)) ours.insert(line);
        for (const auto& line : everybodys.answer) theirs.insert(line);
        if (kind.name.find("shop") == std::string_view::npos && kind.type != type::https &&
            std::string_view(kind.what) != "a CNAME to a service")
          CHECK(ours == theirs);
      }
      CHECK_FALSE(got.answer.empty());
    }
  }
}

TEST_CASE("what is not there is denied compactly", "[signed_answers]") {
  struct Kind {
    const char* what;
    std::string_view name;
    uint16_t type;
    const char* nsec;
    uint16_t rcode = rcode::no_error;  // to who sets no DO
  };
  const std::vector<Kind> kinds{
      {"no such name", "nope.svc.example.", type::a,
       // TYPE128 is NXNAME.
       "nope.svc.example. 300 IN NSEC \\000.nope.svc.example. RRSIG NSEC TYPE128", 3},
      {"no such name, deep", "a.b.nope.svc.example.", type::a,
       "a.b.nope.svc.example. 300 IN NSEC \\000.a.b.nope.svc.example. RRSIG NSEC TYPE128", 3},
      {"no such type", "ns.svc.example.", type::txt,
       "ns.svc.example. 300 IN NSEC \\000.ns.svc.example. A AAAA RRSIG NSEC"},
      {"no such type at the apex", "svc.example.", type::txt,
       "svc.example. 300 IN NSEC \\000.svc.example. NS SOA MX RRSIG NSEC DNSKEY CDS CDNSKEY"},
      {"DS at the apex", "svc.example.", type::ds,
       "svc.example. 300 IN NSEC \\000.svc.example. NS SOA MX RRSIG NSEC DNSKEY CDS CDNSKEY"},
      {"an empty non-terminal", "b.c.svc.example.", type::a,
       "b.c.svc.example. 300 IN NSEC \\000.b.c.svc.example. RRSIG NSEC"},
      {"a type that a wildcard lacks", "x.wild.svc.example.", type::txt,
       "x.wild.svc.example. 300 IN NSEC \\000.x.wild.svc.example. A MX RRSIG NSEC"},
      {"a family that a service lacks", "v4.svc.example.", type::aaaa,
       "v4.svc.example. 300 IN NSEC \\000.v4.svc.example. A RRSIG NSEC"},
      {"a type that a service lacks", "shop.svc.example.", type::txt,
       "shop.svc.example. 300 IN NSEC \\000.shop.svc.example. A AAAA RRSIG NSEC"},
      {"a family that a pool lacks", "fra.on.v4.svc.example.", type::aaaa,
       "fra.on.v4.svc.example. 300 IN NSEC \\000.fra.on.v4.svc.example. A RRSIG NSEC"},
      {"DS of an insecure child", "insecure.svc.example.", type::ds,
       "insecure.svc.example. 300 IN NSEC \\000.insecure.svc.example. NS RRSIG NSEC"},
  };
  Signed signed_zone;
  for (const Kind& kind : kinds) {
    CAPTURE(kind.what);
    for (const bool compact_ok : {false, true}) {
      const PacketText got = signed_zone.ask(kind.name, kind.type, compact_ok);
      CAPTURE(got.authority, signed_zone.problems());
      CHECK(got.answer.empty());
      CHECK(got.rcode == (compact_ok ? kind.rcode : rcode::no_error));
      CHECK(signed_zone.problems() == Lines{});
      CHECK(of_type(got.authority, "NSEC") == Lines{kind.nsec});
      REQUIRE(of_type(got.authority, "SOA").size() == 1);
      CHECK(of_type(got.authority, "SOA")[0].find("svc.example. 300 IN SOA ") == 0);
      CHECK(of_type(got.authority, "RRSIG").size() == 2);
    }
    CHECK(signed_zone.server().ask(kind.name, kind.type).rcode == kind.rcode);
  }
}

TEST_CASE("a service denies a type for no longer than its answer can change", "[signed_answers]") {
  Signed signed_zone;
  signed_zone.server().set_all(Eligibility::down);
  const PacketText got = signed_zone.ask("shop.svc.example.", type::txt);
  CHECK(signed_zone.problems() == Lines{});
  CHECK(of_type(got.authority, "NSEC").size() == 1);
}

TEST_CASE("referrals say whether the child is signed", "[signed_answers]") {
  Signed signed_zone;
  PacketText got = signed_zone.ask("www.insecure.svc.example.", type::a);
  CHECK(of_type(got.authority, "NSEC") ==
        Lines{"insecure.svc.example. 300 IN NSEC \\000.insecure.svc.example. NS RRSIG NSEC"});
  CHECK(signed_zone.problems() ==
        Lines{"unsigned: insecure.svc.example.\t60\tIN\tNS\tns.insecure.svc.example.",
              "unsigned: ns.insecure.svc.example.\t60\tIN\tA\t192.0.2.1"});
  CHECK(got.flags.find("aa") == std::string::npos);

  got = signed_zone.ask("www.secure.svc.example.", type::a);
  CHECK(of_type(got.authority, "DS").size() == 1);
  CHECK(of_type(got.authority, "NSEC").empty());
  CHECK(signed_zone.problems() ==
        Lines{"unsigned: secure.svc.example.\t60\tIN\tNS\tns.svc.example."});
}

TEST_CASE("NSEC and RRSIG can be asked for", "[signed_answers]") {
  Signed signed_zone;
  PacketText got = signed_zone.ask("ns.svc.example.", type::nsec);
  CHECK(of_type(got.answer, "NSEC") ==
        Lines{"ns.svc.example. 300 IN NSEC \\000.ns.svc.example. A AAAA RRSIG NSEC"});
  CHECK(signed_zone.problems() == Lines{});
  got = signed_zone.ask("ns.svc.example.", type::rrsig);
  CHECK(of_type(got.answer, "RRSIG").size() == 1);
  CHECK(signed_zone.problems() == Lines{});
}

TEST_CASE("who sets no DO gets no signature", "[signed_answers]") {
  Signed signed_zone;
  for (const uint16_t type : {type::a, type::txt, type::dnskey, type::soa}) {
    const PacketText got = signed_zone.server().ask("svc.example.", type);
    CHECK(of_type(got.answer, "RRSIG").empty());
    CHECK(of_type(got.authority, "RRSIG").empty());
    CHECK(of_type(got.authority, "NSEC").empty());
  }
  CHECK(signed_zone.server().ask("nope.svc.example.").rcode == rcode::name_error);
}

TEST_CASE("a set that leaves no room for its signature is truncated as a whole",
          "[signed_answers]") {
  Signed signed_zone;
  // 70 addresses take 1,120 octets: they fit a datagram, their signature does not.
  const PacketText got = signed_zone.ask("many.many.example.", type::a, false, Transport::udp);
  CHECK(got.flags.find("tc") != std::string::npos);
  CHECK(got.answer.empty());
  CHECK(signed_zone.server().ask("many.many.example.").answer.size() == 70);
}

TEST_CASE("every key of a zone signs", "[signed_answers]") {
  const SigningKey ksk = key_of(KeyRole::ksk), zsk = key_of(KeyRole::zsk),
                   other = key_of(KeyRole::zsk, Algorithm::ed25519);
  Signed signed_zone({.published = {ksk, zsk, other},
                      .sign_keys = {ksk},
                      .sign_zone = {zsk, other},
                      .wanted_ds = {ksk}});
  const auto tags = [](const Lines& lines) {
    std::set<std::string> out;
    for (const std::string& line : of_type(lines, "RRSIG")) {
      const size_t signer = line.find(" svc.example. ");
      const size_t tag = line.rfind(' ', signer - 1);
      out.insert(line.substr(tag + 1, signer - tag - 1));
    }
    return out;
  };
  const auto number = [](const SigningKey& key) { return std::to_string(key.tag()); };
  PacketText got = signed_zone.ask("shop.svc.example.", type::a);
  CHECK(signed_zone.problems() == Lines{});
  CHECK(tags(got.answer) == std::set<std::string>{number(zsk), number(other)});
  got = signed_zone.ask("svc.example.", type::dnskey);
  CHECK(signed_zone.problems() == Lines{});
  CHECK(tags(got.answer) == std::set<std::string>{number(ksk)});
  CHECK(of_type(got.answer, "DNSKEY").size() == 3);
  CHECK(of_type(signed_zone.ask("svc.example.", type::cds).answer, "CDS").size() == 1);
}

TEST_CASE("a signature is made once, used again, and made anew before it dies",
          "[signed_answers]") {
  Signed signed_zone;
  const auto signature = [&] {
    const PacketText got = signed_zone.ask("v4.svc.example.", type::a);
    CHECK(signed_zone.problems() == Lines{});
    const Lines lines = of_type(got.answer, "RRSIG");
    REQUIRE(lines.size() == 1);
    return lines[0];
  };
  const std::string first = signature();
  CHECK(signature() == first);  // ECDSA gives another one each time that it signs
  constexpr uint32_t day = 86'400;
  signed_zone.set_now(now + 7 * day);
  CHECK(signature() == first);
  signed_zone.set_now(now + 9 * day + 1);
  const std::string second = signature();
  CHECK(second != first);
  SECTION("a clock that goes back does not give out what is not yet good") {
    signed_zone.set_now(now);
    CHECK(signature() != second);
  }
  SECTION("a clock that leaps ahead does not give out what is dead") {
    signed_zone.set_now(now + 400 * day);
    CHECK(signature() != second);
  }
}

TEST_CASE("other keys never get the signatures of those before", "[signed_answers]") {
  const Name apex = *parse_name("svc.example.");
  const auto before = ZoneSigning::make(apex, csk(key_of()), {});
  const auto after = ZoneSigning::make(apex, csk(key_of()), {}, before.get());
  CHECK(before->zone.cache() == after->zone.cache());
  for (const auto& signing : {before, after, before}) {
    Model zones = model();
    zones.zones[0].signing = signing;
    Served server(std::move(zones));
    server.set_all(Eligibility::eligible);
    server.set_now(now);
    Validator validator;
    validator.trust(apex, *signing);
    const auto wire =
        server.raw(query_packet({.name = "v4.svc.example.", .type = type::a, .dnssec_ok = true}));
    CHECK(validator.problems(wire, now) == Lines{});
  }
}

TEST_CASE("every set of endpoints that a policy gives is signed as it is", "[signed_answers]") {
  Model zones = model();
  Pool pool = pool_of("fra", {});
  for (int i = 0; i < 12; ++i) {
    Endpoint endpoint;
    endpoint.address = *parse_ip_address("198.51.100." + std::to_string(i));
    pool.endpoints.push_back(endpoint);
  }
  zones.services = {service_of("many.svc.example.", {pool})};
  zones.services[0].answers = 3;
  const auto signing =
      ZoneSigning::make(*parse_name("svc.example."), csk(key_of()),
                        {.signatures_max = 16});  // so that they drive each other out
  zones.zones[0].signing = signing;
  Validator validator;
  validator.trust(*parse_name("svc.example."), *signing);
  Served server(std::move(zones));
  server.set_now(now);
  Random random(1);
  std::set<Lines> seen;
  for (int round = 0; round < 300; ++round) {
    for (uint32_t i = 0; i < 12; ++i)
      server.set(i, random.below(2) == 0 ? Eligibility::eligible : Eligibility::down);
    const auto wire =
        server.raw(query_packet({.name = "many.svc.example.", .type = type::a, .dnssec_ok = true}));
    REQUIRE(validator.problems(wire, now) == Lines{});
    seen.insert(plain(packet_text(wire).answer));
  }
  CHECK(seen.size() > 50);
}

TEST_CASE("signatures for names that strangers think up take a part of a thread's time, no more",
          "[signed_answers]") {
  Signed signed_zone(csk(key_of()), {.unknown_names = Percent(0.5)});
  int unknown = 0;
  const auto ask_unknown = [&](const std::string& below, Transport transport = Transport::udp) {
    const std::string name = "n" + std::to_string(unknown++) + below + ".svc.example.";
    const PacketText got = signed_zone.ask(name, type::a, false, transport);
    CHECK(signed_zone.problems() == Lines{});
    return got;
  };
  const auto is_truncated = [](const PacketText& got) {
    return got.flags.find("tc") != std::string::npos;
  };
  const std::string below = GENERATE("", ".wild", ".w2");
  CAPTURE(below);
  CHECK_FALSE(is_truncated(ask_unknown(below)));  // 5 ms: some hundred signatures
  bool is_spent = false;
  for (int i = 0; i < 2'000 && !is_spent; ++i) is_spent = is_truncated(ask_unknown(below));
  REQUIRE(is_spent);
  const int spent_at = unknown;
  CHECK(is_truncated(ask_unknown(below)));

  SECTION("a stream gets them all the same") {
    CHECK_FALSE(is_truncated(ask_unknown(below, Transport::tcp)));
  }
  SECTION("what stands in the zone is signed, made before or not") {
    for (const auto& [name, rrtype] :
         {std::pair("shop.svc.example.", type::a), std::pair("ns.svc.example.", type::a),
          std::pair("ns.svc.example.", type::txt), std::pair("b.c.svc.example.", type::a),
          std::pair("x.insecure.svc.example.", type::a)}) {
      CHECK_FALSE(is_truncated(signed_zone.ask(name, rrtype, false, Transport::udp)));
    }
  }
  SECTION("what was signed before is answered") {
    unknown = 0;
    CHECK_FALSE(is_truncated(ask_unknown(below)));
    CHECK(spent_at > 1);
  }
  SECTION("the next second has a budget of its own") {
    signed_zone.set_now(now + 1);
    CHECK_FALSE(is_truncated(ask_unknown(below)));
  }
}

}  // namespace swingover::tests
