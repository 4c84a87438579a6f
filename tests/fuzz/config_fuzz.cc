// Whatever a config file holds, it is read or refused with words.
#include <cstdint>
#include <cstdlib>

#include "server/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto loaded = swingover::server::parse_config("fuzz.toml", text);
  const bool has_errors = loaded.problems.find(": error: ") != std::string::npos;
  if (!loaded.config && !has_errors) std::abort();
  return 0;
}
