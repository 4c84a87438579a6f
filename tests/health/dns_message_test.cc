#include "health/dns_message.h"

#include <catch2/catch.hpp>

namespace swingover::health {

namespace {

constexpr uint16_t id = 0x1234;

std::string name(const char* text) {
  return *encode_dns_name(text);
}
std::string n16(unsigned value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}
DnsQuestion question(const char* of = "www.example.test", uint16_t type = 1) {
  return {name(of), DnsType{type}};
}

/// An answer to `asked` with these records behind the question.
std::string message(const DnsQuestion& asked, const std::vector<std::string>& records,
                    unsigned flags = 0x8580) {
  std::string out = n16(id) + n16(flags) + n16(1) + n16(static_cast<unsigned>(records.size())) +
                    n16(0) + n16(0) + asked.name + n16(asked.type.value) + n16(1);
  for (const std::string& record : records) out += record;
  return out;
}
/// Its owner is a pointer to the question.
std::string record(uint16_t type, const std::string& data) {
  return n16(0xc00c) + n16(type) + n16(1) + n16(0) + n16(60) +
         n16(static_cast<unsigned>(data.size())) + data;
}
std::string data_of(uint16_t type, const std::string& data) {
  const auto asked = question("www.example.test", type);
  const DnsAnswer answer = read_dns_answer(message(asked, {record(type, data)}), id, asked);
  REQUIRE(answer.kind == DnsAnswer::Kind::whole);
  REQUIRE(answer.records.size() == 1);
  return answer.records[0].data;
}

}  // namespace

TEST_CASE("names are encoded label by label, escapes too", "[dns_message]") {
  CHECK(name("a.bc.") == std::string("\1a\2bc\0", 6));
  CHECK(name("a.bc") == std::string("\1a\2bc\0", 6));
  CHECK(name(".") == std::string("\0", 1));
  CHECK(name("a\\.b.c") == std::string("\3a.b\1c\0", 7));
  CHECK(name("\\255x") == std::string("\2\xffx\0", 4));
  CHECK_FALSE(encode_dns_name(""));
  CHECK_FALSE(encode_dns_name("a..b"));
  CHECK_FALSE(encode_dns_name("a\\"));
  CHECK_FALSE(encode_dns_name("a\\25"));
  CHECK_FALSE(encode_dns_name("a\\999"));
  CHECK_FALSE(encode_dns_name(std::string(64, 'a')));
  std::string longest;
  for (int i = 0; i < 127; ++i) longest += "a.";
  CHECK(encode_dns_name(longest)->size() == 255);
  CHECK_FALSE(encode_dns_name(longest + "a"));
}

TEST_CASE("types have names and numbers", "[dns_message]") {
  CHECK(parse_dns_type("aaaa")->value == 28);
  CHECK(parse_dns_type("TYPE65280")->value == 65280);
  CHECK(text_of(DnsType{28}) == "AAAA");
  CHECK(text_of(DnsType{65280}) == "TYPE65280");
  CHECK_FALSE(parse_dns_type("AAAAA"));
  CHECK_FALSE(parse_dns_type("TYPE0"));
  CHECK_FALSE(parse_dns_type("TYPE65536"));
}

TEST_CASE("a query is one question, recursion desired", "[dns_message]") {
  CHECK(encode_dns_query(id, question()) == n16(id) + n16(0x0100) + n16(1) + n16(0) + n16(0) +
                                                n16(0) + std::string("\3www\7example\4test\0", 18) +
                                                n16(1) + n16(1));
}

TEST_CASE("record data reads as dig writes it", "[dns_message]") {
  CHECK(data_of(1, "\xc0\x01\x02\x03") == "192.1.2.3");
  CHECK(data_of(28, std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16)) == "2001:db8::1");
  CHECK(data_of(5, "\3lb1" + n16(0xc010)) == "lb1.example.test.");
  CHECK(data_of(2, std::string("\0", 1)) == ".");
  CHECK(data_of(15, n16(10) + name("mail.test")) == "10 mail.test.");
  CHECK(data_of(33, n16(1) + n16(2) + n16(443) + n16(0xc00c)) == "1 2 443 www.example.test.");
  CHECK(data_of(16, std::string("\3a b\2\"\xff", 7)) == R"("a b" "\"\255")");
  CHECK(data_of(257, std::string("\0\5issueca.test", 14)) == R"(0 issue "ca.test")");
  CHECK(data_of(6, name("ns.test") + name("a.b.test") + n16(0) + n16(7) + std::string(16, '\0')) ==
        "ns.test. a.b.test. 7 0 0 0 0");
  CHECK(data_of(257, std::string("\0\5iss\x1b[ca.test", 14)).starts_with(R"(\# 14 )"));  // no tag
  CHECK(data_of(65280, "\x01\xab") == R"(\# 2 01ab)");
  CHECK(data_of(1, "\x01\xab") == R"(\# 2 01ab)");  // an A of two octets
}

TEST_CASE("records are found by their data, however it is written", "[dns_message]") {
  CHECK(is_data({{28}, "2001:db8::1", {}}, "2001:DB8:0:0::1"));
  CHECK(is_data({{5}, "LB1.example.test.", {}}, "lb1.example.test"));
  CHECK(is_data({{15}, "10 mail.test.", {}}, "10 mail.test"));
  CHECK(is_data({{16}, R"("a" "b")", "ab"}, "ab"));
  CHECK(is_data({{16}, R"("a" "b")", "ab"}, R"("a" "b")"));
  CHECK_FALSE(is_data({{16}, R"("a" "b")", "ab"}, "AB"));
  CHECK_FALSE(is_data({{1}, "192.0.2.1", {}}, "192.0.2.10"));
}

TEST_CASE("what answers another question is alien", "[dns_message]") {
  const auto asked = question();
  const std::string good = message(asked, {record(1, "\xc0\x01\x02\x03")});
  const auto kind = [&](const std::string& octets) {
    return read_dns_answer(octets, id, asked).kind;
  };
  CHECK(kind(good) == DnsAnswer::Kind::whole);
  CHECK(kind(message({name("WWW.example.TEST"), {1}}, {})) == DnsAnswer::Kind::whole);
  CHECK(read_dns_answer(good, id + 1, asked).kind == DnsAnswer::Kind::alien);
  CHECK(kind(message(question("wwx.example.test"), {})) == DnsAnswer::Kind::alien);
  CHECK(kind(message(question("www.example.test", 28), {})) == DnsAnswer::Kind::alien);
  CHECK(kind(message(asked, {}, 0x0100)) == DnsAnswer::Kind::alien);  // a query
  CHECK(kind(message(asked, {}, 0xa800)) == DnsAnswer::Kind::alien);  // another opcode
  CHECK(kind("") == DnsAnswer::Kind::alien);
  CHECK(kind(good.substr(0, 20)) == DnsAnswer::Kind::alien);
}

TEST_CASE("an error is an answer also without the question", "[dns_message]") {
  const std::string bare = n16(id) + n16(0x8005) + std::string(8, '\0');
  const DnsAnswer answer = read_dns_answer(bare, id, question());
  CHECK(answer.kind == DnsAnswer::Kind::whole);
  CHECK(answer.rcode == DnsRcode::refused);
  CHECK(read_dns_answer(n16(id) + n16(0x8000) + std::string(8, '\0'), id, question()).kind ==
        DnsAnswer::Kind::alien);
}

TEST_CASE("a truncated answer says so", "[dns_message]") {
  CHECK(read_dns_answer(message(question(), {}, 0x8780), id, question()).kind ==
        DnsAnswer::Kind::truncated);
}

TEST_CASE("no cut and no flipped octet of an answer is read beyond its end", "[dns_message]") {
  const auto asked = question("www.example.test", 15);
  const std::string good =
      message(asked, {record(15, n16(10) + "\4mail" + n16(0xc010)), record(16, "\2ab"),
                      record(6, n16(0xc00c) + n16(0xc00c) + std::string(20, '\1')),
                      record(257, std::string("\0\5issuex", 8))});
  REQUIRE(read_dns_answer(good, id, asked).records.size() == 4);
  size_t malformed = 0;
  for (size_t cut = 0; cut < good.size(); ++cut) {
    // A copy of its own size, so that a sanitizer sees any octet too many.
    const std::vector<char> exact(good.begin(), good.begin() + static_cast<ptrdiff_t>(cut));
    const DnsAnswer answer = read_dns_answer({exact.data(), exact.size()}, id, asked);
    CHECK(answer.kind != DnsAnswer::Kind::whole);
    malformed += answer.kind == DnsAnswer::Kind::malformed ? 1 : 0;
  }
  CHECK(malformed > 50);
  for (size_t at = 12; at < good.size(); ++at) {
    for (const int value : {0x00, 0x3f, 0x40, 0xc0, 0xff}) {
      std::vector<char> bent(good.begin(), good.end());
      bent[at] = static_cast<char>(value);
      const DnsAnswer answer = read_dns_answer({bent.data(), bent.size()}, id, asked);
      CHECK(answer.records.size() <= 4);
    }
  }
}

TEST_CASE("names that point at themselves or forward end the reading", "[dns_message]") {
  const auto asked = question("www.example.test", 5);
  const size_t data_at = message(asked, {}).size() + 12;
  for (const size_t target : {data_at, data_at + 1, size_t{0x3fff}}) {
    const DnsAnswer answer = read_dns_answer(
        message(asked, {record(5, n16(0xc000 | static_cast<unsigned>(target)))}), id, asked);
    REQUIRE(answer.records.size() == 1);
    CHECK(answer.records[0].data.starts_with(R"(\# 2 )"));
  }
}

TEST_CASE("a name of more pointers than a name may have labels ends the reading", "[dns_message]") {
  const auto asked = question("www.example.test", 5);
  const auto hops = [&](unsigned count) {
    // Each of them points at the one before, the first at the question.
    unsigned at = static_cast<unsigned>(message(asked, {}).size()) + 12;
    std::string chain = n16(0xc00c);
    for (unsigned i = 1; i < count; ++i, at += 2) chain += n16(0xc000 | at);
    const auto answer = read_dns_answer(
        message(asked, {record(10, chain), record(5, n16(0xc000 | at))}), id, asked);
    REQUIRE(answer.records.size() == 2);
    return answer.records[1].data;
  };
  CHECK(hops(100) == "www.example.test.");
  CHECK(hops(200).starts_with(R"(\# 2 )"));  // else 8,000 a name, of thousands of names
}

}  // namespace swingover::health
