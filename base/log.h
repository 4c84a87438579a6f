#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace swingover {

enum class LogLevel { debug, info, warning, error };

/// One key and its value; a value with blanks, quotes or control bytes is quoted and escaped, so
/// that one event is always one line whatever text it carries.
struct LogField {
  std::string_view key;
  std::string value;
};

/// One event, one line on standard error: `endpoint changed service=shop from=up to=down reason="…"`.
///
/// Under journald (JOURNAL_STREAM set) the line starts with its level as `<6>` and has no time of
/// its own; elsewhere it starts with an RFC 3339 time and the level's word. Any thread. Control path
/// only: it formats and writes at once. A standard error that cannot be written is ignored.
void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});

inline void log_debug(std::string_view event, std::initializer_list<LogField> fields = {}) {
  log(LogLevel::debug, event, fields);
}
inline void log_info(std::string_view event, std::initializer_list<LogField> fields = {}) {
  log(LogLevel::info, event, fields);
}
inline void log_warning(std::string_view event, std::initializer_list<LogField> fields = {}) {
  log(LogLevel::warning, event, fields);
}
inline void log_error(std::string_view event, std::initializer_list<LogField> fields = {}) {
  log(LogLevel::error, event, fields);
}

/// An event whose time to be told has not come yet. Event and keys are views of literals.
struct LogLine {
  LogLevel level = LogLevel::info;
  std::string_view event;
  std::vector<LogField> fields;
};
void log(const LogLine& line);

/// Events below `level` are dropped; `info` at first.
void set_log_level(LogLevel level);

}  // namespace swingover
