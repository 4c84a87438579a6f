#include "zones/steering/share_lag.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include "zones/steering/allocation.h"

namespace swingover::steering {
namespace {

float fraction(uint16_t share) {
  return static_cast<float>(share) / static_cast<float>(share_parts);
}

float remaining(MonotonicTime from, MonotonicTime to, float constant_ms) {
  if (to <= from) return 1;
  return std::exp(-static_cast<float>((to - from).value) / constant_ms);
}

float constant_of(Milliseconds duration) {
  return static_cast<float>(std::max<int64_t>(duration.value, 1));
}

}  // namespace

ShareLag::ShareLag(size_t localities, size_t clusters, const Constants& constants)
    : localities_(static_cast<uint32_t>(localities)),
      clusters_(static_cast<uint32_t>(clusters)),
      constant_ms_(constant_of(constants.caches + constants.connections)),
      broken_constant_ms_(constant_of(constants.caches)) {}

void ShareLag::in_force(std::span<const uint16_t> shares, MonotonicTime now,
                        std::span<const uint32_t> broken) {
  assert(shares.size() == size_t{localities_} * clusters_);
  assert(steps_.empty() || now >= steps_.back().since);
  forget(now);
  if (!steps_.empty() && std::ranges::equal(steps_.back().shares, shares) &&
      std::ranges::equal(steps_.back().broken, broken))
    return;
  if (!steps_.empty() && now < steps_.back().since + same_step) {
    steps_.back().shares.assign(shares.begin(), shares.end());
    steps_.back().broken.assign(broken.begin(), broken.end());
    return;
  }
  if (steps_.size() == steps_max) fold_oldest();
  steps_.push_back({now, {shares.begin(), shares.end()}, {broken.begin(), broken.end()}});
}

std::optional<MonotonicTime> ShareLag::broken_since(uint32_t cluster) const {
  std::optional<MonotonicTime> since;
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    if (!std::ranges::binary_search(step->broken, cluster)) break;
    since = step->since;
  }
  return since;
}

void ShareLag::mend(uint32_t cluster) {
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    const auto found = std::ranges::find(step->broken, cluster);
    if (found == step->broken.end()) return;
    step->broken.erase(found);
  }
}

std::span<const uint16_t> ShareLag::current() const {
  if (steps_.empty()) return {};
  return steps_.back().shares;
}

ShareLag::Left ShareLag::left(MonotonicTime from, MonotonicTime to) const {
  return {remaining(from, to, constant_ms_), remaining(from, to, broken_constant_ms_)};
}

// Two kinds of clients of a locality follow a step's shares s from where they were, w: those of broken clusters, B of
// all, with the short constant, the others with the long one. At a cluster that is not broken both together are
// s + (w − s) e^(−Δt/τ) + s B (e^(−Δt/τ) − e^(−Δt/τ_broken)).
void ShareLag::at(size_t cluster, MonotonicTime then, std::span<float> out) const {
  assert(out.size() == localities_);
  assert(cluster < clusters_);
  assert(known());
  std::array<Left, steps_max> lefts;
  size_t steps = 0;
  for (; steps < steps_.size() && (steps == 0 || steps_[steps].since < then); ++steps) {
    const bool is_last = steps + 1 == steps_.size();
    lefts[steps] =
        left(steps_[steps].since, is_last ? then : std::min(then, steps_[steps + 1].since));
  }
  // Whatever was broken meanwhile has sent its clients here, so that it is followed, too. The asked one stands first.
  std::vector<uint32_t> followed{static_cast<uint32_t>(cluster)};
  for (size_t k = 0; k < steps; ++k) {
    for (const uint32_t broken : steps_[k].broken) {
      if (std::ranges::count(followed, broken) == 0) followed.push_back(broken);
    }
  }
  std::vector<float> lags(followed.size());
  for (size_t locality = 0; locality < localities_; ++locality) {
    const size_t row = locality * clusters_;
    for (size_t f = 0; f < followed.size(); ++f) {
      const size_t place = row + followed[f];
      lags[f] = start_.empty() ? fraction(steps_.front().shares[place]) : start_[place];
    }
    for (size_t k = 0; k < steps; ++k) {
      const Step& step = steps_[k];
      float leaving = 0;
      for (size_t f = 0; f < followed.size() && !step.broken.empty(); ++f) {
        if (leaves(step, row, followed[f])) leaving += lags[f];
      }
      for (size_t f = 0; f < followed.size(); ++f)
        lags[f] = moved(step, row, followed[f], lags[f], leaving, lefts[k]);
    }
    out[locality] = lags.front();
  }
}

void ShareLag::at_most(size_t cluster, MonotonicTime then, std::span<float> out) const {
  const MonotonicTime begin = then + Milliseconds(-static_cast<int64_t>(constant_ms_));
  at(cluster, then, out);
  std::vector<float> before(out.size());
  at(cluster, begin, before);
  for (size_t locality = 0; locality < localities_; ++locality) {
    out[locality] = std::max(out[locality], before[locality]);
    for (size_t k = 0; k < steps_.size(); ++k) {
      const bool is_over = k + 1 < steps_.size() && steps_[k + 1].since <= begin;
      if (is_over || steps_[k].since > then) continue;
      out[locality] =
          std::max(out[locality], fraction(steps_[k].shares[locality * clusters_ + cluster]));
    }
  }
}

bool ShareLag::leaves(const Step& step, size_t row, uint32_t cluster) {
  return step.shares[row + cluster] == 0 && std::ranges::binary_search(step.broken, cluster);
}

float ShareLag::moved(const Step& step, size_t row, uint32_t cluster, float lag, float leaving,
                      const Left& left) {
  if (leaving > 0 && leaves(step, row, cluster)) return lag * left.broken;
  const float share = fraction(step.shares[row + cluster]);
  return share + (lag - share) * left.all + share * leaving * (left.all - left.broken);
}

void ShareLag::forget(MonotonicTime now) {
  while (steps_.size() > 1 && steps_[1].since + memory <= now) fold_oldest();
  if (steps_.size() != 1 || start_.empty()) return;
  // The start counts while somebody may ask for an instant at which it did: within the memory.
  const float age_ms = static_cast<float>((now - steps_.front().since).value - memory.value);
  if (age_ms > 10 * constant_ms_) std::vector<float>().swap(start_);
}

void ShareLag::fold_oldest() {
  const Step& oldest = steps_[0];
  const Left left = this->left(oldest.since, steps_[1].since);
  if (start_.empty()) {
    start_.resize(oldest.shares.size());
    std::ranges::transform(oldest.shares, start_.begin(), fraction);
  } else {
    for (size_t row = 0; row < start_.size(); row += clusters_) {
      float leaving = 0;
      for (const uint32_t broken : oldest.broken) {
        if (leaves(oldest, row, broken)) leaving += start_[row + broken];
      }
      for (uint32_t cluster = 0; cluster < clusters_; ++cluster) {
        float& lag = start_[row + cluster];
        lag = moved(oldest, row, cluster, lag, leaving, left);
      }
    }
  }
  steps_.erase(steps_.begin());
  if (steps_.size() == 1) steps_.shrink_to_fit();
}

size_t ShareLag::octets() const {
  size_t sum = sizeof(*this) + start_.capacity() * sizeof(float) + steps_.capacity() * sizeof(Step);
  for (const Step& step : steps_) {
    sum += step.shares.capacity() * sizeof(uint16_t) + step.broken.capacity() * sizeof(uint32_t);
  }
  return sum;
}

}  // namespace swingover::steering
