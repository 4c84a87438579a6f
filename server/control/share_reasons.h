#pragma once

#include <string>
#include <vector>

#include "server/control/steering.h"
#include "zones/explain.h"

namespace swingover::control {

/// Why a service's shares are as they are, for an explanation: as things stand now, in words. Of a service that is not
/// steered within capacity there is nothing to tell.
///
/// Threads  The control thread.
class ShareReasons {
 public:
  explicit ShareReasons(const Steering& steering) : steering_(steering) {}

  /// How much is asked for, whether that fits, and what the shares wait for.
  std::vector<zones::Explanation::Step> steps(const zones::Service& service) const;
  /// What the pool costs clients there, carries, and by what it has its share or none; empty for one of last resort and
  /// for one that may not serve them.
  std::string of(const zones::Model& model, const zones::Service& service, uint32_t pool,
                 LocalityId client) const;

 private:
  struct Seen;
  double left_by_plan(const zones::Service& service, uint32_t pool) const;
  std::string way_back(const zones::Service& service, const Seen& seen, uint32_t pool) const;
  static std::string verdict(const Seen& seen, uint32_t pool);

  const Steering& steering_;
};

/// What pools cost clients there is known of any instant, with its config; what else decided their shares is not.
std::string cost_words(const zones::Model& model, const zones::Service& service, uint32_t pool,
                       LocalityId client);

}  // namespace swingover::control
