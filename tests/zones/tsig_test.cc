#include "zones/tsig.h"

#include <openssl/evp.h>

#include <catch2/catch.hpp>
#include <string>

#include "base/base64.h"
#include "tests/support/served.h"

namespace swingover::tests {
namespace {

using namespace zones;
using Wire = std::vector<uint8_t>;

constexpr uint32_t now = 1'800'000'000;
constexpr std::string_view secret = "0123456789abcdef0123456789abcdef";

Bytes octets(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

/// What the oracle calls the keys.
struct Method {
  TsigAlgorithm algorithm;
  const char* name;
  size_t size;
};
constexpr std::array methods{Method{TsigAlgorithm::hmac_sha256, "hmac-sha256.", 32},
                             Method{TsigAlgorithm::hmac_sha512, "hmac-sha512.", 64}};

TsigKey key_of(const Method& method, std::string_view name = "Key.Example.") {
  return {*parse_name(name), method.algorithm, octets(secret)};
}

std::string base64(std::string_view text) {
  return encode_base64(octets(text));
}

/// A packet of ldns, and its end.
class Packet {
 public:
  explicit Packet(Bytes wire) {
    REQUIRE(ldns_wire2pkt(&packet_, wire.data(), wire.size()) == LDNS_STATUS_OK);
  }
  ~Packet() { ldns_pkt_free(packet_); }
  Packet(const Packet&) = delete;
  Packet& operator=(const Packet&) = delete;
  ldns_pkt* get() const { return packet_; }
  Wire wire() const {
    uint8_t* data = nullptr;
    size_t size = 0;
    REQUIRE(ldns_pkt2wire(&data, packet_, &size) == LDNS_STATUS_OK);
    Wire out(data, data + size);
    LDNS_FREE(data);
    return out;
  }

 private:
  ldns_pkt* packet_ = nullptr;
};

/// As ldns signs it.
Wire signed_by_ldns(const Wire& packet, const Method& method, const char* name = "key.example.") {
  Packet parsed(packet);
  REQUIRE(ldns_pkt_tsig_sign(parsed.get(), name, base64(secret).c_str(), 300, method.name,
                             nullptr) == LDNS_STATUS_OK);
  return parsed.wire();
}

/// Where the algorithm's name ends, in front of the time.
size_t fields_at(const Wire& packet) {
  size_t at = tsig_place(packet);
  REQUIRE(at != 0);
  const auto skip_name = [&] {
    while (packet[at] != 0 && packet[at] < 0xc0) at += 1U + packet[at];
    at += packet[at] == 0 ? 1U : 2U;
  };
  skip_name();
  at += 10;
  skip_name();
  return at;
}

/// Where ldns put its clock.
uint64_t time_of(const Wire& packet) {
  const size_t at = fields_at(packet);
  return uint64_t{read_u16(&packet[at])} << 32 | read_u32(&packet[at + 2]);
}

uint16_t verify(const Wire& packet, const TsigKey& key, uint64_t at, Tsig& tsig) {
  Query query;
  const ParseOutcome parsed = parse_query(packet, query);
  if (parsed != ParseOutcome::fine) return rcode::format_error;
  return tsig.verify_request(packet, query, {&key, 1}, at);
}
uint16_t verify(const Wire& packet, const TsigKey& key, uint64_t at) {
  Tsig tsig;
  return verify(packet, key, at, tsig);
}

Wire unsigned_query() {
  return query_packet({.name = "www.example."});
}

Wire signed_query(const TsigKey& key, uint64_t at = now, Tsig* keep = nullptr,
                  std::string_view name = "www.example.", uint16_t type = type::a) {
  Wire packet = query_packet({.name = name, .type = type});
  Tsig own;
  Tsig& tsig = keep ? *keep : own;
  const size_t size = packet.size();
  packet.resize(size + 512);
  packet.resize(tsig.sign_request(key, packet.data(), size, at));
  return packet;
}

struct TsigFields {
  uint16_t error = 0;
  size_t mac_size = 0;
  uint64_t time = 0;
  Wire other;
};
TsigFields fields_of(const Wire& packet) {
  size_t at = fields_at(packet);
  TsigFields out;
  out.time = time_of(packet);
  out.mac_size = read_u16(&packet[at + 8]);
  at += 10 + out.mac_size;
  out.error = read_u16(&packet[at + 2]);
  out.other.assign(packet.begin() + static_cast<long>(at) + 6, packet.end());
  REQUIRE(out.other.size() == read_u16(&packet[at + 4]));
  return out;
}

/// A server with both keys, whose clock stands.
struct Server {
  Server() : served(model()) {}
  static Model model() {
    Model out;
    std::string text = "@ 60 IN SOA n h 1 2 3 4 5\n@ 60 IN NS n\nwww 60 IN A 192.0.2.1\n";
    for (int i = 0; i < 100; ++i) text += "many 60 IN A 192.0.2." + std::to_string(i) + "\n";
    out.zones = {zone_source("example.", text)};
    for (const Method& method : methods)
      out.tsig_keys.push_back(
          key_of(method, method.size == 32 ? "Key.Example." : "big-key.example."));
    return out;
  }
  Wire ask(const Wire& packet, size_t room = 65'535, uint32_t at = now) {
    Wire out(room, 0xa5);
    outcome = respond(packet, {.address = {}, .transport = Transport::udp, .now = at},
                      served.snapshot(), served.tally(), out);
    out.resize(outcome.size);
    return out;
  }
  Served served;
  Outcome outcome;
};

}  // namespace

TEST_CASE("a request that ldns signed is right, in every case of its key's name", "[tsig]") {
  for (const Method& method : methods) {
    const TsigKey key = key_of(method);
    for (const char* name : {"key.example.", "KEY.example.", "key.EXAMPLE."}) {
      const Wire packet = signed_by_ldns(unsigned_query(), method, name);
      Tsig tsig;
      CHECK(verify(packet, key, time_of(packet), tsig) == rcode::no_error);
      CHECK(tsig.key() == &key);
    }
  }
}

TEST_CASE("a request that we sign is right to ldns", "[tsig]") {
  for (const Method& method : methods) {
    const Wire packet = signed_query(key_of(method), static_cast<uint64_t>(time(nullptr)));
    const Packet parsed(packet);
    Wire wire = packet;  // ldns wants to write into it
    CHECK(ldns_pkt_tsig_verify(parsed.get(), wire.data(), wire.size(), "key.example.",
                               base64(secret).c_str(), nullptr));
    wire[13] ^= 1;
    CHECK_FALSE(ldns_pkt_tsig_verify(parsed.get(), wire.data(), wire.size(), "key.example.",
                                     base64(secret).c_str(), nullptr));
  }
}

TEST_CASE("an answer to a signed query is signed over the query's MAC, and right to ldns",
          "[tsig]") {
  Server server;
  for (const Method& method : methods) {
    const char* name = method.size == 32 ? "key.example." : "big-key.example.";
    Packet request(unsigned_query());
    REQUIRE(ldns_pkt_tsig_sign(request.get(), name, base64(secret).c_str(), 300, method.name,
                               nullptr) == LDNS_STATUS_OK);
    const Wire query = request.wire();
    Wire answer = server.ask(query, 65'535, static_cast<uint32_t>(time_of(query)));
    CHECK(server.outcome.rcode == rcode::no_error);
    const Packet parsed(answer);
    CHECK(ldns_rr_list_rr_count(ldns_pkt_answer(parsed.get())) == 1);
    const ldns_rdf* request_mac = ldns_rr_rdf(ldns_pkt_tsig(request.get()), 3);
    CHECK(ldns_pkt_tsig_verify(parsed.get(), answer.data(), answer.size(), name,
                               base64(secret).c_str(), request_mac));
  }
}

TEST_CASE("a forged or damaged request is never right", "[tsig]") {
  const TsigKey key = key_of(methods[0]);
  const Wire good = signed_query(key);
  REQUIRE(verify(good, key, now) == rcode::no_error);
  for (size_t octet = 0; octet < good.size(); ++octet) {
    for (const unsigned bit : {1U, 4U, 0x20U, 0x80U}) {
      Wire bad = good;
      bad[octet] = static_cast<uint8_t>(bad[octet] ^ bit);
      Tsig tsig;
      const uint16_t outcome = verify(bad, key, now, tsig);
      const bool spelling = bit == 0x20 && octet >= tsig_place(good);  // of the names in the record
      const bool id = octet < 2;  // section 5.3: the original id counts, not what a forwarder set
      if (outcome == rcode::no_error && tsig.key() && !spelling && !id) {
        FAIL("octet " << octet << " does not matter");
      }
    }
  }
  for (size_t size = 0; size < good.size(); ++size) {
    const Wire cut(good.begin(), good.begin() + static_cast<long>(size));
    CHECK(verify(cut, key, now) != rcode::no_error);
  }
  CHECK(verify(good, TsigKey(key.name(), key.algorithm(), octets("another")), now) ==
        rcode::not_auth);
}

TEST_CASE("a MAC may be cut to half of its length, no further", "[tsig]") {
  for (const Method& method : methods) {
    const TsigKey key = key_of(method);
    const Wire good = signed_query(key);
    const auto cut = [&](size_t size) {
      // time 6, fudge 2, size 2, MAC, id 2, error 2, other 2 end the record
      Wire out(good.begin(), good.end() - static_cast<long>(method.size) - 6);
      const size_t mac_at = out.size();
      write_u16(&out[mac_at - 2], static_cast<unsigned>(size));
      write_u16(&out[mac_at - 10 - 13 - 2],
                static_cast<unsigned>(read_u16(&out[mac_at - 10 - 13 - 2]) + size - method.size));
      for (size_t i = 0; i < size; ++i)
        out.push_back(i < method.size ? good[mac_at + i] : uint8_t{0});
      out.insert(out.end(), good.end() - 6, good.end());
      return out;
    };
    CHECK(verify(cut(method.size), key, now) == rcode::no_error);
    CHECK(verify(cut(method.size - 1), key, now) == rcode::no_error);
    CHECK(verify(cut(method.size / 2), key, now) == rcode::no_error);
    CHECK(verify(cut(method.size / 2 - 1), key, now) == rcode::format_error);
    CHECK(verify(cut(0), key, now) == rcode::format_error);
    CHECK(verify(cut(method.size + 1), key, now) == rcode::format_error);
  }
}

TEST_CASE("an unknown key, a wrong MAC and a wrong clock are told as RFC 8945 has it", "[tsig]") {
  Server server;
  const TsigKey& key = server.served.snapshot().model->tsig_keys[0];

  SECTION("BADKEY goes unsigned") {
    const TsigKey other(*parse_name("nobody."), key.algorithm(), octets(secret));
    const TsigFields answer = fields_of(server.ask(signed_query(other)));
    CHECK(server.outcome.rcode == rcode::not_auth);
    CHECK(answer.error == tsig_error::bad_key);
    CHECK(answer.mac_size == 0);
  }
  SECTION("a key under another algorithm is another key") {
    const TsigKey other(key.name(), TsigAlgorithm::hmac_sha512, octets(secret));
    CHECK(fields_of(server.ask(signed_query(other))).error == tsig_error::bad_key);
  }
  SECTION("BADSIG goes unsigned") {
    Wire query = signed_query(key);
    query[query.size() - 8] ^=
        1;  // the last octet of the MAC, in front of id, error and other data
    query[query.size() - 7] ^= 1;
    const TsigFields answer = fields_of(server.ask(query));
    CHECK(server.outcome.rcode == rcode::not_auth);
    CHECK(answer.error == tsig_error::bad_signature);
    CHECK(answer.mac_size == 0);
  }
  SECTION("BADTIME is signed and tells the time") {
    for (const uint32_t at : {now - 301, now + 301}) {
      Tsig request;
      const Wire answer = server.ask(signed_query(key, now, &request), 65'535, at);
      const TsigFields fields = fields_of(answer);
      CHECK(server.outcome.rcode == rcode::not_auth);
      CHECK(fields.error == tsig_error::bad_time);
      CHECK(fields.mac_size == 32);
      CHECK(fields.time == now);
      REQUIRE(fields.other.size() == 6);
      CHECK(read_u32(&fields.other[2]) == at);
    }
    server.ask(signed_query(key), 65'535, now + 300);
    CHECK(server.outcome.rcode == rcode::no_error);
  }
  SECTION("our own signature is right to us") {
    Tsig request;
    const Wire answer = server.ask(signed_query(key, now, &request));
    Tsig again = request;
    CHECK(request.verify_answer(answer, now));
    CHECK_FALSE(again.verify_answer(answer, now + 301));
    Wire forged = answer;
    forged[3] ^= 5;
    CHECK_FALSE(Tsig(again).verify_answer(forged, now));
  }
}

TEST_CASE("a TSIG that is not the one last record is a format error", "[tsig]") {
  Server server;
  const TsigKey& key = server.served.snapshot().model->tsig_keys[0];
  const Wire good = signed_query(key);
  const auto record = Wire(good.begin() + static_cast<long>(tsig_place(good)), good.end());

  Wire twice = good;
  twice.insert(twice.end(), record.begin(), record.end());
  write_u16(&twice[10], 3);
  server.ask(twice);
  CHECK(server.outcome.rcode == rcode::format_error);

  Wire early = query_packet({.name = "www.example.", .edns_size = std::nullopt});
  early.insert(early.end(), record.begin(), record.end());
  put_opt(early, {.name = "."});
  write_u16(&early[10], 2);
  server.ask(early);
  CHECK(server.outcome.rcode == rcode::format_error);

  Wire as_answer = query_packet({.name = "www.example.", .edns_size = std::nullopt});
  as_answer.insert(as_answer.end(), record.begin(), record.end());
  write_u16(&as_answer[6], 1);
  server.ask(as_answer);
  CHECK(server.outcome.rcode == rcode::format_error);
}

TEST_CASE("a key's name may point into the question", "[tsig]") {
  const TsigKey key(*parse_name("www.example."), TsigAlgorithm::hmac_sha256, octets(secret));
  const Wire good = signed_query(key);
  const size_t at = tsig_place(good);
  Wire packet(good.begin(), good.begin() + static_cast<long>(at));
  put_u16(packet, 0xc00c);
  packet.insert(packet.end(), good.begin() + static_cast<long>(at + key.name().wire().size()),
                good.end());
  CHECK(verify(packet, key, now) == rcode::no_error);

  SECTION("not forward, and not at itself") {
    for (const size_t target : {at, at + 1}) {
      write_u16(&packet[at], static_cast<unsigned>(0xc000 | target));
      CHECK(verify(packet, key, now) == rcode::format_error);
    }
  }
}

TEST_CASE("a signature fits in a datagram, whose records make way for it", "[tsig]") {
  Server server;
  const TsigKey& key = server.served.snapshot().model->tsig_keys[1];
  Tsig request;
  const Wire query = signed_query(key, now, &request, "many.example.");
  const Wire answer = server.ask(query, 1232);
  CHECK(answer.size() <= 1232);
  CHECK(server.outcome.truncated);
  CHECK(packet_text(answer).flags.find("tc") != std::string::npos);
  CHECK(request.verify_answer(answer, now));
}

TEST_CASE("names of an unknown key that fill the datagram are refused unsigned", "[tsig]") {
  Server server;
  const std::string label(63, 'k');
  const TsigKey key(*parse_name(label + "." + label + "." + label + "." + label.substr(2) + "."),
                    TsigAlgorithm::hmac_sha512, octets(secret));
  const std::string name = label + "." + label + "." + label + "." + label.substr(10) + ".example.";
  Wire packet = query_packet({.name = name, .edns_size = std::nullopt});
  Tsig tsig;
  const size_t size = packet.size();
  packet.resize(size + 512);
  packet.resize(tsig.sign_request(key, packet.data(), size, now));
  const Wire answer = server.ask(packet);
  CHECK(server.outcome.rcode == rcode::refused);
  CHECK(answer.size() <= 512);
  CHECK(tsig_place(answer) == 0);
}

TEST_CASE("several messages are signed as one chain", "[tsig]") {
  // By hand as section 5.3.1 has it: the prior MAC, the message, the timers.
  const TsigKey key = key_of(methods[0]);
  Tsig request;
  const Wire packet = signed_query(key, now, &request);
  Tsig answer;
  REQUIRE(verify(packet, key, now, answer) == rcode::no_error);
  const auto message = [&](uint8_t id) {
    Wire out = unsigned_query();
    out[1] = id;
    out[2] |= 0x80;
    const size_t size = out.size();
    out.resize(size + 512);
    out.resize(answer.sign(out.data(), size, now));
    return out;
  };
  const Wire first = message(1);
  const Wire second = message(2);
  CHECK(request.verify_answer(first, now));

  const auto mac_of = [](const Wire& wire) { return Wire(wire.end() - 6 - 32, wire.end() - 6); };
  Wire input;
  put_u16(input, 32);
  const Wire prior = mac_of(first);
  input.insert(input.end(), prior.begin(), prior.end());
  Wire bare(second.begin(), second.begin() + static_cast<long>(tsig_place(second)));
  write_u16(&bare[10], read_u16(&bare[10]) - 1U);
  input.insert(input.end(), bare.begin(), bare.end());
  put_u16(input, 0);
  put_u16(input, now >> 16);
  put_u16(input, now & 0xffff);
  put_u16(input, 300);
  std::array<uint8_t, 32> wanted{};
  size_t size = 0;
  REQUIRE(EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, secret.data(), secret.size(),
                    input.data(), input.size(), wanted.data(), wanted.size(), &size) != nullptr);
  CHECK(mac_of(second) == Wire(wanted.begin(), wanted.end()));
}

}  // namespace swingover::tests
