#include "base/diagnostics.h"

#include <catch2/catch.hpp>
#include <string>

using namespace swingover;

TEST_CASE("problems come in the order of the text, each with its line and a caret",
          "[diagnostics]") {
  Diagnostics diagnostics("a.toml", "first = 1\nsecond = x\n");
  diagnostics.error({2, 10}, "not a number");
  diagnostics.warning({1, 1}, "nobody uses this");

  CHECK(diagnostics.text() ==
        "a.toml:1:1: warning: nobody uses this\n"
        "  first = 1\n"
        "  ^\n"
        "a.toml:2:10: error: not a number\n"
        "  second = x\n"
        "           ^\n");
  CHECK(diagnostics.errors() == 1);
}

TEST_CASE("a problem of the text as a whole has no line", "[diagnostics]") {
  Diagnostics diagnostics("a.zone", "");
  diagnostics.error({}, "no SOA record");
  CHECK(diagnostics.text() == "a.zone: error: no SOA record\n");
}

TEST_CASE("a warning alone is no error, and the same problem is told once", "[diagnostics]") {
  Diagnostics diagnostics("a", "x\n");
  diagnostics.warning({1, 1}, "twice");
  diagnostics.warning({1, 1}, "twice");
  CHECK_FALSE(diagnostics.has_errors());
  CHECK(diagnostics.problems().size() == 1);
}

TEST_CASE("the caret stands below its column behind tabs, wide letters and garbage",
          "[diagnostics]") {
  Diagnostics diagnostics("a", "\tz\xc3\xbcrich \x9b[2J x\r\n");
  diagnostics.error({1, 15}, "here");
  CHECK(diagnostics.text() ==
        "a:1:15: error: here\n"
        "  \tz\xc3\xbcrich \\x9b[2J x\n"
        "  \t               ^\n");
}

TEST_CASE("a text that is kept is quoted without a copy of it", "[diagnostics]") {
  std::string text = "first\nsecond\n";
  Diagnostics diagnostics = Diagnostics::of_kept("file", text);
  diagnostics.error({2, 3}, "wrong");
  text[7] = 'E';  // seen: it is the same text
  CHECK(diagnostics.text() == "file:2:3: error: wrong\n  sEcond\n    ^\n");
}

TEST_CASE("a long line is cut around the place, and a column behind its end does no harm",
          "[diagnostics]") {
  Diagnostics diagnostics("a", std::string(500, 'x') + "!" + std::string(500, 'y'));
  diagnostics.error({1, 501}, "here");
  diagnostics.error({1, 5000}, "far behind");
  diagnostics.error({7, 1}, "no such line");
  const std::string text = diagnostics.text();
  CHECK(text.find("xx!yy") != std::string::npos);
  CHECK(text.size() < 900);
}
