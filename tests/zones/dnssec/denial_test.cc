#include "zones/dnssec/denial.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/random.h"
#include "zones/protocol.h"

namespace swingover::dnssec::tests {
namespace {

using Octets = std::vector<uint8_t>;
using zones::Name;
using zones::parse_name;
namespace type = zones::type;

template <class Write>
Octets written(Write write) {
  std::array<uint8_t, nsec_size_max> room;
  ByteWriter out(room);
  write(out);
  CHECK_FALSE(out.failed());
  return {out.written().begin(), out.written().end()};
}

Octets bitmap(std::vector<uint16_t> types) {
  return written([&](ByteWriter& out) { write_type_bitmap(types, out); });
}

Name next_of(const Name& name, const Name& apex) {
  const Octets wire =
      written([&](ByteWriter& out) { write_next_name(name.wire(), apex.wire(), out); });
  const auto next = Name::from_wire(wire);
  REQUIRE(next);
  return *next;
}

Octets joined(const std::string& name, const Octets& rest) {
  const Name parsed = *parse_name(name);
  Octets all(parsed.wire().begin(), parsed.wire().end());
  all.insert(all.end(), rest.begin(), rest.end());
  return all;
}

const Name apex = *parse_name("svc.example.test.");

/// A name of `size` octets: labels as long as they can be in front of the apex, the first of them filled with `octet`.
Name long_name(size_t size, char octet) {
  Name name = apex;
  while (name.wire().size() < size) {
    const size_t left = size - name.wire().size();
    // A remainder of one octet could not be a label.
    const size_t length = left <= 64 ? left - 1 : left == 65 ? 62 : 63;
    name = *Name::child(std::string(length, octet), name);
  }
  REQUIRE(name.wire().size() == size);
  return name;
}

std::string label_of(const Name& name) {
  const Bytes label = name.wire().subspan(1, name.wire()[0]);
  return {label.begin(), label.end()};
}

/// Names that could stand right behind or in front of a name, if any does: of it and of each parent, the first child, the
/// first labels with an octet more, one less, and those whose last octet is one more or less.
std::vector<Name> names_near(const Name& name) {
  std::vector<Name> names;
  const auto add = [&names](const std::string& label, const Name& parent) {
    if (const auto made = Name::child(label, parent)) names.push_back(*made);
  };
  for (Name each = name; each != apex; each = each.parent()) {
    for (const char octet : {'\0', '\x01'}) {
      add(std::string(1, octet), each);
      add(label_of(each) + octet, each.parent());
    }
    // A label shorter by each octet that counts no further, and the one in front of those counted up.
    for (std::string label = label_of(each); !label.empty(); label.pop_back()) {
      add(label, each.parent());
      for (const int step : {-1, 1, 'Z' + 1 - '@'}) {
        std::string other = label;
        const int octet = static_cast<uint8_t>(other.back()) + step;
        if (octet < 0 || octet > 255) continue;
        other.back() = static_cast<char>(octet);
        add(other, each.parent());
      }
      if (label.back() != '\xff') break;
    }
  }
  return names;
}

}  // namespace

TEST_CASE("the type bitmap of RFC 4034 is written as it stands there", "[denial]") {
  // Section 4.3: A MX RRSIG NSEC TYPE1234.
  Octets expected{0x00, 0x06, 0x40, 0x01, 0x00, 0x00, 0x00, 0x03, 0x04, 0x1b};
  expected.resize(expected.size() + 26);
  expected.push_back(0x20);
  CHECK(bitmap({1, 15, 46, 47, 1234}) == expected);
}

TEST_CASE("a type bitmap has no empty window and no zeros at its end", "[denial]") {
  CHECK(bitmap({}).empty());
  CHECK(bitmap({0}) == Octets{0, 1, 0x80});
  CHECK(bitmap({7, 7, 8}) == Octets{0, 2, 0x01, 0x80});
  Octets last{0xff, 32};
  last.resize(33);
  last.push_back(0x01);
  CHECK(bitmap({65535}) == last);
  std::vector<uint16_t> all;
  for (unsigned number = 0; number < 65536; ++number) all.push_back(static_cast<uint16_t>(number));
  CHECK(bitmap(all).size() == type_bitmap_size_max);
}

TEST_CASE("a name that does not exist is followed at once, and has NXNAME", "[denial]") {
  const Name name = *parse_name("No.svc.example.test.");
  const Octets nsec =
      written([&](ByteWriter& out) { write_nsec_of_absent(name.wire(), apex.wire(), out); });
  Octets types{0x00, 0x11, 0, 0, 0, 0, 0, 0x03};
  types.resize(2 + 16);
  types.push_back(0x80);
  CHECK(nsec == joined("\\000.no.svc.example.test.", types));
}

TEST_CASE("a name that exists has its own types, RRSIG and NSEC", "[denial]") {
  const auto nsec = [](std::vector<uint16_t> types) {
    const Name name = *parse_name("shop.svc.example.test.");
    return written(
        [&](ByteWriter& out) { write_nsec_of_present(name.wire(), apex.wire(), types, out); });
  };
  const std::string next = "\\000.shop.svc.example.test.";
  CHECK(nsec({type::a, type::aaaa}) == joined(next, bitmap({1, 28, 46, 47})));
  CHECK(nsec({type::ns}) == joined(next, bitmap({2, 46, 47})));
  CHECK(nsec({type::a, type::nsec, type::https}) == joined(next, bitmap({1, 46, 47, 65})));
  CHECK(nsec({257, 1024}) == joined(next, bitmap({46, 47, 257, 1024})));
  // An empty non-terminal: nothing but what every signed name has.
  CHECK(nsec({}) == joined(next, bitmap({46, 47})));
}

TEST_CASE("too little room is a failure, not a record cut short", "[denial]") {
  std::array<uint8_t, 20> room;
  ByteWriter out(room);
  write_nsec_of_absent(parse_name("no.svc.example.test.")->wire(), apex.wire(), out);
  CHECK(out.failed());
}

TEST_CASE("the next name of a long name is the first that fits", "[denial]") {
  SECTION("253 octets: a label of one octet still fits") {
    const Name name = long_name(253, 'x');
    CHECK(next_of(name, apex) == *Name::child(std::string(1, '\0'), name));
  }
  SECTION("254 octets: the first label grows") {
    const Name name = long_name(254, 'x');
    CHECK(next_of(name, apex) == *Name::child(label_of(name) + '\0', name.parent()));
  }
  SECTION("254 octets, an octet left in the first label: it grows to 63") {
    const Name name = *Name::child(std::string(62, 'x'), long_name(191, 'w'));
    REQUIRE(name.wire().size() == 254);
    CHECK(next_of(name, apex) == *Name::child(std::string(62, 'x') + '\0', name.parent()));
  }
  SECTION("254 octets, the first label full: its last octet counts up") {
    const Name name = *Name::child(std::string(63, 'x'), long_name(190, 'w'));
    REQUIRE(name.wire().size() == 254);
    CHECK(next_of(name, apex) == *Name::child(std::string(62, 'x') + 'y', name.parent()));
  }
  SECTION("255 octets: the last octet of the first label counts up") {
    const Name name = long_name(255, 'x');
    std::string label = label_of(name);
    label.back() = 'y';
    CHECK(next_of(name, apex) == *Name::child(label, name.parent()));
  }
  SECTION("behind @ comes [, since capitals order as small letters") {
    const Name name = long_name(255, '@');
    std::string label = label_of(name);
    label.back() = '[';
    CHECK(next_of(name, apex) == *Name::child(label, name.parent()));
  }
  SECTION("255 octets: what counts no further at the label's end goes") {
    const Name parent = long_name(191, 'w');
    const std::string start = "ab";
    const Name name = *Name::child(start + std::string(61, '\xff'), parent);
    REQUIRE(name.wire().size() == 255);
    CHECK(next_of(name, apex) == *Name::child("ac", parent));
  }
  SECTION("a label of nothing but 255 goes, and its parent's label grows") {
    const Name parent = long_name(253, 'x');
    REQUIRE(label_of(parent).size() < 63);
    const Name name = *Name::child(std::string(1, '\xff'), parent);
    CHECK(next_of(name, apex) == *Name::child(label_of(parent) + '\0', parent.parent()));
  }
  SECTION("nothing follows full labels of nothing but 255 but the apex") {
    CHECK(next_of(long_name(255, '\xff'), apex) == apex);
  }
}

TEST_CASE("an apex of nearly 255 octets has a next name too", "[denial]") {
  const Name of_253 = long_name(253, 'x');
  const Name of_254 = long_name(254, 'x');
  const Name of_255 = long_name(255, 'x');
  CHECK(next_of(of_253, of_253) == *Name::child(std::string(1, '\0'), of_253));
  CHECK(next_of(*Name::child("a", of_253), of_253) == *Name::child("b", of_253));
  CHECK(next_of(*Name::child("\xff", of_253), of_253) == of_253);
  CHECK(next_of(of_254, of_254) == of_254);  // no other name fits into the zone
  CHECK(next_of(of_255, of_255) == of_255);
}

TEST_CASE("nothing lies between a name and its next one, in the zone", "[denial]") {
  Random random(7);
  size_t longest = 0;
  for (int i = 0; i < 3000; ++i) {
    Name name = apex;
    const size_t size = random.below(4) == 0 ? 100 + random.below(150) : 248 + random.below(8);
    while (name.wire().size() + 2 <= size) {
      const size_t room = std::min<size_t>(size - name.wire().size() - 1, 63);
      // Full labels and short ones by turns, many of them ending in octets that count no further.
      std::string label(random.below(2) == 0 ? room : 1 + random.below(room), '\0');
      for (char& c : label) c = "\0\xff@Z[az\x01"[random.below(8)];
      const size_t run = random.below(3) == 0 ? random.below(label.size() + 1) : 0;
      std::fill(label.end() - static_cast<std::ptrdiff_t>(run), label.end(), '\xff');
      name = *Name::child(label, name);
    }
    if (name.wire().size() >= 254) ++longest;

    const Name next = next_of(name, apex);
    const bool is_last = next == apex;
    if (!is_last) {
      REQUIRE(next > name);
      REQUIRE(next.is_at_or_below(apex));
    }
    for (const Name& other : names_near(name)) {
      const bool lies_between = other > name && (is_last || other < next);
      if (lies_between) FAIL(name.text() << " < " << other.text() << " < " << next.text());
    }
  }
  CHECK(longest > 400);
}

}  // namespace swingover::dnssec::tests
