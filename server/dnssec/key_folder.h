#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "zones/dnssec/key_file.h"

namespace swingover {

/// The keys of a zone as they were found, in a steady order: keys that sign keys first, then by algorithm and tag.
struct KeyFolderReading {
  std::vector<dnssec::StoredKey> keys;
  std::vector<std::string> errors;    // each a whole message, some of several lines
  std::vector<std::string> warnings;  // what is not used, and why
};

/// Where the daemon keeps the keys that its zones are signed with: one folder for itself alone, files as dnssec-keygen
/// writes them, so that each can be carried to or from BIND as it is.
///
/// Crashes  A key counts once both of its files are there and whole; the public one is written last and removed first.
///          What a crash left unfinished is told as a warning and harms nothing.
/// Disk     Full: nothing is left behind, the error says so.
/// Threads  One; another process may put files in, not this class twice.
/// Cost     Each call reads or writes files and syncs them: never on a thread that answers or probes.
class KeyFolder {
 public:
  /// Makes the folder if there is none. Errors: others may enter it, or the kernel's.
  static Result<KeyFolder> open(std::string path);

  const std::string& path() const { return path_; }
  KeyFolderReading read(const zones::Name& zone) const;

  /// A new key whose tag no other key of the zone has, of whatever algorithm: validators and DS lines tell keys by it.
  Result<dnssec::StoredKey> make(const zones::Name& zone, dnssec::Algorithm algorithm,
                                 dnssec::KeyRole role, const dnssec::KeyTimes& times) const;
  /// Keeps a key that came from elsewhere. Errors: `conflict`: there is one of its algorithm and tag.
  Status add(const zones::Name& zone, const dnssec::StoredKey& stored) const;
  /// Deletes a key. Errors: not_found, or the kernel's.
  Status remove(const zones::Name& zone, const dnssec::SigningKey& key) const;

 private:
  explicit KeyFolder(std::string path) : path_(std::move(path)) {}
  std::string file(const std::string& name) const { return path_ + "/" + name; }

  std::string path_;
};

}  // namespace swingover
