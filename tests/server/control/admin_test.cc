#include "server/control/admin.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/control/admin_replies.h"
#include "server/control/views.h"
#include "store/memory_store.h"
#include "tests/server/control/small_world.h"
#include "tests/support/manual_clock.h"

using namespace swingover;
using namespace swingover::control;

namespace {

constexpr int patience = 5'000;

/// The admin address for real, on a port of loopback; requests are octets.
struct Address {
  explicit Address(HttpServer::Limits limits = {}, const tests::SmallWorld& world = {},
                   std::vector<SignedZone> signed_zones = {})
      : writer(loop, store, *store::Journal::open(store), {}),
        control({.loop = loop,
                 .clock = clock,
                 .store = store,
                 .writer = writer,
                 .replace_checks = [](auto) { return uint64_t{1}; },
                 .describe_checks =
                     [this](const std::vector<uint32_t>& checks, auto done) {
                       loop.post([this, checks, done = std::move(done)] {
                         Control::Environment::Described all;
                         for (const uint32_t check : checks) all.push_back(described(check));
                         done(all);
                       });
                     },
                 .publish = [](auto) {},
                 .load =
                     [](uint64_t, const zones::Snapshot*) {
                       return Loaded{{}, "a:1:1: error: no\n"};
                     },
                 .on_reload = [](bool) {},
                 .identity = "edge\xff",
                 .version = "1",
                 .seed = 1}),
        admin(loop, control, [this] { return collect_metrics(control, {}, {}); }) {
    Setup setup = world.setup();
    setup.signed_zones = std::move(signed_zones);
    control.start(std::move(setup), {});
    server = std::move(*HttpServer::start(
        loop, {*parse_socket_address("127.0.0.1:0")}, {},
        [this](const HttpRequest& request, HttpResponder respond) {
          admin.handle(request, std::move(respond));
        },
        limits));
  }

  health::CheckDetails described(uint32_t check) const {
    return {.check = check,
            .next_probe = clock.wall() + Milliseconds(700),
            .warning = "",
            .watch = "connected",
            .verdicts = {{.at = clock.wall(),
                          .duration_nanoseconds = 12'400'000,
                          .verdict = health::Verdict::fail,
                          .reason = "status 503, wanted 200-299"}}};
  }

  int connected() const {
    sockaddr_storage to{};
    const SocketAddress& at = server->addresses().front();
    const unsigned size = to_sockaddr(at.address, at.port, to);
    const int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(connect(peer, reinterpret_cast<sockaddr*>(&to), size) == 0);
    return peer;
  }

  /// The whole reply to `octets`, until the server closes.
  std::string ask_raw(const std::string& octets) {
    const int peer = connected();
    std::string reply;
    bool is_over = false;
    size_t sent = 0;
    loop.run_until(
        [&] {
          if (sent < octets.size()) {
            const ssize_t n =
                send(peer, octets.data() + sent, octets.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (n > 0) sent += static_cast<size_t>(n);
          }
          char buffer[4096];
          const ssize_t got = recv(peer, buffer, sizeof buffer, MSG_DONTWAIT);
          if (got > 0) reply.append(buffer, static_cast<size_t>(got));
          is_over = got == 0 || (got < 0 && errno != EAGAIN);
          return is_over;
        },
        patience);
    close(peer);
    return reply;
  }
  std::string ask(const std::string& method, const std::string& target,
                  const std::string& body = "", const std::string& headers = "") {
    return ask_raw(method + " " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" +
                   headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }

  loop::Loop loop;
  tests::ManualClock clock;
  store::MemoryStore store;
  StoreWriter writer;
  Control control;
  Admin admin;
  std::unique_ptr<HttpServer> server;
};

nlohmann::json body_of(const std::string& reply) {
  return nlohmann::json::parse(reply.substr(reply.find("\r\n\r\n") + 4));
}

bool is(const std::string& reply, int status) {
  return reply.starts_with("HTTP/1.1 " + std::to_string(status) + " ");
}
bool has(const std::string& reply, const std::string& text) {
  return reply.find(text) != std::string::npos;
}

const std::string drain =
    R"({"kind":"drain","target":"cluster/fra","owner":"ada","reason":"work","expires":"1h"})";

}  // namespace

TEST_CASE("a service that is steered shows its shares", "[admin]") {
  tests::SmallWorld world;
  world.capacity = 500;
  Address at({}, world);
  const std::string path = "/v1/services/shop.svc.example.test.";
  const std::string before = at.ask("GET", path);
  CHECK(has(before, "\"steered\": true"));
  CHECK(has(before, "\"shares_elsewhere\": null"));
  CHECK(has(before, "\"capacity\": 500.0"));
  at.control.snapshot().shares->set(ServiceId(0), 0, std::vector<uint16_t>{6'364, 3'636});
  const std::string after = at.ask("GET", path);
  INFO(after);
  CHECK(has(after, "\"fra\": 6364"));
  CHECK(has(after, "\"ams\": 3636"));
}

TEST_CASE("each call of the admin address answers", "[admin]") {
  Address at;
  CHECK(is(at.ask("GET", "/livez"), 200));
  const std::string ready = at.ask("GET", "/readyz");
  CHECK(is(ready, 503));
  CHECK(has(ready, "state not yet known: 2 of 2 checks"));
  CHECK(has(at.ask("GET", "/v1/status"), "\"identity\": \"edge\xef\xbf\xbd\""));
  CHECK(has(at.ask("GET", "/v1/services"), "\"eligibility\": \"unproven\""));
  const std::string shop = at.ask("GET", "/v1/services/SHOP.svc.example%2etest");
  CHECK(is(shop, 200));
  CHECK(shop.find("\"words\": \"http: status 503, wanted 200-299, after 12 ms\"") !=
        std::string::npos);
  CHECK(shop.find("\"watch\": \"connected\"") != std::string::npos);
  CHECK(shop.find("\"ttl_reason\": \"endpoint 192.0.2.1: monitor web has no verdict "
                  "of this run yet\"") != std::string::npos);
  CHECK(has(shop, "\"steered\": false"));
  CHECK_FALSE(has(shop, "\"shares\""));
  CHECK(is(at.ask("GET", "/v1/services/nothing.example."), 404));
  CHECK(has(at.ask("GET", "/metrics"), "swingover_build_info{version=\"1\"} 1"));
  CHECK(is(at.ask("GET", "/v1/history?since=1h&limit=5"), 200));
  CHECK(is(at.ask("GET", "/v1/explain?name=shop.svc.example.test&client=192.0.2.1"), 200));
  CHECK(is(at.ask("HEAD", "/v1/status"), 200));
}

TEST_CASE(
    "every metric that does not wait for traffic or probes is there from the start, with its help",
    "[admin]") {
  Address at;
  const std::string page = at.ask("GET", "/metrics");
  for (const char* name :
       {"queries_total", "responses_truncated_total", "endpoint_up", "pool_eligible", "cluster_up",
        "swings_total", "swing_duration_seconds", "generation", "reload_failures_total",
        "store_write_seconds", "store_healthy", "build_info"}) {
    INFO(name);
    CHECK(has(page, "# HELP swingover_" + std::string(name) + " "));
    CHECK(has(page, "# TYPE swingover_" + std::string(name) + " "));
  }
  const std::string shop = "{service=\"shop.svc.example.test.\"";
  CHECK(has(page, "swingover_swings_total" + shop + ",cause=\"failover\"} 0"));
  CHECK(has(page, "swingover_pool_eligible" + shop + ",pool=\"fra\"} 0"));
  CHECK(has(page, "swingover_store_healthy 1"));
}

TEST_CASE("what would be if a cluster were down is answered from another thread", "[admin]") {
  tests::SmallWorld world;
  CHECK(is(Address().ask("GET", "/v1/what-if?down=cluster/fra"), 404));  // nothing has a capacity
  world.capacity = 100;
  world.demand = 150;
  Address at({}, world);
  for (const EndpointId id : {EndpointId(0), EndpointId(1)})
    at.control.snapshot().eligibility->set(id, zones::Eligibility::eligible);
  const std::string reply = at.ask("GET", "/v1/what-if?down=cluster/fra&demand=2");
  REQUIRE(is(reply, 200));
  const nlohmann::json json = body_of(reply);
  CHECK(json["verdict"] == "ams would be 200 % above its limit: 200 units have no room");
  CHECK(json["before"]["load"] == 150);
  CHECK(json["after"]["overflow"] == 200);
  CHECK(json["clusters"][0]["after"]["capacity"] == 0);
  CHECK(json["clusters"][1]["after"]["utilisation"] == 3);
  REQUIRE(json["services"].size() == 1);
  CHECK(json["services"][0]["after"]["regime"] == "overload");
  CHECK(json["services"][0]["pools"][1]["after"] == 1);
  CHECK_FALSE(json["services"][0].contains("shares"));
  CHECK(body_of(at.ask("GET", "/v1/what-if?down=cluster/fra&limit=0"))["services"].empty());
  CHECK(body_of(at.ask("GET", "/v1/what-if"))["services_affected"] == 1);  // tight: 0.75

  const nlohmann::json one =
      body_of(at.ask("GET", "/v1/what-if?down=cluster/fra&service=shop.svc.example.test"));
  CHECK(one["services"][0]["shares"][0]["after"] == nlohmann::json({0, 10'000}));
  CHECK(is(at.ask("GET", "/v1/what-if?down=cluster/lon"), 404));
  CHECK(is(at.ask("GET", "/v1/what-if?down=fra"), 400));
  CHECK(is(at.ask("GET", "/v1/what-if?demand=much"), 400));
  CHECK(is(at.ask("GET", "/v1/what-if?demand=-1"), 400));
  CHECK(is(at.ask("GET", "/v1/what-if?limit=x"), 400));
  CHECK(is(at.ask("GET", "/v1/what-if?service=none.example"), 404));
  CHECK(is(at.ask("POST", "/v1/what-if"), 405));
}

TEST_CASE("signed zones are shown with their keys, as far as those are public", "[admin]") {
  const std::string path = "/v1/dnssec";
  CHECK(body_of(Address().ask("GET", path)) == nlohmann::json::parse(R"({"zones": []})"));
  const std::string unsigned_zone = Address().ask("GET", path + "?zone=svc.example.test");
  CHECK(is(unsigned_zone, 404));
  CHECK(has(unsigned_zone, "the zone svc.example.test. is not signed"));

  const SignedZone zone{.name = *zones::parse_name("svc.example.test."),
                        .keys = {{.tag = 51771,
                                  .algorithm_number = 13,
                                  .algorithm = "ECDSAP256SHA256",
                                  .role = "ksk",
                                  .created = *parse_rfc3339("2026-03-01T12:00:00Z"),
                                  .signs_keys = true,
                                  .ds = "svc.example.test. IN DS 51771 13 2 8D6C"},
                                 {.tag = 7,
                                  .algorithm_number = 15,
                                  .algorithm = "ED25519",
                                  .role = "zsk",
                                  .signs_zone = true,
                                  .ds = ""}},
                        .cds = {"51771 13 2 8D6C"}};
  const auto expected = nlohmann::json::parse(R"({"zones": [
    {"name": "svc.example.test.", "problem": null,
     "keys": [{"tag": 51771, "algorithm": "ECDSAP256SHA256", "algorithm_number": 13, "role": "ksk",
               "created": "2026-03-01T12:00:00.000Z", "signs_keys": true, "signs_zone": false,
               "ds": "svc.example.test. IN DS 51771 13 2 8D6C"},
              {"tag": 7, "algorithm": "ED25519", "algorithm_number": 15, "role": "zsk", "created": null,
               "signs_keys": false, "signs_zone": true, "ds": null}],
     "cds": ["51771 13 2 8D6C"], "key_ttl_seconds": 3600,
     "signatures": {"lifetime_seconds": 1209600, "refresh_seconds": 432000, "jitter_seconds": 86400,
                    "skew_seconds": 3600, "max": 100000}}]})");
  Address at({}, {}, {zone});
  CHECK(body_of(at.ask("GET", path)) == expected);
  CHECK(body_of(at.ask("GET", path + "?zone=SVC.example.test")) == expected);
  CHECK(has(at.ask("GET", path + "?zone=shop.svc.example.test"), "no zone of this name"));
  CHECK(is(at.ask("GET", path + "?zone=a..b"), 400));
  CHECK(is(at.ask("POST", path), 405));

  Address failed({}, {}, {{.name = zone.name, .problem = "keys: others may enter it"}});
  const nlohmann::json shown = body_of(failed.ask("GET", path))["zones"][0];
  CHECK(shown["problem"] == "keys: others may enter it");
  CHECK(shown["keys"].empty());
}

TEST_CASE("what would be if any one cluster died, or any two", "[admin]") {
  tests::SmallWorld world;
  world.capacity = 100;
  world.demand = 150;
  Address at({}, world);
  for (const EndpointId id : {EndpointId(0), EndpointId(1)})
    at.control.snapshot().eligibility->set(id, zones::Eligibility::eligible);
  // The first report waits until the state is known.
  CHECK(body_of(at.ask("GET", "/v1/n1"))["at"].is_null());
  const nlohmann::json two = body_of(at.ask("GET", "/v1/n1?depth=2"));
  REQUIRE(two["cases"].size() == 1);
  CHECK(two["cases"][0]["down"] == nlohmann::json({"fra", "ams"}));
  CHECK(two["cases"][0]["unserved"] == 150);
  CHECK(two["complete"] == true);
  CHECK(is(at.ask("GET", "/v1/n1?depth=3"), 400));
}

TEST_CASE("questions that take long are refused while others are solved", "[admin]") {
  tests::SmallWorld world;
  world.capacity = 100;
  Address at({}, world);
  std::vector<unsigned> statuses;
  for (int i = 0; i < 4; ++i) {
    at.admin.handle({"GET", "/v1/what-if", {{"demand", "2"}}, {}, {}},
                    [&](const HttpReply& reply) { statuses.push_back(reply.status); });
  }
  REQUIRE(at.loop.run_until([&] { return statuses.size() == 4; }, patience));
  CHECK(std::ranges::count(statuses, 503U) == 2);
  CHECK(std::ranges::count(statuses, 200U) == 2);
  CHECK(is(at.ask("GET", "/v1/what-if?demand=2"), 200));
}

TEST_CASE("services are listed in parts, between which others have their turn", "[admin]") {
  tests::SmallWorld world;
  world.copies = 3 * ServicesListing::services_a_part;
  Address at({}, world);
  size_t ended = 0;
  std::string listed;
  const auto list = [&] {
    at.admin.handle({"GET", "/v1/services", {}, {}, {}}, [&](const HttpReply& reply) {
      ++ended;
      listed = *reply.large_body;
    });
  };
  list();
  list();
  list();
  std::set<size_t> turns;  // as many as there were when somebody else had his
  std::function<void()> have_turn = [&] {
    turns.insert(turns.size());
    if (ended < 3) at.loop.post(have_turn);
  };
  at.loop.post(have_turn);
  REQUIRE(at.loop.run_until([&] { return ended == 3; }, patience));
  CHECK(turns.size() > 3);

  CHECK(listed.starts_with(
      "{\n  \"services\": [\n    {\n      \"name\": \"shop.svc.example.test.\","));
  CHECK(listed.ends_with("\n    }\n  ]\n}\n"));
  size_t names = 0;
  for (size_t i = listed.find("\"name\": "); i != std::string::npos;
       i = listed.find("\"name\": ", i + 1))
    ++names;
  CHECK(names == world.copies);
  CHECK(listed.find("}{") == std::string::npos);
  CHECK(has(at.ask("GET", "/v1/services"), listed));
}

TEST_CASE("an intent is acknowledged once it is stored", "[admin]") {
  Address at;
  const std::string set = at.ask("POST", "/v1/intents", drain);
  CHECK(is(set, 201));
  REQUIRE(restore(at.store)->intents.size() == 1);
  const std::string id = restore(at.store)->intents[0].id;
  CHECK(has(set, "\"id\": \"" + id + "\""));
  CHECK(has(at.ask("GET", "/v1/intents"), id));
  CHECK(is(at.ask("DELETE", "/v1/intents/" + id), 200));
  CHECK(restore(at.store)->intents.empty());
  CHECK(is(at.ask("DELETE", "/v1/intents/" + id), 404));
}

TEST_CASE("while the store fails, intents are refused and the reason is named", "[admin]") {
  Address at;
  at.store.fail_commits(Error{ErrorCode::unavailable, "No space left on device"});
  const std::string refused = at.ask("POST", "/v1/intents", drain);
  CHECK(is(refused, 503));
  CHECK(has(refused, "store_unavailable"));
  CHECK(has(refused, "the store cannot write: No space left"));
  at.store.fail_commits(std::nullopt);
}

TEST_CASE("what cannot be read says so, and nothing of writing", "[admin]") {
  const HttpReply reply = error_reply({ErrorCode::unavailable, "the store cannot be read"});
  CHECK(reply.status == 503);
  CHECK(body_of("\r\n\r\n" + reply.body)["error"] ==
        nlohmann::json{{"code", "store_unavailable"}, {"message", "the store cannot be read"}});
}

TEST_CASE("what people get wrong is said, with a status that fits", "[admin]") {
  Address at;
  CHECK(is(at.ask("GET", "/nothing"), 404));
  const std::string wrong_method = at.ask("DELETE", "/v1/status");
  CHECK(is(wrong_method, 405));
  CHECK(has(wrong_method, "Allow: GET, HEAD"));
  CHECK(is(at.ask("POST", "/v1/intents", "{"), 400));
  CHECK(is(at.ask("POST", "/v1/intents", "[]"), 400));
  CHECK(is(at.ask("POST", "/v1/intents", R"({"kind":1})"), 400));
  CHECK(is(at.ask("POST", "/v1/intents", std::string(100'000, '[')), 400));
  CHECK(has(at.ask("POST", "/v1/intents", R"({"knid":"drain"})"), "knid"));
  CHECK(is(at.ask("POST", "/v1/intents", R"({"kind":"pin"})"), 501));
  CHECK(is(at.ask("POST", "/v1/intents", std::string((size_t{1} << 20) + 1, ' ')), 413));
  CHECK(is(at.ask("GET", "/v1/explain?name="), 400));
  CHECK(is(at.ask("GET", "/v1/explain?name=x&type=NOSUCH"), 400));
  CHECK(is(at.ask("GET", "/v1/history?since=whenever"), 400));
  const std::string reload = at.ask("POST", "/v1/reload");
  CHECK(is(reload, 400));
  CHECK(has(reload, "a:1:1: error: no"));
}

TEST_CASE("a page of another origin may not drive the daemon", "[admin]") {
  Address at;
  CHECK(is(at.ask("POST", "/v1/intents", drain, "Origin: http://evil.example\r\n"), 403));
  CHECK(at.control.intents().size() == 0);
  CHECK(is(at.ask("POST", "/v1/intents", drain, "Origin: http://x\r\n"), 201));
}

TEST_CASE("a page that came by a name of its owner's is of another origin too", "[admin]") {
  Address at;
  const auto ask = [&](const std::string& host, const std::string& more) {
    return at.ask_raw("GET /livez HTTP/1.1\r\nConnection: close\r\nHost: " + host + "\r\n" + more +
                      "\r\n");
  };
  CHECK(is(ask("evil.example:8053", ""), 403));
  CHECK(is(ask("evil.example.", "Origin: http://evil.example.\r\n"), 403));
  CHECK(is(ask("1.2.3.4.evil.example", ""), 403));
  for (const char* host : {"127.0.0.1:8053", "127.0.0.1", "[::1]:8053", "localhost:8053",
                           "localhost.", "edge-fra-1", "swingover.localhost"}) {
    INFO(host);
    CHECK(is(ask(host, "Origin: http://" + std::string(host) + "\r\n"), 200));
  }
}

TEST_CASE("connections that say nothing, or too slowly, give their places back", "[admin]") {
  Address at({.connections_max = 4, .within = Milliseconds(100)});
  const bool is_trickling = GENERATE(false, true);
  std::vector<int> peers;
  for (int i = 0; i < 4; ++i) peers.push_back(at.connected());
  at.loop.run_until([] { return false; }, 20);
  const int late = at.connected();
  const std::string request = "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  REQUIRE(send(late, request.data(), request.size(), MSG_NOSIGNAL) > 0);
  std::string reply(4096, '\0');
  const bool is_answered = at.loop.run_until(
      [&] {
        for (const int peer : peers) {
          if (is_trickling) send(peer, "G", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        }
        return recv(late, reply.data(), reply.size(), MSG_DONTWAIT) > 0;
      },
      patience);
  CHECK(is_answered);
  CHECK(is(reply, 200));
  for (const int peer : peers) close(peer);
  close(late);
}

TEST_CASE("places given back by their peers are filled again", "[admin]") {
  Address at({.connections_max = 4, .within = Milliseconds(60'000)});
  std::vector<int> peers;
  for (int i = 0; i < 4; ++i) peers.push_back(at.connected());
  at.loop.run_until([] { return false; }, 20);
  for (const int peer : peers) close(peer);
  CHECK(is(at.ask("GET", "/livez"), 200));
  CHECK(is(at.ask("GET", "/livez"), 200));
}

TEST_CASE("headers beyond 16 KiB are refused and no request at all does no harm", "[admin]") {
  Address at;
  const std::string reply = at.ask("GET", "/livez", "", "X: " + std::string(40'000, 'x') + "\r\n");
  CHECK_FALSE(is(reply, 200));
  CHECK_FALSE(is(at.ask_raw("nonsense\r\n\r\n"), 200));
  CHECK(is(at.ask("GET", "/livez"), 200));
}

TEST_CASE("a server that ends answers the requests that wait, and those that come last",
          "[admin]") {
  loop::Loop loop;
  std::vector<HttpResponder> waiting;
  auto server = std::move(*HttpServer::start(
      loop, {*parse_socket_address("127.0.0.1:0")}, {},
      [&](const HttpRequest&, HttpResponder respond) { waiting.push_back(std::move(respond)); }));
  sockaddr_storage to{};
  const SocketAddress& at = server->addresses().front();
  const unsigned size = to_sockaddr(at.address, at.port, to);
  const int peer = socket(AF_INET, SOCK_STREAM, 0);
  REQUIRE(connect(peer, reinterpret_cast<sockaddr*>(&to), size) == 0);
  const std::string request = "POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
  REQUIRE(send(peer, request.data(), request.size(), 0) == static_cast<ssize_t>(request.size()));
  REQUIRE(loop.run_until([&] { return !waiting.empty(); }, patience));

  const int late = socket(AF_INET, SOCK_STREAM, 0);
  REQUIRE(connect(late, reinterpret_cast<sockaddr*>(&to), size) == 0);
  REQUIRE(send(late, request.data(), request.size(), 0) == static_cast<ssize_t>(request.size()));

  server.reset();
  char reply[1024];
  const ssize_t got = recv(peer, reply, sizeof reply, 0);
  REQUIRE(got > 0);
  CHECK(has(std::string(reply, static_cast<size_t>(got)), "503 Service Unavailable"));
  CHECK(waiting.size() == 1);
  waiting.front()({});  // too late, and harmless
  close(peer);
  close(late);
}

namespace {

nlohmann::json body(const std::string& reply) {
  return nlohmann::json::parse(reply.substr(reply.find("\r\n\r\n") + 4));
}

/// The checks of fra's first endpoint.
nlohmann::json fra_checks(Address& at) {
  const std::string shop = at.ask("GET", "/v1/services/shop.svc.example.test.");
  return body(shop)["pools"][0]["endpoints"][0]["checks"];
}

std::vector<std::string> members_of(const nlohmann::json& object) {
  std::vector<std::string> names;
  for (const auto& [name, value] : object.items()) names.push_back(name);
  return names;
}

}  // namespace

TEST_CASE("a calculated check holds its children, each with what its probes found", "[admin]") {
  tests::SmallWorld world;
  world.service_monitors = {"site"};
  world.more_monitors = {world.calculated("site", {"web", "pair"}),
                         world.calculated("pair", {"db", "disk"}, {1, false})};
  Address at({}, world);
  const auto checks = fra_checks(at);
  REQUIRE(checks.size() == 1);
  const auto& site = checks[0];
  CHECK(site["kind"] == "calculated");
  CHECK(site["verdicts"].empty());
  CHECK(site["next_probe"].is_null());
  REQUIRE(site["children"].size() == 2);
  const auto& web = site["children"][0];
  CHECK(web["monitor"] == "web");
  CHECK(web["role"].is_null());
  CHECK(web["watch"] == "connected");
  CHECK(web["next_probe"].is_string());
  CHECK(web["verdicts"][0]["words"] == "http: status 503, wanted 200-299, after 12 ms");
  CHECK(web["children"].empty());
  const auto& pair = site["children"][1];
  REQUIRE(pair["children"].size() == 2);
  CHECK(pair["children"][1]["monitor"] == "disk");
  CHECK(pair["children"][1]["verdicts"].size() == 1);
  CHECK(members_of(site) == members_of(web));

  const auto listed = body(at.ask("GET", "/v1/services"))["services"][0];
  const auto& check = listed["pools"][0]["endpoints"][0]["checks"][0];
  CHECK(check["children"][0]["monitor"] == "web");
  CHECK_FALSE(check.contains("verdicts"));
}

TEST_CASE("a push check says what was reported last, and until when the next report is due",
          "[admin]") {
  tests::SmallWorld world;
  world.more_monitors = {tests::SmallWorld::push("beat")};
  world.more_monitors[0].deadline = Milliseconds(30'000);
  world.service_monitors = {"beat", "web"};
  Address at({}, world);
  auto beat = fra_checks(at)[0];
  CHECK(members_of(beat) == members_of(fra_checks(at)[1]));
  CHECK(beat["verdicts"].empty());
  CHECK(beat["push"]["last_report"].is_null());
  CHECK(beat["push"]["deadline"] == rfc3339(at.clock.wall() + Milliseconds(30'000)));

  at.clock.advance(Milliseconds(5'000));
  at.ask("POST", "/v1/push",
         R"({"monitor":"beat","address":"192.0.2.1","health":"up","load":412.5})");
  const std::string reported = rfc3339(at.clock.wall());
  at.clock.advance(Milliseconds(2'000));
  beat = fra_checks(at)[0];
  CHECK(beat["push"]["last_report"] == reported);
  CHECK(beat["push"]["load"] == 412.5);
  CHECK(beat["push"]["load_at"] == reported);
  CHECK(beat["push"]["deadline"] == rfc3339(at.clock.wall() + Milliseconds(28'000)));
  REQUIRE(beat["verdicts"].size() == 1);
  CHECK(beat["verdicts"][0]["at"] == reported);
  CHECK(beat["verdicts"][0]["verdict"] == "pass");
  CHECK(beat["verdicts"][0]["words"] == "push: it reports itself up");

  at.ask("POST", "/v1/push",
         R"({"monitor":"beat","address":"192.0.2.1","health":"down","reason":"draining"})");
  beat = fra_checks(at)[0];
  CHECK(beat["verdicts"][0]["verdict"] == "fail");
  CHECK(beat["verdicts"][0]["words"] == "push: it reports itself down: draining");
}

TEST_CASE("clusters report what they carry, and it is shown with its age", "[admin]") {
  Address at;
  std::string reply =
      at.ask("POST", "/v1/load",
             R"([{"cluster":"fra","service":"shop.svc.example.test.","load":120,"in_flight":3},
          {"cluster":"ams","load":50,"capacity":900}, {"cluster":"nowhere","load":1}])");
  CHECK(is(reply, 200));
  const auto taken = body_of(reply);
  CHECK(taken["taken"] == 2);
  CHECK(taken["ignored"] == 1);
  CHECK(taken["notes"][0]["report"] == 2);
  CHECK(taken["notes"][0]["result"] == "unknown");
  at.control.loads().take_new({});
  at.clock.advance(Milliseconds(2'500));

  const auto shown = body_of(at.ask("GET", "/v1/load"));
  REQUIRE(shown["clusters"].size() == 2);
  CHECK(shown["clusters"][0]["state"] == "fresh");
  CHECK(shown["clusters"][0]["age_seconds"] == 2.5);
  CHECK(shown["clusters"][0]["reports"]["taken"] == 1);
  CHECK(shown["clusters"][1]["load"] == 50);
  CHECK(shown["clusters"][1]["capacity"] == 900);
  REQUIRE(shown["services"].size() == 1);
  const auto& shop = shown["services"][0];
  CHECK(shop["service"] == "shop.svc.example.test.");
  REQUIRE(shop["loads"].size() == 2);
  CHECK(shop["loads"][0]["load"] == 120);
  CHECK(shop["loads"][0]["in_flight"] == 3);
  CHECK(shop["loads"][0]["of"] == "service");
  CHECK(shop["loads"][1]["of"] == "cluster");
  CHECK(body_of(at.ask("GET", "/v1/load?service=Shop.svc.example.test")) == shown);

  CHECK(is(at.ask("GET", "/v1/load?service=none.example."), 404));
  CHECK(is(at.ask("POST", "/v1/load", R"({"cluster":"nowhere","load":1})"), 404));
  reply = at.ask("POST", "/v1/load", R"({"cluster":"fra","load":"much"})");
  CHECK(is(reply, 400));
  CHECK(reply.find("load: must be a number") != reply.npos);
  CHECK(is(at.ask("DELETE", "/v1/load"), 405));
}

TEST_CASE("a report of thousands of services is read off the control thread", "[admin]") {
  tests::SmallWorld world;
  world.copies = 3'000;
  Address at({}, world);
  std::string body = R"([{"cluster":"fra","service":"shop.svc.example.test.","load":1})";
  for (int i = 1; i < 3'000; ++i) {
    body += R"(,{"cluster":"fra","service":"copy-)" + std::to_string(i) +
            R"(.svc.example.test.","load":2.5})";
  }
  CHECK(body_of(at.ask("POST", "/v1/load", body + "]"))["taken"] == 3'000);
  CHECK(body_of(at.ask("GET", "/v1/load"))["services"].size() == 3'000);
  CHECK(is(at.ask("POST", "/v1/load", body), 400));
}

TEST_CASE("each check says how it counts, and a pool which monitors are its own", "[admin]") {
  tests::SmallWorld world;
  world.service_monitors = {"web"};
  world.service_voting = {"power"};
  world.service_observing = {"disk"};
  world.pool_monitors = {"db"};
  world.cluster_observing = {"ingress"};
  world.fra_ingress = {"192.0.2.1"};
  Address at({}, world);
  std::vector<std::string> seen;
  for (const auto& check : fra_checks(at)) {
    seen.push_back(check["monitor"].get<std::string>() + " " + check["role"].get<std::string>() +
                   (check["of_cluster"].get<bool>() ? " of the cluster" : ""));
  }
  CHECK(seen == std::vector<std::string>{"web critical", "db critical", "power voting",
                                         "disk observing", "ingress observing of the cluster"});
  const auto pools = body(at.ask("GET", "/v1/services"))["services"][0]["pools"];
  CHECK(pools[0]["monitors"] == nlohmann::json{"db"});
  CHECK(pools[0]["voting_monitors"].empty());
  CHECK(pools[0]["observing_monitors"].empty());
  CHECK(pools[1]["monitors"].empty());
}

TEST_CASE("the status shows what each monitor of a cluster found, observing ones too", "[admin]") {
  tests::SmallWorld world;
  world.cluster_monitors = {"ingress"};
  world.cluster_observing = {"site"};
  world.more_monitors = {world.calculated("site", {"disk", "db"})};
  world.fra_ingress = {"192.0.2.1", "192.0.2.9"};
  Address at({}, world);
  const auto clusters = body(at.ask("GET", "/v1/status"))["clusters"];
  const auto& checks = clusters[0]["checks"];
  REQUIRE(checks.size() == 4);
  CHECK(checks[0]["monitor"] == "ingress");
  CHECK(checks[0]["address"] == "192.0.2.1");
  CHECK(checks[0]["role"] == "critical");
  CHECK(checks[0]["verdicts"][0]["words"] == "http: status 503, wanted 200-299, after 12 ms");
  CHECK(checks[1]["address"] == "192.0.2.9");
  CHECK(checks[3]["monitor"] == "site");
  CHECK(checks[3]["role"] == "observing");
  CHECK(checks[3]["children"][0]["verdicts"].size() == 1);
  CHECK(clusters[1]["checks"].empty());
}

TEST_CASE("a held check that only observes says nothing of when the endpoint comes back",
          "[admin]") {
  tests::SmallWorld world;
  world.service_observing = {"disk"};
  Address at({}, world);
  const WallTime soon = at.clock.wall() + Milliseconds(60'000);
  for (const auto& [monitor, until] :
       {std::pair{"web", soon}, {"disk", soon + Milliseconds(60'000)}}) {
    health::CheckUpdate update;
    update.epoch = 1;
    const auto& checks = at.control.join().checks();
    while (checks[update.check].monitor->name != monitor) ++update.check;
    update.health = health::Health::up;
    update.hold = health::Hold::settling;
    update.held_until = until;
    update.changed = true;
    update.at = at.clock.wall();
    at.control.on_updates({update});
  }
  const auto shop = body(at.ask("GET", "/v1/services/shop.svc.example.test."));
  CHECK(shop["pools"][0]["endpoints"][0]["hold"]["kind"] == "settling");
  CHECK(shop["pools"][0]["endpoints"][0]["hold"]["until"] == rfc3339(soon));
}

TEST_CASE("a report is answered with what it was about, not with all that others reported",
          "[admin]") {
  tests::SmallWorld world;
  world.more_monitors = {tests::SmallWorld::push("beat")};
  world.service_monitors = {"beat"};
  Address at({}, world);
  const std::string reply =
      at.ask("POST", "/v1/push", R"({"monitor":"beat","address":"192.0.2.1","health":"up"})");
  CHECK(reply.find("HTTP/1.1 200") == 0);
  CHECK(reply.find(R"({"checks": 1})") != reply.npos);
  CHECK(reply.find("198.51.100.1") == reply.npos);
  CHECK(at.ask("GET", "/v1/push").find("198.51.100.1") != reply.npos);
}
