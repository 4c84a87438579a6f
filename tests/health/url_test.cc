#include "health/url.h"

#include <catch2/catch.hpp>

namespace swingover::health {

TEST_CASE("a redirect leads where RFC 3986 says", "[url]") {
  const Url base{.secure = false, .host = "shop.test", .port = 8080, .path = "/a/b/c?q=1"};
  const auto led = [&base](std::string_view location) {
    const auto url = follow(base, location);
    if (!url) return url.error().message;
    return std::string(url->secure ? "https://" : "http://") + url->authority() + url->path;
  };
  CHECK(led("/x") == "http://shop.test:8080/x");
  CHECK(led("x") == "http://shop.test:8080/a/b/x");
  CHECK(led("./x/") == "http://shop.test:8080/a/b/x/");
  CHECK(led("../x?y=1#z") == "http://shop.test:8080/a/x?y=1");
  CHECK(led("../../../../x/..") == "http://shop.test:8080/");
  CHECK(led("?r=2") == "http://shop.test:8080/a/b/c?r=2");
  CHECK(led("") == "http://shop.test:8080/a/b/c?q=1");
  CHECK(led("//other.test") == "http://other.test/");
  CHECK(led("HTTPS://other.test") == "https://other.test/");
  CHECK(led("https://other.test:443/x?y") == "https://other.test/x?y");
  CHECK(led("http://[2001:db8::1]:81?y") == "http://[2001:db8::1]:81/?y");
  CHECK(led("/a:b") == "http://shop.test:8080/a:b");

  CHECK(led("ftp://other.test/x") ==
        "redirected to \"ftp://other.test/x\", which is neither http nor https");
  CHECK(led("javascript:alert(1)") ==
        "redirected to \"javascript:alert(1)\", which is neither http nor https");
  CHECK(led("http://me@other.test/") ==
        "redirected to \"http://me@other.test/\", which names a user");
  for (const char* wrong : {"http:/x", "http://", "http://:81/", "http://a:0/", "http://a:99999/",
                            "http://a:b/", "http://[::1/", "http://a]:1/", "http://[a]/",
                            "http://[192.0.2.1]/", "//[::1]x/", "/a b", "/a\r\nb"}) {
    CAPTURE(wrong);
    CHECK(led(wrong).ends_with("\", which is no URL"));
  }
}

}  // namespace swingover::health
