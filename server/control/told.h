#pragma once

#include <vector>

#include "base/log.h"
#include "store/journal.h"

namespace swingover::control {

/// What people are told of a change: the journal's entries, and log lines for when these are stored.
struct Told {
  std::vector<store::JournalEntry> entries;
  std::vector<LogLine> lines;
};

}  // namespace swingover::control
