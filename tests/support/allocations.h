#pragma once

#include <cstdint>

namespace swingover::tests {

/// Whether allocations are counted at all: a sanitizer owns malloc, and then the count stays 0.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool counts_allocations = false;
#else
inline constexpr bool counts_allocations = true;
#endif

/// Calls of malloc, calloc and realloc by this thread since it began. For tests that have
/// tests/support/allocations.cc among their sources.
uint64_t allocations();

}  // namespace swingover::tests
