#pragma once

#include <string>

#include "base/result.h"

namespace swingover {

/// The whole file. Errors: it is not there, not readable, a directory, or larger than `size_max`.
Result<std::string> read_file(const std::string& path, size_t size_max = size_t{1} << 30);

/// What the kernel's `number` (errno) about this file means, in its words: not_found, conflict (it exists already),
/// unavailable (no room on the disk), or system.
Error file_error(const std::string& path, int number);

/// `path` as seen from the folder of the file `from`, unless it is absolute.
std::string path_beside(const std::string& from, const std::string& path);

}  // namespace swingover
