#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "server/control/n1.h"
#include "server/control/told.h"

namespace swingover::control {

class Steering;

/// Keeps an N-1 report of what is in force now, and tells when the death of a cluster begins or ends to be too much.
///
/// When     30 s after the last one at the earliest, and only if what it goes by is another; after 5 min in any case. One
///          that takes long is made the more seldom: at most a tenth of one core goes to it.
/// Told     A journal entry of kind "n1" about the cluster, from "fits" to "overflows" or back, and a log line.
/// Threads  The control thread; the work is done where `offload` does it.
class N1Watch {
 public:
  static constexpr Milliseconds every{30'000};
  static constexpr Milliseconds at_least_every{300'000};

  using Offload = std::function<void(std::function<void()> work, std::function<void()> done)>;
  struct Environment {
    const Clock& clock;
    const Steering& steering;
    Offload offload;
    std::function<void(Told)> tell;
  };

  explicit N1Watch(Environment environment) : environment_(std::move(environment)) {}
  ~N1Watch() { *is_over_ = true; }
  N1Watch(const N1Watch&) = delete;
  N1Watch& operator=(const N1Watch&) = delete;

  /// Looks whether it is time; to be called often. Cheap, but for a copy of what the driver goes by when it is.
  void tick();

  /// Null before the first, and while no service is steered within capacity.
  const std::shared_ptr<const N1Report>& report() const { return report_; }

 private:
  struct Work;

  void take(const Work& work);

  Environment environment_;
  std::shared_ptr<std::atomic<bool>> is_over_ = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<const N1Report> report_;
  bool is_running_ = false;
  MonotonicTime next_{};
  MonotonicTime reported_{};
  size_t fingerprint_ = 0;  // of what the report goes by
  std::map<std::string, std::string>
      overflows_;  // clusters whose death is too much, with the words
};

}  // namespace swingover::control
