#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace swingover::steering {

/// A set of clusters in each of many rows, a bit a cluster: up to 64 clusters, the usual case, a row is one word.
///
/// Cost   assign() allocates when it grows; nothing else does.
/// Limits Rows and clusters are the caller's to keep in range.
class ClusterSets {
 public:
  /// That many empty sets.
  void assign(size_t rows, size_t clusters) {
    words_ = (clusters + 63) / 64;
    bits_.assign(rows * words_, 0);
  }
  size_t words() const { return words_; }
  std::span<uint64_t> operator[](size_t row) { return {&bits_[row * words_], words_}; }
  std::span<const uint64_t> operator[](size_t row) const { return {&bits_[row * words_], words_}; }

  bool has(size_t row, size_t cluster) const {
    return (bits_[row * words_ + cluster / 64] >> (cluster % 64) & 1) != 0;
  }
  void insert(size_t row, size_t cluster) {
    bits_[row * words_ + cluster / 64] |= uint64_t{1} << (cluster % 64);
  }
  void clear(size_t row) {
    for (uint64_t& word : (*this)[row]) word = 0;
  }
  /// What the row of `other` holds too, added to this row.
  void add(size_t row, const ClusterSets& other, size_t row_of_other) {
    const uint64_t* from = &other.bits_[row_of_other * words_];
    uint64_t* to = &bits_[row * words_];
    for (size_t w = 0; w < words_; ++w) to[w] |= from[w];
  }

 private:
  size_t words_ = 0;
  std::vector<uint64_t> bits_;
};

/// Calls visit(cluster) for each that the set holds, from the smallest place on.
template <class Visit>
void for_each_cluster(std::span<const uint64_t> set, Visit&& visit) {
  for (size_t w = 0; w < set.size(); ++w) {
    for (uint64_t left = set[w]; left != 0; left &= left - 1) {
      visit(w * 64 + static_cast<size_t>(std::countr_zero(left)));
    }
  }
}

}  // namespace swingover::steering
