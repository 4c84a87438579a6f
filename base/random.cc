#include "base/random.h"

#include <sys/random.h>

#include <cstdlib>

namespace swingover {

uint64_t random_seed() {
  uint64_t seed = 0;
  // 8 bytes are never cut short by a signal (getrandom(2)); without them no key here could be trusted.
  if (getrandom(&seed, sizeof seed, 0) != static_cast<ssize_t>(sizeof seed)) std::abort();
  return seed;
}

}  // namespace swingover
