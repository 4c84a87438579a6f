#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace swingover::ctl {

// Members of what a daemon answers, as text for people: what is missing or of another type than expected is empty, never
// an error.

const nlohmann::ordered_json& at(const nlohmann::ordered_json& object, const char* key);
/// The elements of an array; of anything else, none.
const nlohmann::ordered_json& list_at(const nlohmann::ordered_json& object, const char* key);
/// A string as it is, a number or boolean as JSON writes it; empty for null, lists and objects.
std::string text_of(const nlohmann::ordered_json& value);
std::string text_at(const nlohmann::ordered_json& object, const char* key);
bool flag_at(const nlohmann::ordered_json& object, const char* key);
/// 0.3333 -> "33.3 %"; whole percents without a fraction.
std::string share_text(const nlohmann::ordered_json& share);
/// Four digits are enough for people: 1234.5678 -> "1235".
std::string rough_text(const nlohmann::ordered_json& amount);

}  // namespace swingover::ctl
