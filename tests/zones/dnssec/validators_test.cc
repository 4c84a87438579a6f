// A small zone signed by these units, as dnssec-verify (BIND) and ldns-verify-zone judge it.

#include <catch2/catch.hpp>

#include <array>
#include <ctime>
#include <set>
#include <string>

#include "base/base64.h"
#include "tests/support/command.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/zone_text.h"
#include "tests/zones/dnssec/rfc_keys.h"
#include "zones/dnssec/denial.h"
#include "zones/dnssec/key_file.h"
#include "zones/dnssec/signatures.h"
#include "zones/dnssec/signer.h"
#include "zones/protocol.h"
#include "zones/zone_file_rdata.h"

namespace swingover::dnssec::tests {
namespace {

using swingover::tests::run_command;
using swingover::tests::TemporaryFolder;
using zones::read_u16;
using zones::read_u32;
using zones::ZoneContents;
namespace type = zones::type;

// Names in capitals, sets out of order, and each type whose data holds a name.
constexpr std::string_view records = R"(
@ 3600 IN SOA NS1.Example.Test. Hostmaster.example.test. 1 7200 3600 1209600 300
@ 3600 IN NS ns2
@ 3600 IN NS NS1
@ 3600 IN MX 20 Mail.example.test.
@ 3600 IN MX 10 mail2
@ 3600 IN TXT "Texts keep their CASE" "b"
@ 3600 IN CAA 0 issue "CA.example.net"
ns1 300 IN A 192.0.2.53
NS2 300 IN A 192.0.2.54
NS2 300 IN AAAA 2001:db8::54
shop 30 IN A 192.0.2.200
shop 30 IN A 192.0.2.10
shop 30 IN A 10.0.0.1
*.wild 60 IN A 192.0.2.1
*.wild 60 IN TXT "any"
alias 60 IN CNAME Shop.Example.Test.
old 60 IN DNAME New.Example.Test.
_http._tcp 60 IN SRV 1 2 80 SHOP
a.b.deep 60 IN PTR Shop
kinds 60 IN RP Hostmaster.Example.Test. Txt.Example.Test.
kinds 60 IN AFSDB 1 Shop
kinds 60 IN RT 1 Shop
kinds 60 IN KX 1 Shop
kinds 60 IN PX 1 Shop Mail
kinds 60 IN NAPTR 100 10 "U" "E2U+sip" "!^.*$!SIP:x@Y!" Shop
kinds 60 IN MINFO Shop Mail
kinds 60 IN LOC 52 22 23 N 4 53 32 E -2m 1m 10000m 10m
kinds 60 IN TYPE65280 \# 3 4142ff
svc 60 IN HTTPS 1 Shop.Example.Test. alpn=h2
insecure 60 IN NS ns.insecure
ns.insecure 60 IN A 192.0.2.99
secure 60 IN NS ns.elsewhere.test.
secure 60 IN DS 55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17
)";

std::string rrsig_text(Bytes rdata) {
  const auto signer_size =
      static_cast<size_t>(std::ranges::find(rdata.subspan(rrsig_fixed_size), 0) - rdata.begin()) +
      1 - rrsig_fixed_size;
  const Name signer = *Name::from_wire(rdata.subspan(rrsig_fixed_size, signer_size));
  const auto number = [](uint64_t value) { return std::to_string(value) + ' '; };
  return zones::type_text(read_u16(&rdata[0])) + ' ' + number(rdata[2]) + number(rdata[3]) +
         number(read_u32(&rdata[4])) + number(read_u32(&rdata[8])) + number(read_u32(&rdata[12])) +
         number(read_u16(&rdata[16])) + signer.text() + ' ' +
         encode_base64(rdata.subspan(rrsig_fixed_size + signer_size));
}

/// The zone with DNSKEY, NSEC chain and signatures, as a master file.
class SignedZone {
 public:
  SignedZone(std::string_view text, const SigningKey& key)
      : use_(key), apex_(name("example.test.")) {
    const std::string dnskey = "@ 3600 IN DNSKEY " + std::to_string(static_cast<int>(key.role())) +
                               " 3 " + std::to_string(static_cast<int>(key.algorithm())) + ' ' +
                               encode_base64(key.dnskey_rdata().subspan(dnskey_fixed_size));
    file_ = "$ORIGIN example.test.\n" + std::string(text) + dnskey + '\n';
    const auto contents = swingover::tests::zone_text("example.test.", std::string(text) + dnskey);
    Random random(1);
    validity_ =
        signature_times(WallTime{int64_t{std::time(nullptr)} * 1000}, {}, random).validity();
    std::vector<ZoneContents::Owner> owners;
    for (const ZoneContents::Owner owner : contents->owners()) {
      if (!is_glue(owner.name())) owners.push_back(owner);
    }
    for (size_t i = 0; i < owners.size(); ++i)
      sign_owner(owners[i], owners[(i + 1) % owners.size()].name());
  }

  const std::string& file() const { return file_; }

 private:
  static bool is_glue(const Name& owner) {
    const Name cut = name("insecure.example.test.");
    return owner.is_at_or_below(cut) && owner != cut;
  }

  void sign_owner(const ZoneContents::Owner& owner, const Name& next) {
    std::vector<uint16_t> types;
    const bool is_cut = owner.find(type::ns) && !owner.is_apex();
    for (const zones::Rrset set : owner.rrsets()) {
      types.push_back(set.type);
      if (is_cut && set.type == type::ns) continue;  // the child's
      request_.begin(owner.name().wire(), set.type, set.ttl.value);
      for (const Bytes rdata : set.rdatas) request_.add(rdata);
      sign(owner.name(), set.ttl.value);
    }
    types.insert(types.end(), {type::rrsig, type::nsec});
    std::ranges::sort(types);
    std::array<uint8_t, type_bitmap_size_max> room;
    ByteWriter bitmap(room);
    write_type_bitmap(types, bitmap);
    std::vector<uint8_t> rdata(next.wire().begin(), next.wire().end());
    rdata.insert(rdata.end(), bitmap.written().begin(), bitmap.written().end());
    file_ += owner.name().text() + " 300 IN NSEC " + next.text();
    for (const uint16_t each : types) file_ += ' ' + zones::type_text(each);
    file_ += '\n';
    request_.begin(owner.name().wire(), type::nsec, 300);
    request_.add(rdata);
    sign(owner.name(), 300);
  }

  void sign(const Name& owner, uint32_t ttl) {
    const Bytes rrsig = request_.sign(use_, apex_.wire(), validity_);
    REQUIRE_FALSE(rrsig.empty());
    file_ += owner.text() + ' ' + std::to_string(ttl) + " IN RRSIG " + rrsig_text(rrsig) + '\n';
  }

  KeyUse use_;
  Name apex_;
  Validity validity_;
  SignRequest request_;
  std::string file_;
};

struct Verdicts {
  swingover::tests::CommandResult bind;
  swingover::tests::CommandResult ldns;
};

Verdicts judged(const std::string& zone) {
  const TemporaryFolder folder;
  folder.write("zone", zone);
  return {run_command("dnssec-verify -z -q -o example.test. " + folder.file("zone")),
          run_command("ldns-verify-zone " + folder.file("zone"))};
}

/// The line that begins so, with the change.
std::string changed(std::string zone, const std::string& begin, std::string_view from,
                    std::string_view to) {
  const size_t line = zone.find('\n' + begin);
  REQUIRE(line != zone.npos);
  const size_t at = zone.find(from, line);
  REQUIRE(at < zone.find('\n', line + 1));
  return zone.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("BIND and ldns find a zone rightly signed by a key of each algorithm", "[validators]") {
  for (const SigningKey& key : {rfc6605_key(), rfc8080_key(), rsa_key()}) {
    CAPTURE(algorithm_name(key.algorithm()));
    const SignedZone zone(records, key);
    const Verdicts verdicts = judged(zone.file());
    INFO(zone.file() << verdicts.bind.output << verdicts.ldns.output);
    CHECK(verdicts.bind.status == 0);
    CHECK(verdicts.ldns.status == 0);
  }
}

TEST_CASE("BIND and ldns refuse the zone when one octet of it is another", "[validators]") {
  std::set<std::string> refused;
  for (const SigningKey& key : {rfc6605_key(), rfc8080_key(), rsa_key()}) {
    CAPTURE(algorithm_name(key.algorithm()));
    const std::string good = SignedZone(records, key).file();
    // Not sections: inside a loop those would be run for the first key alone.
    const auto is_refused = [&](const std::string& what, const std::string& zone) {
      const Verdicts verdicts = judged(zone);
      INFO(what << verdicts.bind.output << verdicts.ldns.output);
      CHECK(verdicts.bind.status != 0);
      CHECK(verdicts.ldns.status != 0);
      refused.insert(std::string(algorithm_name(key.algorithm())) + what);
    };
    is_refused("an address", changed(good, "shop 30 IN A", "192.0.2.200", "192.0.2.201"));
    is_refused("a text's case", changed(good, "@ 3600 IN TXT", "CASE", "CASe"));
    is_refused("a type bitmap",
               changed(good, "shop.example.test. 300 IN NSEC", "A RRSIG NSEC", "TXT RRSIG NSEC"));
    const std::string begin = "shop.example.test. 30 IN RRSIG A ";
    const size_t line = good.find(begin);
    REQUIRE(line != good.npos);
    std::string zone = good;
    char& digit = zone[zone.find("example.test. ", line + begin.size()) + 14 + 10];
    digit = digit == 'A' ? 'B' : 'A';
    is_refused("a signature", zone);
  }
  CHECK(refused.size() == 3 * 4);
}

}  // namespace swingover::dnssec::tests
