#include "zones/zone_checks.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/zones/zone_file_fixture.h"

namespace swingover::zones {
namespace {

Pool pool(std::string cluster, const std::vector<std::string>& endpoints) {
  Pool made;
  made.cluster_name = std::move(cluster);
  for (const auto& text : endpoints) {
    const auto address = parse_ip_address(text);
    Endpoint endpoint;
    if (address) {
      endpoint.address = *address;
    } else {
      endpoint.address = *parse_name(text);
    }
    made.endpoints.push_back(endpoint);
  }
  return made;
}

Service service(std::string_view name, std::vector<Pool> pools) {
  Service made;
  made.name = *parse_name(name);
  made.pools = std::move(pools);
  return made;
}

// The problems of the zone `text` beside `services`.
std::string collisions(const std::string& text, const std::vector<Service>& services) {
  Diagnostics diagnostics("test.zone", head + text);
  const auto zone = parse_zone_file(head + text, apex, diagnostics);
  INFO(diagnostics.text());
  REQUIRE(zone);
  check_services(*zone, services, diagnostics);
  return listed(diagnostics);
}

const Service shop =
    service("shop.svc.example.", {pool("fra", {"192.0.2.1"}), pool("ams", {"192.0.2.2"})});
const Service mail = service("mail.svc.example.", {pool("fra", {"lb.fra.example.net."})});

}  // namespace

TEST_CASE("a zone has one SOA, at its apex, and name servers", "[zone_checks]") {
  const std::string soa = "@ 60 SOA ns1.example. admin.example. 1 7200 900 1209600 300\n";
  const std::string ns = "@ 60 NS ns1.example.\n";
  CHECK(problems(soa + ns).empty());
  CHECK(problems(ns) == "0:0 the zone has no SOA record at its apex svc.example.");
  CHECK(problems(soa) == "0:0 the zone has no NS record at its apex svc.example.");
  CHECK(problems(soa + ns + "@ 60 SOA a.example. admin.example. 2 7200 900 1209600 300\n") ==
        "3:1 a second SOA record, the first is on line 1: a zone has one");
  CHECK(problems(soa + ns + "a 60 SOA ns1.example. admin.example. 1 7200 900 1209600 300\n") ==
        "3:1 an SOA record stands at the apex, svc.example.");
}

TEST_CASE("what a skipped record would have given is not called missing", "[zone_checks]") {
  CHECK(
      problems("@ 60 SOA ns1 admin.example. 1 7200 900 1209600\n@ 60 NS ns1\nns1 60 A 192.0.2\n") ==
      "1:47 a record of type SOA needs 7 fields, here are 6\n"
      "3:10 not an IPv4 address such as 192.0.2.1");
}

TEST_CASE("a CNAME stands alone", "[zone_checks]") {
  const std::string why = ": a name with a CNAME has no other data (RFC 1034 section 3.6.2)";
  CHECK(problems(head + "a CNAME b.example.\na A 192.0.2.1\na TXT x\n") ==
        "4:1 the A record stands beside the CNAME of line 3" + why +
            "\n5:1 the TXT record stands beside the CNAME of line 3" + why);
  CHECK(
      problems(head + "a CNAME b.example.\na CNAME c.example.\n") ==
      "4:1 a second CNAME record at this name, the first is on line 3: there can be one (RFC 2181 "
      "section 10.1)");
  CHECK(problems(head + "a CNAME b.example.\na DNAME c.example.\n") ==
        "4:1 the DNAME record stands beside the CNAME of line 3" + why);
  CHECK(problems(head + "a CNAME A\n") == "3:1 the CNAME points at itself");
  CHECK(
      problems(head +
               "a CNAME b.example.\na NSEC b CNAME\n"
               "a RRSIG CNAME 13 3 60 20300101000000 20260101000000 1 svc AA==\nx.a A 192.0.2.1\n")
          .empty());
}

TEST_CASE("a DNAME is alone of its type and has nothing below", "[zone_checks]") {
  CHECK(problems(head + "a DNAME b.example.\na A 192.0.2.1\nab A 192.0.2.1\n").empty());
  CHECK(
      problems(head + "a DNAME b.example.\na DNAME c.example.\n") ==
      "4:1 a second DNAME record at this name, the first is on line 3: there can be one (RFC 6672 "
      "section 2.4)");
  CHECK(problems(head + "x.a A 192.0.2.1\na DNAME b.example.\ny.x.a A 192.0.2.1\n") ==
        "3:1 x.a.svc.example. is below the DNAME of line 4, which redirects it (RFC 6672 section "
        "2.4)\n"
        "5:1 y.x.a.svc.example. is below the DNAME of line 4, which redirects it (RFC 6672 section "
        "2.4)");
}

TEST_CASE("at and below a delegation stand its name servers' addresses only", "[zone_checks]") {
  CHECK(problems(head + "sub NS ns.sub\nsub DS 1 13 2 abcd\nns.sub A 192.0.2.1\nns.sub AAAA ::1\n")
            .empty());
  CHECK(problems(head + "sub NS sub\nsub A 192.0.2.1\n").empty());
  CHECK(problems(head + "sub NS ns.example.\nx.sub TXT x\nsub TXT y\n") ==
        "4:1 x.sub.svc.example. is below the delegation of line 3: only addresses of its name "
        "servers "
        "may stand there\n"
        "5:1 the TXT record stands beside the delegation of line 3: it belongs into the delegated "
        "zone");
  CHECK(problems(head + "*.sub NS ns.example.\n") ==
        "3:1 a wildcard delegates nothing: the names that it stands for would have no answer (RFC "
        "4592 section 4.2)");
  CHECK(problems(head + "a DS 1 13 2 abcd\n") ==
        "3:1 a DS record without NS records: it signs a delegation");
  CHECK(problems(head + "@ DS 1 13 2 abcd\n") ==
        "3:1 a DS record at the apex belongs into the parent zone");
}

TEST_CASE("a name server inside the zone has an address and is no CNAME", "[zone_checks]") {
  const std::string missing = " is inside the zone and has no address: add its A or AAAA record";
  CHECK(problems(head + "@ NS ns2\n") == "3:1 the name server ns2.svc.example." + missing);
  CHECK(problems(head + "@ NS ns2\nns2 TXT x\n") ==
        "3:1 the name server ns2.svc.example." + missing);
  CHECK(problems(head + "sub NS ns.sub\n") == "3:1 the name server ns.sub.svc.example." + missing);
  CHECK(problems(head + "sub NS ns\nns AAAA ::1\n").empty());
  CHECK(problems(head + "@ NS ns.x\n*.x A 192.0.2.1\n").empty());
  CHECK(problems(head + "@ NS ns.x\n* A 192.0.2.1\nx TXT y\n") ==
        "3:1 the name server ns.x.svc.example." + missing);
  // The addresses of a sibling's name servers are the sibling's to give.
  CHECK(problems(head + "a NS ns.b\nb NS ns.example.\n").empty());
  CHECK(problems(head + "@ NS ns2\nns2 CNAME b.example.\n") ==
        "3:1 NS points at ns2.svc.example., which is a CNAME (line 4): it must be a name with "
        "addresses "
        "(RFC 2181 section 10.3)");
  CHECK(
      problems(head + "a MX 1 m\nb SRV 0 0 1 m\nm CNAME b.example.\n") ==
      "3:1 warning: MX points at m.svc.example., which is a CNAME (line 5): it must be a name with "
      "addresses (RFC 2181 section 10.3)\n"
      "4:1 warning: SRV points at m.svc.example., which is a CNAME (line 5): it must be a name "
      "with "
      "addresses (RFC 2181 section 10.3)");
}

TEST_CASE("a name server may be a service that answers addresses", "[zone_checks]") {
  const auto problems_beside = [](const std::string& text, const std::vector<Service>& services) {
    Diagnostics diagnostics("test.zone", head + text);
    parse_zone_file(head + text, apex, diagnostics, services);
    return listed(diagnostics);
  };
  CHECK(problems_beside("@ NS shop\nsub NS SHOP\n", {mail, shop}).empty());
  CHECK(
      problems_beside("@ NS mail\n", {mail, shop}) ==
      "3:1 the name server mail.svc.example. is a service that answers a CNAME: it must be a name "
      "with addresses (RFC 2181 section 10.3)");
}

TEST_CASE("a service owns A and AAAA at its name, the zone all else", "[zone_checks]") {
  CHECK(collisions("shop TXT x\nshop MX 1 m.example.\nx.shop A 192.0.2.1\n* A 192.0.2.1\n",
                   {shop, mail})
            .empty());
  const std::string owned = "A and AAAA at this name are answered by the service shop.svc.example.";
  CHECK(collisions("SHOP A 192.0.2.1\nshop AAAA ::1\n", {shop}) ==
        "3:1 " + owned + ": remove this A record, or the service\n4:1 " + owned +
            ": remove this AAAA record, or the service");
  CHECK(collisions("shop CNAME x.example.\n", {shop}) ==
        "3:1 this CNAME stands at the service shop.svc.example.: remove the record or the service");
  CHECK(collisions("", {service("svc.example.", {pool("fra", {"192.0.2.1"})})}).empty());
  CHECK(collisions("a A 192.0.2.1\n", {service("a.other.example.", {pool("fra", {"192.0.2.1"})})})
            .empty());
}

TEST_CASE("a service that answers a CNAME has its name for itself", "[zone_checks]") {
  CHECK(collisions("mail TXT x\nx.mail TXT y\n", {mail}) ==
        "3:1 the service mail.svc.example. answers a CNAME, and a name with a CNAME has no other "
        "data: "
        "remove this TXT record, or give the service addresses");
  CHECK(collisions("", {service("svc.example.", {pool("fra", {"lb.example.net."})})})
            .starts_with("1:1 the service svc.example. answers a CNAME"));
}

TEST_CASE("no delegation or DNAME stands at or above a service", "[zone_checks]") {
  const Service deep = service("a.b.svc.example.", {pool("fra", {"192.0.2.1"})});
  CHECK(collisions("b NS ns.example.\n", {deep}) ==
        "3:1 the delegation of b.svc.example. hides the service a.b.svc.example. below it: remove "
        "one of them");
  CHECK(collisions("b DNAME ns.example.\n", {deep}) ==
        "3:1 the DNAME at b.svc.example. redirects the service a.b.svc.example. below it: remove "
        "one of them");
  CHECK(collisions("@ DNAME ns.example.\n", {deep}) ==
        "3:1 the DNAME at svc.example. redirects the service a.b.svc.example. below it: remove one "
        "of them");
  CHECK(collisions("shop NS ns.example.\n", {shop}) ==
        "3:1 this delegation stands at the service shop.svc.example.: remove the record or the "
        "service");
  CHECK(collisions("shop DNAME ns.example.\n", {shop}) ==
        "3:1 this DNAME would redirect the names CLUSTER.on.shop.svc.example. of the service "
        "shop.svc.example.: remove the record or the service");
  CHECK(collisions("b CNAME x.example.\n", {deep}).empty());
}

TEST_CASE("the names CLUSTER.on.SERVICE are kept for the service", "[zone_checks]") {
  CHECK(collisions("fra.on.shop TXT x\nother.on.shop A 192.0.2.1\n", {shop}).empty());
  CHECK(collisions("FRA.on.shop A 192.0.2.1\n", {shop}) ==
        "3:1 A and AAAA at this name are answered by the service shop.svc.example. (as "
        "fra.on.shop.svc.example.): remove this A record, or the service");
  CHECK(collisions("ams.on.shop CNAME x.example.\n", {shop}) ==
        "3:1 this CNAME stands at the service shop.svc.example. (as ams.on.shop.svc.example.): "
        "remove the "
        "record or the service");
  CHECK(
      collisions("on.shop NS ns.example.\n", {shop})
          .starts_with(
              "3:1 the delegation of on.shop.svc.example. hides the service shop.svc.example. (as "
              "fra.on.shop.svc.example.) below it"));
  CHECK(collisions("fra.on.mail TXT x\n", {mail})
            .starts_with("3:1 the service mail.svc.example. (as "));
}

}  // namespace swingover::zones
