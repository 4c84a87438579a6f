#pragma once

#include <string>
#include <vector>

#include "zones/steering/allocation.h"

namespace swingover::steering {

/// The definition of the four stages, by other ways than the allocator's: levels by trying all sets of localities, cost
/// by a dense simplex, balance and spread by what must hold where they are best. For small Problems.

/// By cluster: the most that any set of localities, of those left, must put on the clusters it may use.
std::vector<double> levels_by_enumeration(const Problem& problem);

/// What a flow costs, in thousandths × 4096, plus what it moves away from its localities' cheapest clusters: small
/// enough against one thousandth to decide only where the cost does not.
long double cost_with_moves(const Problem& problem, const std::vector<double>& flows);

/// The least of that within the rooms, by linear programming.
long double least_cost_with_moves(const Problem& problem, const std::vector<double>& rooms);

/// How much each cluster may carry.
std::vector<double> rooms_of(const Problem& problem, const std::vector<double>& levels);

bool is_near(double a, double b, double precision = 1e-9);

/// Empty, or in what the rows are not whole: demand not placed, or shares that are not the flow's nearest.
std::string wrong_row(const Problem& problem, const Allocation& got);

/// Empty, or which stage is not as defined.
std::string wrong_stage(const Problem& problem, const Allocation& got);

/// Empty, or why a level above the target is not the least possible: its cluster could do with less, or some of its load
/// could go to a lower one. Of any size, and without another solution.
std::string unlevel(const Problem& problem, const Allocation& got);

/// Empty, or what is wrong: a move between clusters that costs nothing would make them more even, or one that saves.
std::string uneven(const Problem& problem, const std::vector<double>& rooms,
                   const std::vector<double>& flows);

/// Empty, or what is wrong: an exchange between localities that changes no load and no cost would come nearer to
/// proportional.
std::string unspread(const Problem& problem, const std::vector<double>& flows);

}  // namespace swingover::steering
