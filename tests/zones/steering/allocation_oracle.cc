#include "tests/zones/steering/allocation_oracle.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/zones/steering/simplex.h"

namespace swingover::steering {

namespace {

constexpr double tolerance = 1e-7;  // of a demand or load

/// Enough digits for sums of 1e-9 and 1e15, which tell apart sets that are equal in doubles.
__extension__ using Exact = __float128;

bool is_live(const Problem& problem, size_t i, size_t j) {
  return problem.capacities[j] > 0 && problem.cost(i, j) != forbidden;
}

bool is_served(const Problem& problem, size_t i) {
  if (problem.demands[i] == 0) return false;
  for (size_t j = 0; j < problem.clusters(); ++j) {
    if (is_live(problem, i, j)) return true;
  }
  return false;
}

long double weight(const Problem& problem, size_t i, size_t j) {
  double least = forbidden;
  for (size_t k = 0; k < problem.clusters(); ++k) {
    if (problem.capacities[k] > 0) least = std::min(least, problem.cost(i, k));
  }
  const long double cost = std::round(problem.cost(i, j) * 1000);
  return cost * 4096 + (problem.cost(i, j) > least ? 1 : 0);
}

std::vector<double> loads_of(const Problem& problem, const std::vector<double>& flows) {
  std::vector<double> loads(problem.clusters(), 0);
  for (size_t at = 0; at < flows.size(); ++at) loads[at % problem.clusters()] += flows[at];
  return loads;
}

/// [from × clusters + to]: what one unit costs that goes from one cluster to another, over any others, each step by a
/// locality that sends enough there to notice. Below 0 at [j × clusters + j]: there is a round trip that saves.
std::vector<long double> cheapest_moves(const Problem& problem, const std::vector<double>& flows) {
  const size_t n = problem.clusters();
  const std::vector<double> loads = loads_of(problem, flows);
  std::vector<long double> moves(n * n, std::numeric_limits<long double>::infinity());
  for (size_t j = 0; j < n; ++j) moves[j * n + j] = 0;
  for (size_t i = 0; i < problem.localities(); ++i) {
    for (size_t j = 0; j < n; ++j) {
      if (flows[i * n + j] <= tolerance * std::min(problem.demands[i], loads[j])) continue;
      for (size_t k = 0; k < n; ++k) {
        if (k == j || !is_live(problem, i, k)) continue;
        moves[j * n + k] =
            std::min(moves[j * n + k], weight(problem, i, k) - weight(problem, i, j));
      }
    }
  }
  for (size_t over = 0; over < n; ++over) {
    for (size_t j = 0; j < n; ++j) {
      for (size_t k = 0; k < n; ++k) {
        moves[j * n + k] = std::min(moves[j * n + k], moves[j * n + over] + moves[over * n + k]);
      }
    }
  }
  return moves;
}

}  // namespace

std::vector<double> levels_by_enumeration(const Problem& problem) {
  std::vector<double> levels(problem.clusters(), 0);
  std::vector<bool> is_open(problem.clusters());
  for (size_t j = 0; j < problem.clusters(); ++j) is_open[j] = problem.capacities[j] > 0;
  std::vector<size_t> left;
  for (size_t i = 0; i < problem.localities(); ++i) {
    if (is_served(problem, i)) left.push_back(i);
  }
  while (!left.empty()) {
    const auto reaches = [&](size_t set, size_t j) {
      for (size_t bit = 0; bit < left.size(); ++bit) {
        if ((set >> bit & 1) && is_open[j] && is_live(problem, left[bit], j)) return true;
      }
      return false;
    };
    Exact highest = -1;
    size_t best = 0;
    for (size_t set = 1; set < size_t{1} << left.size(); ++set) {
      Exact demand = 0;
      Exact capacity = 0;
      for (size_t bit = 0; bit < left.size(); ++bit) {
        if (set >> bit & 1) demand += problem.demands[left[bit]];
      }
      for (size_t j = 0; j < problem.clusters(); ++j) {
        if (reaches(set, j)) capacity += problem.capacities[j];
      }
      if (demand / capacity <= highest) continue;
      highest = demand / capacity;
      best = set;
    }
    std::vector<bool> taken(problem.clusters());
    for (size_t j = 0; j < problem.clusters(); ++j) taken[j] = reaches(best, j);
    for (size_t j = 0; j < problem.clusters(); ++j) {
      if (!taken[j]) continue;
      levels[j] = static_cast<double>(highest);
      is_open[j] = false;
    }
    // The set's localities are done; none of the others has lost its last cluster, or it would have been in the set.
    std::erase_if(left, [&](size_t i) {
      for (size_t j = 0; j < problem.clusters(); ++j) {
        if (is_open[j] && is_live(problem, i, j)) return false;
      }
      return true;
    });
  }
  return levels;
}

long double cost_with_moves(const Problem& problem, const std::vector<double>& flows) {
  long double sum = 0;
  for (size_t at = 0; at < flows.size(); ++at) {
    if (flows[at] > 0) {
      sum += weight(problem, at / problem.clusters(), at % problem.clusters()) * flows[at];
    }
  }
  return sum;
}

long double least_cost_with_moves(const Problem& problem, const std::vector<double>& rooms) {
  Simplex simplex;
  std::vector<std::vector<size_t>> into(problem.clusters());
  for (size_t i = 0; i < problem.localities(); ++i) {
    if (!is_served(problem, i)) continue;
    std::vector<size_t> row;
    for (size_t j = 0; j < problem.clusters(); ++j) {
      if (!is_live(problem, i, j)) continue;
      row.push_back(simplex.add_variable(weight(problem, i, j)));
      into[j].push_back(row.back());
    }
    simplex.must_equal(row, problem.demands[i]);
  }
  for (size_t j = 0; j < problem.clusters(); ++j) {
    // Rooms that are full exactly are so only up to the rounding of their product.
    simplex.must_not_exceed(into[j], static_cast<long double>(rooms[j]) * (1 + 1e-12L));
  }
  return simplex.least();
}

std::string unlevel(const Problem& problem, const Allocation& got) {
  const size_t n = problem.clusters();
  for (size_t j = 0; j < n; ++j) {
    if (got.levels[j] <= problem.target * (1 + tolerance)) continue;
    if (!is_near(got.loads[j], problem.capacities[j] * got.levels[j], 1e-8))
      return "cluster " + std::to_string(j) + " does not use its level";
    for (size_t i = 0; i < problem.localities(); ++i) {
      if (got.flows[i * n + j] <= tolerance * problem.demands[i]) continue;
      for (size_t k = 0; k < n; ++k) {
        if (!is_live(problem, i, k)) continue;
        if (std::max(problem.target, got.levels[k]) < got.levels[j] * (1 - 1e-8)) {
          return "locality " + std::to_string(i) + " could leave cluster " + std::to_string(j) +
                 " for " + std::to_string(k) + ", which is lower";
        }
      }
    }
  }
  return {};
}

std::string uneven(const Problem& problem, const std::vector<double>& rooms,
                   const std::vector<double>& flows) {
  const size_t n = problem.clusters();
  const std::vector<double> loads = loads_of(problem, flows);
  const std::vector<long double> moves = cheapest_moves(problem, flows);
  // What a tiny cluster could take in may be lost in the last digits of a huge one.
  double lost = 0;
  for (const double room : rooms) lost += 1e-11 * room;
  for (size_t j = 0; j < n; ++j) {
    if (moves[j * n + j] < 0) return "a round trip from cluster " + std::to_string(j) + " saves";
    for (size_t k = 0; k < n; ++k) {
      if (j == k || problem.capacities[j] == 0 || problem.capacities[k] == 0) continue;
      const bool has_room = loads[k] < rooms[k] * (1 - tolerance) - lost;
      const std::string which = std::to_string(j) + " to " + std::to_string(k);
      if (has_room && moves[j * n + k] < 0) return "moving from " + which + " saves";
      const double from = loads[j] / problem.capacities[j];
      const double to = loads[k] / problem.capacities[k];
      if (has_room && moves[j * n + k] == 0 && from > to * (1 + tolerance) + 1e-9) {
        return "moving from " + which + " costs nothing and is more even";
      }
    }
  }
  return {};
}

std::string unspread(const Problem& problem, const std::vector<double>& flows) {
  const size_t n = problem.clusters();
  const std::vector<long double> moves = cheapest_moves(problem, flows);
  const auto flow = [&](size_t i, size_t j) { return flows[i * n + j]; };
  // Nothing that may be positive is 0: the measure falls without bound there.
  for (size_t i = 0; i < problem.localities(); ++i) {
    for (size_t j = 0; j < n; ++j) {
      if (problem.demands[i] == 0 || !is_live(problem, i, j) || flow(i, j) > 0) continue;
      for (size_t k = 0; k < n; ++k) {
        if (flow(i, k) <= tolerance * problem.demands[i]) continue;
        const long double there = weight(problem, i, j) - weight(problem, i, k);
        if (there + moves[j * n + k] <= 0) {
          return "locality " + std::to_string(i) + " could take cluster " + std::to_string(j);
        }
      }
    }
  }
  // Elsewhere the flow is a product of one number a locality and one a cluster, over all connected ones. The numbers
  // are found by walking from each locality that has none yet.
  std::vector<double> of_locality(problem.localities(), NAN);
  std::vector<double> of_cluster(n, NAN);
  const auto is_flow = [&](size_t i, size_t j) { return flow(i, j) > 1e-6 * problem.demands[i]; };
  for (size_t first = 0; first < problem.localities(); ++first) {
    if (!std::isnan(of_locality[first])) continue;
    of_locality[first] = 0;
    for (bool goes_on = true; goes_on;) {
      goes_on = false;
      for (size_t i = 0; i < problem.localities(); ++i) {
        for (size_t j = 0; j < n; ++j) {
          if (!is_flow(i, j)) continue;
          const double part = std::log(flow(i, j) / problem.capacities[j]);
          if (!std::isnan(of_locality[i]) && std::isnan(of_cluster[j])) {
            of_cluster[j] = part - of_locality[i];
            goes_on = true;
          } else if (std::isnan(of_locality[i]) && !std::isnan(of_cluster[j])) {
            of_locality[i] = part - of_cluster[j];
            goes_on = true;
          } else if (std::abs(part - of_locality[i] - of_cluster[j]) > 1e-4) {
            return "locality " + std::to_string(i) + " does not share cluster " +
                   std::to_string(j) + " as the others do";
          }
        }
      }
    }
  }
  return {};
}

std::vector<double> rooms_of(const Problem& problem, const std::vector<double>& levels) {
  std::vector<double> rooms;
  for (size_t j = 0; j < problem.clusters(); ++j) {
    rooms.push_back(problem.capacities[j] * std::max(problem.target, levels[j]));
  }
  return rooms;
}

bool is_near(double a, double b, double precision) {
  return std::abs(a - b) <= precision * std::max(std::abs(a), std::abs(b));
}

std::string wrong_stage(const Problem& problem, const Allocation& got) {
  const std::vector<double> levels = levels_by_enumeration(problem);
  for (size_t j = 0; j < problem.clusters(); ++j) {
    if (!is_near(got.levels[j], levels[j])) {
      return "level of cluster " + std::to_string(j) + ": " + std::to_string(got.levels[j]) +
             " is not " + std::to_string(levels[j]);
    }
  }
  const std::vector<double> rooms = rooms_of(problem, levels);
  for (size_t j = 0; j < problem.clusters(); ++j) {
    if (got.loads[j] > rooms[j] * (1 + 1e-9)) return "above the room of " + std::to_string(j);
  }
  const long double least = least_cost_with_moves(problem, rooms);
  const long double cost = cost_with_moves(problem, got.flows);
  double demand = 0;
  for (const double d : problem.demands) demand += d;
  // One unit moved is 1, one thousandth 4096: some millionths of all demand show. Rooms have a slack of 1e-12.
  long double highest = 0;
  for (size_t at = 0; at < problem.costs.size(); ++at) {
    if (problem.costs[at] == forbidden) continue;
    highest = std::max(highest, weight(problem, at / problem.clusters(), at % problem.clusters()));
  }
  if (!(std::abs(cost - least) <= 1e-9 * least + (1e-6 + 2e-11 * highest) * demand)) {
    return "cost " + std::to_string(cost) + " is not " + std::to_string(least);
  }
  const std::string balance = uneven(problem, rooms, got.flows);
  return balance.empty() ? unspread(problem, got.flows) : balance;
}

std::string wrong_row(const Problem& problem, const Allocation& got) {
  for (size_t i = 0; i < problem.localities(); ++i) {
    const std::string who = "locality " + std::to_string(i);
    double sent = 0;
    unsigned parts = 0;
    bool can_be_served = false;
    for (size_t j = 0; j < problem.clusters(); ++j) {
      const size_t at = i * problem.clusters() + j;
      const bool is_open = problem.costs[at] != forbidden && problem.capacities[j] > 0;
      can_be_served |= is_open;
      sent += got.flows[at];
      parts += got.shares[at];
      if (!is_open && (got.flows[at] != 0 || got.shares[at] != 0)) return who + " at a closed door";
      if (problem.demands[i] == 0) continue;
      const double exact = got.flows[at] / problem.demands[i] * share_parts;
      if (std::abs(got.shares[at] - exact) >= 1.000001) return who + " far from its flow";
    }
    if (got.unserved[i] == can_be_served) return who + " is wrong about being served";
    if (parts != (can_be_served ? share_parts : 0)) return who + " has " + std::to_string(parts);
    const double wanted = can_be_served ? problem.demands[i] : 0;
    if (!is_near(sent, wanted)) return who + " sends " + std::to_string(sent);
  }
  return {};
}

}  // namespace swingover::steering
