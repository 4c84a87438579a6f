#include "ctl/views.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace swingover;
using namespace swingover::ctl;
using Json = nlohmann::ordered_json;

namespace {

const Terminal plain{};
const View view{plain, *parse_rfc3339("2026-11-22T10:00:00Z")};

bool has(const std::string& text, const std::string& part) {
  INFO(text);
  const bool found = text.find(part) != std::string::npos;
  CHECK(found);
  return found;
}

// As docs/admin-api.md shows it.
const Json service = Json::parse(R"({
  "name": "shop.svc.example.com.", "policy": "failover", "ttl_seconds": 30, "answers": 1, "when_all_down": "all",
  "pools": [
    {"cluster": "fra", "priority": 1, "weight": 100, "last_resort": false, "health": "down", "eligible": false,
     "share": 0.0, "intent": null,
     "endpoints": [{"address": "192.0.2.10", "health": "down", "eligible": false, "eligibility": "unhealthy",
                    "since": "2026-11-22T07:55:00.250Z", "reason": "connection refused", "stored": false}]},
    {"cluster": "ams", "priority": 2, "weight": 100, "last_resort": true, "health": "up", "eligible": true,
     "share": 0.3333, "intent": "force_up",
     "endpoints": [{"address": "192.0.2.20", "health": "up", "eligible": true, "eligibility": "forced_up",
                    "since": "2026-11-20T09:00:00Z", "reason": "HTTP 200 in 3 ms", "stored": true}]}
  ]})");

}  // namespace

TEST_CASE("ages are told in two units", "[views]") {
  CHECK(age_text(Milliseconds(0)) == "0s");
  CHECK(age_text(Milliseconds(-5000)) == "0s");
  CHECK(age_text(Milliseconds(59'999)) == "59s");
  CHECK(age_text(Milliseconds(192'000)) == "3m12s");
  CHECK(age_text(Milliseconds(7'500'000)) == "2h05m");
  CHECK(age_text(Milliseconds(1'047'600'000)) == "12d03h");
}

TEST_CASE("a service shows each pool, and why each endpoint is as it is", "[views]") {
  const std::string text = view.service(service);
  has(text, "shop.svc.example.com.\npolicy failover, ttl 30s");
  has(text, "fra   1                100     down    no        0 %     -");
  has(text, "ams   2 (last resort)  100     up      yes       33.3 %  force_up");
  has(text, "192.0.2.10  down         2h04m  unhealthy    connection refused");
  has(text, "192.0.2.20  up (stored)  2d01h  forced_up    HTTP 200 in 3 ms");
}

TEST_CASE("a service that is steered shows who serves whom", "[views]") {
  Json steered = service;
  steered["steered"] = true;
  steered["shares"] =
      Json::parse(R"({"fra-a": {"fra": 6364, "ams": 3636}, "ams-a": {"ams": 10000}})");
  steered["shares_elsewhere"] = nullptr;
  const std::string text = view.service(steered);
  has(text, "CLIENTS IN   fra      ams");
  has(text, "fra-a        63.6 %   36.4 %");
  has(text, "ams-a        -        100 %");
  has(text, "(elsewhere)  by tier  by tier");
  CHECK(view.service(service).find("CLIENTS IN") == std::string::npos);
}

TEST_CASE("signed zones show their keys, and what they ask their parents for", "[views]") {
  const Json signed_zones = Json::parse(R"({"zones": [
    {"name": "svc.example.com.", "problem": null,
     "keys": [{"tag": 51771, "algorithm": "ECDSAP256SHA256", "algorithm_number": 13, "role": "ksk",
               "created": "2026-11-20T09:00:00.000Z", "signs_keys": true, "signs_zone": false, "ds": "x"},
              {"tag": 7, "algorithm": "ECDSAP256SHA256", "algorithm_number": 13, "role": "zsk",
               "created": null, "signs_keys": false, "signs_zone": true, "ds": null}],
     "cds": ["51771 13 2 8D6C"], "key_ttl_seconds": 3600,
     "signatures": {"lifetime_seconds": 1209600, "refresh_seconds": 432000, "jitter_seconds": 86400,
                    "skew_seconds": 3600, "max": 100000}},
    {"name": "eu.example.com.", "problem": "a.key:1:1: error: no \u001b\n", "keys": [], "cds": []}]})");
  CHECK(view.dnssec(signed_zones) ==
        "svc.example.com.\n"
        "KEY    ALGORITHM        ROLE  SIGNS         AGE\n"
        "51771  ECDSAP256SHA256  ksk   keys          2d01h\n"
        "7      ECDSAP256SHA256  zsk   all but keys  -\n"
        "signatures hold for 14d from 1h back, and are made anew 5d before they expire, up to 1d "
        "earlier; 100000 at most are kept\n"
        "asks its parent for DS 51771 13 2 8D6C\n"
        "\n"
        "eu.example.com.\n"
        "cannot be signed, and is answered SERVFAIL:\n"
        "a.key:1:1: error: no \\x1b\n");
  CHECK(view.dnssec(Json::parse(R"({"zones": []})")) == "no zone is signed\n");
  CHECK(
      view.dnssec(Json::parse(R"({"zones": [{"keys": [{}], "cds": 1}, 1]})"))
          .starts_with("\nKEY  ALGORITHM  ROLE  SIGNS    AGE\n-    -          -     nothing  -\n"));
}

TEST_CASE("the brake shows what it keeps, and what this edge asks itself by", "[views]") {
  const Json brake = Json::parse(R"({
    "engaged": true, "since": "2026-11-22T08:15:00.250Z", "reason": "5 of 8 endpoints would be down within 30s, brake 50%",
    "self_doubt": false, "kept": [{"target": "cluster/fra", "by": "brake"}],
    "self_checks": [{"target": "203.0.113.1", "health": "unknown", "since": null, "reason": "no right to ping"},
                    {"target": "tcp://203.0.113.2:53", "health": "up", "since": "2026-11-22T08:10:00Z", "reason": null}]})");
  CHECK(view.brake(brake) ==
        "brake engaged since 2026-11-22T08:15:00.250Z: 5 of 8 endpoints would be down within 30s, "
        "brake 50%\n"
        "  kept by brake: cluster/fra\n"
        "  self_check 203.0.113.1: unknown: no right to ping\n"
        "  self_check tcp://203.0.113.2:53: up\n");
}

TEST_CASE("a service shows what each check found, what holds it, and who overrides it", "[views]") {
  Json shown = service;
  shown["ttl_now_seconds"] = 5;
  shown["ttl_reason"] = "endpoint 192.0.2.10: monitor web may go down in 0.4 s";
  Json& failing = shown["pools"][0]["endpoints"][0];
  failing["checks"] = Json::parse(R"([{"monitor": "web", "next_probe": "2026-11-22T10:00:00.300Z",
    "probing": 0, "watch": "connected", "warning": null, "verdicts": [
      {"at": "2026-11-22T09:59:59.900Z", "verdict": "fail", "words": "http: status 503, wanted 200-299, after 12 ms"},
      {"at": "2026-11-22T09:59:56Z", "verdict": "pass", "words": "http: passed in 3.1 ms"}]}])");
  Json& held = shown["pools"][1]["endpoints"][0];
  held["eligibility"] = "held";
  held["reason"] = "went down too often lately";
  held["hold"] = {{"kind", "flapping"}, {"until", "2026-11-22T10:04:10Z"}};
  held["checks"] =
      Json::parse(R"([{"monitor": "web", "next_probe": null, "probing": 1, "watch": null,
    "warning": "certificate expires in 12 days", "verdicts": [
      {"at": "2026-11-22T09:59:58Z", "verdict": "pass", "words": "https: passed in 3.1 ms"},
      {"at": "2026-11-22T09:59:56Z", "verdict": "pass", "words": "https: passed in 3.2 ms"}]}])");
  const std::string text = view.service(shown);
  has(text, "ttl 5s of 30s");
  has(text, "next change: endpoint 192.0.2.10: monitor web may go down in 0.4 s\n");
  has(text, "went down too often lately; may end in 4m10s; web: certificate expires in 12 days");
  has(text,
      "192.0.2.10  web      0.3s  0s    http: status 503, wanted 200-299, after 12 ms\n"
      "                           4s    http: passed in 3.1 ms\n");
  has(text, "192.0.2.20  web      now   2s    https: passed in 3.1 ms\n");
  CHECK(text.find("3.2 ms") == std::string::npos);

  SECTION("a terminal of 80 columns is wide enough for addresses of 15") {
    const Terminal narrow{.colour = false, .width = 80};
    const std::string lines = View{narrow, view.now}.service(shown);
    INFO(lines);
    for (size_t at = 0; at < lines.size();) {
      const size_t end = lines.find('\n', at);
      CHECK(end - at <= 80);
      at = end + 1;
    }
  }
}

TEST_CASE("what is calculated stands above what it is calculated from", "[views]") {
  Json shown = service;
  shown["pools"][0]["endpoints"][0]["checks"] = Json::parse(R"([
    {"monitor": "site", "kind": "calculated", "role": "critical", "health": "down",
     "reason": "1 of 2 up, needs all; db is down: refused", "warning": "web: certificate expires in 12 days",
     "verdicts": [], "children": [
       {"monitor": "web", "kind": "https", "role": null, "next_probe": "2026-11-22T10:00:00.300Z", "watch": "connected",
        "warning": "certificate expires in 12 days", "verdicts": [
          {"at": "2026-11-22T09:59:58Z", "verdict": "pass", "words": "https: passed in 3.1 ms"}], "children": []},
       {"monitor": "pair", "kind": "calculated", "role": null, "health": "unknown", "verdicts": [], "children": [
         {"monitor": "db", "kind": "tcp", "role": null, "verdicts": [], "children": []}]}]}])");
  const std::string text = view.service(shown);
  has(text, "connection refused; site: web: certificate expires in 12 days\n");
  has(text,
      "192.0.2.10  site     -     -     calculated: down, 1 of 2 up, needs all; db is down: "
      "refused\n"
      "              web    0.3s  2s    https: passed in 3.1 ms\n"
      "              pair   -     -     calculated: unknown\n"
      "                db   -     -     tcp: no verdict yet\n");
}

TEST_CASE("a push monitor shows its last report, and when the next is due", "[views]") {
  Json shown = service;
  shown["pools"][0]["endpoints"][0]["checks"] = Json::parse(R"([
    {"monitor": "beat", "kind": "push", "role": "critical", "of_cluster": true, "next_probe": null,
     "verdicts": [{"at": "2026-11-22T09:59:58Z", "verdict": "pass", "words": "push: it reports itself up"}],
     "push": {"deadline": "2026-11-22T10:00:28Z", "load": 412.5, "load_at": "2026-11-22T09:59:58Z"}},
    {"monitor": "agent", "kind": "push", "role": "voting", "of_cluster": false, "verdicts": [
        {"at": "2026-11-22T09:59:58Z", "verdict": "fail", "reason": "no heartbeat", "words": "push: no heartbeat for 31s"}],
     "push": {"deadline": "2026-11-22T10:00:28Z", "load": 3, "load_at": "2026-11-22T09:59:27Z"}},
    {"monitor": "new", "kind": "push", "role": "critical", "verdicts": [],
     "push": {"deadline": "2026-11-22T10:00:05Z", "load": null, "load_at": null}}])");
  const std::string text = view.service(shown);
  has(text, "beat (cluster)  28s   2s    push: it reports itself up, load 412.5\n");
  has(text, "agent (voting)  28s   2s    push: no heartbeat for 31s, load 3 33s ago\n");
  has(text, "new             5.0s  -     push: nothing reported yet\n");
}

TEST_CASE("what only observes is marked, and never red", "[views]") {
  Json shown = service;
  const std::string verdicts =
      R"("kind": "tcp", "verdicts": [{"at": "2026-11-22T09:59:58Z", "verdict": "fail", "words": "tcp: refused"}]})";
  shown["pools"][0]["endpoints"][0]["checks"] =
      Json::parse(R"([{"monitor": "disk", "role": "observing", "of_cluster": true, )" + verdicts +
                  R"(, {"monitor": "web", "role": "critical", )" + verdicts + "]");
  const Terminal coloured{.colour = true, .width = 0};
  const std::string text = View{coloured, view.now}.service(shown);
  has(text, "disk (cluster, observing)  -     2s    \x1b[33mtcp: refused");
  has(text, "web                        -     2s    \x1b[31mtcp: refused");
}

TEST_CASE("history fits a terminal, whatever its targets", "[views]") {
  const Json reply = Json::parse(R"({"entries": [
    {"at": "2026-11-22T09:59:00.250Z", "kind": "health", "target": "endpoint/a-rather-long-service-name.checkout.svc.example.com./2001:db8:1234:5678:9abc:def0:1234:5678",
     "actor": "swingoverd", "before": "up", "after": "down", "reason": "monitor web: connect: connection refused"},
    {"at": "2026-11-22T09:58:00Z", "kind": "intent", "target": "cluster/fra", "actor": "ada", "before": null,
     "after": "drain", "reason": "rack work"}]})");
  const Terminal narrow{.colour = false, .width = 80};
  const std::string text = View{narrow, view.now}.history(reply);
  INFO(text);
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    CHECK(end - at <= 80);
    at = end + 1;
  }
  has(text, "2026-11-22T09:59:00Z  health  endpoint/");
  has(text, "2026-11-22T09:58:00Z  intent  cluster/fra: drain: rack work (ada)\n");
  has(view.history(reply), "WHO         REASON\n");
}

TEST_CASE("services stand once, at their first pool", "[views]") {
  const std::string text = view.services(Json{{"services", Json::array({service})}});
  has(text, "shop.svc.example.com.  failover  30s  fra   down");
  has(text, "\n                                      ams   up      yes       33.3 %  1/1");
  CHECK(view.services(Json{{"services", Json::array()}}) == "no services\n");
}

TEST_CASE("the status shows clusters, and every problem", "[views]") {
  const std::string text = view.status(Json::parse(R"({
    "version": "0.1.0", "identity": "edge-1", "generation": 3, "uptime_seconds": 3671, "ready": false,
    "problems": ["the store cannot write: No space left on device"], "zones": 1, "services": 2,
    "clusters": [{"name": "fra", "health": "up", "eligible": false, "intent": "drain", "reason": "rack work"}]})"));
  has(text, "edge-1  swingoverd 0.1.0, generation 3, up 1h01m, zones 1, services 2\n");
  has(text, "not ready\n");
  has(text, "problem: the store cannot write: No space left on device\n");
  has(text, "fra      up      no        drain   rack work\n");
}

TEST_CASE("the status shows what the clusters' own monitors found last", "[views]") {
  const std::string text = view.status(Json::parse(R"({"clusters": [
    {"name": "fra", "health": "up", "checks": [
      {"monitor": "ingress", "kind": "http", "address": "192.0.2.10", "role": "critical", "of_cluster": true,
       "next_probe": "2026-11-22T10:00:00.300Z", "verdicts": [
         {"at": "2026-11-22T09:59:58Z", "verdict": "pass", "words": "http: passed in 3.1 ms"},
         {"at": "2026-11-22T09:59:56Z", "verdict": "fail", "words": "http: refused"}]},
      {"monitor": "uplink", "kind": "icmp", "address": "192.0.2.10", "role": "observing", "of_cluster": true,
       "verdicts": [{"at": "2026-11-22T09:59:58Z", "verdict": "fail", "words": "icmp: timed out after 1 s"}]}]},
    {"name": "ams", "health": "up", "checks": []}]})"));
  has(text,
      "CLUSTER  ADDRESS     MONITOR             NEXT  SEEN  VERDICT\n"
      "fra      192.0.2.10  ingress             0.3s  2s    http: passed in 3.1 ms\n"
      "fra      192.0.2.10  uplink (observing)  -     2s    icmp: timed out after 1 s\n");
  CHECK(text.find("http: refused") == std::string::npos);
  CHECK(view.status(Json::parse(R"({"clusters": [{"name": "fra"}]})")).find("VERDICT") ==
        std::string::npos);
}

TEST_CASE("the status says what keeps answers from following health, and what to do", "[views]") {
  const std::string engaged = view.status(Json::parse(R"({"brake": {
    "engaged": true, "since": "2026-11-22T09:56:48Z", "reason": "5 of 8 endpoints would be down within 30s, brake 50%",
    "self_doubt": false, "kept_by_brake": 5, "kept_by_doubt": 0, "kept_by_person": 2}})"));
  has(engaged,
      "brake engaged for 3m12s: 5 of 8 endpoints would be down within 30s, brake 50%\n"
      "  it keeps 5 in answers: see `swingctl brake`, then say `swingctl brake release` or `keep`\n"
      "`swingctl brake keep` keeps 2 in answers, until their probes agree\n");
  CHECK(engaged.find("doubts") == std::string::npos);

  const std::string doubting = view.status(Json::parse(R"({"brake": {
    "engaged": false, "since": null, "reason": null, "self_doubt": true, "kept_by_doubt": 7, "kept_by_person": 0}})"));
  has(doubting,
      "this edge doubts itself: it evicts nothing, and keeps 7 in answers\n"
      "  look at its uplink: `swingctl brake` shows what it checks itself by\n");
  CHECK(doubting.find("brake engaged") == std::string::npos);
}

TEST_CASE("explain shows the answer first, then the steps", "[views]") {
  const std::string text = view.explanation(Json::parse(R"({
    "name": "shop.svc.example.com.", "type": "A", "client": "10.1.2.3", "locality": null, "rcode": "NOERROR",
    "answers": ["shop.svc.example.com. 30 IN A 192.0.2.20"], "pool": "ams",
    "steps": [{"step": "pool fra", "result": "skipped", "reason": "drained"}]})"));
  has(text,
      "shop.svc.example.com. A for 10.1.2.3 in no known locality: NOERROR\n  shop.svc.example.com. "
      "30 IN A 192.0.2.20\n");
  has(text, "pool fra  skipped  drained\n");
}

TEST_CASE("explain of an instant says how long that was so, and what else could be answered",
          "[views]") {
  const std::string text = view.explanation(Json::parse(R"({
    "name": "shop.svc.example.com.", "type": "A", "client": "10.1.2.3", "locality": null, "rcode": "NOERROR",
    "at": "2026-11-22T08:00:00.000Z", "since": "2026-11-22T07:59:00.000Z", "until": null, "changing": true,
    "unsure": "the daemon ended at T or later", "answers": [],
    "choices": [{"service": "shop.svc.example.com.", "choices": [{"pool": "fra", "share": 0.6364},
      {"pool": "ams", "share": 0.3636}], "sticks": {"pool": "ams"}}, {"service": "x.", "choices": [{}]}],
    "steps": []})"));
  has(text,
      "at 2026-11-22T08:00:00.000Z, as it was from 2026-11-22T07:59:00.000Z until now\n"
      "a change was under way: what was before or after it may have been answered too\n"
      "the daemon ended at T or later: this is what it was last known to answer\n"
      "shop.svc.example.com. could be answered from fra 63.6 %, ams 36.4 %; a client of this "
      "network "
      "that is one cache sticks to ams\n");
  CHECK(text.find("x.") == std::string::npos);
}

TEST_CASE("intents and history are tables, or say that there is nothing", "[views]") {
  CHECK(view.intents(Json{{"intents", Json::array()}}) == "no intents\n");
  CHECK(view.history(Json{{"entries", Json::array()}}) == "nothing happened\n");
  const Json intent =
      Json::parse(R"({"id": "7", "kind": "drain", "target": "cluster/fra", "reason": "rack work",
    "owner": "ada", "created": "2026-11-22T09:59:00Z", "expires": null})");
  has(view.intents(Json{{"intents", Json::array({intent})}}),
      "7   drain  cluster/fra  ada    1m00s  never    rack work\n");
  CHECK(view.intent(intent) == "drain 7 on cluster/fra until cancelled (ada: rack work)\n");
}

TEST_CASE("replies of other shapes are shown as far as they go", "[views]") {
  for (
      const char* text :
      {"{}", R"({"services": 3, "clusters": {}, "entries": "x", "intents": [1, null, "x", []]})",
       R"({"pools": [{"endpoints": {"a": 1}, "share": "much"}], "uptime_seconds": "long"})",
       R"({"brake": [1], "pools": [{"endpoints": [{"checks": [{"verdicts": [1], "push": 3, "children": [null, 2]}]}]}]})",
       R"({"brake": {"engaged": 1, "kept_by_person": "x"}, "clusters": [{"checks": [null, {"verdicts": []}]}]})",
       R"({"services": [{"pools": [null]}], "clusters": [[]], "problems": [{}], "name": []})"}) {
    const Json odd = Json::parse(text);
    CHECK_NOTHROW(view.status(odd));
    CHECK_NOTHROW(view.services(odd));
    CHECK_NOTHROW(view.service(odd));
    CHECK_NOTHROW(view.explanation(odd));
    CHECK_NOTHROW(view.intents(odd));
    CHECK_NOTHROW(view.history(odd));
    CHECK_NOTHROW(view.intent(odd));
  }
}

TEST_CASE("no text of the daemon's brings control bytes to the terminal", "[views]") {
  Json evil = service;
  for (const char* key : {"name", "policy", "when_all_down"}) evil[key] = "\x1b]0;owned\x07";
  evil["pools"][0]["cluster"] = "\x1b[2J";
  evil["pools"][0]["endpoints"][0]["reason"] =
      "\x1b[8m hidden \r\n\xc2\x9b"
      "1A";
  const Json reply{{"name", "\x1b"},
                   {"type", "\x1b"},
                   {"client", "\x1b"},
                   {"locality", "\x1b"},
                   {"rcode", "\x1b"},
                   {"answers", {"\x1b"}},
                   {"identity", "\x1b"},
                   {"version", "\x1b"},
                   {"problems", {"\x1b"}},
                   {"generation", "\x1b"},
                   {"zones", "\x1b"},
                   {"services", "\x1b"},
                   {"brake", {{"engaged", true}, {"reason", "\x1b[2J"}}},
                   {"kind", "\x1b"},
                   {"target", "\x1b"},
                   {"expires", "\x1b"},
                   {"steps", {{{"step", "\x1b"}}}}};
  for (const std::string& text :
       {view.service(evil), view.services(Json{{"services", Json::array({evil})}}),
        view.status(reply), view.explanation(reply), view.intent(reply)}) {
    CHECK(text.find_first_of("\x1b\r\x07") == std::string::npos);
    CHECK(text.find("\xc2\x9b") == std::string::npos);
  }
}

TEST_CASE("reported loads are shown with their age, and why a cluster is silent", "[views]") {
  const Json reply = Json::parse(R"({
    "clusters": [
      {"cluster": "fra", "state": "fresh", "age_seconds": 2.5, "load": 5120.0, "capacity": null,
       "reports": {"taken": 8, "ahead": 0, "older": 3, "too_old": 0, "unknown": 1}, "pull": null},
      {"cluster": "ams", "state": "frozen", "age_seconds": 192.0, "load": null, "capacity": null, "reports": null,
       "pull": {"problem": "status 503, wanted 200"}}],
    "services": [{"service": "shop.svc.example.com.", "state": "fresh", "loads": [
      {"cluster": "fra", "load": 123.4, "age_seconds": 2.5, "capacity": 900, "in_flight": 61, "of": "service"},
      {"cluster": "ams", "load": 7, "age_seconds": 192, "capacity": null, "in_flight": null, "of": "cluster"}]}]})");
  const std::string text = view.loads(reply);
  has(text, "fra      fresh   2.5s");
  has(text, "3 older, 1 unknown");
  has(text, "ams      frozen  3m12s");
  has(text, "status 503, wanted 200");
  has(text, "shop.svc.example.com.  fresh  fra");
  has(text, "123.4");
  has(view.loads(Json::object()), "no load is reported");
}

TEST_CASE("what would be is told by cluster, by service, and in words", "[views]") {
  const Json reply = Json::parse(R"({
    "verdict": "ams would be 12 % above its limit: 120 units have no room", "currency": "EUR",
    "before": {"unserved": 0, "overflow": 0, "cross_locality_load": 20, "cross_locality_share": 0.01, "cross_locality_cost_monthly": 5.264},
    "after": {"unserved": 0, "overflow": 120, "cross_locality_load": 620, "cross_locality_share": 0.553, "cross_locality_cost_monthly": 1163.06},
    "clusters": [
      {"cluster": "fra", "before": {"capacity": 1000, "load": 620, "utilisation": 0.62, "overflow": 0},
       "after": {"capacity": 0, "load": 0, "utilisation": 0, "overflow": 0}},
      {"cluster": "ams", "before": {"capacity": 1000, "load": 500, "utilisation": 0.5, "overflow": 0},
       "after": {"capacity": 1000, "load": 1120, "utilisation": 1.12, "overflow": 120}},
      {"cluster": "lon", "before": {"capacity": 0, "load": 0, "utilisation": 0, "overflow": 0},
       "after": {"capacity": 0, "load": 7, "utilisation": null, "overflow": 7}}],
    "services_affected": 40,
    "services": [
      {"service": "shop.svc.example.com.", "before": {"regime": "normal"},
       "after": {"regime": "overload", "demand": 300, "unserved": 0, "overflow": 32.142857, "out": false},
       "pools": [{"cluster": "fra", "before": 0.6, "after": 0}, {"cluster": "ams", "before": 0.4, "after": 1}, {"cluster": "lon", "before": 0, "after": 0}]},
      {"service": "dark\u001b.svc.example.com.", "before": {"regime": null},
       "after": {"regime": null, "demand": null, "unserved": null, "overflow": null, "out": true}, "pools": [{"cluster": "fra"}]}]})");
  const std::string text = view.what_if(reply);
  has(text, "fra      0         620 -> 0     62 %  0 %      -");
  has(text, "ams      1000      500 -> 1120  50 %  112 %    120");
  has(text, "lon      0         0 -> 7       0 %   no room  7");
  has(text, "normal -> overload  -         32.14        fra 60 % -> 0 %, ams 40 % -> 100 %\n");
  has(text, "out ");
  has(text, "and 38 more services: --all shows them\n");
  has(text,
      "620 units (55.3 %) would leave their locality, 1163 EUR a month; now 20 units (1 %), "
      "5.264 EUR\n");
  CHECK(text.ends_with("\nams would be 12 % above its limit: 120 units have no room\n"));
  CHECK(text.find('\x1b') == std::string::npos);
  view.what_if(Json::parse(R"({"clusters": 7, "services": [1, null], "after": []})"));
}

TEST_CASE("the death of each cluster is told in a line", "[views]") {
  const Json reply = Json::parse(R"({"at": "2026-11-22T10:00:00Z", "complete": false, "cases": [
    {"down": ["fra", "ams"], "overflow": 120, "unserved": 5, "worst_utilisation": null, "services_affected": 37, "verdict": "too much"},
    {"down": ["lon"], "overflow": 0, "unserved": 0, "worst_utilisation": 0.8, "services_affected": 0, "verdict": "fits"}]})");
  const std::string text = view.n1(reply);
  has(text, "fra, ams  120          5         no room  37        too much");
  has(text, "lon       0            0         80 %     0         fits");
  has(text, "not all cases");
  has(view.n1(Json::parse(R"({"at": null})")), "not known");
}

TEST_CASE("old answers are told with their part, their end and where they lead", "[views]") {
  Json json = service;
  json["old_answers"] = Json::parse(
      R"({"percent": 31.2, "until": "2026-11-22T10:04:10.000Z", "uncounted_until": null})");
  json["pools"][0]["held_answers"] = Json::parse(R"({"old_percent": 31.2})");
  has(view.service(json),
      "31 % may still follow old answers, until 10:04:10 UTC (in 4m10s): 31 % at fra\n");
  CHECK(view.service(service).find("old answers") == std::string::npos);
}

TEST_CASE("a drain tells what is left of it, until it is empty", "[views]") {
  const auto shown = [](const std::string& left) {
    return view.intents(Json::parse(
        R"({"intents": [{"id": "7", "kind": "drain", "target": "cluster/fra", "left": )" + left +
        "}]}"));
  };
  has(shown(
          R"({"percent": 31, "until": "2026-11-22T10:00:30.000Z", "uncounted_until": "2026-11-22T10:01:00Z"})"),
      "31 % may still follow old answers, until 10:00:30 UTC (in 30s)");
  has(shown(R"({"percent": 0, "until": null, "uncounted_until": "2026-11-22T10:01:00.000Z"})"),
      "not all answers are counted until 10:01:00 UTC");
  has(shown(R"({"percent": 0, "until": null, "uncounted_until": null})"), " empty ");
  CHECK(shown("null").find("empty") == std::string::npos);
}

TEST_CASE("what is broken, refused or waits is told with its words", "[views]") {
  const Json status = Json::parse(
      R"({"rules": [{"name": "a", "holds": true, "reason": null}, {"name": "b", "holds": false, "reason": "rule b: 1 of 2"}]})");
  has(view.status(status), "broken rule b: 1 of 2\n");
  const Json tried = Json::parse(
      R"({"kind": "drain", "target": "cluster/fra", "dry_run": true, "objections": ["rule b: 1 of 2"]})");
  has(view.intent(tried), "would be refused: rule b: 1 of 2\n");
  Json steered = service;
  steered["steered"] = true;
  steered["regime"] = "normal";
  steered["waiting"] = Json::parse(R"({"reason": "too much", "until": "2026-11-22T10:01:00Z"})");
  has(view.service(steered), "waits: too much, until 2026-11-22T10:01:00Z\n");
  const Json held = Json::parse(
      R"({"intents": [{"id": "7", "kind": "swing", "plan": {"phase": "held", "why": "not_now", "waits_for": "rule b: 1 of 2", "moved_percent": 10}}]})");
  has(view.intents(held), "held (rule b: 1 of 2), 10 %");
}

TEST_CASE("what a plan waits for, and what is frozen, is told in words", "[views]") {
  const auto intents = [](const std::string& members) {
    return Json::parse(R"({"intents": [{"id": "7", "target": "cluster/fra", "owner": "ada", )" +
                       members + "}]}");
  };
  const auto plan = [&](const std::string& why) {
    return view.intents(intents(R"("kind": "swing", "plan": {"phase": "held", "moved_percent": 10,
      "fullest_next": {"cluster": "ams", "utilisation": 0.85},
      "fullest_now": {"cluster": "ams", "utilisation": 0.97}, "why": ")" +
                                why + "\"}"));
  };
  has(plan("not_now"), "held (a freeze, the brake, the store or another plan), 10 %");
  has(plan("target_down"), "held (who would take it is down), 10 %");
  has(plan("target_held"), "held (who would take it is held out of answers), 10 %");
  has(plan("would_overheat"), "held (the next step would bring ams to 85 %), 10 %");
  has(plan("overheats"), "held (it brought ams to 97 %), 10 %");
  has(plan("of_a_newer_daemon"), "held (of_a_newer_daemon), 10 %");

  const Json one = intents(R"("kind": "freeze", "difference":
    {"frozen": 1, "differ": 0, "frozen_services": ["shop.svc.example.com."], "services": []})");
  has(view.intents(one), "1 service frozen, thawing moves nothing");
  has(view.frozen(one), "frozen: shop.svc.example.com.\nthawing moves nothing\n");
  const Json many = intents(R"("kind": "freeze", "difference":
    {"frozen": 12, "differ": 2, "frozen_services": ["a.", "b."], "services": []})");
  has(view.intents(many), "12 services frozen, thawing moves shares of 2");
  has(view.frozen(many), "frozen: a., b. and 10 more\nthawing moves shares of 2\n");
}

TEST_CASE("the status shows at a glance what is full, frozen and under way", "[views]") {
  const std::string text = view.status(Json::parse(R"({
    "regimes": {"normal": 7, "tight": 2, "overload": 3}, "overloaded": ["shop.", "api."],
    "freezes": [{"kind": "freeze", "target": "service/web.", "owner": "ada", "reason": "hold on",
                 "expires": "2026-11-22T12:00:00Z"}],
    "clusters": [
      {"name": "fra", "health": "up", "eligible": true, "intent": "drain", "progress": "moving, 25 %",
       "load": 1300.5, "usable_capacity": 1000, "capacity": 2000, "utilisation": 1.3005},
      {"name": "ams", "health": "up", "eligible": true, "intent": null, "load": null, "usable_capacity": null,
       "capacity": null, "utilisation": null}]})"));
  has(text, "steered services: 7 normal, 2 tight, 3 overload: shop., api. and 1 more\n");
  has(text, "frozen: service/web. until 2026-11-22T12:00:00Z (ada: hold on)\n");
  has(text, "CLUSTER  HEALTH  ELIGIBLE  LOAD    USABLE  UTILISATION  INTENT               REASON");
  has(text, "fra      up      yes       1300.5  1000    130 %        drain, moving, 25 %");
  has(text, "ams      up      yes       -       -       -            -");
  const std::string plain_text = view.status(Json::parse(
      R"({"regimes": null, "clusters": [{"name": "fra", "health": "up", "eligible": true}]})"));
  has(plain_text, "CLUSTER  HEALTH  ELIGIBLE  INTENT  REASON");
  CHECK(plain_text.find("steered") == std::string::npos);
}

TEST_CASE("a service shows its parts of the demand, and who froze it", "[views]") {
  Json steered = service;
  steered["pools"][0]["demand_part"] = 0.407;
  steered["pools"][1]["demand_part"] = nullptr;
  steered["frozen_by"] = Json::parse(
      R"({"kind": "freeze", "target": "everything", "owner": "ada", "reason": "hold on", "expires": null})");
  const std::string all = view.services(Json{{"services", Json::array({steered})}});
  has(all, "40.7 %");
  has(all, "33.3 %");
  has(all, "freeze");
  const std::string one = view.service(steered);
  has(one, "40.7 %");
  has(one, "frozen: everything until cancelled (ada: hold on)\n");
}

TEST_CASE("a pool on its way back says until when it is held", "[views]") {
  Json steered = service;
  steered["steered"] = true;
  steered["regime"] = "normal";
  steered["pools"][0]["usable_capacity"] = 0;
  steered["pools"][0]["comeback"] = "on hold";
  steered["pools"][0]["comeback_part"] = 0;
  steered["pools"][0]["comeback_until"] = "2026-11-22T10:04:10.000Z";
  has(view.service(steered), "on hold, 4m10s left");
  steered["pools"][0]["comeback"] = "needed by the others";
  has(view.service(steered), "needed by the others");
}
