#include "server/control/limit_log.h"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace swingover::tests {
namespace {

using Lines = std::vector<std::string>;
using Counts = std::map<IpPrefix, uint64_t>;

IpPrefix prefix(const std::string& text) {
  return *parse_ip_prefix(text);
}

class Logged {
 public:
  /// What is said at `seconds` when the counts are these.
  Lines at(int64_t seconds, const Counts& counts) {
    lines_.clear();
    log_.look(counts, MonotonicTime{} + Milliseconds(1000 * seconds));
    return lines_;
  }

 private:
  Lines lines_;
  control::LimitLog log_{[this](const IpPrefix& network, uint64_t responses) {
    lines_.push_back(network.text() + " " + std::to_string(responses));
  }};
};

TEST_CASE("a limited network is said at once, then once a minute with what came together",
          "[limit_log]") {
  Logged logged;
  const IpPrefix network = prefix("192.0.2.0/24");
  CHECK(logged.at(0, {}).empty());
  CHECK(logged.at(1, {{network, 10}}) == Lines{"192.0.2.0/24 10"});
  CHECK(logged.at(2, {{network, 30}}).empty());
  CHECK(logged.at(60, {{network, 40}}).empty());
  CHECK(logged.at(61, {{network, 40}}) == Lines{"192.0.2.0/24 30"});
  CHECK(logged.at(200, {{network, 40}}).empty());
  CHECK(logged.at(300, {{network, 41}}) == Lines{"192.0.2.0/24 1"});
}

TEST_CASE("a count that starts anew is counted from 0", "[limit_log]") {
  Logged logged;
  const IpPrefix network = prefix("2001:db8::/56");
  CHECK(logged.at(0, {{network, 100}}) == Lines{"2001:db8::/56 100"});
  CHECK(logged.at(70, {{network, 7}}) == Lines{"2001:db8::/56 7"});
  CHECK(logged.at(80, {}).empty());
  CHECK(logged.at(90, {{network, 3}}).empty());
  CHECK(logged.at(131, {{network, 3}}) == Lines{"2001:db8::/56 3"});
}

TEST_CASE("a flood of networks says twenty of them a minute", "[limit_log]") {
  Logged logged;
  Counts counts;
  for (int i = 0; i < 100; ++i) counts[prefix("10.0." + std::to_string(i) + ".0/24")] = 5;
  CHECK(logged.at(0, counts).size() == 20);
  CHECK(logged.at(30, counts).empty());
  CHECK(logged.at(60, counts).size() == 20);
  CHECK(logged.at(120, counts).size() == 20);
}

}  // namespace
}  // namespace swingover::tests
