#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "zones/steering/allocation.h"

namespace swingover::steering {

/// Makes parts that add up to `whole` from the amounts, by largest remainder; of equal remainders the smaller place wins.
///
/// Shape      `amounts` are 0 and above; only those above 0 get parts, so where all are 0 nobody does. `shares` is as
///            long. `whole` is share_parts at most.
/// Precision  Remainders that differ by less than 1e-6 of a part are equal: whoever computed the amounts in another
///            order rounds them alike.
class ShareRounder {
 public:
  void round(std::span<const double> amounts, std::span<uint16_t> shares,
             uint16_t whole = share_parts);

 private:
  std::vector<int64_t> remainders_;
  std::vector<size_t> order_;
};

}  // namespace swingover::steering
