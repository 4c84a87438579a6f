#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "zones/steering/transport.h"

namespace swingover::steering {

/// What it costs least to pass a unit of load from one cluster to another, and which localities can do so at that cost:
/// those that send to the one, ordered by what the other costs them more.
///
/// How      Of each pair that a path has used up, the nearest localities are known in order, `kept` at first and four times
///          as many whenever these are gone and all are looked at again. So ten thousand localities, each at a cost of its
///          own, are moved in about as many steps, and not in as many looks at all of them.
/// Shape    Follows the transport's flows by follow(), after each path. Keeps its memory from call to call. One thread.
/// Cost     begin(): localities × clusters. follow(): clusters for each locality that moved, a few looks at all localities
///          for each pair in all, and one whenever more than are known have the same cost and one of these is gone.
/// Memory   16 octets for each locality and cluster that it could go on to, at most, where it has a flow.
class CheapestSteps {
 public:
  static constexpr size_t kept = 128;

  /// A locality that was moved from one cluster to another.
  struct Move {
    size_t locality = 0;
    size_t from = 0;
    size_t to = 0;
  };

  void begin(const Transport& transport);
  /// To be called for each pair that for_each_mover() is about to be asked for more than once: finds out who comes first.
  void prepare(const Transport& transport, size_t from, size_t to) {
    const bool is_worth_it = transport.localities >= 8 * kept;
    if (is_worth_it && !nearest_[from * clusters_ + to].is_known) look(transport, from, to);
  }
  /// The flows are as these moves have left them.
  void follow(const Transport& transport, const std::vector<Move>& moves);

  /// By cluster that it leads to; no_route / 2 and above: none does.
  const int64_t* from(size_t cluster) const { return &costs_[cluster * clusters_]; }

  /// visit(locality) for each that can move at that cost, in the order of their places, until it returns false.
  template <class Visit>
  void for_each_mover(const Transport& transport, size_t from, size_t to, Visit&& visit) const {
    const int64_t cost = costs_[from * clusters_ + to];
    const auto flows = transport.flows_to(from);
    const Nearest& nearest = nearest_[from * clusters_ + to];
    if (!nearest.is_known || nearest.is_wide) {
      for (size_t i = 0; i < flows.size(); ++i) {
        if (flows[i] > 0 && transport.cost(i, to) - transport.cost(i, from) == cost && !visit(i))
          return;
      }
      return;
    }
    for (auto key = nearest.keys.rbegin(); key != nearest.keys.rend(); ++key) {
      if (key->cost > cost) return;
      if (flows[key->locality] > 0 && !visit(size_t{key->locality})) return;
    }
  }

 private:
  struct Key {
    int64_t cost = 0;
    uint32_t locality = 0;
    bool operator==(const Key&) const = default;
    auto operator<=>(const Key&) const = default;
  };
  /// Of one pair. What has no flow any more is passed over.
  struct Nearest {
    std::vector<Key> keys;  // the nearest last
    Key last;               // whatever is beyond it is not in `keys`, unless they are all
    size_t wanted = kept;
    bool is_known = false;
    bool is_whole = false;  // nothing was left out
    bool is_wide = false;   // more than those have the least cost: `keys` do not say who
  };

  void gain(const Transport& transport, size_t cluster, size_t locality);
  void lose(const Transport& transport, size_t cluster, size_t locality);
  void refresh(const Transport& transport, size_t from, size_t to);
  void look(const Transport& transport, size_t from, size_t to);

  size_t clusters_ = 0;
  std::vector<int64_t> costs_;    // [from × clusters + to]
  std::vector<Nearest> nearest_;  // likewise
  std::vector<bool> is_stale_;    // likewise: whoever had the least cost may be gone
  std::vector<size_t> stale_;     // the places of those
};

}  // namespace swingover::steering
