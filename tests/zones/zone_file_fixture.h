#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "base/diagnostics.h"
#include "zones/zone_file.h"

namespace swingover::zones {

inline const Name apex = *parse_name("svc.example.");

/// Two lines that make any zone file whole; what a test adds begins on line 3.
inline const std::string head =
    "@ 3600 IN SOA ns1.example. admin.example. 1 7200 900 1209600 300\n"
    "@ 3600 IN NS ns1.example.\n";

/// "line:column message" of each problem, a line each; warnings say so.
inline std::string listed(const Diagnostics& diagnostics) {
  std::string all;
  for (const auto& problem : diagnostics.problems()) {
    if (!all.empty()) all += '\n';
    all += std::to_string(problem.at.line) + ':' + std::to_string(problem.at.column) + ' ';
    all += (problem.is_error ? "" : "warning: ") + problem.message;
  }
  return all;
}

/// The problems of a zone file; there is a zone exactly if none of them is an error.
inline std::string problems(const std::string& text) {
  Diagnostics diagnostics("test.zone", text);
  const auto zone = parse_zone_file(text, apex, diagnostics);
  CHECK((zone == nullptr) == diagnostics.has_errors());
  return listed(diagnostics);
}

}  // namespace swingover::zones
