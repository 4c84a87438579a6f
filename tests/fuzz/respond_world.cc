#include "tests/fuzz/respond_world.h"

namespace swingover::tests {

using namespace zones;

namespace {

const std::string_view zone = R"(
  @ 60 IN SOA n h 1 2 3 4 5
  @ 60 IN NS n
  @ 60 IN NS s
  @ 60 IN MX 1 n
  @ 60 IN MX 2 s
  @ 60 IN TXT "apex"
  n 60 IN A 192.0.2.53
  n 60 IN AAAA 2001:db8::53
  a 60 IN CNAME s
  b 60 IN CNAME t
  c 60 IN CNAME c2
  c2 60 IN CNAME c
  i 60 IN CNAME x.d
  j 60 IN CNAME q.z
  *.w 60 IN CNAME n
  *.m 60 IN MX 5 m.w
  x.e.m 60 IN TXT "below"
  *.o 60 IN A 192.0.2.9
  *.*.o 60 IN TXT "two"
  d 60 IN DNAME e
  f 60 IN DNAME l.f
  r 60 IN DNAME .
  *.p 60 IN DNAME e
  x.e 60 IN TXT "x"
  z 60 IN NS n.z
  z 60 IN NS n.y
  z 60 IN DS 1 13 2 0123456789012345678901234567890123456789012345678901234567890123
  n.z 60 IN A 192.0.2.1
  zz 60 IN NS s
  zz 60 IN NS n.z
  x.v 60 IN TYPE731 \# 2 c00c
  h 60 IN HTTPS 1 .
  h 60 IN HTTPS 0 s
  h 60 IN SVCB 0 h2
  h2 60 IN SVCB 1 n
  h 60 IN A 192.0.2.8
  _x._tcp 60 IN SRV 1 2 3 s
  _x._tcp 60 IN SRV 1 2 3 n.y.
  s 60 IN TXT "beside"
  sub 60 IN NS n.y.
)";

Model with_large_sets() {
  Model out;
  out.topology = two_clusters();
  std::string text(zone);
  for (int i = 0; i < 120; ++i) text += "l 60 IN A 192.0.2." + std::to_string(i) + "\n";
  for (int i = 0; i < 40; ++i) {
    const std::string name = "n" + std::to_string(i) + ".g";
    text += "g 60 IN NS " + name + "\n" + name + " 60 IN A 192.0.2.1\n";
  }
  for (int i = 0; i < 17; ++i)
    text += "c" + std::to_string(i) + ".k 60 IN CNAME c" + std::to_string(i + 1) + ".k\n";
  out.zones = {zone_source("k.", text)};
  return out;
}

/// Whose answers follow rows of shares.
Service within_capacity(std::string_view name, std::vector<Pool> pools) {
  Service service = service_of(name, std::move(pools));
  service.policy = Policy::local;
  for (Pool& pool : service.pools) {
    pool.capacity = 100;
    pool.has_own_capacity = true;
  }
  return service;
}

}  // namespace

Model respond_model() {
  Model out = with_large_sets();
  const std::string_view apex = "@ 60 IN SOA n h 1 2 3 4 5\n@ 60 IN NS n\nn 60 IN A 192.0.2.3\n";
  out.zones.push_back(zone_source(
      "y.", std::string(apex) + "*.w 1 IN CNAME x.d.k.\nm 60 IN MX 1 s.k.\nm 60 IN MX 2 x.o.k.\n"));
  out.zones.push_back(zone_source("sub.k.", std::string(apex) + "x 60 IN CNAME s.k.\n"));
  out.zones.push_back({.apex = *parse_name("q."), .contents = nullptr});
  out.services = {
      service_of("s.k.", {pool_of("fra", {"192.0.2.10", "2001:db8::10"}),
                          pool_of("ams", {"192.0.2.20"}, 2)}),
      service_of("t.k.", {pool_of("fra", {"s.k."}), pool_of("ams", {"a.w.y."})}),
      service_of("u.k.", {pool_of("fra", {"192.0.2.4"})}),
      service_of("near.k.", {pool_of("fra", {"192.0.2.5"}), pool_of("ams", {"192.0.2.6"})}),
      service_of("glue.k.", {pool_of("fra", {"192.0.2.7", "192.0.2.8"}),
                             pool_of("ams", {"192.0.2.9", "2001:db8::9"})}),
      service_of("*.any.k.", {pool_of("fra", {"192.0.2.30"})}),
      service_of("none.k.", {pool_of("fra", {"192.0.2.31"})}),
      within_capacity("even.k.", {pool_of("fra", {"192.0.2.40"}), pool_of("ams", {"192.0.2.41"})}),
      within_capacity("stick.k.", {pool_of("fra", {"192.0.2.42", "2001:db8::42"}),
                                   pool_of("ams", {"192.0.2.43", "192.0.2.44"})}),
      within_capacity("fence.k.", {pool_of("fra", {"192.0.2.45"}), pool_of("ams", {"192.0.2.46"})}),
      service_of("over.k.", {pool_of("fra", {"even.k."}), pool_of("ams", {"stick.k."}, 2)})};
  out.services[1].policy = Policy::active_active;
  out.services[2].when_all_down = WhenAllDown::servfail;
  out.services[3].policy = Policy::local;
  out.services[4].policy = Policy::active_active;
  out.services[4].sticky = Sticky::client;
  out.services[4].answers = 0;
  out.services[6].when_all_down = WhenAllDown::nodata;
  out.services[8].sticky = Sticky::client;
  out.services[8].answers = 0;
  out.services[9].pools[0].only_regions = {"eu"};
  out.services[9].pools[1].last_resort = true;
  const std::array<uint8_t, 16> secret{1, 2, 3};
  out.tsig_keys.emplace_back(*parse_name("key."), TsigAlgorithm::hmac_sha256, Bytes(secret));
  // Two of the clients have copies: one by its address, one when it signs.
  Secondary secondary{.address = {.address = respond_clients()[1], .port = 53, .unix_path = {}},
                      .key = std::nullopt};
  out.zones[0].transfer.secondaries = {secondary};
  secondary.address.address = respond_clients()[0];
  secondary.key = out.tsig_keys[0].name();
  out.zones[0].transfer.secondaries.push_back(secondary);
  out.zones[1].transfer.secondaries = {secondary};
  return out;
}

Model signed_respond_model(Validator& validator) {
  Model out = respond_model();
  const auto key =
      dnssec::SigningKey::generate(dnssec::Algorithm::ecdsa_p256_sha256, dnssec::KeyRole::ksk);
  if (!key) std::abort();
  for (const size_t place : {size_t{0}, size_t{1}}) {
    ZoneSource& source = out.zones[place];
    source.signing = ZoneSigning::make(
        source.apex,
        {.published = {*key}, .sign_keys = {*key}, .sign_zone = {*key}, .wanted_ds = {*key}}, {});
    validator.trust(source.apex, *source.signing);
  }
  return out;
}

Answering open_answering() {
  return {
      .amplification_max = 0, .identity = "edge", .chaos_identity = "edge", .chaos_version = "1"};
}

Answering strict_answering() {
  Answering out;
  out.cookie_secrets = {{.low = 1, .high = 2}, {.low = 3, .high = 4}};
  out.cookie_require = CookieRequire::always;
  out.believes_all = false;
  return out;
}

std::span<const uint32_t> respond_steered() {
  static constexpr std::array<uint32_t, 2> steered{7, 8};
  return steered;
}

void set_share_rows(const Snapshot& snapshot, unsigned way) {
  // A row that says nothing, one pool for all, both, the other one.
  static constexpr std::array<std::array<uint16_t, 2>, 4> rows{
      {{0, 0}, {10'000, 0}, {3'000, 7'000}, {0, 10'000}}};
  for (const Service& service : snapshot.model->services) {
    if (!snapshot.shares->has_rows(service.id)) continue;
    for (size_t row = 0; row < snapshot.shares->rows(); ++row)
      snapshot.shares->set(service.id, row, rows[(way + row) % rows.size()]);
  }
}

std::span<const std::string_view> respond_names() {
  static constexpr std::array<std::string_view, 49> names{
      "k.",      "n.k.",          "a.k.",    "b.k.",     "c.k.",     "i.k.",     "j.k.",
      "x.w.k.",  "x.m.k.",        "e.m.k.",  "x.o.k.",   "*.o.k.",   "x.*.o.k.", "d.k.",
      "x.d.k.",  "f.k.",          "x.f.k.",  "y.r.k.",   "x.p.k.",   "x.*.p.k.", "z.k.",
      "x.z.k.",  "zz.k.",         "g.k.",    "x.v.k.",   "h.k.",     "h2.k.",    "_x._tcp.k.",
      "_tcp.k.", "s.k.",          "t.k.",    "u.k.",     "near.k.",  "glue.k.",  "x.any.k.",
      "none.k.", "fra.on.s.k.",   "l.k.",    "c0.k.k.",  "x.sub.k.", "m.y.",     "x.w.y.",
      "q.",      "version.bind.", "even.k.", "stick.k.", "fence.k.", "over.k.",  "ams.on.stick.k."};
  return names;
}

std::span<const IpAddress> respond_clients() {
  static const std::array<IpAddress, 4> clients{
      IpAddress::v4({192, 0, 2, 200}), IpAddress::v4({10, 1, 2, 3}), IpAddress::v4({10, 2, 2, 3}),
      *parse_ip_address("2001:db8::77")};
  return clients;
}

}  // namespace swingover::tests
