#pragma once

#include <cstdint>

namespace swingover::zones {

/// What one thread spends, each second anew, on signatures for names that strangers think up: those that do not exist, and
/// those that a wildcard stands in for. Anybody can ask for another one each time, and a signature takes as long as a
/// hundred answers.
class SigningBudget {
 public:
  /// Whether something of this cost may still be done in this second, of which so much may be spent.
  bool take(uint32_t now_seconds, uint32_t cost_nanoseconds, uint32_t most_nanoseconds) {
    if (now_seconds != second_) {
      second_ = now_seconds;
      spent_nanoseconds_ = 0;
    }
    if (most_nanoseconds - spent_nanoseconds_ < cost_nanoseconds) return false;
    spent_nanoseconds_ += cost_nanoseconds;
    return true;
  }

 private:
  uint32_t second_ = 0;
  uint32_t spent_nanoseconds_ = 0;
};

}  // namespace swingover::zones
