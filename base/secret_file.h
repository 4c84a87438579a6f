#pragma once

#include <sys/types.h>

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace swingover {

/// The whole file, which nobody else may read. It is read into the secret itself: no copy stays behind.
/// Errors: it is not there, no plain file (a link neither), larger than `size_max`, of another user who is not root, or
/// open to more than its owner; the message says what to do.
Result<Secret> read_secret_file(const std::string& path, size_t size_max);

/// A new file of this content and mode, whole and on the disk, or none: written beside its place under `path` + ".new"
/// and moved there. Never replaces a file.
/// Errors: `conflict`: there is such a file; else the kernel's, such as a full disk. Cost: two syncs, milliseconds.
Status write_new_file(const std::string& path, Bytes content, mode_t mode);

}  // namespace swingover
