#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/clock.h"

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
/// How long that is ago, "2h05m", or what stands there if it is no time.
std::string since_text(const nlohmann::ordered_json& value, WallTime now);
/// "31 % may still follow old answers, until 12:04:10 UTC (in 4m10s)"; empty where nothing may.
std::string old_answers_words(const nlohmann::ordered_json& old, WallTime now);
/// "cluster/fra until 2026-11-22T10:15:00Z (ada: rack work)": what an intent is about, and whose it is.
std::string about_words(const nlohmann::ordered_json& intent);
/// "a, b and 7 more": those of `names`, of `all`.
std::string some_of(const nlohmann::ordered_json& names, size_t all);

}  // namespace swingover::ctl
