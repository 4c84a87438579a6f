#include "ctl/table.h"

#include <catch2/catch.hpp>

#include "base/text.h"

using namespace swingover;
using namespace swingover::ctl;

TEST_CASE("control bytes become visible text, plain and UTF-8 text stays", "[table]") {
  CHECK(printable("refused") == "refused");
  CHECK(printable("zürich 東京") == "zürich 東京");
  CHECK(printable("\x1b[2Jgone") == "\\x1b[2Jgone");
  CHECK(printable("a\nb\tc\x7f") == "a\\x0ab\\x09c\\x7f");
  CHECK(printable(std::string_view("nul\0", 4)) == "nul\\x00");
}

TEST_CASE("C1 controls, turned text and broken UTF-8 become visible text", "[table]") {
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

TEST_CASE("no byte sequence of three yields a control byte", "[table]") {
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

TEST_CASE("printable_lines keeps line ends and nothing else", "[table]") {
  CHECK(printable_lines("one\ntwo\x1b\n") == "one\ntwo\\x1b\n");
}

TEST_CASE("width counts columns, not bytes", "[table]") {
  CHECK(display_width("fra") == 3);
  CHECK(display_width("zürich") == 6);
  CHECK(display_width("e\xcc\x81") == 1);  // e and a combining acute
  CHECK(display_width("東京") == 4);
}

TEST_CASE("columns are as wide as their widest cell, without trailing blanks", "[table]") {
  Table table({"CLUSTER", "HEALTH", "REASON"});
  table.add({{"fra"}, {"up"}, {""}});
  table.add({{"zürich-east"}, {"unknown"}, {"no verdict yet"}});
  CHECK(table.text({}) ==
        "CLUSTER      HEALTH   REASON\n"
        "fra          up       -\n"
        "zürich-east  unknown  no verdict yet\n");
}

TEST_CASE("the last column wraps where the terminal ends", "[table]") {
  Table table({"A", "REASON"});
  table.add({{"x"}, {"one two three four five six seven"}});
  CHECK(table.text({.colour = false, .width = 24}) ==
        "A  REASON\n"
        "x  one two three four\n"
        "   five six seven\n");

  SECTION("a word longer than the column is broken, and no line is wider than the terminal") {
    table.add({{"y"}, {std::string(50, 'w') + " end"}});
    const std::string text = table.text({.colour = false, .width = 30});
    for (const auto line : split(text, '\n')) CHECK(display_width(line) <= 30);
  }
  SECTION("a terminal too narrow for anything still gets 20 columns of it") {
    CHECK(table.text({.colour = false, .width = 5}).find("one two three four\n") !=
          std::string::npos);
  }
}

TEST_CASE("colour comes only where the terminal shows it, and does not move columns", "[table]") {
  Table table({"CLUSTER", "HEALTH", "X"});
  table.add({{"fra"}, {"up", Tint::good}, {"1"}});
  CHECK(table.text({}).find('\x1b') == std::string::npos);
  CHECK(table.text({.colour = true, .width = 0}).find("fra      \x1b[32mup\x1b[0m      1\n") !=
        std::string::npos);
}

TEST_CASE("a cell cannot bring colour of its own", "[table]") {
  Table table({"X"});
  table.add({{"\x1b[31mred"}});
  CHECK(table.text({}) == "X\n\\x1b[31mred\n");
}
