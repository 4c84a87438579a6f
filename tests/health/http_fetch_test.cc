#include "health/http_fetch.h"

#include <catch2/catch.hpp>
#include <optional>

#include "health/pulls.h"
#include "tests/support/backend.h"
#include "tests/support/certificates.h"

namespace swingover::health {
namespace {

using tests::Backend;
using tests::Certificates;

struct Fetcher {
  Fetched fetch(const FetchRequest& request) {
    std::optional<Fetched> found;
    std::unique_ptr<HttpFetch> running =
        std::make_unique<HttpFetch>(world, request, [&](Fetched fetched) {
          found = std::move(fetched);
          running.reset();
        });
    CHECK_FALSE(found);  // never within the constructor
    loop.run_until([&] { return found.has_value(); }, 10'000);
    REQUIRE(found);
    return *found;
  }
  loop::Loop loop;
  StreamWorld world{loop};
};

FetchRequest from(const Backend& backend, bool secure = false) {
  return {.url = {.secure = secure, .host = "127.0.0.1", .port = backend.port(), .path = "/load"},
          .timeout = Milliseconds(secure ? 5'000 : 600)};
}

}  // namespace

TEST_CASE("a page is fetched whole", "[http_fetch]") {
  // More than a probe would keep.
  const std::string body(300'000, 'b');
  const Backend backend({"--bind", "127.0.0.1", "--body", body.substr(0, 100'000)});
  Fetcher fetcher;
  const Fetched fetched = fetcher.fetch(from(backend));
  CHECK(fetched.problem.empty());
  CHECK(fetched.body == body.substr(0, 100'000));
}

TEST_CASE("why there is no page is said in words", "[http_fetch]") {
  Fetcher fetcher;
  const std::vector<std::pair<std::vector<std::string>, std::string>> rows{
      {{"--mode", "status", "--status", "503"}, "status 503, wanted 200"},
      {{"--mode", "redirect"}, "status 302, wanted 200"},
      {{"--mode", "huge"}, "the body has more than 4 MiB"},
      {{"--mode", "close"}, "closed by the other end without an answer"},
      {{"--mode", "partial"}, "closed by the other end before the end of the body"},
  };
  for (const auto& [mode, words] : rows) {
    std::vector<std::string> arguments{"--bind", "127.0.0.1"};
    arguments.insert(arguments.end(), mode.begin(), mode.end());
    const Backend backend(arguments);
    INFO(mode[1]);
    FetchRequest request = from(backend);
    if (mode[1] == "huge") request.timeout = Milliseconds(10'000);
    const Fetched fetched = fetcher.fetch(request);
    CHECK(fetched.problem == words);
    CHECK(fetched.body.empty());
  }
  const Backend hung({"--bind", "127.0.0.1", "--mode", "hang"});
  CHECK(fetcher.fetch(from(hung)).problem == "timed out after 600ms while waiting for the status");
  Backend gone({"--bind", "127.0.0.1"});
  gone.end();
  CHECK(fetcher.fetch(from(gone)).problem == "connect: connection refused");
}

TEST_CASE("an https page needs a certificate that is trusted", "[http_fetch]") {
  const Certificates& certificates = Certificates::made();
  const Backend backend({"--bind", "127.0.0.1", "--body", "load 5", "--tls",
                         certificates.file("good.pem"), certificates.file("good.key")});
  Fetcher fetcher;
  FetchRequest request = from(backend, true);
  CHECK(fetcher.fetch(request).problem.find("certificate") != std::string::npos);
  request.tls.verify = false;
  CHECK(fetcher.fetch(request).body == "load 5");
}

TEST_CASE("a fetch that is destroyed is silent", "[http_fetch]") {
  const Backend backend({"--bind", "127.0.0.1"});
  Fetcher fetcher;
  bool was_called = false;
  {
    HttpFetch running(fetcher.world, from(backend), [&](const Fetched&) { was_called = true; });
    FetchRequest secure = from(backend, true);
    secure.tls.ca_file = "/nowhere.pem";  // fails before it connects
    HttpFetch failing(fetcher.world, secure, [&](const Fetched&) { was_called = true; });
  }
  fetcher.loop.run_until([] { return false; }, 50);
  CHECK_FALSE(was_called);
}

TEST_CASE("pages are pulled again and again, and equal ones go on at a change", "[http_fetch]") {
  const Backend backend({"--bind", "127.0.0.1", "--body", "load 5"});
  Backend dead({"--bind", "127.0.0.1"});
  dead.end();
  Fetcher fetcher;
  std::vector<Pulled> pulled;
  Pulls pulls(fetcher.world, [&](Pulled one) { pulled.push_back(std::move(one)); });
  const Pull good{"fra", from(backend), Milliseconds(30)};
  pulls.replace({good, {"ams", from(dead), Milliseconds(30)}});
  const auto count = [&](const std::string& name) {
    return std::ranges::count(pulled, name, &Pulled::name);
  };
  fetcher.loop.run_until([&] { return count("fra") >= 3 && count("ams") >= 3; }, 10'000);
  CHECK(count("fra") >= 3);
  for (const Pulled& one : pulled) {
    if (one.name == "fra") CHECK(one.fetched.body == "load 5");
    if (one.name == "ams") CHECK(one.fetched.problem == "connect: connection refused");
  }
  pulls.replace({good});
  const auto before = count("ams");
  const auto so_far = count("fra");
  fetcher.loop.run_until([&] { return count("fra") >= so_far + 2; }, 10'000);
  CHECK(count("ams") == before);
  CHECK(count("fra") >= so_far + 2);
}

}  // namespace swingover::health
