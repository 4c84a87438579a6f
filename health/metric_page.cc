#include "health/metric_page.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <functional>

#include "base/text.h"

namespace swingover::health {

namespace {

constexpr size_t samples_max = 100'000;

bool is_name_octet(char c, bool is_first) {
  const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
  return is_letter || (!is_first && c >= '0' && c <= '9');
}

std::string_view take_name(std::string_view& text) {
  size_t end = 0;
  while (end < text.size() && is_name_octet(text[end], end == 0)) ++end;
  const std::string_view name = text.substr(0, end);
  text.remove_prefix(end);
  return name;
}

void skip_blanks(std::string_view& text) {
  while (!text.empty() && (text[0] == ' ' || text[0] == '\t')) text.remove_prefix(1);
}

/// `"a \"b\""` off the front, unescaped; false: it is none.
bool take_quoted(std::string_view& text, std::string& value) {
  if (text.empty() || text[0] != '"') return false;
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return true;
    }
    if (text[i] == '\\' && i + 1 < text.size()) {
      ++i;
      value += text[i] == 'n' ? '\n' : text[i];
    } else {
      value += text[i];
    }
  }
  return false;
}

/// `{a="b",c="d"}`, or nothing at all, off the front; false: it makes no sense.
bool take_labels(std::string_view& text, std::vector<std::pair<std::string, std::string>>& labels) {
  skip_blanks(text);
  if (text.empty() || text[0] != '{') return true;
  text.remove_prefix(1);
  while (true) {
    skip_blanks(text);
    if (!text.empty() && text[0] == '}') {
      text.remove_prefix(1);
      return true;
    }
    const std::string_view name = take_name(text);
    skip_blanks(text);
    if (name.empty() || text.empty() || text[0] != '=') return false;
    text.remove_prefix(1);
    skip_blanks(text);
    std::string value;
    if (!take_quoted(text, value)) return false;
    labels.emplace_back(name, std::move(value));
    skip_blanks(text);
    if (!text.empty() && text[0] == ',') {
      text.remove_prefix(1);
    } else if (text.empty() || text[0] != '}') {
      return false;
    }
  }
}

Error at_line(size_t number, std::string_view what) {
  return {ErrorCode::invalid, "line " + std::to_string(number) + ": " + std::string(what)};
}

/// The first word of the rest of a line; nothing if it is no number.
bool read_value(std::string_view text, double& value) {
  skip_blanks(text);
  std::string_view word = text.substr(0, text.find_first_of(" \t\r"));
  if (word.starts_with('+')) word.remove_prefix(1);
  const char* end = word.data() + word.size();
  const auto [at, error] = std::from_chars(word.data(), end, value);
  return !word.empty() && error == std::errc() && at == end;
}

}  // namespace

Result<MetricSelector> parse_metric_selector(std::string_view text) {
  const Error wrong{ErrorCode::invalid,
                    R"(not a metric such as requests_in_flight or requests_total{job="shop"})"};
  MetricSelector selector;
  std::string_view rest = trimmed(text);
  selector.name = take_name(rest);
  if (selector.name.empty() || !take_labels(rest, selector.labels) || !trimmed(rest).empty())
    return wrong;
  return selector;
}

Result<MetricSamples> read_metric(std::string_view page, const MetricSelector& selector) {
  MetricSamples found;
  found.is_counter = selector.name.ends_with("_total") || selector.name.ends_with("_count");
  const std::string type_line = "# TYPE " + selector.name + ' ';
  std::vector<std::pair<std::string, std::string>> labels;
  size_t number = 0;
  while (!page.empty()) {
    ++number;
    const size_t end = page.find('\n');
    std::string_view line = page.substr(0, end);
    page.remove_prefix(end == page.npos ? page.size() : end + 1);
    if (line.starts_with(type_line)) {
      const std::string_view type = trimmed(line.substr(type_line.size()));
      if (type == "gauge" || type == "counter") found.is_counter = type == "counter";
      continue;
    }
    if (!line.starts_with(selector.name)) continue;
    line.remove_prefix(selector.name.size());
    if (!line.empty() && is_name_octet(line[0], false)) continue;
    labels.clear();
    const std::string_view whole = line;
    if (!take_labels(line, labels)) return at_line(number, "not a sample of " + selector.name);
    const std::string_view label_text = whole.substr(0, whole.size() - line.size());
    const auto has = [&](const auto& wanted) { return std::ranges::count(labels, wanted) > 0; };
    if (!std::ranges::all_of(selector.labels, has)) continue;
    MetricSample sample{{}, std::hash<std::string_view>{}(trimmed(label_text)), 0};
    if (!read_value(line, sample.value))
      return at_line(number, "no number behind " + selector.name);
    if (std::isnan(sample.value)) continue;
    if (sample.value < 0 || std::isinf(sample.value))
      return at_line(number, selector.name + " is no amount");
    for (auto& [name, value] : labels) {
      if (name == "service") sample.service = std::move(value);
    }
    if (found.samples.size() == samples_max)
      return at_line(number, "more than 100000 samples of " + selector.name);
    found.samples.push_back(std::move(sample));
  }
  if (found.samples.empty()) {
    return Error{ErrorCode::invalid,
                 "the page has no " + selector.name +
                     (selector.labels.empty() ? std::string() : " with these labels")};
  }
  return found;
}

}  // namespace swingover::health
