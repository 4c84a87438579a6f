#pragma once

#include <cstdint>

namespace swingover {

/// Raises this process's limit of descriptors (RLIMIT_NOFILE) as far as it may go.
/// The limit that then holds; nothing is known of it: 512.
uint64_t raise_descriptor_limit();

}  // namespace swingover
