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

/// How much of the distance to the new share is left after so long.
float remaining(MonotonicTime from, MonotonicTime to, float constant_ms) {
  if (to <= from) return 1;
  return std::exp(-static_cast<float>((to - from).value) / constant_ms);
}

}  // namespace

ShareLag::ShareLag(size_t localities, size_t clusters, Milliseconds constant)
    : localities_(static_cast<uint32_t>(localities)),
      clusters_(static_cast<uint32_t>(clusters)),
      constant_ms_(static_cast<float>(std::max<int64_t>(constant.value, 1))) {}

void ShareLag::in_force(std::span<const uint16_t> shares, MonotonicTime now) {
  assert(shares.size() == size_t{localities_} * clusters_);
  assert(steps_.empty() || now >= steps_.back().since);
  forget(now);
  if (!steps_.empty() && std::ranges::equal(steps_.back().shares, shares)) return;
  if (!steps_.empty() && now < steps_.back().since + same_step) {
    steps_.back().shares.assign(shares.begin(), shares.end());
    return;
  }
  if (steps_.size() == steps_max) fold_oldest();
  steps_.push_back({now, {shares.begin(), shares.end()}});
}

std::span<const uint16_t> ShareLag::current() const {
  if (steps_.empty()) return {};
  return steps_.back().shares;
}

void ShareLag::at(size_t cluster, MonotonicTime then, std::span<float> out) const {
  assert(out.size() == localities_);
  assert(cluster < clusters_);
  assert(known());
  std::array<float, steps_max> left;
  for (size_t k = 0; k < steps_.size(); ++k) {
    const MonotonicTime end = k + 1 < steps_.size() ? std::min(then, steps_[k + 1].since) : then;
    left[k] = remaining(steps_[k].since, end, constant_ms_);
  }
  for (size_t locality = 0; locality < localities_; ++locality) {
    const size_t place = locality * clusters_ + cluster;
    float lag = start_.empty() ? fraction(steps_.front().shares[place]) : start_[place];
    for (size_t k = 0; k < steps_.size(); ++k) {
      const float share = fraction(steps_[k].shares[place]);
      lag = share + (lag - share) * left[k];
    }
    out[locality] = lag;
  }
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
  const float left = remaining(oldest.since, steps_[1].since, constant_ms_);
  if (start_.empty()) {
    start_.resize(oldest.shares.size());
    std::ranges::transform(oldest.shares, start_.begin(), fraction);
  } else {
    for (size_t place = 0; place < start_.size(); ++place) {
      const float share = fraction(oldest.shares[place]);
      start_[place] = share + (start_[place] - share) * left;
    }
  }
  steps_.erase(steps_.begin());
  if (steps_.size() == 1) steps_.shrink_to_fit();
}

size_t ShareLag::octets() const {
  size_t sum = sizeof(*this) + start_.capacity() * sizeof(float) + steps_.capacity() * sizeof(Step);
  for (const Step& step : steps_) sum += step.shares.capacity() * sizeof(uint16_t);
  return sum;
}

}  // namespace swingover::steering
