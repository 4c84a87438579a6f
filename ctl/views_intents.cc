#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/printable.h"
#include "ctl/views.h"
#include "ctl/views_fields.h"

namespace swingover::ctl {

using Json = nlohmann::ordered_json;

namespace {

std::string number_text(double number, const char* unit) {
  std::array<char, 64> out{};
  std::snprintf(out.data(), out.size(), "%.3g%s", number, unit);
  return out.data();
}

double number_at(const Json& object, const char* key) {
  const Json& value = at(object, key);
  return value.is_number() ? value.get<double>() : 0;
}

/// "85 %"; of a cluster without capacity there is no number.
std::string percent_text(const Json& part) {
  return part.is_number() ? number_text(part.get<double>() * 100, " %") : "more than it has";
}

std::string plural(size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

/// "ams at 62 %"
std::string fullest_text(const Json& fullest) {
  if (!fullest.is_object()) return "no load known that would move";
  const Json& part = at(fullest, "utilisation");
  return text_at(fullest, "cluster") + (part.is_number()
                                            ? " at " + number_text(part.get<double>() * 100, " %")
                                            : " without capacity");
}

/// Of a drain or a swing: "31 % may still follow old answers, until 12:04:10 UTC (in 4m10s)"; "empty" when nobody can.
std::string left_text(const Json& intent, WallTime now) {
  const Json& left = at(intent, "left");
  if (!left.is_object()) return {};
  if (const std::string words = old_answers_words(left, now); !words.empty()) return words;
  const std::string uncounted = text_at(left, "uncounted_until");
  const auto time = parse_rfc3339(uncounted);
  if (time) return "not all answers are counted until " + rfc3339(*time).substr(11, 8) + " UTC";
  return text_at(intent, "kind") == "drain" ? "empty" : "";
}

/// Why a plan does not go on: the machine's word for it as people say it; one that is not known as it is.
std::string why_words(const Json& plan) {
  const std::string why = text_at(plan, "why");
  const auto full = [&](const char* key) {
    const Json& fullest = at(plan, key);
    return fullest.is_object()
               ? text_at(fullest, "cluster") + " to " + percent_text(at(fullest, "utilisation"))
               : std::string("a cluster beyond what it may carry");
  };
  if (why == "not_now") return "a freeze, the brake, the store or another plan";
  if (why == "target_held") return "who would take it is held out of answers";
  if (why == "target_down") return "who would take it is down";
  if (why == "would_overheat") return "the next step would bring " + full("fullest_next");
  if (why == "overheats") return "it brought " + full("fullest_now");
  if (why == "alarm") return "an alarm";
  return why;
}

size_t count_at(const Json& object, const char* key) {
  const Json& value = at(object, key);
  return value.is_number_unsigned() ? value.get<size_t>() : 0;
}

/// "moves nothing", "moves shares of 3".
std::string thaw_words(const Json& difference) {
  const size_t differ = count_at(difference, "differ");
  return "thawing moves " + (differ == 0 ? "nothing" : "shares of " + std::to_string(differ));
}

/// "moving, 25 %, 7m30s left"; "held (who would take it is down), 50 %"; of a freeze what thawing would move.
std::string progress_text(const Json& intent, WallTime now) {
  if (const Json& difference = at(intent, "difference"); difference.is_object())
    return plural(count_at(difference, "frozen"), "service") + " frozen, " + thaw_words(difference);
  if (const std::string weight = text_at(intent, "weight"); !weight.empty())
    return "weight " + weight;
  const Json& plan = at(intent, "plan");
  const std::string left = left_text(intent, now);
  if (!plan.is_object()) return left;
  std::string text = text_at(plan, "phase");
  const std::string waits_for = text_at(plan, "waits_for");
  if (const std::string why = why_words(plan); !why.empty())
    text += " (" + (waits_for.empty() ? why : waits_for) + ")";
  text += ", " + number_text(number_at(plan, "moved_percent"), " %");
  const Json& seconds = at(plan, "left_seconds");
  if (seconds.is_number())
    text += ", " + age_text(Milliseconds(static_cast<int64_t>(seconds.get<double>() * 1'000))) +
            " left";
  const bool is_out = text_at(plan, "phase") == "done";
  return is_out && !left.empty() ? text + ", " + left : text;
}

}  // namespace

std::string View::intents(const Json& reply) const {
  const Json& list = list_at(reply, "intents");
  const bool has_progress = std::ranges::any_of(
      list, [this](const Json& intent) { return !progress_text(intent, now).empty(); });
  std::vector<std::string> headings{"ID", "KIND", "TARGET", "OWNER", "AGE", "EXPIRES"};
  if (has_progress) headings.emplace_back("PROGRESS");
  headings.emplace_back("REASON");
  Table table(std::move(headings));
  for (const Json& intent : list) {
    const std::string expires = text_at(intent, "expires");
    std::vector<Table::Cell> row{{text_at(intent, "id")},
                                 {text_at(intent, "kind"), Tint::warning},
                                 {text_at(intent, "target")},
                                 {text_at(intent, "owner")},
                                 {since_text(at(intent, "created"), now)},
                                 {expires.empty() ? "never" : expires}};
    if (has_progress) row.push_back({progress_text(intent, now)});
    row.push_back({text_at(intent, "reason")});
    table.add(std::move(row));
  }
  return table.empty() ? "no intents\n" : table.text(terminal);
}

std::string View::frozen(const Json& reply) const {
  std::string text;
  for (const Json& intent : list_at(reply, "intents")) {
    const Json& difference = at(intent, "difference");
    if (!difference.is_object()) continue;
    text += this->intent(intent);
    const Json& names = list_at(difference, "frozen_services");
    const size_t frozen = count_at(difference, "frozen");
    text += printable("frozen: " + (frozen == 0     ? "no service within capacity"
                                    : names.empty() ? plural(frozen, "service")
                                                    : some_of(names, frozen))) +
            "\n" + thaw_words(difference) + "\n";
    Table table({"SERVICE", "MOVES", "NOW", "THAWED"});
    for (const Json& service : list_at(difference, "services")) {
      table.add({{text_at(service, "service")},
                 {number_text(number_at(service, "moves_percent"), " %")},
                 {text_at(service, "now")},
                 {text_at(service, "thawed")}});
    }
    if (!table.empty()) text += table.text(terminal);
  }
  return text.empty() ? "nothing is frozen\n" : text;
}

std::string View::intent(const Json& intent) const {
  const bool is_tried = at(intent, "dry_run") == Json(true);
  std::string text =
      printable((is_tried ? "would " + text_at(intent, "kind")
                          : text_at(intent, "kind") + " " + text_at(intent, "id") + " on") +
                " " + about_words(intent)) +
      "\n";
  for (const Json& objection : list_at(intent, "objections"))
    text +=
        tinted(terminal, Tint::bad, printable("would be refused: " + text_of(objection))) + "\n";
  Table steps({"AFTER", "MOVED", "FULLEST"});
  for (const Json& step : list_at(intent, "steps")) {
    const auto after = static_cast<int64_t>(number_at(step, "after_seconds") * 1'000);
    steps.add({{age_text(Milliseconds(after))},
               {number_text(number_at(step, "moved_percent"), " %")},
               {fullest_text(at(step, "fullest"))}});
  }
  return steps.empty() ? text : text + steps.text(terminal);
}

}  // namespace swingover::ctl
