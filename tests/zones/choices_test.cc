#include "zones/choices.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "base/random.h"
#include "tests/support/served.h"

namespace swingover::zones {
namespace {

using tests::Served;

constexpr const char* zone = R"(
  @ 300 IN SOA ns1 hostmaster 1 3600 600 604800 60
  @ 300 IN NS ns1
  ns1 300 IN A 192.0.2.53
)";

/// Of random kinds, one of which leads to the others.
Model random_model(Random& random) {
  Model model;
  model.topology = tests::two_clusters();
  model.zones.push_back(tests::zone_source("svc.example.", zone));
  const auto any = [&](auto... values) {
    const std::array all{values...};
    return all[random.below(all.size())];
  };
  for (const char* name : {"inner.svc.example.", "outer.svc.example."}) {
    const bool is_outer = name[0] == 'o';
    std::vector<Pool> pools{
        tests::pool_of("fra", {"192.0.2.1", "192.0.2.2", "2001:db8::1"}, 1),
        tests::pool_of("ams", {"192.0.2.3", "192.0.2.4"}, any(1U, 2U)),
    };
    if (is_outer && random.below(2) == 0)
      pools[1] = tests::pool_of("ams", {"inner.svc.example."}, 1);
    for (Pool& pool : pools) {
      pool.weight = Weight(any(0U, 1U, 30U, 100U));
      pool.last_resort = random.below(5) == 0;
    }
    Service service = tests::service_of(name, pools);
    service.policy = any(Policy::failover, Policy::active_active, Policy::all, Policy::local);
    service.when_all_down =
        any(WhenAllDown::all, WhenAllDown::last_resort, WhenAllDown::nodata, WhenAllDown::servfail);
    service.answers = any(0U, 1U, 2U);
    service.sticky = random.below(3) == 0 ? Sticky::client : Sticky::none;
    model.services.push_back(std::move(service));
  }
  return model;
}

/// The last words of the answer's records, by owner.
std::map<std::string, std::vector<std::string>> by_owner(const tests::PacketText& answer) {
  std::map<std::string, std::vector<std::string>> all;
  for (const std::string& line : answer.answer)
    all[line.substr(0, line.find(' '))].push_back(line.substr(line.rfind(' ') + 1));
  return all;
}

bool is_of(const ServiceChoices::Choice& choice, const std::vector<std::string>& records) {
  return choice.count == records.size() && std::ranges::all_of(records, [&](const auto& record) {
           return std::ranges::count(choice.may, record) == 1;
         });
}

}  // namespace

TEST_CASE("every answer is one of the choices, and every choice is answered, by its share",
          "[choices]") {
  size_t counted = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    Served served(random_model(random));
    for (uint32_t i = 0; i < served.snapshot().eligibility->size(); ++i)
      served.set(i, static_cast<Eligibility>(random.below(4)));
    const auto type = static_cast<uint16_t>(random.below(2) == 0 ? 1 : 28);
    const IpAddress client = IpAddress::v4({10, 0, static_cast<uint8_t>(random.below(9)), 1});
    served.set_client(client);
    const std::vector<ServiceChoices> all =
        choices_of(served.snapshot(), ServiceId(1), type, client);
    REQUIRE(!all.empty());
    const bool sticks =
        std::ranges::any_of(all, [](const auto& s) { return s.sticks.has_value(); });

    std::map<std::string, std::map<std::string, double>> counts;  // by service, by pool
    constexpr int asked = 500;
    for (int i = 0; i < asked; ++i) {
      // Later than any TTL: nobody is many caches.
      served.set_now(static_cast<uint32_t>(1'000 + 1'000 * i));
      const auto answer = by_owner(served.ask("outer.svc.example.", type));
      std::string owner = "outer.svc.example.";
      for (const ServiceChoices& service : all) {
        if (service.service != owner) continue;
        const auto found = answer.find(owner);
        const std::vector<std::string> records =
            found == answer.end() ? std::vector<std::string>() : found->second;
        const auto choice = std::ranges::find_if(
            service.choices, [&](const auto& one) { return is_of(one, records); });
        if (choice == service.choices.end()) {
          INFO(service.service << " answered " << records.size() << " records");
          REQUIRE(records.empty());
          REQUIRE(service.choices.empty());
          break;
        }
        if (service.sticks) REQUIRE(is_of(*service.sticks, records));
        ++counts[owner][choice->pool];
        if (!records.empty()) owner = records.front();
      }
    }
    if (sticks || all.front().choices.empty()) continue;
    for (const auto& choice : all.front().choices) {
      // Those without an address of the type look alike.
      if (choice.count == 0) continue;
      INFO(choice.pool);
      CHECK(std::abs(counts[all.front().service][choice.pool] - asked * choice.share) <= 5);
      ++counted;
    }
  }
  CHECK(counted > 100);
}

TEST_CASE("of a type that services do not have nothing is chosen", "[choices]") {
  Random random(1);
  Model model;
  model.topology = tests::two_clusters();
  model.zones.push_back(tests::zone_source("svc.example.", zone));
  model.services.push_back(
      tests::service_of("shop.svc.example.", {tests::pool_of("fra", {"192.0.2.1"}, 1)}));
  Served served(std::move(model));
  CHECK(choices_of(served.snapshot(), ServiceId(0), 16, *parse_ip_address("10.0.0.1")).empty());
  CHECK(choices_of(served.snapshot(), ServiceId(0), 1, *parse_ip_address("10.0.0.1")).size() == 1);
}

}  // namespace swingover::zones
