#include "base/printable.h"

#include <catch2/catch.hpp>
#include <string>

using namespace swingover;

TEST_CASE("control bytes become visible text, plain and UTF-8 text stays", "[printable]") {
  CHECK(printable("refused") == "refused");
  CHECK(printable("zürich 東京") == "zürich 東京");
  CHECK(printable("\x1b[2Jgone") == "\\x1b[2Jgone");
  CHECK(printable("a\nb\tc\x7f") == "a\\x0ab\\x09c\\x7f");
  CHECK(printable(std::string_view("nul\0", 4)) == "nul\\x00");
}

TEST_CASE("C1 controls, turned text and broken UTF-8 become visible text", "[printable]") {
  CHECK(printable("\xc2\x9b"
                  "31m") == "\\u{009b}31m");  // CSI in one code point
  CHECK(printable("a\xe2\x80\xae"
                  "b") == "a\\u{202e}b");           // right-to-left override
  CHECK(printable("\xe2\x80\xa8") == "\\u{2028}");  // line separator
  CHECK(printable("\xff\xfe") == "\\xff\\xfe");
  CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");           // overlong
  CHECK(printable("\xe0\x80\x9b") == "\\xe0\\x80\\x9b");  // overlong C1
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");  // a surrogate
  CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");
  CHECK(printable("cut \xe6\x9d") == "cut \\xe6\\x9d");
}

TEST_CASE("no byte sequence of three yields a control byte", "[printable]") {
  std::string text(3, '\0');
  for (unsigned n = 0; n < 1U << 16U; ++n) {
    text[0] = static_cast<char>(n >> 8U);
    text[1] = static_cast<char>(n & 0xffU);
    for (const char last : {'\x1b', '\x80', '\x9b', 'x'}) {
      text[2] = last;
      const std::string safe = printable(text);
      REQUIRE(std::ranges::none_of(
          safe, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; }));
      REQUIRE(printable(safe) == safe);
    }
  }
}

TEST_CASE("printable_lines keeps line ends and nothing else", "[printable]") {
  CHECK(printable_lines("one\ntwo\x1b\n") == "one\ntwo\\x1b\n");
}

TEST_CASE("width counts columns, not bytes", "[printable]") {
  CHECK(display_width("fra") == 3);
  CHECK(display_width("zürich") == 6);
  CHECK(display_width("e\xcc\x81") == 1);  // e and a combining acute
  CHECK(display_width("東京") == 4);
}
