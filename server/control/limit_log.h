#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "base/clock.h"
#include "base/ip.h"

namespace swingover::control {

/// Says which client networks meet the rate limit, without letting them fill the log: each at most once a
/// minute with what came together since, at most twenty lines a minute in all. The metrics count the rest.
///
/// Threads  The control thread.
class LimitLog {
 public:
  using Say = std::function<void(const IpPrefix& network, uint64_t responses)>;

  explicit LimitLog(Say say) : say_(std::move(say)) {}

  /// `counts`: responses over the limit by network, which rise while a network is limited, and start anew some
  /// time after. To be called every few seconds.
  void look(const std::map<IpPrefix, uint64_t>& counts, MonotonicTime now);

 private:
  static constexpr Milliseconds apart{60'000};
  static constexpr int lines_a_minute = 20;

  struct Network {
    uint64_t seen = 0;    // the count at the last look
    uint64_t unsaid = 0;  // what came since the last line
    std::optional<MonotonicTime> said{};
  };

  Say say_;
  std::map<IpPrefix, Network> networks_;
  MonotonicTime minute_{};
  int lines_ = 0;
};

}  // namespace swingover::control
