#include "ctl/client.h"

#include <catch2/catch.hpp>

#include "tests/ctl/fake_admin.h"

using namespace swingover;
using namespace swingover::ctl;
using swingover::tests::FakeAdmin;

TEST_CASE("an admin address is read as people write it", "[client]") {
  CHECK(parse_server_address("127.0.0.1:9")->base_url == "http://127.0.0.1:9");
  CHECK(parse_server_address("127.0.0.1")->base_url == "http://127.0.0.1:8053");
  CHECK(parse_server_address("[::1]:9")->base_url == "http://[::1]:9");
  CHECK(parse_server_address("[::1]")->base_url == "http://[::1]:8053");
  CHECK(parse_server_address("http://edge-fra-1:9/")->base_url == "http://edge-fra-1:9");
  const auto unix_address = parse_server_address("unix:/run/swingover/admin.sock");
  CHECK(unix_address->unix_path == "/run/swingover/admin.sock");
}

TEST_CASE("what is no admin address is refused", "[client]") {
  for (const char* text : {"", ":9", "host:", "host:0", "host:65536", "host:x", "::1", "::1:80",
                           "[::1", "[fra]:9", "unix:", "unix:relative", "http://", "https://host",
                           "host/path", "a b:1", "user@host:1", "ho\nst:1"}) {
    INFO(text);
    CHECK_FALSE(parse_server_address(text));
  }
}

TEST_CASE("url_escaped leaves nothing that could end a path or query", "[client]") {
  CHECK(url_escaped("shop.svc-1_x~") == "shop.svc-1_x~");
  CHECK(url_escaped("a/b?c&d=e f#g%") == "a%2Fb%3Fc%26d%3De%20f%23g%25");
  CHECK(url_escaped("\xc3\xbc\n") == "%C3%BC%0A");
}

TEST_CASE("status and body come back whatever the status is", "[client]") {
  FakeAdmin admin({{"GET /v1/status", FakeAdmin::reply(200, R"({"a":1})")},
                   {"POST /v1/intents", FakeAdmin::reply(409, R"({"error":{}})")}});
  Client client(*parse_server_address(admin.address()));

  const auto got = client.get("/v1/status");
  REQUIRE(got);
  CHECK((got->ok() && got->body == R"({"a":1})"));

  const auto posted = client.post("/v1/intents", R"({"kind":"drain"})");
  REQUIRE(posted);
  CHECK((posted->status == 409 && !posted->ok()));

  const auto removed = client.remove("/v1/intents/7?owner=ada");
  REQUIRE(removed);
  CHECK(removed->status == 404);

  const auto& requests = admin.requests();
  REQUIRE(requests.size() == 3);
  CHECK(requests[1].find("Content-Type: application/json") != std::string::npos);
  CHECK(requests[1].ends_with(R"({"kind":"drain"})"));
  CHECK(requests[2].starts_with("DELETE /v1/intents/7?owner=ada "));
}

TEST_CASE("nobody there, and an answer that breaks off, are `unavailable`", "[client]") {
  std::string gone;
  {
    FakeAdmin admin(FakeAdmin::Replies{});
    gone = admin.address();
  }
  Client nobody(*parse_server_address(gone));
  const auto refused = nobody.get("/v1/status");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::unavailable);

  FakeAdmin cut(
      FakeAdmin::Replies{{"GET /v1/status", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"}});
  Client client(*parse_server_address(cut.address()));
  const auto broken = client.get("/v1/status");
  REQUIRE_FALSE(broken);
  CHECK(broken.error().code == ErrorCode::unavailable);

  Client no_socket(*parse_server_address("unix:/nonexistent/admin.sock"));
  CHECK(no_socket.get("/livez").error().code == ErrorCode::unavailable);
}
