#include "ctl/views.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/printable.h"
#include "ctl/views_fields.h"

namespace swingover::ctl {

using Json = nlohmann::ordered_json;

namespace {

Table::Cell health_cell(const Json& object) {
  const std::string health = text_at(object, "health");
  return {health, health == "up" ? Tint::good : health == "down" ? Tint::bad : Tint::warning};
}

Table::Cell eligible_cell(const Json& object) {
  const Json& eligible = at(object, "eligible");
  if (!eligible.is_boolean()) return {};
  return eligible.get<bool>() ? Table::Cell{"yes", Tint::good} : Table::Cell{"no", Tint::bad};
}

/// What is left until then: "0.4s", "2m05s"; "now" when it is due.
std::string until_text(const Json& value, WallTime now) {
  const auto time = parse_rfc3339(text_of(value));
  if (!time) return {};
  const int64_t left = (*time - now).value;
  if (left < 100) return "now";
  if (left >= 10'000) return age_text(Milliseconds(left));
  return std::to_string(left / 1000) + "." + std::to_string(left % 1000 / 100) + "s";
}

size_t members_that(const Json& list, const char* flag) {
  return static_cast<size_t>(
      std::ranges::count_if(list, [&](const Json& one) { return flag_at(one, flag); }));
}

}  // namespace

std::string string_at(const Json& object, const char* key) {
  const Json& value = at(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::string age_text(Milliseconds age) {
  const int64_t seconds = std::max<int64_t>(age.value, 0) / 1000;
  const auto two = [](int64_t big, char big_unit, int64_t small, char small_unit) {
    std::array<char, 48> out{};
    std::snprintf(out.data(), out.size(), "%lld%c%02lld%c", static_cast<long long>(big), big_unit,
                  static_cast<long long>(small), small_unit);
    return std::string(out.data());
  };
  if (seconds < 60) return std::to_string(seconds) + "s";
  if (seconds < 3600) return two(seconds / 60, 'm', seconds % 60, 's');
  if (seconds < 86400) return two(seconds / 3600, 'h', seconds % 3600 / 60, 'm');
  return two(seconds / 86400, 'd', seconds % 86400 / 3600, 'h');
}

namespace {

/// With what it is for and how it counts, where that is not the usual: "cache (cluster, observing)".
std::string monitor_text(const Json& check, size_t depth, bool is_of_endpoint) {
  const std::string role = text_at(check, "role");
  std::string marks;
  if (is_of_endpoint && flag_at(check, "of_cluster")) marks = "cluster";
  if (!role.empty() && role != "critical") marks += (marks.empty() ? "" : ", ") + role;
  return std::string(2 * depth, ' ') + text_at(check, "monitor") +
         (marks.empty() ? "" : " (" + marks + ")");
}

/// What never takes anything down is not red.
Tint tint_of(const std::string& word, bool is_observed) {
  if (word == "pass" || word == "up") return Tint::good;
  const bool is_bad = word == "fail" || word == "down";
  return is_bad && !is_observed ? Tint::bad : Tint::warning;
}

/// Of a check without verdicts of its own: one that is calculated, or that nobody has looked at yet.
Table::Cell state_cell(const Json& check, bool is_observed) {
  const std::string kind = text_at(check, "kind");
  if (kind == "push") return {"push: nothing reported yet", Tint::warning};
  if (kind != "calculated") return {kind + ": no verdict yet", Tint::warning};
  const std::string health = text_at(check, "health");
  const std::string reason = text_at(check, "reason");
  return {kind + ": " + health + (reason.empty() ? "" : ", " + reason),
          tint_of(health, is_observed)};
}

/// The load reported last: ", load 412.5", with its age if it is older than the verdict.
std::string load_text(const Json& check, const Json& verdict, WallTime now) {
  const Json& push = at(check, "push");
  const std::string load = text_at(push, "load");
  if (load.empty()) return {};
  const std::string since = text_at(push, "load_at");
  const bool is_of_verdict = since == text_at(verdict, "at");
  return ", load " + load + (is_of_verdict ? "" : " " + since_text(since, now) + " ago");
}

/// When it is looked at next, or reports at the latest.
std::string next_text(const Json& check, WallTime now) {
  const Json& probing = at(check, "probing");
  if (probing.is_number() && probing.get<double>() > 0) return "now";
  const Json& next = at(check, "next_probe");
  return until_text(next.is_null() ? at(at(check, "push"), "deadline") : next, now);
}

struct CheckRows {
  WallTime now;
  bool is_of_endpoints = true;
  bool is_newest_only = false;

  /// The newest verdict of a check, or, where the last few are not all alike, all of them; then its children's.
  /// `where` stands in front of its first row, and is blanked for those that follow.
  void add(Table& table, std::vector<Table::Cell> where, const Json& check, size_t depth = 0,
           bool is_observed = false) const {
    is_observed |= text_at(check, "role") == "observing";
    const Json& verdicts = list_at(check, "verdicts");
    const bool are_alike = std::ranges::all_of(verdicts, [&](const Json& one) {
      return text_at(one, "verdict") == text_at(verdicts.front(), "verdict") &&
             text_at(one, "reason") == text_at(verdicts.front(), "reason");
    });
    const auto row = [&](std::vector<Table::Cell> more) {
      std::vector<Table::Cell> cells = where;
      cells.insert(cells.end(), more.begin(), more.end());
      table.add(std::move(cells));
      for (Table::Cell& cell : where) cell.text = " ";
    };
    const std::string monitor = monitor_text(check, depth, is_of_endpoints);
    const std::string next = next_text(check, now);
    // A daemon of before says nothing of verdicts where there are none.
    if (verdicts.empty() && at(check, "verdicts").is_array())
      row({{monitor}, {next}, {}, state_cell(check, is_observed)});
    for (const Json& verdict : verdicts) {
      const bool is_first = &verdict == &verdicts.front();
      const std::string words =
          text_at(verdict, "words") + (is_first ? load_text(check, verdict, now) : "");
      row({{is_first ? monitor : " "},
           {is_first ? next : " "},
           {since_text(at(verdict, "at"), now)},
           {words, tint_of(text_at(verdict, "verdict"), is_observed)}});
      if (are_alike || is_newest_only) break;
    }
    for (const Json& child : list_at(check, "children"))
      add(table, where, child, depth + 1, is_observed);
  }
};

/// What keeps answers from following health, and what a person does about it.
std::vector<std::string> brake_lines(const Json& brake, WallTime now) {
  std::vector<std::string> lines;
  if (flag_at(brake, "engaged")) {
    lines.push_back("brake engaged for " + since_text(at(brake, "since"), now) + ": " +
                    text_at(brake, "reason"));
    lines.push_back(
        "  it keeps " + text_at(brake, "kept_by_brake") +
        " in answers: see `swingctl brake`, then say `swingctl brake release` or `keep`");
  }
  if (flag_at(brake, "self_doubt")) {
    lines.push_back("this edge doubts itself: it evicts nothing, and keeps " +
                    text_at(brake, "kept_by_doubt") + " in answers");
    lines.emplace_back("  look at its uplink: `swingctl brake` shows what it checks itself by");
  }
  const Json& by_person = at(brake, "kept_by_person");
  if (by_person.is_number() && by_person.get<double>() > 0) {
    lines.push_back("`swingctl brake keep` keeps " + text_of(by_person) +
                    " in answers, until their probes agree");
  }
  return lines;
}

std::string percent_text(const Json& part) {
  return part.is_number() ? fmt::format("{:.0f} %", part.get<double>() * 100) : "-";
}

std::string amount_text(const Json& amount) {
  return amount.is_number() ? fmt::format("{:.6g}", amount.get<double>()) : "-";
}

/// Of the demand, where it is known; else of the answers to clients of no known locality.
std::string part_text(const Json& pool) {
  const Json& part = at(pool, "demand_part");
  return share_text(part.is_number() ? part : at(pool, "share"));
}

/// "steered services: 7 normal, 2 tight, 3 overload: shop., api. and 1 more"; empty where none is steered.
std::string regimes_text(const Json& reply, const Terminal& terminal) {
  const Json& regimes = at(reply, "regimes");
  if (!regimes.is_object()) return {};
  std::string text = "steered services:";
  for (const auto& [regime, count] : regimes.items())
    text += (text.ends_with(':') ? " " : ", ") + text_of(count) + " " + regime;
  const Json& overload = at(regimes, "overload");
  const size_t all = overload.is_number_unsigned() ? overload.get<size_t>() : 0;
  const Json& names = list_at(reply, "overloaded");
  if (all > 0 && !names.empty()) text += ": " + some_of(names, all);
  return tinted(terminal, all > 0 ? Tint::bad : Tint::plain, printable(text)) + "\n";
}

}  // namespace

std::string View::status(const Json& reply) const {
  const Json& up = at(reply, "uptime_seconds");
  const std::string uptime =
      up.is_number() ? age_text(Milliseconds(static_cast<int64_t>(up.get<double>() * 1000))) : "-";
  std::string out = tinted(terminal, Tint::heading, printable(text_at(reply, "identity"))) +
                    "  swingoverd " + printable(text_at(reply, "version")) + ", generation " +
                    printable(text_at(reply, "generation")) + ", up " + uptime + ", zones " +
                    printable(text_at(reply, "zones")) + ", services " +
                    printable(text_at(reply, "services")) + "\n";
  const Json& ready = at(reply, "ready");
  if (ready.is_boolean() && !ready.get<bool>())
    out += tinted(terminal, Tint::bad, "not ready") + "\n";
  for (const Json& problem : list_at(reply, "problems")) {
    out += tinted(terminal, Tint::bad, "problem: " + printable(text_of(problem))) + "\n";
  }
  for (const Json& rule : list_at(reply, "rules")) {
    if (!text_at(rule, "reason").empty())
      out += tinted(terminal, Tint::bad, printable("broken " + text_at(rule, "reason"))) + "\n";
  }
  for (const std::string& line : brake_lines(at(reply, "brake"), now))
    out += tinted(terminal, Tint::bad, printable(line)) + "\n";
  out += regimes_text(reply, terminal);
  for (const Json& freeze : list_at(reply, "freezes"))
    out += tinted(terminal, Tint::warning, printable("frozen: " + about_words(freeze))) + "\n";
  const bool is_steered = at(reply, "regimes").is_object();
  std::vector<std::string> headings{"CLUSTER", "HEALTH", "ELIGIBLE", "INTENT", "REASON"};
  if (is_steered) headings.insert(headings.begin() + 3, {"LOAD", "USABLE", "UTILISATION"});
  Table table(std::move(headings));
  Table checks({"CLUSTER", "ADDRESS", "MONITOR", "NEXT", "SEEN", "VERDICT"});
  for (const Json& cluster : list_at(reply, "clusters")) {
    const std::string progress = text_at(cluster, "progress");
    std::vector<Table::Cell> row{
        {text_at(cluster, "name")},
        health_cell(cluster),
        eligible_cell(cluster),
        {text_at(cluster, "intent") + (progress.empty() ? "" : ", " + progress), Tint::warning},
        {text_at(cluster, "reason")}};
    if (is_steered) {
      const Json& part = at(cluster, "utilisation");
      const bool is_over = part.is_number() && part.get<double>() > 1;
      row.insert(row.begin() + 3, {{amount_text(at(cluster, "load"))},
                                   {amount_text(at(cluster, "usable_capacity"))},
                                   {percent_text(part), is_over ? Tint::bad : Tint::plain}});
    }
    table.add(std::move(row));
    for (const Json& check : list_at(cluster, "checks")) {
      CheckRows{now, false, true}.add(
          checks, {{text_at(cluster, "name")}, {text_at(check, "address")}}, check);
    }
  }
  if (!table.empty()) out += "\n" + table.text(terminal);
  return checks.empty() ? out : out + "\n" + checks.text(terminal);
}

std::string View::services(const Json& reply) const {
  Table table(
      {"SERVICE", "POLICY", "TTL", "POOL", "HEALTH", "ELIGIBLE", "SHARE", "ENDPOINTS", "INTENT"});
  for (const Json& service : list_at(reply, "services")) {
    const std::string ttl = text_at(service, "ttl_seconds");
    Table::Cell name{text_at(service, "name")};
    Table::Cell policy{text_at(service, "policy")};
    Table::Cell seconds{ttl.empty() ? ttl : ttl + "s"};
    std::string freeze = at(service, "frozen_by").is_object() ? "freeze" : "";
    for (const Json& pool : list_at(service, "pools")) {
      const Json& endpoints = list_at(pool, "endpoints");
      const std::string intent = text_at(pool, "intent");
      table.add(
          {name,
           policy,
           seconds,
           {text_at(pool, "cluster")},
           health_cell(pool),
           eligible_cell(pool),
           {part_text(pool)},
           {std::to_string(members_that(endpoints, "eligible")) + "/" +
            std::to_string(endpoints.size())},
           {intent + (intent.empty() || freeze.empty() ? "" : ", ") + freeze, Tint::warning}});
      freeze.clear();
      // The service's own words stand once, at its first pool.
      name.text = policy.text = seconds.text = " ";
    }
  }
  return table.empty() ? "no services\n" : table.text(terminal);
}

namespace {

void add_unwatched(std::vector<std::string>& remarks, const Json& check) {
  const std::string watch = text_at(check, "watch");
  if (!watch.empty() && watch != "connected")
    remarks.push_back(text_at(check, "monitor") + ": not watched (" + watch + ")");
  for (const Json& child : list_at(check, "children")) add_unwatched(remarks, child);
}

/// Everything that keeps people from sleeping, beside the health itself: who overrides it, what holds it, what will
/// make it fail.
std::string remarks_of(const Json& endpoint, WallTime now) {
  std::vector<std::string> remarks;
  const std::string reason = text_at(endpoint, "reason");
  if (!reason.empty()) remarks.push_back(reason);
  const std::string held_until = until_text(at(at(endpoint, "hold"), "until"), now);
  if (!held_until.empty() && text_at(endpoint, "eligibility") == "held")
    remarks.push_back("may end in " + held_until);
  for (const Json& check : list_at(endpoint, "checks")) {
    const std::string warning = text_at(check, "warning");
    if (!warning.empty()) remarks.push_back(text_at(check, "monitor") + ": " + warning);
    if (text_at(endpoint, "health") == "up") add_unwatched(remarks, check);
  }
  const std::string expires = text_at(at(endpoint, "overridden_by"), "expires");
  if (!expires.empty()) remarks.push_back("until " + expires);
  std::string all;
  for (const std::string& remark : remarks) all += (all.empty() ? "" : "; ") + remark;
  return all;
}

/// "30s", or while a change is near "5s of 30s".
std::string ttl_text(const Json& service) {
  const std::string ceiling = text_at(service, "ttl_seconds");
  const std::string now = text_at(service, "ttl_now_seconds");
  return now.empty() || now == ceiling ? ceiling + "s" : now + "s of " + ceiling + "s";
}

/// What is asked and who can carry it; empty for a service that is not steered.
std::string capacity_text(const Json& reply, const Terminal& terminal, WallTime now) {
  if (!flag_at(reply, "steered") || !reply.contains("regime")) return {};
  const std::string regime = text_at(reply, "regime");
  const Tint tint = regime == "normal" ? Tint::good : regime == "tight" ? Tint::warning : Tint::bad;
  std::string out = "demand " + amount_text(at(reply, "demand")) + ", " +
                    tinted(terminal, tint, printable(regime)) + " (target " +
                    percent_text(at(reply, "target")) + ", limit " +
                    percent_text(at(reply, "limit")) + ")\n";
  if (const std::string why = text_at(at(reply, "waiting"), "reason"); !why.empty()) {
    const std::string until = text_at(at(reply, "waiting"), "until");
    out += tinted(terminal, Tint::warning,
                  printable("waits: " + why + (until.empty() ? "" : ", until " + until))) +
           "\n";
  }
  Table table({"POOL", "CAPACITY", "USABLE", "LOAD", "UTILISATION", "COMEBACK"});
  for (const Json& pool : list_at(reply, "pools")) {
    if (!pool.contains("usable_capacity")) continue;
    const Json& part = at(pool, "utilisation");
    const bool is_over = part.is_number() && at(reply, "limit").is_number() &&
                         part.get<double>() > at(reply, "limit").get<double>();
    std::string comeback = text_at(pool, "comeback");
    if (comeback == "in steps") comeback += ", " + percent_text(at(pool, "comeback_part")) + " now";
    if (comeback == "on hold") {
      const std::string left = until_text(at(pool, "comeback_until"), now);
      if (!left.empty()) comeback += ", " + left + " left";
    }
    table.add({{text_at(pool, "cluster")},
               {amount_text(at(pool, "capacity"))},
               {amount_text(at(pool, "usable_capacity"))},
               {amount_text(at(pool, "load"))},
               {percent_text(part), is_over ? Tint::bad : Tint::plain},
               {comeback, Tint::warning}});
  }
  return out + table.text(terminal) + "\n";
}

/// "31 % may still follow old answers, until 12:04:10 (4m10s): 31 % at fra"; empty where nothing may.
std::string old_answers_text(const Json& reply, const Terminal& terminal, WallTime now) {
  const std::string text = old_answers_words(at(reply, "old_answers"), now);
  if (text.empty()) return {};
  std::string where;
  for (const Json& pool : list_at(reply, "pools")) {
    const Json& part = at(at(pool, "held_answers"), "old_percent");
    if (!part.is_number() || part.get<double>() <= 0) continue;
    where += (where.empty() ? ": " : ", ") + fmt::format("{:.0f} % at ", part.get<double>()) +
             text_at(pool, "cluster");
  }
  return tinted(terminal, Tint::warning, printable(text + where)) + "\n";
}

/// A table with a line for each locality; empty for a service that is not steered.
std::string shares_text(const Json& reply, const Terminal& terminal) {
  if (!flag_at(reply, "steered")) return {};
  std::vector<std::string> headings{"CLIENTS IN"};
  std::vector<std::string> clusters;
  for (const Json& pool : list_at(reply, "pools")) {
    clusters.push_back(text_at(pool, "cluster"));
    headings.push_back(clusters.back());
  }
  Table table(std::move(headings));
  const auto add = [&](const std::string& where, const Json& row) {
    std::vector<Table::Cell> cells{{where}};
    for (const std::string& cluster : clusters) {
      const Json& share = at(row, cluster.c_str());
      const double part = share.is_number() ? share.get<double>() / 10'000 : 0;
      cells.push_back({row.is_null() ? "by tier" : part > 0 ? share_text(part) : "-"});
    }
    table.add(std::move(cells));
  };
  const Json& shares = at(reply, "shares");
  for (const auto& [locality, row] : shares.items()) add(locality, row);
  add("(elsewhere)", at(reply, "shares_elsewhere"));
  return table.text(terminal) + "\n";
}

}  // namespace

std::string View::service(const Json& reply) const {
  std::string out = tinted(terminal, Tint::heading, printable(text_at(reply, "name"))) +
                    "\npolicy " + printable(text_at(reply, "policy")) + ", ttl " +
                    printable(ttl_text(reply)) + ", answers " +
                    printable(text_at(reply, "answers")) + ", when all down " +
                    printable(text_at(reply, "when_all_down")) + "\n";
  const std::string change = text_at(reply, "ttl_reason");
  if (!change.empty())
    out += "next change: " + tinted(terminal, Tint::warning, printable(change)) + "\n";
  if (const Json& freeze = at(reply, "frozen_by"); freeze.is_object())
    out += tinted(terminal, Tint::warning, printable("frozen: " + about_words(freeze))) + "\n";
  out += old_answers_text(reply, terminal, now);
  out += "\n";
  Table pools({"POOL", "PRIORITY", "WEIGHT", "HEALTH", "ELIGIBLE", "SHARE", "INTENT"});
  Table endpoints({"POOL", "ENDPOINT", "HEALTH", "FOR", "ELIGIBILITY", "REASON"});
  Table verdicts({"ENDPOINT", "MONITOR", "NEXT", "SEEN", "VERDICT"});
  for (const Json& pool : list_at(reply, "pools")) {
    const std::string cluster = text_at(pool, "cluster");
    pools.add({{cluster},
               {text_at(pool, "priority") + (flag_at(pool, "last_resort") ? " (last resort)" : "")},
               {text_at(pool, "weight")},
               health_cell(pool),
               eligible_cell(pool),
               {part_text(pool)},
               {text_at(pool, "intent"), Tint::warning}});
    for (const Json& endpoint : list_at(pool, "endpoints")) {
      Table::Cell health = health_cell(endpoint);
      if (flag_at(endpoint, "stored")) health.text += " (stored)";
      endpoints.add({{cluster},
                     {text_at(endpoint, "address")},
                     health,
                     {since_text(at(endpoint, "since"), now)},
                     {text_at(endpoint, "eligibility"),
                      flag_at(endpoint, "eligible") ? Tint::good : Tint::bad},
                     {remarks_of(endpoint, now)}});
      for (const Json& check : list_at(endpoint, "checks"))
        CheckRows{now}.add(verdicts, {{text_at(endpoint, "address")}}, check);
    }
  }
  out += pools.text(terminal) + "\n" + capacity_text(reply, terminal, now) +
         shares_text(reply, terminal) + endpoints.text(terminal);
  return verdicts.empty() ? out : out + "\n" + verdicts.text(terminal);
}

namespace {

/// Of which instant it is, and how long that was so; empty: of now.
std::string past_words(const Json& reply) {
  const std::string at = text_at(reply, "at");
  if (at.empty()) return {};
  const std::string until = text_at(reply, "until");
  std::string out = "at " + at + ", as it was from " + text_at(reply, "since") + " until " +
                    (until.empty() ? "now" : until) + "\n";
  if (flag_at(reply, "changing"))
    out += "a change was under way: what was before or after it may have been answered too\n";
  const std::string unsure = text_at(reply, "unsure");
  if (!unsure.empty()) out += unsure + ": this is what it was last known to answer\n";
  return out;
}

/// Where the next answer may be another: from which pools, and how often.
std::string choice_words(const Json& reply) {
  std::string out;
  for (const Json& service : list_at(reply, "choices")) {
    const std::vector<Json>& choices = list_at(service, "choices");
    if (choices.size() < 2) continue;
    out += text_at(service, "service") + " could be answered from";
    std::string_view before = " ";
    for (const Json& choice : choices) {
      out += std::string(before) + text_at(choice, "pool") + " " + share_text(at(choice, "share"));
      before = ", ";
    }
    const auto sticks = service.find("sticks");
    if (sticks != service.end() && sticks->is_object())
      out += "; a client of this network that is one cache sticks to " + text_at(*sticks, "pool");
    out += "\n";
  }
  return out;
}

}  // namespace

std::string View::explanation(const Json& reply) const {
  const std::string locality = text_at(reply, "locality");
  std::string out = printable(text_at(reply, "name")) + " " + printable(text_at(reply, "type")) +
                    " for " + printable(text_at(reply, "client")) + " in " +
                    (locality.empty() ? "no known locality" : "locality " + printable(locality)) +
                    ": " + tinted(terminal, Tint::heading, printable(text_at(reply, "rcode"))) +
                    "\n";
  for (const Json& answer : list_at(reply, "answers")) {
    out += "  " + tinted(terminal, Tint::good, printable(text_of(answer))) + "\n";
  }
  out += printable_lines(past_words(reply)) + printable_lines(choice_words(reply));
  Table steps({"STEP", "RESULT", "REASON"});
  for (const Json& step : list_at(reply, "steps")) {
    steps.add({{text_at(step, "step")}, {text_at(step, "result")}, {text_at(step, "reason")}});
  }
  return steps.empty() ? out : out + "\n" + steps.text(terminal);
}

std::string View::brake(const Json& json) const {
  std::string out = flag_at(json, "engaged") ? "brake engaged since " + text_at(json, "since") +
                                                   ": " + text_at(json, "reason") + "\n"
                                             : std::string("brake free\n");
  if (flag_at(json, "self_doubt")) out += "this edge doubts itself: nothing is evicted\n";
  out = printable_lines(out);
  for (const Json& kept : list_at(json, "kept")) {
    out += "  kept by " + printable(text_at(kept, "by")) + ": " +
           printable(text_at(kept, "target")) + "\n";
  }
  for (const Json& target : list_at(json, "self_checks")) {
    const std::string why = text_at(target, "reason");
    out += "  self_check " + printable(text_at(target, "target")) + ": " +
           printable(text_at(target, "health")) + (why.empty() ? "" : ": " + printable(why)) + "\n";
  }
  return out;
}

namespace {

/// "2.5s", "40s", "3m12s"; what the daemon tells with a tenth of a second.
std::string seconds_text(const Json& seconds) {
  if (!seconds.is_number()) return {};
  const auto milliseconds = static_cast<int64_t>(seconds.get<double>() * 1'000);
  if (milliseconds >= 10'000) return age_text(Milliseconds(milliseconds));
  return std::to_string(milliseconds / 1'000) + "." + std::to_string(milliseconds % 1'000 / 100) +
         "s";
}

Table::Cell load_state_cell(const Json& object) {
  const std::string state = text_at(object, "state");
  return {state, state == "fresh" ? Tint::good : state == "none" ? Tint::faint : Tint::bad};
}

}  // namespace

std::string View::loads(const Json& reply) const {
  Table clusters({"CLUSTER", "STATE", "AGE", "LOAD", "CAPACITY", "REMARKS"});
  for (const Json& cluster : list_at(reply, "clusters")) {
    const Json& pull = at(cluster, "pull");
    std::string remarks = text_at(pull, "problem");
    if (remarks.empty() && pull.is_object()) remarks = "pulled";
    const Json& reports = at(cluster, "reports");
    for (const char* result : {"ahead", "older", "too_old", "unknown", "senseless"}) {
      const std::string count = text_at(reports, result);
      if (count.empty() || count == "0") continue;
      remarks += (remarks.empty() ? "" : ", ") + count + " " + result;
    }
    clusters.add({{text_at(cluster, "cluster")},
                  load_state_cell(cluster),
                  {seconds_text(at(cluster, "age_seconds"))},
                  {text_at(cluster, "load")},
                  {text_at(cluster, "capacity")},
                  {remarks}});
  }
  Table services({"SERVICE", "STATE", "CLUSTER", "LOAD", "AGE", "CAPACITY", "IN-FLIGHT", "OF"});
  for (const Json& service : list_at(reply, "services")) {
    std::string name = text_at(service, "service");
    Table::Cell state = load_state_cell(service);
    for (const Json& load : list_at(service, "loads")) {
      services.add({{std::exchange(name, " ")},
                    std::exchange(state, {" "}),
                    {text_at(load, "cluster")},
                    {text_at(load, "load")},
                    {seconds_text(at(load, "age_seconds"))},
                    {text_at(load, "capacity")},
                    {text_at(load, "in_flight")},
                    {text_at(load, "of")}});
    }
  }
  std::string text = clusters.text(terminal);
  text += services.empty() ? "\nno load is reported\n" : "\n" + services.text(terminal);
  return text;
}

namespace {

/// "up -> down", "drain until …", or nothing.
std::string change_text(const Json& entry) {
  const std::string before = text_at(entry, "before");
  const std::string after = text_at(entry, "after");
  return before.empty() || after.empty() ? before + after : before + " -> " + after;
}

/// For a terminal: targets are long, and what happened is worth more than columns that line up.
std::string history_lines(const Json& reply, const Terminal& terminal) {
  Table table({"AT", "KIND", "WHAT"});
  for (const Json& entry : list_at(reply, "entries")) {
    const std::string after = text_at(entry, "after");
    std::string what = text_at(entry, "target");
    for (const std::string& more : {change_text(entry), text_at(entry, "reason")}) {
      if (!more.empty()) what += (what.empty() ? "" : ": ") + more;
    }
    const std::string actor = text_at(entry, "actor");
    if (actor != "swingoverd" && !actor.empty()) what += " (" + actor + ")";
    // To the second: a terminal's clock is read by people.
    std::string when = text_at(entry, "at");
    if (const size_t fraction = when.find('.'); fraction != std::string::npos)
      when = when.substr(0, fraction) + "Z";
    table.add({{when, Tint::faint},
               {text_at(entry, "kind")},
               {what, after == "up"     ? Tint::good
                      : after == "down" ? Tint::bad
                                        : Tint::plain}});
  }
  return table.empty() ? "nothing happened\n" : table.text(terminal);
}

}  // namespace

std::string View::history(const Json& reply) const {
  if (terminal.width > 0) return history_lines(reply, terminal);
  Table table({"AT", "KIND", "TARGET", "BEFORE", "AFTER", "WHO", "REASON"});
  for (const Json& entry : list_at(reply, "entries")) {
    const std::string after = text_at(entry, "after");
    table.add({{text_at(entry, "at"), Tint::faint},
               {text_at(entry, "kind")},
               {text_at(entry, "target")},
               {text_at(entry, "before")},
               {after, after == "up"     ? Tint::good
                       : after == "down" ? Tint::bad
                                         : Tint::plain},
               {text_at(entry, "actor")},
               {text_at(entry, "reason")}});
  }
  return table.empty() ? "nothing happened\n" : table.text(terminal);
}

}  // namespace swingover::ctl
