#include "ctl/views_fields.h"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

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

}  // namespace swingover::ctl
