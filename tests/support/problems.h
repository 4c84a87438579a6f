#pragma once

#include <string>
#include <vector>

#include "base/diagnostics.h"

namespace swingover::tests {

/// "line:column: message" of each problem, warnings as such; lines count from the one behind `lines_before`.
inline std::vector<std::string> listed(const Diagnostics& diagnostics, size_t lines_before = 0) {
  std::vector<std::string> all;
  for (const auto& problem : diagnostics.problems()) {
    all.push_back(std::to_string(problem.at.line - lines_before) + ":" +
                  std::to_string(problem.at.column) + ": " + (problem.is_error ? "" : "warning: ") +
                  problem.message);
  }
  return all;
}

inline std::vector<std::string> only(std::string problem) {
  return {std::move(problem)};
}

}  // namespace swingover::tests
