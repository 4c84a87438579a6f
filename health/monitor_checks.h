#pragma once

#include <string_view>

#include "base/diagnostics.h"
#include "base/toml_source.h"
#include "health/monitor_options.h"

namespace swingover::health {

/// A [[monitor]] as it was read: `table` is what people wrote, `monitor` what its rows made of it.
struct WrittenMonitor {
  const TomlValue& table;
  const MonitorOptions& monitor;
  bool complete;  // TomlDocument::complete: if not, what is absent may well be there
  Diagnostics& diagnostics;
};

/// Whether its times fit into one another.
void check_times(const WrittenMonitor& written);

/// Whether what turns its verdicts into health can ever strike, and let go.
void check_machine(const WrittenMonitor& written);

/// Reports `key` where it is written: whoever wrote it expects it to matter. `because` goes on "which ...".
void refuse_key(const WrittenMonitor& written, std::string_view key, std::string_view because);

/// Reports that `key` is not written.
void need_key(const WrittenMonitor& written, std::string_view key);

/// Whether its keys make sense for its kind, and together. The kind must have been read.
void check_kind(const WrittenMonitor& written);

}  // namespace swingover::health
