#include "tests/support/allocations.h"

#include <cstdlib>

namespace {
thread_local uint64_t count = 0;
}

#if defined(__SANITIZE_ADDRESS__)
// Of the sanitizer's runtime; g++ 12 has no header for it.
extern "C" int __sanitizer_install_malloc_and_free_hooks(  // NOLINT
    void (*allocated)(const volatile void*, size_t), void (*freed)(const volatile void*));

namespace {
void count_one(const volatile void* /*block*/, size_t /*size*/) {
  ++count;
}
void count_none(const volatile void* /*block*/) {}
[[maybe_unused]] const int installed =
    __sanitizer_install_malloc_and_free_hooks(count_one, count_none);
}  // namespace
#elif !defined(__SANITIZE_THREAD__)
// glibc's own names for what we put ourselves in front of; operator new ends here too.
extern "C" {
void* __libc_malloc(size_t size);                // NOLINT
void* __libc_calloc(size_t count, size_t size);  // NOLINT
void* __libc_realloc(void* old, size_t size);    // NOLINT

void* malloc(size_t size) {
  ++count;
  return __libc_malloc(size);
}
void* calloc(size_t number, size_t size) {
  ++count;
  return __libc_calloc(number, size);
}
void* realloc(void* old, size_t size) {
  ++count;
  return __libc_realloc(old, size);
}
}
#endif

namespace swingover::tests {

uint64_t allocations() {
  return count;
}

}  // namespace swingover::tests
