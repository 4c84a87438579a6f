#include "zones/transfer.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "tests/support/served.h"

namespace swingover::tests {
namespace {

using namespace zones;
using Wire = std::vector<uint8_t>;
using Shared = std::shared_ptr<const Snapshot>;

constexpr uint32_t now = 1'800'000'000;
const IpAddress secondary = IpAddress::v4({192, 0, 2, 2});
const IpAddress stranger = IpAddress::v4({192, 0, 2, 3});

const TsigKey& the_key() {
  static constexpr std::array<uint8_t, 32> secret{1, 2, 3};
  static const TsigKey key{*parse_name("xfr.example."), TsigAlgorithm::hmac_sha256, secret};
  return key;
}

constexpr std::string_view soa_line = "@ 60 IN SOA n h {} 2 3 4 5\n@ 60 IN NS n\n";

std::string with_serial(uint32_t serial, std::string_view records) {
  std::string text(soa_line);
  text.replace(text.find("{}"), 2, std::to_string(serial));
  return text + std::string(records);
}

struct World {
  std::string text = with_serial(7, R"(
    n 60 IN A 192.0.2.53
    *.wild 60 IN TXT "w"
    sub 60 IN NS ns.sub
    ns.sub 60 IN A 192.0.2.1
    mail 60 IN MX 10 Mx.mail
    mail 60 IN MX 20 other.org.
    mx.mail 60 IN AAAA 2001:db8::1
    d 60 IN DNAME target
    odd 60 IN TYPE65280 \# 3 c00c01
)");
  TransferOptions transfer{
      .view = TransferView::primary,
      .secondaries = {
          {.address = {.address = secondary, .port = 53, .unix_path = {}}, .key = std::nullopt}}};
  std::vector<Service> services{};
  Serials serials{};
};

Shared make(const World& world, const Snapshot* previous = nullptr) {
  auto model = std::make_shared<Model>();
  model->topology = two_clusters();
  model->zones = {zone_source("example.", world.text),
                  zone_source("other.org.", with_serial(1, "")),
                  {.apex = *parse_name("broken."), .contents = nullptr}};
  model->zones[0].transfer = world.transfer;
  model->services = world.services;
  model->tsig_keys = {the_key()};
  number(model->services);
  return build_snapshot(model, {.serials = world.serials}, previous);
}

Wire request(std::string_view name, uint16_t type, std::optional<uint32_t> serial = std::nullopt,
             std::optional<uint16_t> edns = std::nullopt) {
  Wire out = query_packet({.name = name, .type = type, .edns_size = std::nullopt});
  if (serial) {
    write_u16(&out[8], 1);
    const Wire soa{0xc0, 0x0c, 0, 6, 0, 1, 0, 0, 0, 0, 0, 22, 0, 0};
    out.insert(out.end(), soa.begin(), soa.end());
    put_u16(out, *serial >> 16);
    put_u16(out, *serial & 0xffff);
    out.resize(out.size() + 16);
  }
  if (edns) {
    write_u16(&out[10], 1);
    put_opt(out, {.name = ".", .edns_size = edns});
  }
  return out;
}

uint16_t rcode_of(const Shared& snapshot, const Wire& packet, const IpAddress& client = secondary,
                  Transport transport = Transport::tcp) {
  WorkerTally tally(*snapshot, 0);
  Wire out(65'535);
  const Outcome outcome = respond(packet, {.address = client, .transport = transport, .now = now},
                                  *snapshot, tally, out);
  if (outcome.is_transfer) CHECK(outcome.size == 0);
  CHECK(outcome.is_transfer ==
        (start_transfer(packet, {.address = client, .transport = transport, .now = now},
                        *snapshot) != nullptr &&
         transport != Transport::udp));
  return outcome.rcode;
}

struct Received {
  std::vector<Wire> messages;
  Lines records;  // in the order of the stream
  TransferForm form{};
};

Received receive(const Shared& snapshot, const Wire& packet) {
  const auto transfer = start_transfer(
      packet, {.address = secondary, .transport = Transport::tcp, .now = now}, *snapshot);
  REQUIRE(transfer);
  Received out;
  out.form = transfer->form();
  Wire buffer(65'535);
  while (const size_t size = transfer->next(buffer, now)) {
    out.messages.emplace_back(buffer.begin(), buffer.begin() + static_cast<long>(size));
    const PacketText text = packet_text(out.messages.back());
    REQUIRE(text.parsed);
    CHECK(text.flags.starts_with("qr aa"));
    CHECK(text.question.size() == 1);
    out.records.insert(out.records.end(), text.answer.begin(), text.answer.end());
  }
  CHECK(transfer->is_complete());
  CHECK_FALSE(transfer->is_broken());
  return out;
}

std::multiset<std::string> records_of(const Shared& snapshot) {
  const Received all = receive(snapshot, request("example.", type::axfr));
  REQUIRE(all.records.size() >= 2);
  CHECK(all.records.front() == all.records.back());
  return {all.records.begin(), all.records.end() - 1};
}

uint32_t serial_of(const Shared& snapshot) {
  return snapshot->zones.entry_of(*parse_name("example."))->zone->serial();
}

Service shop() {
  return service_of("shop.example.",
                    {pool_of("fra", {"192.0.2.10", "2001:db8::10", "192.0.2.11"}, 2),
                     pool_of("ams", {"192.0.2.20"}, 1)});
}

}  // namespace

TEST_CASE("a whole transfer holds every record once, between two copies of the SOA", "[transfer]") {
  const Shared snapshot = make({});
  const std::multiset<std::string> wanted{"example. 60 IN SOA n.example. h.example. 7 2 3 4 5",
                                          "example. 60 IN NS n.example.",
                                          "n.example. 60 IN A 192.0.2.53",
                                          "*.wild.example. 60 IN TXT \"w\"",
                                          "sub.example. 60 IN NS ns.sub.example.",
                                          "ns.sub.example. 60 IN A 192.0.2.1",
                                          "mail.example. 60 IN MX 10 Mx.mail.example.",
                                          "mail.example. 60 IN MX 20 other.org.",
                                          "mx.mail.example. 60 IN AAAA 2001:db8::1",
                                          "d.example. 60 IN DNAME target.example.",
                                          "odd.example. 60 IN TYPE65280 \\# 3 c00c01"};
  CHECK(records_of(snapshot) == wanted);
}

TEST_CASE("a copy holds no pool with a fence", "[transfer]") {
  World world;
  world.transfer.view = GENERATE(TransferView::primary, TransferView::all);
  Service fenced = shop();
  for (Pool& pool : fenced.pools) pool.only_regions = {"eu"};
  Service half = shop();
  half.name = *parse_name("half.example.");
  half.pools[1].only_regions = {"eu"};  // that of the lowest priority
  world.services = {fenced, half};
  const std::multiset<std::string> records = records_of(make(world));
  const auto count = [&](std::string_view owner) {
    return std::ranges::count_if(records,
                                 [&](const std::string& line) { return line.starts_with(owner); });
  };
  CHECK(count("shop.") == 0);
  CHECK(count("half.") == 3);
  CHECK(records.contains("half.example. 30 IN A 192.0.2.10"));
}

TEST_CASE("who has no right is refused, and what is no zone is told so", "[transfer]") {
  World world;
  const Shared snapshot = make(world);
  CHECK(rcode_of(snapshot, request("example.", type::axfr)) == rcode::no_error);
  CHECK(rcode_of(snapshot, request("EXAMPLE.", type::ixfr, 7)) == rcode::no_error);
  CHECK(rcode_of(snapshot, request("example.", type::axfr), stranger) == rcode::refused);
  CHECK(rcode_of(snapshot, request("example.", type::ixfr, 7), stranger) == rcode::refused);
  CHECK(rcode_of(snapshot, request("example.", type::ixfr, 7), stranger, Transport::udp) ==
        rcode::refused);
  CHECK(rcode_of(snapshot, request("other.org.", type::axfr)) == rcode::refused);
  CHECK(rcode_of(snapshot, request("n.example.", type::axfr)) == rcode::not_auth);
  CHECK(rcode_of(snapshot, request("elsewhere.", type::axfr)) == rcode::not_auth);
  CHECK(rcode_of(snapshot, request("broken.", type::axfr)) == rcode::server_failure);
  CHECK(rcode_of(snapshot, request("example.", type::ixfr)) == rcode::format_error);
  CHECK(rcode_of(snapshot, request("example.", type::axfr), secondary, Transport::udp) ==
        rcode::format_error);
}

TEST_CASE("a secondary with a key must be at its address and sign with that key", "[transfer]") {
  World world;
  world.transfer.secondaries[0].key = *parse_name("XFR.example.");
  const Shared snapshot = make(world);
  const Wire bare = request("example.", type::axfr);
  Wire packet = bare;
  packet.resize(512);
  Tsig tsig;
  packet.resize(tsig.sign_request(the_key(), packet.data(), bare.size(), now));
  CHECK(rcode_of(snapshot, bare) == rcode::refused);
  CHECK(rcode_of(snapshot, packet) == rcode::no_error);
  CHECK(rcode_of(snapshot, packet, stranger) == rcode::refused);
  packet[packet.size() - 7] ^= 1;
  CHECK(rcode_of(snapshot, packet) == rcode::not_auth);
}

TEST_CASE("every message of a signed transfer is signed", "[transfer]") {
  World world;
  for (int i = 0; i < 3'000; ++i)
    world.text += "name" + std::to_string(i) + " 60 IN TXT \"some text of some length\"\n";
  world.transfer.secondaries[0].key = the_key().name();
  const Shared snapshot = make(world);
  Wire packet = request("example.", type::axfr, std::nullopt, uint16_t{4096});
  const size_t size = packet.size();
  packet.resize(512);
  Tsig tsig;
  packet.resize(tsig.sign_request(the_key(), packet.data(), size, now));
  const Received got = receive(snapshot, packet);
  REQUIRE(got.messages.size() > 2);
  CHECK(got.records.size() == 3'000 + 12);
  for (const Wire& message : got.messages) CHECK(tsig_place(message) != 0);
  CHECK(tsig.verify_answer(got.messages[0], now));
  CHECK(packet_text(got.messages[0]).has_opt);
  CHECK_FALSE(packet_text(got.messages[1]).has_opt);
  for (size_t i = 0; i + 1 < got.messages.size(); ++i) {
    CHECK(got.messages[i].size() > 30'000);
    CHECK(got.messages[i].size() <= 32 * 1024);
  }
}

TEST_CASE("an RRset of 64 KiB and long owners go through whole", "[transfer]") {
  World world;
  const std::string text(255, 'x');
  for (int i = 0; i < 240; ++i)
    world.text += "big 60 IN TXT \"" + std::to_string(i) + "\" \"" + text + "\"\n";
  std::string huge = "\"" + text + "\"";
  for (int i = 1; i < 250; ++i) huge += " \"" + text + "\"";
  world.text += "huge 60 IN TXT " + huge + "\n";
  const std::string label(60, 'l');
  world.text += label + "." + label + "." + label + "." + label + " 60 IN A 192.0.2.1\n";
  const Shared snapshot = make(world);
  CHECK(records_of(snapshot).size() == 11 + 240 + 2);
}

TEST_CASE("a copy holds of each service what the view declares, whatever its health",
          "[transfer]") {
  World world;
  world.services = {shop()};
  const auto lines = [&](TransferView view) {
    world.transfer.view = view;
    Lines out;
    for (const std::string& line : records_of(make(world)))
      if (line.starts_with("shop.")) out.push_back(line);
    return out;
  };
  const std::string ams = "shop.example. 30 IN A 192.0.2.20";
  const std::string fra1 = "shop.example. 30 IN A 192.0.2.10";
  const std::string fra2 = "shop.example. 30 IN A 192.0.2.11";
  const std::string fra6 = "shop.example. 30 IN AAAA 2001:db8::10";

  SECTION("failover") {
    CHECK(lines(TransferView::primary) == Lines{ams});
    CHECK(lines(TransferView::all) == Lines{fra1, fra2, ams, fra6});
  }
  SECTION("pools that share") {
    world.services[0].policy = Policy::active_active;
    CHECK(lines(TransferView::primary) == Lines{fra1, fra2, ams, fra6});
    world.services[0].pools[1].last_resort = true;
    CHECK(lines(TransferView::primary) == Lines{fra1, fra2, fra6});
    CHECK(lines(TransferView::all) == Lines{fra1, fra2, ams, fra6});
  }
  SECTION("a last resort is never first") {
    world.services[0].pools[1].last_resort = true;
    CHECK(lines(TransferView::primary) == Lines{fra1, fra2, fra6});
  }
  SECTION("one CNAME at most, and nothing beside it") {
    world.services[0].pools[1] = pool_of("ams", {"LB.elsewhere.net."}, 1);
    const std::string cname = "shop.example. 30 IN CNAME LB.elsewhere.net.";
    CHECK(lines(TransferView::primary) == Lines{cname});
    CHECK(lines(TransferView::all) == Lines{cname});
    world.services[0].pools[1].priority = 3;
    CHECK(lines(TransferView::all) == Lines{fra1, fra2, fra6});
  }
}

TEST_CASE("a serial follows the file, and never stays where other records stood", "[transfer]") {
  World world;
  world.services = {shop()};
  const Shared first = make(world);
  CHECK(serial_of(first) == 7);

  SECTION("nothing changed") {
    CHECK(serial_of(make(world, first.get())) == 7);
  }
  SECTION("the file was changed and numbered") {
    world.text = with_serial(9, "n 60 IN A 192.0.2.54\n");
    CHECK(serial_of(make(world, first.get())) == 9);
  }
  SECTION("the file was changed and not numbered") {
    world.text = with_serial(7, "n 60 IN A 192.0.2.54\n");
    const Shared second = make(world, first.get());
    CHECK(serial_of(second) == 8);
    CHECK(serial_of(make(world, second.get())) == 8);
    world.text = with_serial(8, "n 60 IN A 192.0.2.55\n");
    const Shared third = make(world, second.get());
    CHECK(serial_of(third) == 9);
    world.text = with_serial(6, "n 60 IN A 192.0.2.55\n");
    CHECK(serial_of(make(world, third.get())) == 9);
  }
  SECTION("a service was changed in its config") {
    world.services[0].pools[1].endpoints.push_back(
        {.address = IpAddress::v4({192, 0, 2, 21}), .id = {}});
    const Shared second = make(world, first.get());
    CHECK(serial_of(second) == 8);
    // The same contents, so that only the service can tell.
    auto model = std::make_shared<Model>(*second->model);
    model->services[0].ttl = Ttl(77);
    CHECK(serial_of(build_snapshot(model, {}, second.get())) == 9);
  }
  SECTION("a change that the view does not show is none") {
    world.services[0].pools[0].endpoints.pop_back();
    CHECK(serial_of(make(world, first.get())) == 7);
  }
  SECTION("another view is another content") {
    world.transfer.view = TransferView::all;
    CHECK(serial_of(make(world, first.get())) == 8);
  }
  SECTION("a restart goes on from what is remembered") {
    world.serials = first->serials;
    CHECK(serial_of(make(world)) == 7);
    world.text = with_serial(7, "n 60 IN A 192.0.2.54\n");
    CHECK(serial_of(make(world)) == 8);
    world.text = with_serial(3, "n 60 IN A 192.0.2.54\n");
    CHECK(serial_of(make(world)) == 8);
  }
  SECTION("serials wrap (RFC 1982), past 0") {
    world.serials = {{*parse_name("example."), {.serial = 0xffffffff, .digest = {}}}};
    CHECK(serial_of(make(world)) == 7);
    world.text = with_serial(0xfffffff0, "");
    CHECK(serial_of(make(world)) == 1);
  }
  SECTION("every answer shows the same") {
    world.text = with_serial(7, "n 60 IN A 192.0.2.54\n");
    const Shared second = make(world, first.get());
    WorkerTally tally(*second, 0);
    const auto answer = [&](std::string_view name, uint16_t type) {
      Wire out(1232);
      const Client client{.address = stranger};
      out.resize(
          respond(query_packet({.name = name, .type = type}), client, *second, tally, out).size);
      return packet_text(out);
    };
    CHECK(answer("example.", type::soa).answer[0].find(" 8 2 3 4 5") != std::string::npos);
    CHECK(answer("nobody.example.", type::a).authority[0].find(" 8 2 3 4 5") != std::string::npos);
  }
}

TEST_CASE("differences turn a client's version into the newest", "[transfer]") {
  World world;
  world.services = {shop()};
  std::vector<Shared> versions{make(world)};
  const auto step = [&](uint32_t serial, std::string_view records) {
    world.text = with_serial(serial, records);
    versions.push_back(make(world, versions.back().get()));
  };
  const std::string filler = [] {
    std::string text;
    for (int i = 0; i < 100; ++i) text += "x" + std::to_string(i) + " 60 IN A 192.0.2.77\n";
    return text;
  }();
  step(8, filler + "n 60 IN A 192.0.2.53\nn 60 IN A 192.0.2.54\nmail 60 IN MX 10 n\n");
  world.services[0].ttl = Ttl(31);
  step(10, filler + "n 60 IN A 192.0.2.54\nmail 60 IN MX 10 n\nnew.deep 60 IN TXT \"t\"\n");
  step(11, filler + "n 60 IN A 192.0.2.54\nmail 61 IN MX 10 n\n");
  const Shared& newest = versions.back();

  SECTION("from each version that is kept") {
    for (size_t from = 1; from + 1 < versions.size(); ++from) {
      std::multiset<std::string> have = records_of(versions[from]);
      const Received got =
          receive(newest, request("example.", type::ixfr, serial_of(versions[from])));
      CHECK(got.form == TransferForm::incremental);
      REQUIRE(got.records.size() > 3);
      CHECK(got.records.front() == got.records.back());
      bool adds = true;
      for (size_t i = 1; i + 1 < got.records.size(); ++i) {
        const std::string& line = got.records[i];
        if (line.find(" SOA ") != std::string::npos) adds = !adds;
        if (adds) {
          have.insert(line);
        } else {
          REQUIRE(have.count(line) == 1);
          have.erase(line);
        }
      }
      CHECK(have == records_of(newest));
      CHECK(got.records.size() < have.size());
    }
  }
  SECTION("a client that is up to date, or ahead, gets the SOA alone") {
    for (const uint32_t serial : {11U, 12U}) {
      const Received got = receive(newest, request("example.", type::ixfr, serial));
      CHECK(got.form == TransferForm::soa_alone);
      CHECK(got.records.size() == 1);
    }
  }
  SECTION("a version that never was, or is forgotten, gets everything") {
    for (const uint32_t serial : {1U, 9U}) {
      const Received got = receive(newest, request("example.", type::ixfr, serial));
      CHECK(got.form == TransferForm::whole);
      CHECK(got.records.size() == records_of(newest).size() + 1);
    }
  }
  SECTION("over UDP what fits, else the SOA alone") {
    WorkerTally tally(*newest, 0);
    const auto ask = [&](uint32_t serial, std::optional<uint16_t> size) {
      Wire out(1232, 0xa5);
      const Outcome outcome = respond(
          request("example.", type::ixfr, serial, size),
          {.address = secondary, .transport = Transport::udp, .now = now}, *newest, tally, out);
      out.resize(outcome.size);
      return packet_text(out).answer;
    };
    CHECK(ask(10, 1232).size() > 3);
    CHECK(ask(11, 1232).size() == 1);
    CHECK(ask(1, 1232).size() == 1);
    CHECK(ask(7, 512).size() == 1);
    CHECK(ask(7, std::nullopt).size() == 1);
  }
}

TEST_CASE("differences are kept while they are fewer than 16 and smaller than the zone",
          "[transfer]") {
  World world;
  std::string filler;
  for (int i = 0; i < 300; ++i) filler += "x" + std::to_string(i) + " 60 IN A 192.0.2.77\n";
  Shared snapshot = make(world);
  const auto step = [&](uint32_t serial, const std::string& records) {
    world.text = with_serial(serial, records);
    snapshot = make(world, snapshot.get());
  };
  for (uint32_t i = 0; i < 20; ++i)
    step(100 + i, filler + "n 60 IN A 192.0.2." + std::to_string(i) + "\n");
  const TransferZone& zone = *snapshot->zones.entry_of(*parse_name("example."))->transfer;
  CHECK(zone.differences_from(103).size() == 16);
  CHECK(zone.differences_from(102).empty());

  step(200, "n 60 IN A 192.0.2.1\n");
  const TransferZone& small = *snapshot->zones.entry_of(*parse_name("example."))->transfer;
  CHECK(small.differences_from(119).empty());
  CHECK(receive(snapshot, request("example.", type::ixfr, 119)).form == TransferForm::whole);
}

TEST_CASE("other secondaries are no other version", "[transfer]") {
  World world;
  const Shared first = make(world);
  auto model = std::make_shared<Model>(*first->model);
  model->zones[0].transfer.secondaries[0].address.address = stranger;
  const Shared second = build_snapshot(model, {}, first.get());
  CHECK(second->zones.entry_of(*parse_name("example."))->zone ==
        first->zones.entry_of(*parse_name("example."))->zone);
  CHECK(rcode_of(second, request("example.", type::axfr)) == rcode::refused);
  CHECK(rcode_of(second, request("example.", type::axfr), stranger) == rcode::no_error);
}

}  // namespace swingover::tests
