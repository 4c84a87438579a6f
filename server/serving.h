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
/// Threads  The control thread; the workers read through published().
class ServingTable {
 public:
  ServingTable(std::shared_ptr<const zones::Snapshot> first, uint32_t workers);

  const Published<query::Serving>& published() const { return published_; }
  void publish(std::shared_ptr<const zones::Snapshot> next);
  /// Hands generations that no worker reads any more to `destroy`, their tallies kept: a million names take long to
  /// free. To be called now and then.
  void reclaim(const std::function<void(std::shared_ptr<const query::Serving>)>& destroy);

  /// The generation that workers get.
  const query::Serving& current() const { return *current_; }

  /// Answers of each pool of each service since the start, those of vanished pools too.
  std::vector<control::Traffic::Answers> answers() const;

 private:
  using Totals = std::map<std::pair<std::string, std::string>, uint64_t>;  // service, cluster
  static void add(Totals& totals, const query::Serving& serving);

  uint32_t workers_;
  std::shared_ptr<const query::Serving> current_;
  std::vector<std::shared_ptr<const query::Serving>> retired_;
  Totals past_;
  Published<query::Serving> published_;
};

/// The workers' counters in the control side's words.
control::Traffic traffic(const query::QueryCounters& counters,
                         std::vector<control::Traffic::Answers> answers);

}  // namespace swingover::server
