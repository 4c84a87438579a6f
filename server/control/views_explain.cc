#include "server/control/views_explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "base/text.h"
#include "server/control/intents.h"
#include "server/control/past_reasons.h"
#include "server/control/share_reasons.h"
#include "zones/record_text.h"
#include "zones/zone_file_rdata.h"

namespace swingover::control {

namespace {

using Json = nlohmann::ordered_json;

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json choice_value(const zones::ServiceChoices::Choice& choice) {
  return {
      {"pool", choice.pool}, {"share", choice.share}, {"may", choice.may}, {"count", choice.count}};
}

Json choices_value(const std::vector<zones::ServiceChoices>& all) {
  Json list = Json::array();
  for (const zones::ServiceChoices& service : all) {
    Json choices = Json::array();
    for (const auto& choice : service.choices) choices.push_back(choice_value(choice));
    list.push_back({{"service", service.service},
                    {"choices", std::move(choices)},
                    {"sticks", service.sticks ? choice_value(*service.sticks) : Json()}});
  }
  return list;
}

Json steps_value(const zones::Explanation& explanation) {
  Json steps = Json::array();
  for (const auto& step : explanation.steps)
    steps.push_back({{"step", step.step}, {"result", step.result}, {"reason", step.reason}});
  return steps;
}

Json explain_value(const zones::Explanation& explanation, const Question& question,
                   uint64_t generation, const Past::Instant* then) {
  Json json{{"name", question.name.text()},
            {"type", zones::type_text(question.type)},
            {"client", question.client.text()},
            {"locality", text_or_null(explanation.locality)},
            {"generation", generation}};
  if (then) {
    json["at"] = rfc3339(then->at);
    json["since"] = rfc3339(then->since);
    json["until"] = then->until ? Json(rfc3339(*then->until)) : Json();
    json["changing"] = then->is_changing;
    json["unsure"] = text_or_null(then->unsure);
  }
  json["rcode"] = zones::rcode_text(explanation.rcode);
  json["answers"] = explanation.answers;
  json["service"] = text_or_null(explanation.service);
  json["pool"] = text_or_null(explanation.pool);
  json["choices"] = choices_value(explanation.choices);
  return json;
}

Result<zones::Explanation> explain_past(const Past& past, const Question& question,
                                        const zones::Insight& insight) {
  zones::Name zone;
  bool is_ours = false;
  for (const zones::ZoneSource& source : past.snapshot().model->zones) {
    if (!question.name.is_at_or_below(source.apex)) continue;
    if (is_ours && source.apex.labels() <= zone.labels()) continue;
    zone = source.apex;
    is_ours = true;
  }
  if (is_ours && std::ranges::find(past.lost_zones(), zone) != past.lost_zones().end()) {
    return Error{ErrorCode::conflict,
                 fmt::format("the file of the zone {} as it was then is not kept: "
                             "it was too large, and is another by now",
                             zone.text())};
  }
  zones::Explanation explanation =
      zones::explain(past.snapshot(), question.name, question.type, question.client, insight);
  if (!explanation.service.empty()) {
    explanation.steps.push_back(
        {"caches", "not known",
         "answers are counted for as long as their TTL runs, and what was counted is not kept"});
  }
  return explanation;
}

uint32_t seconds_of(WallTime time) {
  return static_cast<uint32_t>(time.unix_milliseconds / 1'000);
}

/// The text at `key`, or empty.
std::string text_at(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Json error_value(const Error& error) {
  const char* code = error.code == ErrorCode::not_found  ? "not_found"
                     : error.code == ErrorCode::conflict ? "conflict"
                                                         : "system";
  return {{"error", {{"code", code}, {"message", error.message}}}};
}

/// However a question ends, what is large is not kept for the next one.
class AtRest {
 public:
  explicit AtRest(Past& past) : past_(past) {}
  ~AtRest() { past_.rest(); }
  AtRest(const AtRest&) = delete;
  AtRest& operator=(const AtRest&) = delete;

 private:
  Past& past_;
};

}  // namespace

Result<Question> parse_question(const std::string& name, const std::string& type,
                                const std::string& client) {
  if (name.empty()) return Error{ErrorCode::invalid, "name: needed"};
  const Result<zones::Name> parsed = zones::parse_name(name);
  if (!parsed) return parsed.error("name");
  const uint16_t number = zones::parse_type(type.empty() ? "A" : type);
  if (number == 0) return Error{ErrorCode::invalid, "type: no such type: " + type};
  const Result<IpAddress> address = parse_ip_address(client.empty() ? "127.0.0.1" : client);
  if (!address) return address.error("client");
  return Question{*parsed, number, *address};
}

Result<WallTime> parse_past(const std::string& at, WallTime now) {
  const Result<WallTime> time = parse_when(at, now, false);
  if (!time) return time.error("at");
  if (*time > now) {
    return Error{ErrorCode::invalid,
                 fmt::format("at: {} is still to come: it is {}", rfc3339(*time), rfc3339(now))};
  }
  return *time;
}

Result<PastQuestions> parse_past_questions(std::string_view body, WallTime now) {
  const Json json = Json::parse(body, nullptr, false);
  const auto list = json.is_object() ? json.find("questions") : json.end();
  if (!json.is_object() || list == json.end() || !list->is_array())
    return Error{ErrorCode::invalid, R"(not a JSON object with a list "questions")"};
  if (list->size() > PastQuestions::most) {
    return Error{ErrorCode::invalid,
                 fmt::format("questions: {} at most, not {}", PastQuestions::most, list->size())};
  }
  PastQuestions asked;
  if (const auto steps = json.find("steps"); steps != json.end()) {
    if (!steps->is_boolean()) return Error{ErrorCode::invalid, "steps: true or false"};
    asked.with_steps = steps->get<bool>();
  }
  for (const Json& one : *list) {
    const std::string where = fmt::format("question {}", asked.questions.size() + 1);
    if (!one.is_object()) return Error{ErrorCode::invalid, where + ": not a JSON object"};
    Result<Question> question =
        parse_question(text_at(one, "name"), text_at(one, "type"), text_at(one, "client"));
    if (!question) return question.error(where);
    const Result<WallTime> at = parse_past(text_at(one, "at"), now);
    if (!at) return at.error(where);
    question->at = *at;
    asked.questions.push_back(*std::move(question));
  }
  return asked;
}

std::string explain_json(const zones::Explanation& explanation, const Question& question,
                         uint64_t generation, const Past::Instant* then) {
  Json json = explain_value(explanation, question, generation, then);
  json["steps"] = steps_value(explanation);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<std::string> past_json(Past& past, const store::Store& store, const Question& question) {
  const AtRest at_rest(past);
  const Result<Past::Instant> then = past.seek(question.at);
  if (!then) return then.error();
  PastReasons reasons(store, question.at, past.snapshot());
  const auto explanation = explain_past(
      past, question,
      {.now = seconds_of(question.at),
       .endpoint = [&](EndpointId id) { return reasons.of(id); },
       .change = {},
       .shaping =
           [](const zones::Service& service) {
             std::vector<zones::Explanation::Step> steps;
             if (service.is_steered())
               steps.push_back({"capacity", "not kept",
                                "loads, ways back and intents of then are in the history alone: "
                                "`swingctl history`"});
             return steps;
           },
       .pool =
           [&](const zones::Service& service, uint32_t place, LocalityId client) {
             return cost_words(*past.snapshot().model, service, place, client);
           }});
  if (!explanation) return explanation.error();
  return explain_json(*explanation, question, then->generation, &*then);
}

std::string past_list_json(Past& past, const PastQuestions& asked) {
  const AtRest at_rest(past);
  std::vector<size_t> order(asked.questions.size());
  std::iota(order.begin(), order.end(), size_t{0});
  // In the order of time each record is read once, and each generation compiled once.
  std::ranges::stable_sort(order, {}, [&](size_t i) { return asked.questions[i].at; });
  std::vector<Json> all(order.size());
  for (const size_t i : order) {
    const Question& question = asked.questions[i];
    const Result<Past::Instant> then = past.seek(question.at);
    if (!then) {
      all[i] = error_value(then.error());
      continue;
    }
    const auto explanation = explain_past(
        past, question, {.now = seconds_of(question.at), .endpoint = {}, .change = {}});
    if (!explanation) {
      all[i] = error_value(explanation.error());
      continue;
    }
    all[i] = explain_value(*explanation, question, then->generation, &*then);
    if (asked.with_steps) all[i]["steps"] = steps_value(*explanation);
  }
  return Json{{"explanations", std::move(all)}}.dump(-1, ' ', false,
                                                     Json::error_handler_t::replace) +
         "\n";
}

}  // namespace swingover::control
