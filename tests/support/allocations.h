#pragma once

#include <cstdint>

namespace swingover::tests {

/// Whether allocations are counted at all: the thread sanitizer owns malloc and tells nobody, and then the count stays 0.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool counts_allocations = false;
#else
inline constexpr bool counts_allocations = true;
#endif

/// Whether memory that was freed can be looked at: a sanitizer keeps it, and maps more than can be searched.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool can_search_memory = false;
#else
inline constexpr bool can_search_memory = true;
#endif

/// Calls of malloc, calloc, realloc and, under the address sanitizer, operator new by this thread since it began. For tests that have
/// tests/support/allocations.cc among their sources.
uint64_t allocations();

}  // namespace swingover::tests
