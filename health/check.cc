#include "health/prober.h"

namespace swingover::health {

std::string Check::key() const {
  return monitor->name + ' ' + address + ' ' + host;
}

}  // namespace swingover::health
