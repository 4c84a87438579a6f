#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>

#include "base/printable.h"

namespace swingover {
namespace {

bool needs_quotes(std::string_view value) {
  return value.empty() || value.find_first_of(" \"=\\\n") != std::string_view::npos ||
         printable(value) != value;
}

void append_value(std::string& line, std::string_view value) {
  if (!needs_quotes(value)) {
    line += value;
    return;
  }
  std::string escaped;
  for (const char c : value) {
    if (c == '\n') {
      escaped += "\\n";
    } else {
      if (c == '"' || c == '\\') escaped += '\\';
      escaped += c;
    }
  }
  line += '"' + printable(escaped) + '"';
}

spdlog::level::level_enum level_for(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view journal_prefix(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "<7>";
    case LogLevel::info:
      return "<6>";
    case LogLevel::warning:
      return "<4>";
    case LogLevel::error:
      return "<3>";
  }
  return "<6>";
}

struct Output {
  bool to_journal = std::getenv("JOURNAL_STREAM") != nullptr;
  std::shared_ptr<spdlog::logger> logger =
      std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::stderr_sink_mt>());

  Output() {
    logger->set_pattern(to_journal ? "%v" : "%Y-%m-%dT%H:%M:%S.%eZ %l %v",
                        spdlog::pattern_time_type::utc);
    logger->set_level(spdlog::level::info);
    logger->flush_on(spdlog::level::debug);
    logger->set_error_handler(
        [](const std::string&) {});  // a standard error that is gone is nobody's to tell
  }
};

Output& output() {
  static Output* const only =
      new Output;  // never destroyed: threads may log while the process ends
  return *only;
}

void write_line(LogLevel level, std::string_view event, std::span<const LogField> fields) {
  Output& out = output();
  if (!out.logger->should_log(level_for(level))) return;
  std::string line;
  if (out.to_journal) line += journal_prefix(level);
  for (const char c : event) line += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  for (const LogField& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_value(line, field.value);
  }
  out.logger->log(level_for(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  write_line(level, event, {fields.begin(), fields.size()});
}

void log(const LogLine& line) {
  write_line(line.level, line.event, line.fields);
}

void set_log_level(LogLevel level) {
  output().logger->set_level(level_for(level));
}

}  // namespace swingover
