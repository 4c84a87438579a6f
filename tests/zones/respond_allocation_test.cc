#include <catch2/catch.hpp>

#include <array>
#include <cstdlib>
#include <new>

#include "tests/support/allocations.h"
#include "tests/support/served.h"
#include "zones/protocol.h"
#include "zones/respond.h"
#include "zones/zone_signing.h"

namespace swingover::tests {
namespace {

using namespace zones;

Model model() {
  Model out;
  out.topology = two_clusters();
  std::string text = R"(
    @ 60 IN SOA n h 1 2 3 4 5
    @ 60 IN NS n
    @ 60 IN MX 1 n
    n 60 IN A 192.0.2.53
    alias 60 IN CNAME shop
    *.wild 60 IN CNAME n
    sub 60 IN NS ns.sub
    sub 60 IN NS ns.other.example.
    ns.sub 60 IN A 192.0.2.1
    d 60 IN DNAME target
    x.target 60 IN A 192.0.2.2
)";
  for (int i = 0; i < 100; ++i) text += "many 60 IN A 192.0.2." + std::to_string(i) + "\n";
  out.zones = {zone_source("svc.example.", text),
               zone_source("other.example.",
                           "@ 60 IN SOA n h 1 2 3 4 5\n@ 60 IN NS ns\nns 60 IN A 192.0.2.3\n")};
  out.services = {service_of("shop.svc.example.", {pool_of("fra", {"192.0.2.10", "2001:db8::10"}),
                                                   pool_of("ams", {"192.0.2.20"})}),
                  service_of("cdn.svc.example.", {pool_of("fra", {"n.svc.example."})}),
                  service_of("sticky.svc.example.",
                             {pool_of("fra", {"192.0.2.1"}), pool_of("ams", {"192.0.2.3"})}),
                  service_of("local.svc.example.",
                             {pool_of("fra", {"192.0.2.1"}), pool_of("ams", {"192.0.2.3"})}),
                  service_of("strict.svc.example.", {pool_of("fra", {"192.0.2.4"})}),
                  service_of("shares.svc.example.",
                             {pool_of("fra", {"192.0.2.1"}), pool_of("ams", {"192.0.2.3"})}),
                  service_of("sticky-shares.svc.example.",
                             {pool_of("fra", {"192.0.2.1"}), pool_of("ams", {"192.0.2.3"})})};
  for (const size_t steered : {5U, 6U}) {
    for (Pool& pool : out.services[steered].pools) pool.capacity = 100;
  }
  out.services[6].sticky = Sticky::client;
  out.services[2].policy = Policy::active_active;
  out.services[2].sticky = Sticky::client;
  out.services[3].policy = Policy::local;
  out.services[4].when_all_down = WhenAllDown::servfail;
  return out;
}

void set_shares(const Snapshot& snapshot) {
  for (const ServiceId steered : {ServiceId(5), ServiceId(6)}) {
    for (size_t row = 0; row < snapshot.shares->rows(); ++row)
      snapshot.shares->set(steered, row, std::array<uint16_t, 2>{4'000, 6'000});
  }
}

struct Kind {
  const char* what;
  std::string_view name;
  uint16_t type = type::a;
  uint16_t rcode = 0;
};

}  // namespace

TEST_CASE("no kind of answer allocates memory", "[respond_allocation]") {
  Served server(model());
  server.set_all(Eligibility::eligible);
  server.set(8, Eligibility::down);  // of `strict`
  set_shares(server.snapshot());
  server.set_client(*parse_ip_address("10.2.3.4"));
  const Kind kind = GENERATE(values<Kind>({
      {"static", "n.svc.example."},
      {"with additional data", "svc.example.", type::mx},
      {"NODATA", "n.svc.example.", type::aaaa},
      {"NXDOMAIN", "a.b.c.svc.example.", type::a, rcode::name_error},
      {"wildcard and CNAME", "x.wild.svc.example."},
      {"CNAME to a service", "alias.svc.example."},
      {"referral with glue", "a.sub.svc.example."},
      {"DNAME", "x.d.svc.example."},
      {"truncated", "many.svc.example."},
      {"ANY", "svc.example.", type::any},
      {"service", "shop.svc.example."},
      {"service, IPv6", "shop.svc.example.", type::aaaa},
      {"service with a target", "cdn.svc.example."},
      {"sticky service", "sticky.svc.example."},
      {"local service", "local.svc.example."},
      {"service by shares", "shares.svc.example."},
      {"sticky service by shares", "sticky-shares.svc.example."},
      {"service that fails", "strict.svc.example.", type::a, rcode::server_failure},
      {"a pool's own name", "fra.on.shop.svc.example."},
      {"outside", "example.org.", type::a, rcode::refused},
      {"refused transfer", "svc.example.", type::ixfr, rcode::refused},
  }));
  INFO(kind.what);
  std::vector<uint8_t> out(65'535);
  const auto packet = query_packet({.name = kind.name, .type = kind.type});
  auto malformed = packet;
  malformed.push_back(0);
  auto badvers = packet;
  badvers[badvers.size() - 5] = 1;
  for (const Transport transport : {Transport::udp, Transport::tcp}) {
    const Client client{.address = *parse_ip_address("10.2.3.4"), .transport = transport};
    const uint64_t before = allocations();
    const Outcome answer = respond(packet, client, server.snapshot(), server.tally(), out);
    const Outcome bad = respond(malformed, client, server.snapshot(), server.tally(), out);
    const Outcome version = respond(badvers, client, server.snapshot(), server.tally(), out);
    const Outcome cut =
        respond(Bytes(packet).first(11), client, server.snapshot(), server.tally(), out);
    const uint64_t after = allocations();
    CHECK(after == before);
    CHECK(answer.rcode == kind.rcode);
    CHECK(bad.rcode == rcode::format_error);
    CHECK(version.rcode == rcode::bad_version);
    CHECK(cut.size == 0);
  }
}

TEST_CASE("a signed answer allocates memory for signatures that have to be made, and no more",
          "[respond_allocation]") {
  Model zones = model();
  const auto key =
      dnssec::SigningKey::generate(dnssec::Algorithm::ecdsa_p256_sha256, dnssec::KeyRole::ksk);
  REQUIRE(key);
  const ZoneKeys keys{
      .published = {*key}, .sign_keys = {*key}, .sign_zone = {*key}, .wanted_ds = {*key}};
  zones.zones[0].signing = ZoneSigning::make(zones.zones[0].apex, keys, {});
  Served server(std::move(zones));
  server.set_all(Eligibility::eligible);
  const Kind kind = GENERATE(values<Kind>({
      {"static", "n.svc.example."},
      {"with additional data", "svc.example.", type::mx},
      {"keys", "svc.example.", type::dnskey},
      {"NODATA", "n.svc.example.", type::aaaa},
      {"no such name", "a.b.c.svc.example."},
      {"wildcard and CNAME", "x.wild.svc.example."},
      {"referral with glue", "a.sub.svc.example."},
      {"DNAME", "x.d.svc.example."},
      {"service with a target", "cdn.svc.example."},
      {"a service", "strict.svc.example."},
      {"a pool's own name", "fra.on.shop.svc.example."},
  }));
  INFO(kind.what);
  std::vector<uint8_t> out(65'535);
  const auto packet = query_packet({.name = kind.name, .type = kind.type, .dnssec_ok = true});
  const Client client{
      .address = *parse_ip_address("10.2.3.4"), .transport = Transport::tcp, .now = 1};
  const Outcome first = respond(packet, client, server.snapshot(), server.tally(), out);
  const uint64_t before = allocations();
  const Outcome second = respond(packet, client, server.snapshot(), server.tally(), out);
  CHECK(allocations() == before);
  CHECK(first.rcode == rcode::no_error);
  CHECK(second.size == first.size);
}

TEST_CASE("no option of a query allocates memory", "[respond_allocation]") {
  Answering answering;
  answering.identity = answering.chaos_identity = "edge-1";
  answering.chaos_version = "1";
  answering.cookie_secrets = {{1, 2}, {3, 4}};
  answering.believes_all = false;
  answering.believed = PrefixMap<bool>({{*parse_ip_prefix("10.0.0.0/8"), true}});
  Served server(model(), answering);
  server.set_all(Eligibility::down);
  set_shares(server.snapshot());
  // Every other service counts down.
  for (uint32_t i = 0; i < server.snapshot().changes->size(); i += 2)
    server.snapshot().changes->set(ServiceId(i), 9);

  struct Asked {
    const char* what;
    std::vector<uint8_t> options;
    std::string_view name = "local.svc.example.";
    uint16_t dns_class = 1;
    uint16_t flags = 0;
  };
  const auto asked = GENERATE(values<Asked>({
      {"an extended error", {}},
      {"NSID", {0, 3, 0, 0}},
      {"a client subnet", {0, 8, 0, 7, 0, 1, 24, 0, 10, 1, 2}},
      {"a client subnet of a sticky service",
       {0, 8, 0, 7, 0, 1, 24, 0, 9, 1, 2},
       "sticky.svc.example."},
      {"a client subnet of a service with shares",
       {0, 8, 0, 7, 0, 1, 24, 0, 10, 1, 2},
       "sticky-shares.svc.example."},
      {"a client cookie", {0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8}},
      {"a foreign server cookie",
       {0, 10, 0, 24, 1, 2, 3, 4, 5, 6, 7, 8, 1, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8}},
      {"keepalive", {0, 11, 0, 0}},
      {"padding", {0, 12, 0, 2, 0, 0}},
      {"a malformed client subnet", {0, 8, 0, 7, 0, 1, 24, 24, 10, 1, 2}},
      {"CHAOS", {}, "id.server.", 3},
      {"NOTIFY", {}, "svc.example.", 1, 0x2000},
      {"UPDATE", {}, "example.org.", 1, 0x2800},
      {"STATUS", {}, "svc.example.", 1, 0x1000},
  }));
  INFO(asked.what);
  std::vector<uint8_t> out(65'535);
  const auto packet = query_packet({.name = asked.name,
                                    .dns_class = asked.dns_class,
                                    .options = asked.options,
                                    .flags = asked.flags});
  std::vector<uint8_t> without_question{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  put_opt(without_question, {.name = {}, .options = asked.options});
  for (const Transport transport : {Transport::udp, Transport::tcp, Transport::tls}) {
    for (const bool must_prove : {false, true}) {
      const Client client{.address = *parse_ip_address("10.2.3.4"),
                          .transport = transport,
                          .now = 1,
                          .must_prove = must_prove};
      const uint64_t before = allocations();
      const Outcome answer = respond(packet, client, server.snapshot(), server.tally(), out);
      const Outcome bare =
          respond(without_question, client, server.snapshot(), server.tally(), out);
      const uint64_t after = allocations();
      CHECK(after == before);
      CHECK(answer.size > 0);
      CHECK(bare.size > 0);
    }
  }
}

TEST_CASE("the count of allocations counts", "[respond_allocation]") {
  if (!counts_allocations) return;
  const uint64_t before = allocations();
  delete new volatile int(1);
  std::free(std::malloc(1));  // NOLINT
  CHECK(allocations() >= before + 1);
  const uint64_t between = allocations();
  std::vector<uint8_t> bytes(1000);
  CHECK(bytes.data() != nullptr);
  CHECK(allocations() > between);
}

}  // namespace swingover::tests
