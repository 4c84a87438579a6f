#include "zones/steering/laplacian.h"

namespace swingover::steering {

void Laplacian::solve(std::vector<double>& values) {
  if (nodes_ == 0) return;
  sums_.assign(nodes_, 0);
  for (size_t k = 0; k + 1 < nodes_; ++k) {
    const double* row = &weights_[k * nodes_];
    double sum = 0;
    for (size_t l = k + 1; l < nodes_; ++l) sum += row[l];
    sums_[k] = sum;
    if (sum == 0) continue;  // joined to nobody any more: it stays where it is
    // What flows through this node is handed to its neighbours, as if they were joined directly.
    for (size_t a = k + 1; a < nodes_; ++a) {
      if (row[a] == 0) continue;
      const double part = row[a] / sum;
      values[a] += values[k] * part;
      double* other = &weights_[a * nodes_];
      for (size_t b = k + 1; b < nodes_; ++b) {
        if (b != a) other[b] += row[b] * part;
      }
    }
  }
  values[nodes_ - 1] = 0;
  for (size_t k = nodes_ - 1; k-- > 0;) {
    if (sums_[k] == 0) {
      values[k] = 0;
      continue;
    }
    const double* row = &weights_[k * nodes_];
    double sum = values[k];
    for (size_t l = k + 1; l < nodes_; ++l) sum += row[l] * values[l];
    values[k] = sum / sums_[k];
  }
}

}  // namespace swingover::steering
