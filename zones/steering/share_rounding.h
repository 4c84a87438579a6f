#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace swingover::steering {

/// Makes whole parts of share_parts from the amounts, by largest remainder; of equal remainders the smaller place wins.
///
/// Shape      `amounts` are 0 and above and not all 0; only those above 0 get parts. `shares` is as long.
/// Precision  Remainders that differ by less than 1e-6 of a part are equal: whoever computed the amounts in another
///            order rounds them alike.
class ShareRounder {
 public:
  void round(std::span<const double> amounts, std::span<uint16_t> shares);

 private:
  std::vector<int64_t> remainders_;
  std::vector<size_t> order_;
};

}  // namespace swingover::steering
