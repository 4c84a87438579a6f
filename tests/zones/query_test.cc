#include "zones/query.h"

#include <catch2/catch.hpp>

#include "tests/support/served.h"

namespace swingover::tests {
namespace {

using namespace zones;
using Wire = std::vector<uint8_t>;

Wire valid(std::vector<uint8_t> options = {}) {
  return query_packet({.name = "www.example.", .options = std::move(options)});
}

Served& served() {
  static Served instance([] {
    Model model;
    model.zones = {zone_source("example.",
                               "@ 60 IN SOA n h 1 2 3 4 5\n@ 60 IN NS n\nwww 60 IN A 192.0.2.1\n")};
    return model;
  }());
  return instance;
}

struct Seen {
  bool answered = false;
  unsigned rcode = 0;
  unsigned opcode = 0;
  unsigned questions = 0;
  bool id_kept = false;
};

Seen seen(const Wire& packet) {
  const Wire answer = served().raw(packet);
  if (answer.empty()) return {};
  CHECK(packet_text(answer).parsed);
  return {.answered = true,
          .rcode = answer[3] & 0xfU,
          .opcode = answer[2] >> 3 & 0xfU,
          .questions = read_u16(&answer[4]),
          .id_kept = answer[0] == packet[0] && answer[1] == packet[1]};
}

Wire with_count(Wire packet, size_t section, uint16_t count) {
  write_u16(&packet[4 + 2 * section], count);
  return packet;
}

Wire header(uint16_t flags, uint16_t questions) {
  Wire out(12);
  write_u16(&out[0], 0xbeef);
  write_u16(&out[2], flags);
  write_u16(&out[4], questions);
  return out;
}

Wire question(Wire name) {
  Wire out = header(0, 1);
  out.insert(out.end(), name.begin(), name.end());
  out.insert(out.end(), {0, 1, 0, 1});
  return out;
}

}  // namespace

TEST_CASE("a packet cut at any octet is answered FORMERR, or not at all without a whole header",
          "[query]") {
  const Wire whole = valid({0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8});
  REQUIRE(seen(whole).rcode == rcode::no_error);
  for (size_t size = 0; size < whole.size(); ++size) {
    const Seen answer = seen({whole.begin(), whole.begin() + static_cast<long>(size)});
    CHECK(answer.answered == (size >= 12));
    if (!answer.answered) continue;
    CHECK(answer.rcode == rcode::format_error);
    CHECK(answer.id_kept);
    CHECK(answer.questions == (size >= 12 + 13 + 4 ? 1U : 0U));
  }
}

TEST_CASE("an answer is never answered", "[query]") {
  Wire packet = valid();
  packet[2] |= 0x80;
  CHECK_FALSE(seen(packet).answered);
  CHECK(served().outcome().drop == Drop::is_response);
  served().raw(Wire(11));
  CHECK(served().outcome().drop == Drop::too_short);
}

TEST_CASE("no question, two or 65535 give FORMERR", "[query]") {
  for (const unsigned count : {0U, 2U, 65535U}) {
    const Seen answer = seen(with_count(valid(), 0, static_cast<uint16_t>(count)));
    CHECK(answer.rcode == rcode::format_error);
    CHECK(answer.questions == 0);
  }
  CHECK(seen(header(0, 0)).rcode == rcode::format_error);
}

TEST_CASE("an unknown opcode gives NOTIMP with the opcode copied, whatever follows", "[query]") {
  for (unsigned opcode = 1; opcode < 16; ++opcode) {
    if (opcode == opcode::notify || opcode == opcode::update) continue;
    const auto flags = static_cast<uint16_t>(opcode << 11);
    const Seen bare = seen(header(flags, 0));
    CHECK(bare.rcode == rcode::not_implemented);
    CHECK(bare.opcode == opcode);
    Wire with_question = valid();
    write_u16(&with_question[2], flags);
    CHECK(seen(with_question).rcode == rcode::not_implemented);
    CHECK(seen(with_question).questions == 1);
    with_question.push_back(1);
    CHECK(seen(with_question).rcode == rcode::not_implemented);
  }
}

TEST_CASE("NOTIFY and UPDATE are refused for our zones, NOTAUTH for all else, FORMERR malformed",
          "[query]") {
  for (const unsigned opcode : {opcode::notify, opcode::update}) {
    const auto flags = static_cast<uint16_t>(opcode << 11);
    const auto asked = [&](std::string_view name) {
      return query_packet({.name = name, .type = type::soa, .flags = flags});
    };
    CHECK(seen(asked("Example.")).rcode == rcode::refused);
    CHECK(seen(asked("Example.")).opcode == opcode);
    CHECK(seen(asked("www.example.")).rcode == rcode::not_auth);
    CHECK(seen(asked("example.org.")).rcode == rcode::not_auth);
    CHECK(seen(header(flags, 0)).rcode == rcode::format_error);
    Wire trailing = asked("example.");
    trailing.push_back(0);
    CHECK(seen(trailing).rcode == rcode::format_error);
    Wire with_prerequisite = asked("example.");
    const Wire any{0, 0, 255, 0, 255, 0, 0, 0, 0, 0, 0};
    with_prerequisite.insert(with_prerequisite.begin() + 12 + 9 + 4, any.begin(), any.end());
    CHECK(seen(with_count(with_prerequisite, 1, 1)).rcode == rcode::refused);
  }
}

TEST_CASE("names that are none give FORMERR", "[query]") {
  CHECK(seen(question({0xc0, 0x0c})).rcode == rcode::format_error);  // a pointer to itself
  CHECK(seen(question({3, 'w', 'w', 'w', 0xc0, 0x04})).rcode == rcode::format_error);
  CHECK(seen(question({0x40, 'a', 0})).rcode == rcode::format_error);  // label types 01 and 10
  CHECK(seen(question({0x80, 'a', 0})).rcode == rcode::format_error);
  Wire longest;
  for (int i = 0; i < 126; ++i) longest.insert(longest.end(), {1, 'a'});
  Wire fits = longest;
  fits.insert(fits.end(), {1, 'a', 0});  // 255
  CHECK(seen(question(fits)).rcode == rcode::refused);
  Wire over = longest;
  over.insert(over.end(), {2, 'a', 'a', 0});  // 256
  CHECK(seen(question(over)).rcode == rcode::format_error);
  Wire label(1, 63);
  label.insert(label.end(), 63, 'x');
  label.insert(label.end(), {7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0});
  CHECK(seen(question(label)).rcode == rcode::name_error);
  CHECK(seen(question({0})).rcode == rcode::refused);
}

TEST_CASE("octets that no record counts, and counted records that are not there, give FORMERR",
          "[query]") {
  Wire trailing = valid();
  trailing.push_back(0);
  CHECK(seen(trailing).rcode == rcode::format_error);
  for (size_t section = 1; section <= 3; ++section) {
    CHECK(seen(with_count(valid(), section, 2)).rcode == rcode::format_error);
    CHECK(seen(with_count(valid(), section, 65535)).rcode == rcode::format_error);
  }
  CHECK(seen(with_count(valid(), 3, 0)).rcode == rcode::format_error);
}

TEST_CASE("an OPT is read once, at the root, in the additional section", "[query]") {
  const Wire opt{0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0};
  Wire two = with_count(valid(), 3, 2);
  two.insert(two.end(), opt.begin(), opt.end());
  CHECK(seen(two).rcode == rcode::format_error);

  Wire named = query_packet({.name = "www.example.", .edns_size = {}});
  named.insert(named.end(), {1, 'x'});
  named.insert(named.end(), opt.begin(), opt.end());
  CHECK(seen(with_count(named, 3, 1)).rcode == rcode::format_error);

  CHECK(seen(with_count(with_count(valid(), 3, 0), 1, 1)).rcode == rcode::format_error);
  CHECK(seen(with_count(with_count(valid(), 3, 0), 2, 1)).rcode == rcode::format_error);
}

TEST_CASE("records beside the OPT are stepped over", "[query]") {
  Wire packet = query_packet({.name = "www.example.", .edns_size = {}});
  const Wire sig_like{0xc0, 0x0c, 0, 24, 0, 255, 0, 0, 0, 0, 0, 2, 1, 2};
  packet.insert(packet.end(), sig_like.begin(), sig_like.end());
  CHECK(seen(with_count(packet, 3, 1)).rcode == rcode::no_error);
}

TEST_CASE("an IXFR query may bring its SOA, other queries bring nothing", "[query]") {
  const Wire soa{0, 0, 6, 0, 1, 0, 0, 0, 0, 0, 0};
  Wire packet = query_packet({.name = "example.", .type = type::ixfr, .edns_size = {}});
  packet.insert(packet.end(), soa.begin(), soa.end());
  CHECK(seen(with_count(packet, 2, 1)).rcode == rcode::refused);
  CHECK(seen(with_count(packet, 1, 1)).rcode == rcode::format_error);
}

}  // namespace swingover::tests
