// What nobody who keeps clients at home can be better than in a surge.

#include <algorithm>

#include "tests/simulation/policy.h"

namespace swingover::simulation {
namespace {

class BestAtHome final : public Policy {
 public:
  BestAtHome(const Configured& configured, uint64_t seed, bool must_be_told)
      : capacities_(configured.capacities), random_(seed), must_be_told_(must_be_told) {}

  void look(const Told& told) override {
    truth_ = told.truth;
    if (!must_be_told_) is_told_ = true;
    for (const LoadReport& report : told.reports)
      is_told_ |= report.load > capacities_[report.cluster];
  }

  size_t pick(size_t locality, uint64_t) override {
    if (!is_told_ || !truth_) return locality;
    // Caches come in pieces: so much is left free for them.
    constexpr double full = 0.95;
    constexpr double wanted = 0.90;
    const double capacity = capacities_[locality];
    const double demand = truth_->demand(locality);
    if (demand <= wanted * capacity) return locality;
    const bool is_full = truth_->clusters()[locality].load > full * capacity;
    if (!is_full && random_.unit() < wanted * capacity / demand) return locality;
    size_t emptiest = locality;
    for (size_t j = 0; j < capacities_.size(); ++j) {
      if (truth_->clusters()[j].utilisation() < truth_->clusters()[emptiest].utilisation())
        emptiest = j;
    }
    return emptiest;
  }

  uint64_t tables() const override { return 0; }

 private:
  std::vector<double> capacities_;
  Random random_;
  bool must_be_told_;
  bool is_told_ = false;
  const World* truth_ = nullptr;
};

}  // namespace

std::unique_ptr<Policy> make_best_at_home(const Configured& configured, uint64_t seed) {
  return std::make_unique<BestAtHome>(configured, seed, false);
}

std::unique_ptr<Policy> make_best_at_home_once_told(const Configured& configured, uint64_t seed) {
  return std::make_unique<BestAtHome>(configured, seed, true);
}

}  // namespace swingover::simulation
