#include "zones/name.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/random.h"

namespace swingover::zones {
namespace {

Name name(std::string_view text) {
  const auto parsed = parse_name(text);
  INFO(text);
  REQUIRE(parsed);
  return *parsed;
}

std::string refusal(std::string_view text) {
  const auto parsed = parse_name(text);
  return parsed ? "accepted as " + parsed->text() : parsed.error().message;
}

std::vector<uint8_t> octets(const Name& n) {
  return {n.wire().begin(), n.wire().end()};
}

// `labels` labels of 63 octets, then one of `rest`.
std::string long_text(size_t labels, size_t rest) {
  std::string text;
  for (size_t i = 0; i < labels; ++i) text += std::string(63, 'a') + ".";
  return text + std::string(rest, 'b') + ".";
}

Name random_name(Random& random, size_t labels_max) {
  Name made;
  for (size_t labels = random.below(labels_max + 1); labels > 0; --labels) {
    std::string label;
    for (size_t size = 1 + random.below(4); size > 0; --size) {
      label += static_cast<char>(random.below(256));
    }
    made = *Name::child(label, made);
  }
  return made;
}

}  // namespace

TEST_CASE("a name is read into wire form with its case kept", "[name]") {
  CHECK(octets(name("Shop.Example.")) ==
        std::vector<uint8_t>{4, 'S', 'h', 'o', 'p', 7, 'E', 'x', 'a', 'm', 'p', 'l', 'e', 0});
  CHECK(name("Shop.Example.").labels() == 2);
  CHECK(name("shop.example") == name("shop.example."));
  CHECK(octets(name(".")) == std::vector<uint8_t>{0});
  CHECK(name(".").is_root());
  CHECK(Name().text() == ".");
}

TEST_CASE("escapes stand for any octet", "[name]") {
  CHECK(octets(name("a\\.b.c")) == std::vector<uint8_t>{3, 'a', '.', 'b', 1, 'c', 0});
  CHECK(octets(name("\\000\\255.")) == std::vector<uint8_t>{2, 0, 255, 0});
  CHECK(octets(name("\\@")) == std::vector<uint8_t>{1, '@', 0});
  CHECK(name("a\\.b.c").text() == "a\\.b.c.");
  CHECK(name("\\032\\;x").text() == "\\032\\;x.");
}

TEST_CASE("each of the 256 octets survives text and back", "[name]") {
  for (int octet = 0; octet < 256; ++octet) {
    const auto made = Name::child(std::string(1, static_cast<char>(octet)), name("x."));
    REQUIRE(made);
    CHECK(octets(name(made->text())) == octets(*made));
  }
}

TEST_CASE("what is no name is refused with the rule that it breaks", "[name]") {
  CHECK(refusal("") == "an empty name; the root is written as a dot");
  CHECK(refusal("a..b") == "an empty label: two dots in a row, or a dot in front");
  CHECK(refusal("..") == "an empty label: two dots in a row, or a dot in front");
  CHECK(refusal(".a") == "an empty label: two dots in a row, or a dot in front");
  CHECK(refusal("a\\") == "a backslash at the end stands for nothing");
  CHECK(refusal("a\\12") == "a backslash before a digit needs three digits, as in \\032");
  CHECK(refusal("a\\1x2") == "a backslash before a digit needs three digits, as in \\032");
  CHECK(refusal("a\\256") == "\\DDD is one octet: at most \\255");
  CHECK(refusal("a b") ==
        "only printable ASCII stands for itself; write other octets as \\DDD, international names "
        "in their xn-- form");
  CHECK(refusal("m\xc3\xbcller.example").starts_with("only printable ASCII"));
}

TEST_CASE("a label ends at 63 octets and a name at 255", "[name]") {
  CHECK(name(std::string(63, 'a')).wire().size() == 65);
  CHECK(refusal(std::string(64, 'a')) == "a label has more than 63 octets");
  CHECK(name(long_text(3, 61)).wire().size() == 255);
  CHECK(refusal(long_text(3, 62)) == "the name has more than 255 octets");
  std::string most_labels;
  for (int i = 0; i < 127; ++i) most_labels += "a.";
  CHECK(name(most_labels).labels() == 127);
  CHECK(refusal(most_labels + "a") == "the name has more than 255 octets");
}

TEST_CASE("a child is refused when it gets too long", "[name]") {
  const Name parent = name(long_text(3, 59));  // 253 octets
  CHECK(Name::child("x", parent)->wire().size() == 255);
  CHECK_FALSE(Name::child("xy", parent));
  CHECK_FALSE(Name::child("", parent));
  CHECK_FALSE(Name::child(std::string(64, 'x'), Name()));
  CHECK(Name::child("www", name("example."))->text() == "www.example.");
}

TEST_CASE("wire octets must be exactly one uncompressed name", "[name]") {
  const auto accepted = [](std::vector<uint8_t> wire) { return bool(Name::from_wire(wire)); };
  CHECK(accepted({0}));
  CHECK(accepted({1, 'a', 0}));
  CHECK_FALSE(accepted({}));
  CHECK_FALSE(accepted({1}));
  CHECK_FALSE(accepted({1, 'a'}));
  CHECK_FALSE(accepted({1, 'a', 0, 0}));
  CHECK_FALSE(accepted({0xc0, 0}));
  CHECK_FALSE(accepted({64}));
  std::vector<uint8_t> wire(255, 'x');
  for (const size_t at : {0U, 64U, 128U}) wire[at] = 63;
  wire[192] = 61;
  wire[254] = 0;
  CHECK(accepted(wire));
  wire[192] = 62;
  wire.push_back(0);
  CHECK_FALSE(accepted(wire));
}

TEST_CASE("names compare and hash blind to the case of ASCII letters alone", "[name]") {
  const std::hash<Name> hash;
  CHECK(name("WWW.Example.") == name("www.eXAMPLE."));
  CHECK(hash(name("WWW.Example.")) == hash(name("www.eXAMPLE.")));
  CHECK(std::is_eq(name("WWW.Example.") <=> name("www.eXAMPLE.")));
  CHECK(name("\\[.") != name("{."));  // 0x5b and 0x7b differ by the case bit
  CHECK(name("\\192.") != name("\\224."));
  CHECK(octets(name("WWW.Example.").folded()) == octets(name("www.example.")));
}

TEST_CASE("names sort as in RFC 4034 section 6.1", "[name]") {
  const std::vector<std::string> sorted{
      "example.",   "a.example.",       "yljkjljk.a.example.", "Z.a.example.",    "zABC.a.EXAMPLE.",
      "z.example.", "\\001.z.example.", "*.z.example.",        "\\200.z.example."};
  std::vector<Name> names;
  for (const auto& text : sorted) names.push_back(name(text));
  std::vector<Name> shuffled(names.rbegin(), names.rend());
  std::ranges::sort(shuffled);
  CHECK(shuffled == names);
}

TEST_CASE("the order is total and agrees with equality", "[name]") {
  Random random(20260);
  std::vector<Name> names;
  for (int i = 0; i < 120; ++i) names.push_back(random_name(random, 4));
  for (const Name& a : names) {
    for (const Name& b : names) {
      CHECK(std::is_eq(a <=> b) == (a == b));
      CHECK((a < b) == (b > a));
      if (a.is_at_or_below(b)) CHECK(a >= b);
    }
  }
}

TEST_CASE("at or below looks at whole labels", "[name]") {
  CHECK(name("a.b.example.").is_at_or_below(name("B.Example.")));
  CHECK(name("b.example.").is_at_or_below(name("b.example.")));
  CHECK(name("b.example.").is_at_or_below(Name()));
  CHECK_FALSE(name("xb.example.").is_at_or_below(name("b.example.")));
  CHECK_FALSE(name("example.").is_at_or_below(name("b.example.")));
  CHECK_FALSE(name("b\\.example.").is_at_or_below(name("example.")));
}

TEST_CASE("parents end at the root, wildcards are the label * alone", "[name]") {
  CHECK(name("a.b.c.").parent() == name("b.c."));
  CHECK(name("c.").parent().is_root());
  CHECK(Name().parent().is_root());
  CHECK(name("*.example.").is_wildcard());
  CHECK(name("\\*.example.").is_wildcard());
  CHECK_FALSE(name("**.example.").is_wildcard());
  CHECK_FALSE(name("a.*.example.").is_wildcard());
}

TEST_CASE("whatever text is a name survives text() and parse_name()", "[name]") {
  Random random(7);
  std::unordered_set<Name> seen;
  for (int i = 0; i < 2000; ++i) {
    const Name made = random_name(random, 6);
    CHECK(octets(name(made.text())) == octets(made));
    seen.insert(made);
    CHECK(seen.contains(made.folded()));
  }
}

}  // namespace swingover::zones
