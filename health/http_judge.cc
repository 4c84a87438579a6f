#include "health/http_judge.h"

#include <algorithm>

#include "base/options.h"

namespace swingover::health {

namespace {

std::string text_of(const std::vector<StatusRange>& ranges) {
  std::string text;
  for (const StatusRange& range : ranges) {
    if (!text.empty()) text += ", ";
    text += std::to_string(range.first);
    if (range.last != range.first) text += '-' + std::to_string(range.last);
  }
  return text;
}

}  // namespace

std::string judge_http(const HttpAnswer& answer, const MonitorOptions& monitor) {
  const uint16_t status = answer.status;
  const bool is_wanted = std::ranges::any_of(monitor.expect_status, [status](StatusRange range) {
    return status >= range.first && status <= range.last;
  });
  if (!is_wanted) {
    return "status " + std::to_string(status) + ", wanted " + text_of(monitor.expect_status);
  }
  if (answer.heard != HttpAnswer::Heard::whole && answer.heard != HttpAnswer::Heard::cut) return {};
  const std::string where = answer.heard == HttpAnswer::Heard::cut ? " in its first 64 KiB" : "";
  if (answer.body.find(monitor.expect_body) == std::string::npos) {
    return "body lacks " + toml_quoted(monitor.expect_body) + where;
  }
  const Pattern& pattern = monitor.expect_body_regex;
  if (!pattern.empty() && !pattern.occurs_in(answer.body)) {
    return "body does not match " + toml_quoted(pattern.text()) + where;
  }
  return {};
}

}  // namespace swingover::health
