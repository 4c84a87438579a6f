#pragma once

#include <memory>
#include <string>

#include "store/store.h"

namespace swingover::store {

/// The contract of store.h on RocksDB in `folder`, made if it is not there. One process at a time: a second
/// is refused with a message that names the folder and says that another swingoverd uses it.
///
/// Recovery  The log is replayed in the mode that tolerates only a torn tail (research: the default mode loses
///           acknowledged writes silently after bit rot); anything else is ErrorCode::corrupt, said in words.
/// Format    meta/format holds the schema version; a newer one refuses to open, an older one is migrated.
Result<std::unique_ptr<Store>> open_rocks_store(const std::string& folder);

}  // namespace swingover::store
