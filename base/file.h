#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace swingover {

/// The whole file. Errors: it is not there, not readable, a directory, or larger than `size_max`.
Result<std::string> read_file(const std::string& path, size_t size_max = size_t{1} << 30);

/// Readers see the old content or the new, never a part: temporary file, fsync, rename, fsync of the folder.
Status replace_file(const std::string& path, std::string_view content, unsigned mode = 0644);

/// `path` as seen from the folder of the file `from`, unless it is absolute.
std::string path_beside(const std::string& from, const std::string& path);

}  // namespace swingover
