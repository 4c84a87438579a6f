#include "zones/steering/load_band.h"

#include <algorithm>

namespace swingover::steering {

std::optional<double> load_at_high(const PoolWork& work, const LoadBand& band) {
  if (work.load <= 0 || work.in_flight <= 0 || work.eligible == 0) return {};
  return work.load * band.high * static_cast<double>(work.eligible) / work.in_flight;
}

BandCapacity::BandCapacity(double configured, size_t endpoints)
    : each_(endpoints ? configured / static_cast<double>(endpoints) : 0), anchor_(each_) {}

void BandCapacity::apply(const PoolWork& work, const LoadBand& band) {
  const std::optional<double> whole = load_at_high(work, band);
  if (!whole) return;
  const auto endpoints = static_cast<double>(work.eligible);
  const double estimate = *whole / endpoints;
  if (each_ <= 0) {
    each_ = anchor_ = estimate;
    return;
  }
  const double busy = work.in_flight / endpoints;
  double towards = each_;
  // Above the band a capacity never rises, below it it never falls: the mark outweighs the estimate.
  if (busy > band.high) towards = std::min(estimate, each_);
  if (busy < band.low) towards = std::max(estimate, each_);
  const double most = each_ * change_max;
  each_ += std::clamp((towards - each_) * step, -most, most);
  each_ = std::clamp(each_, anchor_ / bound, anchor_ * bound);
}

std::optional<double> BandCapacity::capacity(size_t eligible) const {
  if (each_ <= 0) return {};
  return each_ * static_cast<double>(eligible);
}

}  // namespace swingover::steering
