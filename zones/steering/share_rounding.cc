#include "zones/steering/share_rounding.h"

#include <algorithm>
#include <cmath>

namespace swingover::steering {

void ShareRounder::round(std::span<const double> amounts, std::span<uint16_t> shares,
                         uint16_t whole) {
  constexpr int64_t grains = 1'000'000;  // of a part
  double all = 0;
  for (const double amount : amounts) all += amount;
  remainders_.resize(amounts.size());
  order_.clear();
  int64_t left = whole;
  for (size_t j = 0; j < amounts.size(); ++j) {
    shares[j] = 0;
    if (amounts[j] <= 0) continue;
    const int64_t exact = std::llround(amounts[j] / all * whole * grains);
    shares[j] = static_cast<uint16_t>(exact / grains);
    remainders_[j] = exact % grains;
    left -= shares[j];
    order_.push_back(j);
  }
  // The remainders of all add up to what is left, so nobody needs a second part: there are more with one.
  std::ranges::sort(order_, [&](size_t a, size_t b) {
    return remainders_[a] != remainders_[b] ? remainders_[a] > remainders_[b] : a < b;
  });
  if (order_.empty()) return;
  for (size_t next = 0; left > 0; ++next, --left) ++shares[order_[next % order_.size()]];
}

}  // namespace swingover::steering
