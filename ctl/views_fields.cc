#include "ctl/views_fields.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "ctl/views.h"

namespace swingover::ctl {

using Json = nlohmann::ordered_json;

const Json& at(const Json& object, const char* key) {
  static const Json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(key);
  return found == object.end() ? nothing : *found;
}

const Json& list_at(const Json& object, const char* key) {
  static const Json empty = Json::array();
  const Json& found = at(object, key);
  return found.is_array() ? found : empty;
}

std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_number() || value.is_boolean() ? value.dump() : std::string();
}

std::string text_at(const Json& object, const char* key) {
  return text_of(at(object, key));
}

bool flag_at(const Json& object, const char* key) {
  const Json& value = at(object, key);
  return value.is_boolean() && value.get<bool>();
}

std::string share_text(const Json& share) {
  if (!share.is_number()) return {};
  std::array<char, 32> out{};
  std::snprintf(out.data(), out.size(), "%.1f", share.get<double>() * 100);
  std::string text = out.data();
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text + " %";
}

std::string rough_text(const Json& amount) {
  if (!amount.is_number()) return {};
  std::array<char, 32> out{};
  const auto value = amount.get<double>();
  std::snprintf(out.data(), out.size(), value >= 1'000 ? "%.0f" : "%.4g", value);
  return out.data();
}

std::string since_text(const Json& value, WallTime now) {
  const std::string text = text_of(value);
  const auto time = parse_rfc3339(text);
  return time ? age_text(now - *time) : text;
}

std::string old_answers_words(const Json& old, WallTime now) {
  const std::string until = text_at(old, "until");
  const auto time = parse_rfc3339(until);
  const Json& part = at(old, "percent");
  if (!time || !part.is_number()) return {};
  return fmt::format("{:.0f} % may still follow old answers, until {} UTC (in {})",
                     part.get<double>(), rfc3339(*time).substr(11, 8), age_text(*time - now));
}

std::string about_words(const Json& intent) {
  const std::string expires = text_at(intent, "expires");
  return text_at(intent, "target") + (expires.empty() ? " until cancelled" : " until " + expires) +
         " (" + text_at(intent, "owner") + ": " + text_at(intent, "reason") + ")";
}

std::string some_of(const Json& names, size_t all) {
  std::string text;
  size_t shown = 0;
  for (const Json& name : names) {
    const bool is_last = ++shown == all;
    text += (text.empty() ? "" : is_last ? " and " : ", ") + text_of(name);
  }
  return shown < all ? text + " and " + std::to_string(all - shown) + " more" : text;
}

}  // namespace swingover::ctl
