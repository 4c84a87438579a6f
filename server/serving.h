#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/published.h"
#include "server/control/metrics.h"
#include "server/query/workers.h"

namespace swingover::server {

/// What the workers answer from, published, and what they counted, over all generations.
///
/// Counts   Stand by id in each generation, and are summed up by name, since ids are others after a reload: of 80,000
///          pools tens of milliseconds, so never on the control thread.
/// Threads  The control thread; the workers read through published().
class ServingTable {
 public:
  /// Runs `work` on another thread, then `done` on this one.
  using Offload = std::function<void(std::function<void()> work, std::function<void()> done)>;

  ServingTable(std::shared_ptr<const zones::Snapshot> first, uint32_t workers);

  const Published<query::Serving>& published() const { return published_; }
  void publish(std::shared_ptr<const zones::Snapshot> next);
  /// Frees generations that no worker reads any more, their counts kept, both elsewhere: a million names take long. To be
  /// called now and then.
  void reclaim(const Offload& offload);

  /// The generation that workers get.
  const query::Serving& current() const { return *current_; }

  /// Works out the answers of each pool of each service since the start, those of vanished pools too. For any thread: it
  /// holds what it reads, and counts on until it is called.
  std::function<std::vector<control::Traffic::Answers>()> answers() const;

 private:
  using Totals = std::map<std::pair<std::string, std::string>, uint64_t>;  // service, cluster
  using Servings = std::vector<std::shared_ptr<const query::Serving>>;
  static Totals sum(const Totals& past, const Servings& servings);

  uint32_t workers_;
  std::shared_ptr<const query::Serving> current_;
  Servings retired_;  // some of them are just being added to past_
  bool is_adding_ = false;
  std::shared_ptr<const Totals> past_ = std::make_shared<Totals>();
  Published<query::Serving> published_;
};

/// The workers' counters in the control side's words.
control::Traffic traffic(const query::QueryCounters& counters,
                         std::function<std::vector<control::Traffic::Answers>()> answers);

}  // namespace swingover::server
