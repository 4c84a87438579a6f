#include "zones/steering/allocation.h"

namespace swingover::steering {

Regime regime_of(double max_level, const Problem& problem) {
  // Demand is kept in whole 65,536ths: what a sum of them is above a bound is no overload.
  constexpr double at_bound = 1 + 1e-6;
  if (max_level <= problem.target * at_bound) return Regime::normal;
  return max_level <= problem.limit * at_bound ? Regime::tight : Regime::overload;
}

std::string_view word(Regime regime) {
  switch (regime) {
    case Regime::normal:
      return "normal";
    case Regime::tight:
      return "tight";
    case Regime::overload:
      return "overload";
  }
  return "";
}

}  // namespace swingover::steering
