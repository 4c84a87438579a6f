#pragma once

#include <cstddef>
#include <vector>

namespace swingover::steering {

/// Equations of flows between nodes that are joined with weights: Σ_l weight(k,l) × (y_k − y_l) = inflow_k.
///
/// Solved without a single subtraction in the matrix, so that weights of 1e-20 beside weights of 1 keep all their
/// digits; a Cholesky factorisation loses them, and with them the direction in which a vanishing arc must vanish.
/// Cost     nodes³ / 3. Keeps its memory from call to call.
/// Source   the elimination of Grassmann, Taksar and Heyman (1985).
class Laplacian {
 public:
  void start(size_t nodes) {
    nodes_ = nodes;
    weights_.assign(nodes * nodes, 0);
  }
  /// Between two different nodes, once for each pair, in either order; adds to what there is.
  void join(size_t a, size_t b, double weight) {
    weights_[a * nodes_ + b] += weight;
    weights_[b * nodes_ + a] += weight;
  }
  /// Turns the inflows, which add up to 0, into a solution with y = 0 at the last node. Uses up the weights.
  void solve(std::vector<double>& values);

 private:
  size_t nodes_ = 0;
  std::vector<double> weights_;
  std::vector<double> sums_;  // by node: its weights to those after it, when its turn came
};

}  // namespace swingover::steering
