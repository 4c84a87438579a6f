#include "base/base64.h"

#include <catch2/catch.hpp>

#include <array>
#include <string>

namespace swingover {
namespace {

std::string encoded(std::string_view text) {
  return encode_base64({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

std::string decoded(std::string_view text) {
  const auto octets = decode_base64(text);
  return octets ? std::string(octets->begin(), octets->end()) : "none";
}

}  // namespace

TEST_CASE("the vectors of RFC 4648 read and write", "[base64]") {
  static constexpr std::array<std::array<std::string_view, 2>, 8> vectors{{{"", ""},
                                                                           {"f", "Zg=="},
                                                                           {"fo", "Zm8="},
                                                                           {"foo", "Zm9v"},
                                                                           {"foob", "Zm9vYg=="},
                                                                           {"fooba", "Zm9vYmE="},
                                                                           {"foobar", "Zm9vYmFy"},
                                                                           {"\xfb\xff", "+/8="}}};
  for (const auto& [octets, text] : vectors) {
    CHECK(encoded(octets) == text);
    CHECK(decoded(text) == octets);
  }
}

TEST_CASE("what is no base64 is refused", "[base64]") {
  for (const std::string_view text :
       {"Z", "Zg", "Zg=", "Zg===", "Z===", "====", "Zg= =", "Zm9v\n", " Zm9", "Zm-_",
        "Zg==Zg==", "Zh==", "Zv==", "Zm9=", "Zm+=", "Zm9vZh=="}) {
    CAPTURE(text);
    CHECK(decoded(text) == "none");
  }
}

}  // namespace swingover
