#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>

#ifdef __SANITIZE_THREAD__
// RocksDB and libcurl are Debian's, built without the thread sanitizer: it sees their memcpy() but not the atomics
// that order it, and takes readers beside a writer for a race inside of them. What our code does is still seen.
extern "C" const char*
__tsan_default_options();  // NOLINT(bugprone-reserved-identifier): the sanitizer's name
extern "C" const char* __tsan_default_options() {  // NOLINT(bugprone-reserved-identifier)
  return "ignore_noninstrumented_modules=1";
}
#endif
