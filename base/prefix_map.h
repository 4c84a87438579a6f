#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/ip.h"

namespace swingover {

/// Immutable longest-prefix match from address prefix to T, for both families.
///
/// Shape  Built once from rules (equal prefixes: the last wins) into sorted, disjoint ranges of addresses.
/// Cost   find(): one binary search, no allocation. Build: O(n log n). About 40 bytes a rule.
template <class T>
class PrefixMap {
 public:
  struct Rule {
    IpPrefix prefix;
    T value;
  };

  PrefixMap() = default;
  explicit PrefixMap(std::vector<Rule> rules);

  struct Found {
    std::optional<T> value;  // of the longest prefix that contains the address
    unsigned length = 0;  // every address that shares so many leading bits with it finds the same
  };
  Found find(const IpAddress& address) const;
};

}  // namespace swingover
