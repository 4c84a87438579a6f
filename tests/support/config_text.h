#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace swingover::tests {

/// A config file without a problem, short enough to keep its line numbers in mind.
inline constexpr std::string_view good_config = R"([[zone]]
name = "svc.example.com."
file = "svc.zone"
[[region]]
name = "eu"
[[locality]]
name = "fra-a"
region = "eu"
clients = ["10.1.0.0/16"]
[[cluster]]
name = "fra"
localities = ["fra-a"]
addresses = ["192.0.2.1"]
[[cluster]]
name = "ams"
[[monitor]]
name = "web"
port = 8080
[[service]]
name = "shop.svc.example.com."
monitors = ["web"]
  [[service.pool]]
  cluster = "fra"
  [[service.pool]]
  cluster = "ams"
  endpoints = ["198.51.100.1", "198.51.100.2"]
)";

/// `text` with the first `old` replaced; the test fails if there is none.
inline std::string changed(std::string_view text, std::string_view old, std::string_view by) {
  const size_t at = text.find(old);
  REQUIRE(at != std::string_view::npos);
  return std::string(text.substr(0, at)) + std::string(by) +
         std::string(text.substr(at + old.size()));
}

/// The first line of each problem, without the file's name: "3:1: error: …".
inline std::vector<std::string> headlines(std::string_view problems, std::string_view file) {
  std::vector<std::string> lines;
  while (!problems.empty()) {
    const size_t end = problems.find('\n');
    const std::string_view line = problems.substr(0, end);
    if (line.starts_with(file)) lines.emplace_back(line.substr(file.size() + 1));
    if (end == std::string_view::npos) break;
    problems.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace swingover::tests
