#pragma once

#include <memory>
#include <string>

#include "store/store.h"

namespace rocksdb {
class Env;
}

namespace swingover::store {

/// The contract of store.h on RocksDB in `folder`, made if it is not there. One process at a time.
///
/// Errors    conflict: another swingoverd uses the folder (its process is named if it can be known), or the
///           store is of a format that this program cannot read. corrupt: damaged, with what to do.
///           unavailable: the folder cannot be made or written, no room, I/O error.
/// Recovery  The log is replayed in the mode that tolerates only a torn tail (research: the default mode loses
///           acknowledged writes silently after bit rot); anything else is ErrorCode::corrupt, said in words.
/// Faults    After a failed write or a background error the next commit() first tries the disk and then closes
///           and reopens the database, which reads what really reached the disk: the failed batch is then
///           there whole, with a revision of its own, or gone. Reads go on as long as the disk can be read;
///           in the second or so that reopening takes they do not wait but fail with unavailable.
/// Format    meta/format holds the schema version; a newer one refuses to open, an older one is migrated.
/// Size      About 10 MiB of memory at most, whatever the size of the state; two background threads.
Result<std::unique_ptr<Store>> open_rocks_store(const std::string& folder);

/// The same on an environment that a test makes fail; it outlives the store.
Result<std::unique_ptr<Store>> open_rocks_store(const std::string& folder,
                                                rocksdb::Env& environment);

}  // namespace swingover::store
