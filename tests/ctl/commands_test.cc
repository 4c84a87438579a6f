#include "ctl/commands.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <sstream>

#include "tests/ctl/fake_admin.h"
#include "tests/support/manual_clock.h"

using namespace swingover;
using namespace swingover::ctl;
using swingover::tests::FakeAdmin;

namespace {

struct Run {
  int status = -1;
  std::string out;
  std::string errors;
};

Run run(const std::string& server, const std::string& verb,
        const std::map<std::string, std::string>& given, bool json = false) {
  Client client(*parse_server_address(server));
  const tests::ManualClock clock;  // 2026-09-21T14:13:20Z
  std::ostringstream out;
  std::ostringstream errors;
  Session session{client, clock, out, errors, {}, json, "ada"};
  Arguments arguments;
  for (const auto& [name, value] : given) arguments.set(name, value);
  const auto found = std::ranges::find(verbs(), verb, &Verb::name);
  REQUIRE(found != verbs().end());
  const int status = found->run(session, arguments);
  return {status, out.str(), errors.str()};
}

const std::string drain_of_fra =
    R"({"id":"7","kind":"drain","target":"cluster/fra","reason":"rack work","owner":"ada",)"
    R"("created":"2026-11-22T08:15:00Z","expires":null})";

}  // namespace

TEST_CASE("verbs have names of their own, and a help for everything", "[commands]") {
  std::set<std::string> names;
  for (const Verb& verb : verbs()) {
    CHECK(names.insert(verb.name).second);
    CHECK_FALSE(verb.help.empty());
    for (const Argument& option : verb.options) {
      CHECK(option.name.starts_with("--"));
      CHECK_FALSE(option.help.empty());
    }
  }
}

TEST_CASE("drain posts what was asked, by whom, and until when", "[commands]") {
  FakeAdmin admin({{"POST /v1/intents", FakeAdmin::reply(201, drain_of_fra)}});
  const Run done = run(admin.address(), "drain",
                       {{"TARGET", "cluster/fra"}, {"--reason", "rack \"A\""}, {"--for", "2h"}});
  CHECK(done.status == exit_done);
  CHECK(done.out == "drain 7 on cluster/fra until cancelled (ada: rack work)\n");
  CHECK(admin.requests()[0].ends_with(
      R"({"kind":"drain","target":"cluster/fra","reason":"rack \"A\"","owner":"ada",)"
      R"("expires":"2026-09-21T16:13:20.000Z"})"));
}

TEST_CASE("force takes up or down", "[commands]") {
  FakeAdmin admin({{"POST /v1/intents", FakeAdmin::reply(201, drain_of_fra)}});
  const std::string target = "endpoint/shop.svc.example.com./2001:db8::1";
  CHECK(run(admin.address(), "force", {{"DIRECTION", "up"}, {"TARGET", target}, {"--reason", "x"}})
            .status == exit_done);
  CHECK(run(admin.address(), "force",
            {{"DIRECTION", "sideways"}, {"TARGET", target}, {"--reason", "x"}})
            .status == exit_wrong_use);
  const auto& requests = admin.requests();
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].find(
            R"("kind":"force_up","target":"endpoint/shop.svc.example.com./2001:db8::1")") !=
        std::string::npos);
  CHECK(requests[0].find(R"("expires":null)") != std::string::npos);
}

TEST_CASE("wrong use is told before anything is sent", "[commands]") {
  FakeAdmin admin(FakeAdmin::Replies{});
  for (const char* target : {"fra", "cluster/", "pool/x", "pool/x/", "cluster/a/b", "service/",
                             "service/x/y", "pool//x", "zone/x", ""}) {
    INFO(target);
    CHECK(run(admin.address(), "drain", {{"TARGET", target}, {"--reason", "x"}}).status ==
          exit_wrong_use);
    CHECK(run(admin.address(), "undrain", {{"TARGET", target}}).status == exit_wrong_use);
  }
  const auto with = [&](const char* option, const char* value) {
    std::map<std::string, std::string> given{{"TARGET", "cluster/fra"}, {"--reason", "x"}};
    given[option] = value;
    return run(admin.address(), "drain", given).status;
  };
  CHECK(with("--for", "2") == exit_wrong_use);
  CHECK(with("--for", "0s") == exit_wrong_use);
  CHECK(with("--reason", "  ") == exit_wrong_use);
  CHECK(with("--over", "8d") == exit_wrong_use);
  CHECK(with("--over", "0s") == exit_wrong_use);
  const Run nowhere = run(admin.address(), "what-if", {{"--down", "cluster/fra,region/eu"}});
  CHECK(nowhere.status == exit_wrong_use);
  CHECK(nowhere.errors.ends_with("or locality/NAME): region/eu\n"));
  CHECK(run(admin.address(), "history", {{"--since", "yesterday"}}).status == exit_wrong_use);
  CHECK(run(admin.address(), "history", {{"--limit", "-1"}}).status == exit_wrong_use);
  CHECK(admin.requests().empty());
}

TEST_CASE("dnssec ds prints lines to paste and nothing else", "[commands]") {
  const std::string zones =
      R"({"zones": [{"name": "svc.example.", "problem": null, "keys": [{"ds": "svc.example. IN DS 1 13 2 AA"},)"
      R"({"ds": null}, {"ds": "svc.example. IN DS 2 13 2 BB"}]}]})";
  FakeAdmin admin({{"GET /v1/dnssec", FakeAdmin::reply(200, zones)}});
  const Run ds = run(admin.address(), "dnssec", {{"ACTION", "ds"}, {"ZONE", "svc.example"}});
  CHECK(ds.status == exit_done);
  CHECK(ds.out == "svc.example. IN DS 1 13 2 AA\nsvc.example. IN DS 2 13 2 BB\n");
  CHECK(ds.errors.empty());
  CHECK(
      run(admin.address(), "dnssec", {{"ACTION", "status"}}).out.starts_with("svc.example.\nKEY"));
  const Run json =
      run(admin.address(), "dnssec", {{"ACTION", "ds"}, {"ZONE", "svc.example"}}, true);
  CHECK(json.out.starts_with("{\n  \"zones\""));
  const auto& requests = admin.requests();
  REQUIRE(requests.size() == 3);
  CHECK(requests[0].starts_with("GET /v1/dnssec?zone=svc.example HTTP"));
  CHECK(requests[1].starts_with("GET /v1/dnssec HTTP"));
}

TEST_CASE("dnssec ds of a zone that has none is a failure that says why", "[commands]") {
  const std::string failed =
      R"({"zones": [{"name": "svc.example.", "problem": "keys: others may enter it\n", "keys": []}]})";
  FakeAdmin admin({{"GET /v1/dnssec", FakeAdmin::reply(200, failed)}});
  const Run problem = run(admin.address(), "dnssec", {{"ACTION", "ds"}, {"ZONE", "svc.example"}});
  CHECK(problem.status == exit_refused);
  CHECK(problem.out.empty());
  CHECK(problem.errors ==
        "swingctl: svc.example. has no key to point at: keys: others may enter it\n");

  FakeAdmin without(
      {{"GET /v1/dnssec", FakeAdmin::reply(404, R"({"error": {"code": "not_found", "message": )"
                                                R"("the zone svc.example. is not signed"}})")}});
  const Run unsigned_zone =
      run(without.address(), "dnssec", {{"ACTION", "ds"}, {"ZONE", "svc.example"}});
  CHECK(unsigned_zone.status == exit_refused);
  CHECK(unsigned_zone.errors == "swingctl: the zone svc.example. is not signed\n");

  CHECK(run(admin.address(), "dnssec", {{"ACTION", "ds"}}).status == exit_wrong_use);
  CHECK(run(admin.address(), "dnssec", {{"ACTION", "roll"}}).errors ==
        "swingctl: dnssec status or dnssec ds, not dnssec roll\n");
}

TEST_CASE("undrain finds the drain of the target and cancels that one", "[commands]") {
  const std::string intents =
      R"({"intents":[{"id":"5","kind":"force_up","target":"cluster/ams"},)" + drain_of_fra + "]}";
  FakeAdmin admin({{"GET /v1/intents", FakeAdmin::reply(200, intents)},
                   {"DELETE /v1/intents/7", FakeAdmin::reply(200, drain_of_fra)}});
  const Run done =
      run(admin.address(), "undrain", {{"TARGET", "cluster/fra"}, {"--reason", "all good"}});
  CHECK(done.status == exit_done);
  CHECK(done.out.starts_with("ended: drain 7 on cluster/fra"));
  const Run not_drained = run(admin.address(), "undrain", {{"TARGET", "cluster/ams"}});
  CHECK(not_drained.status == exit_refused);
  CHECK(not_drained.errors == "swingctl: cluster/ams is not drained\n");
  CHECK(admin.requests()[1].starts_with("DELETE /v1/intents/7?owner=ada&reason=all%20good "));
}

TEST_CASE("service names in targets are sent as the daemon spells them", "[commands]") {
  FakeAdmin admin({{"POST /v1/intents", FakeAdmin::reply(201, drain_of_fra)},
                   {"GET /v1/intents", FakeAdmin::reply(200, R"({"intents":[]})")}});
  run(admin.address(), "drain", {{"TARGET", "pool/Shop.svc.example.com/fra"}, {"--reason", "x"}});
  run(admin.address(), "drain", {{"TARGET", "service/shop.svc.example.com."}, {"--reason", "x"}});
  const Run none = run(admin.address(), "undrain", {{"TARGET", "pool/shop.svc.example.com/fra"}});
  CHECK(none.errors == "swingctl: pool/shop.svc.example.com./fra is not drained\n");
  const auto& requests = admin.requests();
  CHECK(requests[0].find(R"("target":"pool/shop.svc.example.com./fra")") != std::string::npos);
  CHECK(requests[1].find(R"("target":"service/shop.svc.example.com.")") != std::string::npos);
}

TEST_CASE("what-if asks for what the options say", "[commands]") {
  FakeAdmin admin({{"GET /v1/what-if", FakeAdmin::reply(200, R"({"verdict":"all is well"})")},
                   {"GET /v1/n1", FakeAdmin::reply(200, R"({"at":null,"cases":[]})")}});
  const Run done = run(admin.address(), "what-if", {{"--down", "cluster/fra,locality/ams-a"}});
  CHECK(done.status == exit_done);
  CHECK(done.out.ends_with("\nall is well\n"));
  run(admin.address(), "what-if",
      {{"--down", "cluster/fra"}, {"--demand", "1.5"}, {"--service", "a.b"}, {"--all", "true"}});
  CHECK(run(admin.address(), "what-if", {}).status == exit_wrong_use);
  CHECK(run(admin.address(), "n1", {}).out.starts_with("not known"));
  run(admin.address(), "n1", {{"--depth", "2"}});
  const auto& requests = admin.requests();
  REQUIRE(requests.size() == 4);
  CHECK(requests[0].starts_with("GET /v1/what-if?down=cluster%2Ffra%2Clocality%2Fams-a HTTP"));
  CHECK(requests[1].starts_with(
      "GET /v1/what-if?down=cluster%2Ffra&demand=1.5&service=a.b&limit=1000000 HTTP"));
  CHECK(requests[3].starts_with("GET /v1/n1?depth=2 HTTP"));
}

TEST_CASE("history asks for what the options say", "[commands]") {
  FakeAdmin admin({{"GET /v1/history", FakeAdmin::reply(200, R"({"entries":[]})")}});
  CHECK(run(admin.address(), "history", {}).out == "nothing happened\n");
  run(admin.address(), "history",
      {{"--since", "1h"}, {"--target", "cluster/fra"}, {"--limit", "5"}});
  run(admin.address(), "history", {{"--since", "2026-11-22T08:00:00Z"}});
  const auto& requests = admin.requests();
  CHECK(requests[0].starts_with("GET /v1/history HTTP"));
  CHECK(requests[1].starts_with(
      "GET /v1/history?since=2026-09-21T13%3A13%3A20.000Z&target=cluster%2Ffra&limit=5 "));
  CHECK(requests[2].starts_with("GET /v1/history?since=2026-11-22T08%3A00%3A00.000Z "));
}

TEST_CASE("names that a person typed cannot leave their place in the call", "[commands]") {
  FakeAdmin admin(FakeAdmin::Replies{});
  run(admin.address(), "service", {{"NAME", "../reload?x#"}});
  run(admin.address(), "explain", {{"NAME", "a&type=B"}, {"--client", "::1"}});
  run(admin.address(), "cancel", {{"ID", "7/../8"}});
  run(admin.address(), "explain", {{"NAME", "a"}, {"--at", "2026-11-22T08:00:00Z"}});
  const auto& requests = admin.requests();
  CHECK(requests[0].starts_with("GET /v1/services/..%2Freload%3Fx%23 "));
  CHECK(requests[1].starts_with("GET /v1/explain?name=a%26type%3DB&type=A&client=%3A%3A1 "));
  CHECK(requests[2].starts_with("DELETE /v1/intents/7%2F..%2F8?owner=ada&reason= "));
  CHECK(requests[3].starts_with("GET /v1/explain?name=a&type=A&at=2026-11-22T08%3A00%3A00Z "));
}

TEST_CASE("a refusal is told in the daemon's words, with exit status 1", "[commands]") {
  FakeAdmin admin(
      {{"GET /v1/status",
        FakeAdmin::reply(503, R"({"error":{"code":"unavailable","message":"not \u001b[2J now"}})")},
       {"GET /v1/services", FakeAdmin::reply(200, "<html>hello</html>")},
       {"GET /v1/intents", FakeAdmin::reply(500, "{}")}});
  const Run refused = run(admin.address(), "status", {});
  CHECK(refused.status == exit_refused);
  CHECK(refused.errors == "swingctl: not \\x1b[2J now\n");
  const Run stranger = run(admin.address(), "services", {});
  CHECK(stranger.status == exit_refused);
  CHECK(stranger.errors.find("is no swingoverd") != std::string::npos);
  CHECK(run(admin.address(), "intents", {}).errors == "swingctl: HTTP status 500\n");
}

TEST_CASE("a question that the daemon takes for none is wrong use", "[commands]") {
  const auto none =
      FakeAdmin::reply(400, R"({"error":{"code":"invalid","message":"type: no such type"}})");
  FakeAdmin admin({{"GET /v1/explain", none},
                   {"GET /v1/what-if", none},
                   {"GET /v1/n1", none},
                   {"POST /v1/intents", none}});
  const Run asked = run(admin.address(), "explain", {{"NAME", "a.b"}, {"--type", "BOGUS"}});
  CHECK(asked.status == exit_wrong_use);
  CHECK(asked.errors == "swingctl: type: no such type\n");
  CHECK(run(admin.address(), "what-if", {{"--demand", "1.5x"}}).status == exit_wrong_use);
  CHECK(run(admin.address(), "n1", {{"--depth", "3"}}).status == exit_wrong_use);
  // What it refuses to do depends on what it has, too.
  CHECK(run(admin.address(), "drain", {{"TARGET", "cluster/fra"}, {"--reason", "x"}}).status ==
        exit_refused);
}

TEST_CASE("a plan that takes longer than it was given says so", "[commands]") {
  const auto plan = [](int left) {
    return drain_of_fra.substr(0, drain_of_fra.size() - 1) +
           R"(,"plan":{"every_seconds":60,"first_after_seconds":30,"left_seconds":)" +
           std::to_string(left) + "}}";
  };
  const auto drained = [&](const std::string& reply, const char* over) {
    FakeAdmin admin({{"POST /v1/intents", FakeAdmin::reply(201, reply)}});
    return run(admin.address(), "drain",
               {{"TARGET", "cluster/fra"}, {"--reason", "x"}, {"--over", over}})
        .out;
  };
  const std::string told = "drain 7 on cluster/fra until cancelled (ada: rack work)\n";
  CHECK(drained(plan(330), "2m") ==
        told +
            "takes 5m00s from the first step to the last, not 2m: steps "
            "are two TTLs apart at least\n");
  CHECK(drained(plan(330), "5m") == told);
  CHECK(drained(plan(100), "5m") == told);  // it goes on where it was
  const std::string tried =
      drain_of_fra.substr(0, drain_of_fra.size() - 1) +
      R"(,"dry_run":true,"steps":[{"after_seconds":30,"moved_percent":5},{"after_seconds":330,"moved_percent":100}]})";
  CHECK(drained(tried, "2m").find("takes 5m00s from") != std::string::npos);
}

TEST_CASE("nobody reached is exit status 3", "[commands]") {
  std::string gone;
  {
    FakeAdmin admin(FakeAdmin::Replies{});
    gone = admin.address();
  }
  const Run lost = run(gone, "status", {});
  CHECK(lost.status == exit_not_reached);
  CHECK(lost.errors.starts_with("swingctl: no answer from " + gone + ": "));
  CHECK(run(gone, "undrain", {{"TARGET", "cluster/fra"}}).status == exit_not_reached);
}

TEST_CASE("a reload shows the generation, or every problem", "[commands]") {
  FakeAdmin good({{"POST /v1/reload", FakeAdmin::reply(200, R"({"generation":2,"problems":""})")}});
  CHECK(run(good.address(), "reload", {}).out == "reloaded: generation 2\n");
  FakeAdmin partly(
      {{"POST /v1/reload",
        FakeAdmin::reply(
            200,
            R"({"generation":3,"problems":"","needs_restart":["server.listen","tls.listen"]})")}});
  CHECK(run(partly.address(), "reload", {}).out ==
        "reloaded: generation 3\na restart is needed for server.listen\n"
        "a restart is needed for tls.listen\n");
  FakeAdmin bad(
      {{"POST /v1/reload",
        FakeAdmin::reply(
            400, R"({"error":{"code":"invalid","message":"nothing changed"},"generation":1,)"
                 R"("problems":"a.toml:3:1: error: x\n  y\n  ^\n"})")}});
  const Run refused = run(bad.address(), "reload", {});
  CHECK(refused.status == exit_refused);
  CHECK(refused.errors == "swingctl: nothing changed\na.toml:3:1: error: x\n  y\n  ^\n");
}

TEST_CASE("the daemon's JSON comes in its order with --json, errors too", "[commands]") {
  FakeAdmin admin({{"GET /v1/status", FakeAdmin::reply(200, R"({"z":1,"a":["\u001b"]})")},
                   {"GET /v1/services", FakeAdmin::reply(503, R"({"error":{"message":"no"}})")}});
  CHECK(run(admin.address(), "status", {}, true).out ==
        "{\n  \"z\": 1,\n  \"a\": [\n    \"\\u001b\"\n  ]\n}\n");
  const Run refused = run(admin.address(), "services", {}, true);
  CHECK(refused.status == exit_refused);
  CHECK(refused.out.find("\"message\": \"no\"") != std::string::npos);
}

TEST_CASE("an override goes along with what a person asks for, and a refusal is shown",
          "[commands]") {
  const std::string refusal =
      R"({"error":{"code":"conflict","message":"rule two-sites: 1 of 2 clusters eligible, 2 are the least"}})";
  FakeAdmin admin({{"POST /v1/intents", FakeAdmin::reply(409, refusal)}});
  const Run refused = run(admin.address(), "drain",
                          {{"TARGET", "cluster/fra"}, {"--reason", "x"}, {"--override", "fire"}});
  CHECK(refused.status == exit_refused);
  CHECK(refused.errors == "swingctl: rule two-sites: 1 of 2 clusters eligible, 2 are the least\n");
  REQUIRE(admin.requests().size() == 1);
  CHECK(admin.requests()[0].find(R"("override":"fire")") != std::string::npos);
  const Run empty = run(admin.address(), "drain",
                        {{"TARGET", "cluster/fra"}, {"--reason", "x"}, {"--override", " "}});
  CHECK(empty.status == exit_wrong_use);
}
