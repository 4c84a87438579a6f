#include "health/http1.h"

#include <catch2/catch.hpp>
#include <string>

namespace swingover::health {

namespace {

using Heard = HttpAnswer::Heard;

/// The answer to a GET that comes in pieces of `piece` octets, and ends if `ends`.
HttpAnswer answer_to(std::string_view octets, size_t piece = SIZE_MAX, bool ends = false,
                     const std::string& method = "GET", bool keep_alive = false) {
  Http1 codec;
  HttpRequest request;
  request.method = method;
  request.keep_alive = keep_alive;
  codec.ask(request, true);
  while (!octets.empty()) {
    codec.receive(octets.substr(0, piece));
    octets.remove_prefix(std::min(piece, octets.size()));
  }
  if (ends) codec.end();
  return codec.answer();
}

std::string problem_of(std::string_view octets, bool ends = true) {
  const HttpAnswer whole = answer_to(octets, SIZE_MAX, ends);
  CHECK(whole.heard == Heard::broken);
  return whole.problem;
}

}  // namespace

TEST_CASE("an HTTP answer is read alike in one piece and in many", "[http1]") {
  struct Case {
    const char* octets;
    const char* body;
    bool needs_end;
  };
  const Case c = GENERATE(
      Case{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", false},
      Case{"HTTP/1.0 200\nX: y\n\nhello", "hello", true},
      Case{"HTTP/1.1 200 \r\ncontent-length:5 \r\nContent-Length: 5\r\n\r\nhello", "hello", false},
      Case{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
           "3;x=y\r\nhel\r\n02 \r\nlo\r\n0\r\nX: y\r\n\r\n",
           "hello", false},
      Case{"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello", "hello", true},
      Case{"HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "",
           false},
      Case{"HTTP/1.1 200 OK\r\n\r\n", "", true});
  const size_t piece = GENERATE(size_t{1}, size_t{7}, SIZE_MAX);
  const HttpAnswer answer = answer_to(c.octets, piece, c.needs_end);
  CHECK(answer.heard == Heard::whole);
  CHECK(answer.status == 200);
  CHECK(answer.body == c.body);
  CHECK_FALSE(answer.reusable);
  if (c.needs_end) CHECK(answer_to(c.octets, piece, false).heard == Heard::headers);
}

TEST_CASE("answers without a body end with their headers", "[http1]") {
  CHECK(answer_to("HTTP/1.1 204 No\r\n\r\n").heard == Heard::whole);
  CHECK(answer_to("HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n").heard == Heard::whole);
  CHECK(answer_to("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", SIZE_MAX, false, "HEAD").heard ==
        Heard::whole);
}

TEST_CASE("a connection is asked again only if both ends mean to", "[http1]") {
  const auto reusable = [](std::string_view octets, bool keep_alive = true) {
    return answer_to(octets, SIZE_MAX, false, "GET", keep_alive).reusable;
  };
  CHECK(reusable("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  CHECK_FALSE(reusable("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false));
  CHECK_FALSE(reusable("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore"));
  CHECK_FALSE(reusable("HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 0\r\n\r\n"));
  CHECK_FALSE(reusable("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
  CHECK(reusable("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"));
}

TEST_CASE("what is not HTTP is broken, and says what it was", "[http1]") {
  CHECK(problem_of("SSH-2.0-OpenSSH_9.2p1 Debian\r\n", false) ==
        "not an HTTP answer: \"SSH-2.0-OpenSSH_\"");
  CHECK(problem_of("SSH-", false) == "not an HTTP answer: \"SSH-\"");
  CHECK(problem_of("HTTP/2 200\r\n") == "not an HTTP answer: \"HTTP/2 200\"");
  CHECK(problem_of("HTTP/1.1 99 OK\r\n") == "not an HTTP answer: \"HTTP/1.1 99 OK\"");
  CHECK(problem_of("HTTP/1.1 2000 OK\r\n") == "not an HTTP answer: \"HTTP/1.1 2000 OK\"");
  CHECK(problem_of("HTTP/1.1 200 OK\r\nno header\r\n") ==
        "not an HTTP answer: header \"no header\"");
  CHECK(problem_of("HTTP/1.1 200 OK\r\nA : b\r\n") == "not an HTTP answer: header \"A : b\"");
  CHECK(problem_of("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n") == "not an HTTP answer: header \" c\"");
  for (const char* length : {"-1", "5, 5", "0x5", "5 5", "99999999999999999999", ""}) {
    CHECK(problem_of("HTTP/1.1 200 OK\r\nContent-Length: " + std::string(length) + "\r\n") ==
          "not an HTTP answer: a Content-Length that makes no sense");
  }
  CHECK(problem_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n") ==
        "not an HTTP answer: a Content-Length that makes no sense");
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const char* size : {"", "g", "-1", "ffffffffffffffff", "0x1"}) {
    CHECK(problem_of(chunked + size + "\r\n") == "not an HTTP answer: a chunk without a size");
  }
  CHECK(problem_of(chunked + "3\r\nhello\r\n") == "not an HTTP answer: a chunk without its end");
}

TEST_CASE("an answer that ends too early says where", "[http1]") {
  CHECK(problem_of("") == "closed by the other end without an answer");
  CHECK(problem_of("HTT") == "not an HTTP answer: \"HTT\"");
  CHECK(problem_of("HTTP/1.1 200 OK\r\nA: b\r\n") ==
        "closed by the other end before the end of the headers");
  CHECK(problem_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell") ==
        "closed by the other end before the end of the body");
  CHECK(problem_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n") ==
        "closed by the other end before the end of the body");
}

TEST_CASE("headers and bodies are read to 64 KiB", "[http1]") {
  std::string endless = "HTTP/1.1 200 OK\r\n";
  while (endless.size() < 70'000) endless += "X: " + std::string(1000, 'y') + "\r\n";
  CHECK(problem_of(endless, false) == "headers of more than 64 KiB");
  CHECK(problem_of("HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'y'), false) ==
        "headers of more than 64 KiB");
  const HttpAnswer long_body = answer_to("HTTP/1.1 200 OK\r\n\r\n" + std::string(70'000, 'y'), 999);
  CHECK(long_body.heard == Heard::cut);
  CHECK(long_body.body.size() == HttpRequest{}.answer_max);
  // Many small chunks are no headers.
  std::string chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 20'000; ++i) chunks += "1\r\nx\r\n";
  CHECK(answer_to(chunks + "0\r\n\r\n", 1000).heard == Heard::whole);
}

TEST_CASE("a request carries what people wrote, and its own headers once", "[http1]") {
  Http1 codec;
  HttpRequest request;
  request.method = "POST";
  request.path = "/up?deep=1";
  request.authority = "shop.example.test";
  request.headers = {{"User-Agent", "me"}, {"X-Token", "a b"}};
  request.body = "{}";
  codec.ask(request, false);
  CHECK(codec.take_output() ==
        "POST /up?deep=1 HTTP/1.1\r\nHost: shop.example.test\r\nAccept: */*\r\n"
        "Connection: close\r\nUser-Agent: me\r\nX-Token: a b\r\nContent-Length: 2\r\n\r\n{}");
}

}  // namespace swingover::health
