#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/units.h"
#include "health/health.h"
#include "health/monitor_options.h"
#include "health/probe.h"

namespace swingover::health {

/// One probe that has ended, as people are shown it.
struct PastVerdict {
  WallTime at{};
  int64_t duration_nanoseconds = 0;
  Verdict verdict = Verdict::pass;
  bool looked = true;  // false: this host could not look, and the verdict counts for nothing
  std::string reason;  // of a failure, in words
};

/// Everything that the probe thread knows of one check.
struct CheckDetails {
  uint32_t check = 0;  // its place in the newest replace()
  Health health = Health::unknown;
  Hold hold = Hold::none;
  WallTime held_until{};         // 0: nobody can say, or no hold
  Milliseconds until_change{0};  // as CheckUpdate has it
  double penalty = 0;
  uint32_t still_needed = 0;  // verdicts in a row that would change the health
  uint32_t running = 0;       // probes under way
  WallTime next_probe{};      // 0: it waits for its turn
  std::string warning;
  std::string watch;                  // the state of its watched connection, in words; empty: none
  std::vector<PastVerdict> verdicts;  // newest first
};

/// In words: "http: status 503, wanted 200-299, after 12 ms", "http: passed in 3.1 ms".
std::string verdict_words(MonitorKind kind, const PastVerdict& past);

/// The last few verdicts of one check.
///
/// Memory  128 octets, and a string for each failure among them: what passes needs none.
class VerdictRing {
 public:
  static constexpr size_t kept = 5;

  void add(const Finding& finding, WallTime at);
  std::vector<PastVerdict> newest_first() const;

 private:
  struct Item {
    WallTime at{};
    std::unique_ptr<const std::string> reason;
    uint32_t microseconds = 0;
    Verdict verdict = Verdict::pass;
    bool looked = true;
  };
  std::array<Item, kept> items_;
  uint32_t count_ =
      0;  // of those added; from 2 × kept back to kept, so that its remainder stays true
};

}  // namespace swingover::health
