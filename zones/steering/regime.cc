#include "zones/steering/allocation.h"

namespace swingover::steering {

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
