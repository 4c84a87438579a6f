#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/loop/loop.h"
#include "health/probe.h"
#include "health/prober.h"

namespace swingover::tests {

/// Runs one probe of `target` to its verdict.
inline health::Finding look(loop::Loop& loop, health::Target& target) {
  std::optional<health::Finding> found;
  std::unique_ptr<health::Probe> probe = target.start([&](health::Finding finding) {
    found = std::move(finding);
    probe.reset();
  });
  CHECK_FALSE(found);  // never within start()
  loop.run_until([&] { return found.has_value(); }, 8000);
  probe.reset();
  if (!found) FAIL("no verdict");
  CHECK((found->verdict == health::Verdict::pass) == found->reason.empty());
  return *found;
}

inline health::Check check_of(health::MonitorOptions options, std::string address,
                              std::string host = "shop.example.test") {
  return {.monitor = std::make_shared<const health::MonitorOptions>(std::move(options)),
          .address = std::move(address),
          .host = std::move(host)};
}

}  // namespace swingover::tests
