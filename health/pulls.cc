#include "health/pulls.h"

#include <algorithm>
#include <utility>

namespace swingover::health {

void Pulls::replace(std::vector<Pull> pulls) {
  std::vector<std::unique_ptr<Running>> before = std::exchange(all_, {});
  const auto count = static_cast<int64_t>(pulls.size());
  for (Pull& pull : pulls) {
    const auto same = std::ranges::find_if(
        before, [&](const auto& running) { return running && running->pull == pull; });
    if (same != before.end()) {
      all_.push_back(std::move(*same));
      continue;
    }
    const auto place = static_cast<int64_t>(all_.size());
    all_.push_back(std::make_unique<Running>(*this, std::move(pull)));
    Running& running = *all_.back();
    running.timer.start_once(Milliseconds(running.pull.interval.value * place / count));
  }
}

void Pulls::start(Running& running) {
  running.began = system_clock().now();
  running.fetch =
      std::make_unique<HttpFetch>(world_, running.pull.request, [this, &running](Fetched fetched) {
        // The fetch is done with, but it is what calls: it goes with the next one.
        const MonotonicTime now = system_clock().now();
        const Milliseconds left = running.began + running.pull.interval - now;
        running.timer.start_once(std::max(left, Milliseconds(1)));
        deliver_({running.pull.name, std::move(fetched), now});
      });
}

}  // namespace swingover::health
