#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "server/config.h"
#include "server/control/signed_zone.h"
#include "zones/snapshot.h"

namespace swingover::server {

/// Gives every zone that has a [zone.dnssec] what it is signed with, from the keys in `folder`; a zone that has none gets
/// them made. What people see of it comes back, in the order of the config.
///
/// Roles     By the keys' flags, each algorithm for itself (RFC 4035 section 2.2): KSKs sign the key sets and ZSKs the rest;
///           KSKs without ZSKs sign all.
/// Problems  A zone whose keys cannot be used is among those of `loaded` that failed, and its problems among theirs: never
///           is one answered without signatures that validators have reason to expect. For that, keys that `previous` was
///           signed with and that are gone are not made anew, either.
/// Secrets   The process leaves no core behind from here on, and nobody but root may look into it.
/// Cost      Reads and, once, writes files and syncs them: not on a thread that answers or probes.
std::vector<control::SignedZone> load_keys(const Config& config, const std::string& folder,
                                           WallTime now, const zones::Snapshot* previous,
                                           LoadedZones& loaded);

/// Where a daemon with this state_dir keeps its keys.
std::string key_folder_of(const std::string& state_dir);

}  // namespace swingover::server
