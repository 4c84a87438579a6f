#include "ctl/table.h"

#include <catch2/catch.hpp>

#include "base/printable.h"
#include "base/text.h"

using namespace swingover;
using namespace swingover::ctl;

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
