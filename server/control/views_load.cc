#include "server/control/views_load.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "server/control/target.h"

namespace swingover::control {

using Json = nlohmann::ordered_json;

namespace {

constexpr double load_max = 1e15;  // as a capacity in the config file

Error wrong(const std::string& member, std::string_view what) {
  return {ErrorCode::invalid, member + ": " + std::string(what)};
}

Result<double> amount(const std::string& member, const Json& value) {
  if (!value.is_number()) return wrong(member, "must be a number");
  const auto number = value.get<double>();
  if (number < 0) return wrong(member, "must not be below 0");
  if (number > load_max) return wrong(member, "must not be above 1e15");
  return number;
}

Result<std::vector<std::pair<std::string, double>>> amounts(const std::string& member,
                                                            const Json& value) {
  if (!value.is_object()) return wrong(member, "must be an object of names and loads");
  std::vector<std::pair<std::string, double>> all;
  for (const auto& [locality, part] : value.items()) {
    const Result<double> load =
        amount(member + (member.starts_with('/') ? "/" : ".") + locality, part);
    if (!load) return load.error();
    all.emplace_back(locality, *load);
  }
  return all;
}

/// Many libraries write UTC as +00:00.
std::string in_utc(std::string time) {
  constexpr std::string_view zero = "+00:00";
  if (time.ends_with(zero)) time.replace(time.size() - zero.size(), zero.size(), "Z");
  return time;
}

/// `place` stands in front of the names of members in errors: "[3]."
Result<LoadReport> report_of(const Json& json, const std::string& place) {
  if (!json.is_object())
    return wrong(place.empty() ? "the body" : place.substr(0, place.size() - 1),
                 "must be a JSON object, or a list of them");
  LoadReport report;
  bool has_load = false;
  for (const auto& [key, value] : json.items()) {
    const std::string member = place + key;
    if (value.is_null()) continue;
    if (key == "cluster" || key == "service") {
      if (!value.is_string()) return wrong(member, "must be a string");
      (key == "cluster" ? report.cluster : report.service) = value.get<std::string>();
    } else if (key == "load" || key == "capacity" || key == "in_flight") {
      const Result<double> number = amount(member, value);
      if (!number) return number.error();
      if (key == "load") {
        report.load = *number;
        has_load = true;
      } else {
        (key == "capacity" ? report.capacity : report.in_flight) = *number;
      }
    } else if (key == "by_locality") {
      auto split = amounts(member, value);
      if (!split) return split.error();
      report.by_locality = *std::move(split);
    } else if (key == "at") {
      if (!value.is_string()) return wrong(member, "must be a time such as 2026-11-22T08:15:00Z");
      const Result<WallTime> at = parse_rfc3339(in_utc(value.get<std::string>()));
      if (!at) return at.error(member);
      report.at = *at;
    } else {
      return Error{ErrorCode::invalid, "no member of this name belongs here: " + member};
    }
  }
  if (report.cluster.empty()) return wrong(place + "cluster", "needed");
  if (!has_load && !report.by_locality.empty()) {
    for (const auto& [locality, part] : report.by_locality) report.load += part;
    has_load = true;
  }
  if (!has_load) return wrong(place + "load", "needed, or by_locality");
  if (report.service.empty() && !report.by_locality.empty())
    return wrong(place + "by_locality", "only of one service");
  if (report.service.empty() && report.in_flight)
    return wrong(place + "in_flight", "only of one service");
  return report;
}

Json number_or_null(const std::optional<double>& number) {
  return number ? Json(*number) : Json();
}

/// Measured that long ago, with a tenth of a second.
double age_seconds(MonotonicTime taken, MonotonicTime now) {
  return std::round(static_cast<double>((now - taken).value) / 100) / 10;
}

Json cluster_value(const std::string& name, const LoadBoard::ClusterView& view,
                   LoadBoard::Now now) {
  Json results;
  for (size_t k = 0; k < load_takings; ++k)
    results[std::string(word(static_cast<LoadTaking>(k)))] = view.takings[k];
  Json pull;
  if (view.is_pulled) {
    pull = {
        {"last", view.last_pull ? Json(rfc3339(now.wall + (*view.last_pull - now.now))) : Json()},
        {"problem", view.pull_problem.empty() ? Json() : Json(view.pull_problem)},
        {"milliseconds", view.pull_took.value},
        {"pulls", view.pulls},
        {"failed", view.failed_pulls}};
  }
  return {{"cluster", name},
          {"state", word(view.state)},
          {"age_seconds", view.newest ? Json(age_seconds(*view.newest, now.now)) : Json()},
          {"load", number_or_null(view.load)},
          {"capacity", number_or_null(view.capacity)},
          {"reports", std::move(results)},
          {"pull", std::move(pull)}};
}

Json cell_value(const std::string& cluster, const LoadBoard::CellView& cell, LoadBoard::Now now) {
  return {{"cluster", cluster},
          {"load", cell.load},
          {"age_seconds", age_seconds(cell.taken, now.now)},
          {"at", rfc3339(now.wall + (cell.taken - now.now))},
          {"of", cell.is_split ? "cluster" : "service"},
          {"capacity", number_or_null(cell.capacity)},
          {"in_flight", number_or_null(cell.in_flight)},
          {"by_locality", cell.has_split}};
}

}  // namespace

Result<std::vector<LoadReport>> parse_load_reports(std::string_view body) {
  // A list, a report, its by_locality: what is deeper never becomes a value.
  const auto shallow = [](int depth, Json::parse_event_t, Json&) { return depth < 4; };
  const Json json = Json::parse(body.begin(), body.end(), shallow, false);
  if (json.is_discarded()) return Error{ErrorCode::invalid, "the body is no JSON"};
  std::vector<LoadReport> reports;
  if (!json.is_array()) {
    Result<LoadReport> one = report_of(json, "");
    if (!one) return one.error();
    reports.push_back(*std::move(one));
    return reports;
  }
  reports.reserve(json.size());
  for (size_t i = 0; i < json.size(); ++i) {
    Result<LoadReport> one = report_of(json[i], fmt::format("[{}].", i));
    if (!one) return one.error();
    reports.push_back(*std::move(one));
  }
  return reports;
}

std::string load_taken_json(const LoadBoard::Outcome& outcome) {
  Json notes = Json::array();
  for (const LoadBoard::Note& note : outcome.notes) {
    notes.push_back(
        {{"report", note.index}, {"result", word(note.taking)}, {"message", note.words}});
  }
  const Json json{
      {"taken", outcome.taken}, {"ignored", outcome.ignored}, {"notes", std::move(notes)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::function<std::string()> loads_json(const LoadBoard& board,
                                        std::shared_ptr<const zones::Model> model,
                                        LoadBoard::Now now, std::optional<ServiceId> only) {
  struct Copy {
    LoadBoard::Rules rules;
    std::vector<LoadBoard::ClusterView> clusters;
    std::vector<LoadBoard::CellView> cells;
  };
  auto copy = std::make_shared<Copy>();
  copy->rules = board.rules();
  for (uint32_t j = 0; !board.is_empty() && j < model->topology.clusters.size(); ++j)
    copy->clusters.push_back(board.cluster(ClusterId(j), now.now));
  board.for_each([&](const LoadBoard::CellView& cell) {
    if (!only || cell.service == *only) copy->cells.push_back(cell);
  });
  return [copy, model = std::move(model), now] {
    Json clusters = Json::array();
    for (uint32_t j = 0; j < copy->clusters.size(); ++j)
      clusters.push_back(cluster_value(model->topology.clusters[j].name, copy->clusters[j], now));
    Json services = Json::array();
    std::optional<MonotonicTime> newest;
    for (size_t k = 0; k < copy->cells.size(); ++k) {
      const LoadBoard::CellView& cell = copy->cells[k];
      if (k == 0 || cell.service != copy->cells[k - 1].service) {
        newest.reset();
        services.push_back({{"service", service_text(model->services[cell.service.value])},
                            {"state", nullptr},
                            {"loads", Json::array()}});
      }
      newest = std::max(newest.value_or(cell.taken), cell.taken);
      services.back()["state"] = word(LoadBoard::state_of(copy->rules, newest, now.now));
      services.back()["loads"].push_back(
          cell_value(model->topology.clusters[cell.cluster.value].name, cell, now));
    }
    const Json json{{"age_max_seconds", static_cast<double>(copy->rules.age_max.value) / 1'000},
                    {"hold_seconds", static_cast<double>(copy->rules.hold.value) / 1'000},
                    {"clusters", std::move(clusters)},
                    {"services", std::move(services)}};
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  };
}

Result<std::vector<std::pair<std::string, double>>> loads_at(std::string_view text,
                                                             const std::string& pointer) {
  const Json json = Json::parse(text.begin(), text.end(), nullptr, false);
  if (json.is_discarded()) return Error{ErrorCode::invalid, "the body is no JSON"};
  const std::string place = pointer.empty() ? "the body" : pointer;
  // The library tells what is wrong with a pointer, and that nothing is there, by exceptions alone.
  const Json* value = nullptr;
  try {
    value = &json.at(Json::json_pointer(pointer));
  } catch (const Json::exception&) {
    return wrong(place, "nothing is there");
  }
  if (value->is_object()) return amounts(place, *value);
  const Result<double> load = amount(place, *value);
  if (!load) return load.error();
  return std::vector<std::pair<std::string, double>>{{"", *load}};
}

}  // namespace swingover::control
