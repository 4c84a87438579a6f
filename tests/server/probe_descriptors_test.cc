#include "server/probe_descriptors.h"

#include <catch2/catch.hpp>
#include <string>

using namespace swingover;
using namespace swingover::server;

namespace {

uint32_t needed(const std::string& rest) {
  const std::string head =
      "[[zone]]\nname = \"example.test.\"\nfile = \"none\"\n"
      "[[monitor]]\nname = \"web\"\nkind = \"http\"\n"
      "[[monitor]]\nname = \"kept\"\nkind = \"http\"\nkeep_alive = true\n"
      "[[monitor]]\nname = \"watched\"\nkind = \"tcp\"\nport = 80\nwatch = true\n"
      "[[monitor]]\nname = \"beat\"\nkind = \"push\"\n"
      "[[monitor]]\nname = \"all\"\nkind = \"calculated\"\nof = [\"web\", \"watched\"]\n";
  const LoadedConfig loaded = parse_config("swingover.toml", head + rest);
  INFO(loaded.problems);
  REQUIRE(loaded.config);
  return loaded.config->probe_descriptors;
}

std::string service(const std::string& monitors, int endpoints, const std::string& name = "shop") {
  std::string addresses;
  for (int i = 0; i < endpoints; ++i) {
    if (i > 0) addresses += ", ";
    addresses += "\"10.0." + std::to_string(i / 250) + '.' + std::to_string(i % 250) + '"';
  }
  return "[[service]]\nname = \"" + name + ".example.test.\"\n" + monitors +
         "[[service.pool]]\ncluster = \"fra\"\nendpoints = [" + addresses + "]\n";
}

const std::string fra = "[[cluster]]\nname = \"fra\"\n";

}  // namespace

TEST_CASE("probes need a descriptor each, and one more for what is watched or kept",
          "[probe_descriptors]") {
  CHECK(needed(fra) == 0);
  CHECK(needed(fra + service("monitors = [\"web\"]\n", 3)) == 3);
  CHECK(needed(fra + service("monitors = [\"kept\"]\n", 3)) == 6);
  CHECK(needed(fra + service("monitors = [\"web\"]\nobserving_monitors = [\"watched\"]\n", 3)) ==
        9);
  CHECK(needed(fra + service("monitors = [\"all\"]\n", 3)) == 9);
  CHECK(needed(fra + service("monitors = [\"beat\"]\n", 3)) == 0);
  CHECK(needed("[[cluster]]\nname = \"fra\"\naddresses = [\"192.0.2.1\", \"192.0.2.2\"]\n"
               "monitors = [\"web\"]\n" +
               service("", 1)) == 2);
}

TEST_CASE("of probes under way no more count than may run", "[probe_descriptors]") {
  const auto two = [](const std::string& monitors) {
    return fra + service(monitors, 2'500) + service(monitors, 2'500, "cart");
  };
  CHECK(needed(two("monitors = [\"web\"]\n")) == 4'096);
  CHECK(needed(two("monitors = [\"watched\"]\n")) == 9'096);
}
