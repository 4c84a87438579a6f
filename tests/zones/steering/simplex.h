#pragma once

#include <cstddef>
#include <vector>

namespace swingover::steering {

/// A dense two-phase simplex: the least sum of cost × value over values of 0 and above. By Bland's rule, so it ends;
/// in long doubles, for a few dozen variables.
class Simplex {
 public:
  /// Its number.
  size_t add_variable(long double cost) {
    costs_.push_back(cost);
    return costs_.size() - 1;
  }
  void must_equal(const std::vector<size_t>& variables, long double sum) {
    rows_.push_back({variables, sum, false});
  }
  void must_not_exceed(const std::vector<size_t>& variables, long double sum) {
    rows_.push_back({variables, sum, true});
  }
  /// NaN when nothing satisfies all rows.
  long double least() const;

 private:
  struct Row {
    std::vector<size_t> variables;
    long double sum;
    bool is_bound;
  };
  std::vector<long double> costs_;
  std::vector<Row> rows_;
};

}  // namespace swingover::steering
