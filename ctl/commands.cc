#include "ctl/commands.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "base/printable.h"
#include "base/result.h"
#include "base/text.h"
#include "base/units.h"
#include "ctl/plan.h"
#include "ctl/views.h"

namespace swingover::ctl {

using Json = nlohmann::ordered_json;

namespace {

int status(Session& session, const Arguments&);
int services(Session& session, const Arguments&);
int service(Session& session, const Arguments& given);
int explain(Session& session, const Arguments& given);
int drain(Session& session, const Arguments& given);
int undrain(Session& session, const Arguments& given);
int force(Session& session, const Arguments& given);
int swing(Session& session, const Arguments& given);
int freeze(Session& session, const Arguments& given);
int thaw(Session& session, const Arguments& given);
int weight(Session& session, const Arguments& given);
int intents(Session& session, const Arguments&);
int cancel(Session& session, const Arguments& given);
int history(Session& session, const Arguments& given);
int brake(Session& session, const Arguments& given);
int resume(Session& session, const Arguments& given);
int push(Session& session, const Arguments& given);
int load(Session& session, const Arguments& given);
int what_if(Session& session, const Arguments& given);
int n1(Session& session, const Arguments& given);
int dnssec(Session& session, const Arguments& given);
int reload(Session& session, const Arguments&);
int check(Session& session, const Arguments& given);
int plan(Session& session, const Arguments& given);

const Argument target{
    "TARGET", "", true,
    "cluster/NAME, service/SERVICE, pool/SERVICE/CLUSTER or endpoint/SERVICE/ADDRESS"};
const Argument drained{"TARGET", "", true,
                       "cluster/NAME, pool/SERVICE/CLUSTER or endpoint/SERVICE/ADDRESS"};
const Argument reason{"--reason", "TEXT", true, "why, for whoever looks at it later"};
const Argument reason_if_any{"--reason", "TEXT", false, "why, for the history"};
const Argument override_reason{
    "--override", "REASON", false,
    "do it although a rule or the move budget speaks against it; recorded"};
const Argument dry_run{
    "--dry-run", "", false,
    "only tell what it would come to: steps with who would be fullest, and broken rules"};
const Argument frozen{"TARGET", "", false,
                      "cluster/NAME, service/SERVICE or everything (the default)"};
const Argument lifetime{"--for", "DURATION", false,
                        "until it ends by itself, such as 30m or 2h; default: until cancelled"};

}  // namespace

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> table{
      {"status", "the daemon, its clusters and what is wrong with them", {}, {}, status},
      {"services", "every service with its pools", {}, {}, services},
      {"service",
       "one service: its pools, its endpoints and why each is as it is",
       {{"NAME", "", true, "such as shop.svc.example.com"}},
       {},
       service},
      {"explain",
       "what a client would be answered now, or was at an instant, step by step",
       {{"NAME", "", true, "the name asked for"}},
       {{"--client", "IP", false, "who asks; default: this host"},
        {"--type", "TYPE", false, "the type asked for; default: A"},
        {"--at", "TIME", false,
         "how long ago (5m, 2h), or when (2026-11-22T08:00:00.250Z); default: now"}},
       explain},
      {"drain",
       "take a cluster, pool or endpoint out of new answers",
       {drained},
       {reason,
        lifetime,
        {"--over", "DURATION", false,
         "in steps over so long, such as 10m, or longer: they are two TTLs apart at least; needs "
         "capacities; default: at once"},
        override_reason,
        dry_run},
       drain},
      {"undrain", "end the drain of a target", {drained}, {reason_if_any}, undrain},
      {"force",
       "hold a target up or down, whatever its health",
       {{"DIRECTION", "", true, "up or down"}, target},
       {reason, lifetime, override_reason, dry_run},
       force},
      {"swing",
       "move a service's share of one pool to another, step by step",
       {{"SERVICE", "", true, "such as shop.svc.example.com"}},
       {{"--from", "CLUSTER", true, "whose pool it leaves"},
        {"--to", "CLUSTER", true, "whose pool it goes to"},
        {"--over", "DURATION", true,
         "from the first step to the last, such as 10m, or longer: they are two TTLs apart at "
         "least"},
        reason,
        lifetime,
        override_reason,
        dry_run},
       swing},
      {"freeze",
       "pin the shares in force; health still takes out what is down",
       {frozen},
       {{"--reason", "TEXT", false, "why, for whoever looks at it later; needed to freeze"},
        lifetime,
        {"--show", "", false, "only tell what is frozen, and what thawing would move"}},
       freeze},
      {"thaw", "end the freeze of a target", {frozen}, {reason_if_any}, thaw},
      {"weight",
       "let a pool count for a part of its own capacity",
       {{"POOL", "", true, "pool/SERVICE/CLUSTER"},
        {"N", "", true, "its weight; the service's greatest is the whole capacity"}},
       {reason, lifetime, override_reason, dry_run},
       weight},
      {"intents", "what people asked for and is in force", {}, {}, intents},
      {"cancel",
       "end an intent by its id",
       {{"ID", "", true, "as `swingctl intents` shows it"}},
       {reason_if_any},
       cancel},
      {"history",
       "what changed, newest first: health, intents, reloads",
       {},
       {{"--since", "TIME", false, "how far back (1h, 7d), or from when (2026-11-22T08:00:00Z)"},
        {"--target", "TARGET", false, "only this target; one that ends in / and all below it"},
        {"--limit", "COUNT", false, "at most so many entries"}},
       history},
      {"brake",
       "what the brake keeps; release it, or keep what it keeps until probes agree",
       {{"ACTION", "", false, "status (the default), release or keep"}},
       {{"--reason", "TEXT", false, "why; release and keep need it"}},
       brake},
      {"resume",
       "let come back what is held below a target, though it passes",
       {target},
       {reason},
       resume},
      {"load",
       "what clusters report that they carry, and how old that is; or report it",
       {},
       {{"--service", "NAME", false, "of this service alone"},
        {"--cluster", "NAME", false, "report for this cluster; with --load"},
        {"--load", "NUMBER", false, "what it carries, of the service or in all"},
        {"--in-flight", "NUMBER", false, "requests under way there, of the service"}},
       load},
      {"what-if",
       "who would carry how much if something were down, or demand were another",
       {},
       {{"--down", "TARGET[,TARGET]", false,
         "what is down: " + target.help + ", or locality/NAME: the clusters that run only there"},
        {"--demand", "FACTOR", false, "so many times what is asked for now; default: 1"},
        {"--service", "NAME", false, "this service alone"},
        {"--all", "", false, "all services that would be affected, not 20 at most"}},
       what_if},
      {"n1",
       "what would have no room if any one cluster died now",
       {},
       {{"--depth", "NUMBER", false, "1 (the default), or 2 for any two clusters at once"}},
       n1},
      {"push",
       "report a target's health, as a push monitor wants it each deadline",
       {{"MONITOR", "", true, "the push monitor"}, {"HEALTH", "", true, "up or down"}},
       {{"--cluster", "NAME", false, "the cluster that reports itself"},
        {"--address", "IP", false, "the endpoint that does"},
        {"--reason", "TEXT", false, "why it is down"},
        {"--load", "NUMBER", false, "its load, in the service's unit"}},
       push},
      {"dnssec",
       "the keys of signed zones, or the DS lines that a zone's parent needs",
       {{"ACTION", "", true, "status, or ds: the lines to paste and nothing else"},
        {"ZONE", "", false, "such as svc.example.com; ds needs it"}},
       {},
       dnssec},
      {"reload", "read config, zones and certificates again; all or nothing", {}, {}, reload},
      {"check",
       "check a config and its zone files, and say how long each service's swing takes",
       {{"FILE", "", true, "the config file"}},
       {},
       check},
      {"plan",
       "who would serve whom: shares, loads and cost of a case, without any daemon",
       {{"FILE", "", true, "one JSON object; - is standard input"}},
       {},
       plan},
  };
  return table;
}

namespace {

int wrong_use(Session& session, const std::string& why) {
  session.errors << "swingctl: " << printable(why) << "\n";
  return exit_wrong_use;
}

/// What the daemon said, or the exit status to end with; the person has been told then.
struct Answer {
  std::optional<Json> json;
  int exit_status = exit_done;
};

/// JSON for programs. On a terminal nothing but ASCII, so that no C1 control byte slips through.
void print_json(Session& session, const Json& json) {
  std::string text = json.dump(2, ' ', session.terminal.width > 0 || session.terminal.colour,
                               Json::error_handler_t::replace);
  session.out << printable_lines(text) << "\n";
}

std::string error_message(const Json& json, long http_status) {
  const auto error = json.find("error");
  std::string message = error == json.end() ? std::string() : string_at(*error, "message");
  return message.empty() ? "HTTP status " + std::to_string(http_status) : message;
}

Answer understood(Session& session, const Result<Reply>& reply) {
  if (!reply) {
    const bool away = reply.error().code == ErrorCode::unavailable;
    session.errors << "swingctl: no answer from " << printable(session.client.server().text) << ": "
                   << printable(reply.error().message) << "\n";
    return {std::nullopt, away ? exit_not_reached : exit_refused};
  }
  Json json = Json::parse(reply->body, nullptr, false);
  if (!json.is_object()) {
    session.errors << "swingctl: what answers at " << printable(session.client.server().text)
                   << " is no swingoverd: HTTP status " << reply->status << " without JSON\n";
    return {std::nullopt, exit_refused};
  }
  if (reply->ok()) return {std::move(json), exit_done};
  if (session.json) print_json(session, json);
  session.errors << "swingctl: " << printable(error_message(json, reply->status)) << "\n"
                 << printable_lines(string_at(json, "problems"));
  return {std::nullopt, exit_refused};
}

using Show = std::string (View::*)(const Json&) const;

/// Asks, and prints what comes, as JSON or by `show`.
int print_reply(Session& session, const Result<Reply>& reply, Show show,
                const std::string& before = "") {
  const Answer answer = understood(session, reply);
  if (!answer.json) return answer.exit_status;
  if (session.json) {
    print_json(session, *answer.json);
  } else {
    const View view{session.terminal, session.clock.wall()};
    session.out << before << (view.*show)(*answer.json);
  }
  return exit_done;
}

/// Asks what a person has put together: a question that the daemon finds to be none was typed wrongly.
int ask(Session& session, const std::string& path, Show show) {
  const Result<Reply> reply = session.client.get(path);
  const int status = print_reply(session, reply, show);
  return reply && reply->status == 400 ? exit_wrong_use : status;
}

int status(Session& session, const Arguments&) {
  return print_reply(session, session.client.get("/v1/status"), &View::status);
}

int services(Session& session, const Arguments&) {
  return print_reply(session, session.client.get("/v1/services"), &View::services);
}

int service(Session& session, const Arguments& given) {
  return print_reply(session, session.client.get("/v1/services/" + url_escaped(given["NAME"])),
                     &View::service);
}

int explain(Session& session, const Arguments& given) {
  std::string path = "/v1/explain?name=" + url_escaped(given["NAME"]);
  path += "&type=" + url_escaped(given.has("--type") ? given["--type"] : "A");
  if (given.has("--client")) path += "&client=" + url_escaped(given["--client"]);
  if (given.has("--at")) path += "&at=" + url_escaped(given["--at"]);
  return ask(session, path, &View::explanation);
}

/// A target in the daemon's own spelling of service names: lower case, with the last dot. Nothing if
/// `text` is no target.
std::optional<std::string> canonical_target(const std::string& text) {
  const auto parts = split(text, '/');
  const auto any_empty = [&] { return std::ranges::any_of(parts, &std::string_view::empty); };
  if (parts[0] == "cluster")
    return parts.size() == 2 && !any_empty() ? std::optional(text) : std::nullopt;
  const bool is_short = parts[0] == "service" && parts.size() == 2;
  const bool is_long = (parts[0] == "pool" || parts[0] == "endpoint") && parts.size() == 3;
  if ((!is_short && !is_long) || any_empty()) return std::nullopt;
  std::string service = lower(parts[1]);
  if (!service.ends_with('.')) service += '.';
  return std::string(parts[0]) + "/" + service + (is_long ? "/" + std::string(parts[2]) : "");
}

int not_a_target(Session& session, const std::string& text) {
  return wrong_use(session, "not a target (" + target.help + "): " + text);
}

/// What a person typed need not be UTF-8.
std::string body_of(const Json& request) {
  return request.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Steps are two TTLs apart at least, whatever was asked for. `intent`: with the plan as it begins, or the steps of a dry
/// run. Empty where it takes no longer than `over`.
std::string longer_than(Milliseconds over, const Json& intent) {
  const auto number = [](const Json& of, const char* key) {
    const auto found = of.find(key);
    return found != of.end() && found->is_number() ? found->get<double>() : 0;
  };
  double seconds = 0;
  if (const auto steps = intent.find("steps");
      steps != intent.end() && steps->is_array() && !steps->empty()) {
    seconds = number(steps->back(), "after_seconds") - number(steps->front(), "after_seconds");
  } else if (const auto plan = intent.find("plan"); plan != intent.end() && plan->is_object()) {
    seconds = number(*plan, "left_seconds") - number(*plan, "first_after_seconds");
  }
  // A moment has passed since it was made, and steps are at whole milliseconds.
  if (seconds * 1'000 < static_cast<double>(over.value) * 1.05 + 1'000) return {};
  return "takes " + age_text(Milliseconds(static_cast<int64_t>(seconds + 0.999) * 1'000)) +
         " from the first step to the last, not " + duration_text(over) +
         ": steps are two TTLs apart at least\n";
}

/// `target` as the daemon spells it, and whatever else belongs to the kind.
int post_intent(Session& session, const Arguments& given, const std::string& kind,
                const std::string& wanted, const Json& more = Json::object()) {
  if (trimmed(given["--reason"]).empty()) return wrong_use(session, "--reason is empty");
  Json intent{{"kind", kind},
              {"target", wanted},
              {"reason", given["--reason"]},
              {"owner", session.owner},
              {"expires", nullptr}};
  constexpr Milliseconds over_max{7LL * 24 * 3600 * 1000};
  Milliseconds over{0};
  if (given.has("--for")) {
    const auto length = parse_duration(given["--for"]);
    if (!length) return wrong_use(session, "--for: " + length.error().message);
    if (length->value <= 0) return wrong_use(session, "--for: it would end at once");
    intent["expires"] = rfc3339(session.clock.wall() + *length);
  }
  if (given.has("--over")) {
    const auto length = parse_duration(given["--over"]);
    if (!length) return wrong_use(session, "--over: " + length.error().message);
    if (length->value <= 0 || *length > over_max)
      return wrong_use(session, "--over: above 0, at most " + duration_text(over_max));
    over = *length;
    intent["over"] = given["--over"];
  }
  if (given.has("--override")) {
    if (trimmed(given["--override"]).empty()) return wrong_use(session, "--override is empty");
    intent["override"] = given["--override"];
  }
  if (given.has("--dry-run")) intent["dry_run"] = true;
  intent.update(more);
  const Result<Reply> reply = session.client.post("/v1/intents", body_of(intent));
  const int status = print_reply(session, reply, &View::intent);
  if (status == exit_done && over.value > 0 && !session.json)
    session.out << longer_than(over, Json::parse(reply->body, nullptr, false));
  return status;
}

int post_intent_on_target(Session& session, const Arguments& given, const std::string& kind) {
  const auto wanted = canonical_target(given["TARGET"]);
  if (!wanted) return not_a_target(session, given["TARGET"]);
  return post_intent(session, given, kind, *wanted);
}

int drain(Session& session, const Arguments& given) {
  return post_intent_on_target(session, given, "drain");
}

int swing(Session& session, const Arguments& given) {
  const auto wanted = canonical_target("service/" + given["SERVICE"]);
  if (!wanted) return wrong_use(session, "not a service: " + given["SERVICE"]);
  return post_intent(session, given, "swing", *wanted,
                     {{"from", given["--from"]}, {"to", given["--to"]}});
}

int weight(Session& session, const Arguments& given) {
  const auto wanted = canonical_target(given["POOL"]);
  if (!wanted || !wanted->starts_with("pool/"))
    return wrong_use(session, "not a pool (pool/SERVICE/CLUSTER): " + given["POOL"]);
  const auto number = parse_number(given["N"]);
  if (!number) return wrong_use(session, "not a whole number: " + given["N"]);
  return post_intent(session, given, "weight", *wanted, {{"weight", *number}});
}

int force(Session& session, const Arguments& given) {
  const std::string direction = given["DIRECTION"];
  if (direction != "up" && direction != "down") {
    return wrong_use(session, "force up or force down, not force " + direction);
  }
  return post_intent_on_target(session, given, "force_" + direction);
}

int cancel_by_id(Session& session, const std::string& id, const std::string& why) {
  const std::string path = "/v1/intents/" + url_escaped(id) +
                           "?owner=" + url_escaped(session.owner) + "&reason=" + url_escaped(why);
  return print_reply(session, session.client.remove(path), &View::intent, "ended: ");
}

int cancel(Session& session, const Arguments& given) {
  return cancel_by_id(session, given["ID"], given["--reason"]);
}

/// Ends the intent of that kind on the target; `not_there`: what it is not, when there is none.
int cancel_of_kind(Session& session, const Arguments& given, const std::string& kind,
                   const std::string& wanted, const std::string& not_there) {
  const Answer answer = understood(session, session.client.get("/v1/intents"));
  if (!answer.json) return answer.exit_status;
  const auto list = answer.json->find("intents");
  if (list != answer.json->end() && list->is_array()) {
    for (const Json& intent : *list) {
      if (string_at(intent, "kind") == kind && string_at(intent, "target") == wanted) {
        return cancel_by_id(session, string_at(intent, "id"), given["--reason"]);
      }
    }
  }
  session.errors << "swingctl: " << printable(wanted) << " is not " << not_there << "\n";
  return exit_refused;
}

int undrain(Session& session, const Arguments& given) {
  const auto wanted = canonical_target(given["TARGET"]);
  if (!wanted) return not_a_target(session, given["TARGET"]);
  return cancel_of_kind(session, given, "drain", *wanted, "drained");
}

std::optional<std::string> frozen_target(const Arguments& given) {
  if (!given.has("TARGET") || given["TARGET"] == "everything") return "everything";
  return canonical_target(given["TARGET"]);
}

int freeze(Session& session, const Arguments& given) {
  if (given.has("--show"))
    return print_reply(session, session.client.get("/v1/intents"), &View::frozen);
  const auto wanted = frozen_target(given);
  if (!wanted) return not_a_target(session, given["TARGET"]);
  return post_intent(session, given, "freeze", *wanted);
}

int thaw(Session& session, const Arguments& given) {
  const auto wanted = frozen_target(given);
  if (!wanted) return not_a_target(session, given["TARGET"]);
  return cancel_of_kind(session, given, "freeze", *wanted, "frozen");
}

int intents(Session& session, const Arguments&) {
  return print_reply(session, session.client.get("/v1/intents"), &View::intents);
}

int history(Session& session, const Arguments& given) {
  std::string path = "/v1/history";
  const auto add = [&](const std::string& key, const std::string& value) {
    path += (path.find('?') == std::string::npos ? '?' : '&') + key + "=" + url_escaped(value);
  };
  if (given.has("--since")) {
    const auto back = parse_duration(given["--since"]);
    const auto from = parse_rfc3339(given["--since"]);
    if (!back && !from) {
      return wrong_use(session,
                       "--since: neither a duration such as 1h nor a time such as "
                       "2026-11-22T08:00:00Z: " +
                           given["--since"]);
    }
    add("since", rfc3339(back ? session.clock.wall() + Milliseconds(-back->value) : *from));
  }
  if (given.has("--target")) add("target", given["--target"]);
  if (given.has("--limit")) {
    if (!parse_number(given["--limit"])) return wrong_use(session, "--limit: not a count");
    add("limit", given["--limit"]);
  }
  return print_reply(session, session.client.get(path), &View::history);
}

int brake(Session& session, const Arguments& given) {
  const std::string action = given.has("ACTION") ? given["ACTION"] : "status";
  if (action == "status")
    return print_reply(session, session.client.get("/v1/brake"), &View::brake);
  if (action != "release" && action != "keep")
    return wrong_use(session, "brake status, release or keep, not brake " + action);
  if (trimmed(given["--reason"]).empty()) return wrong_use(session, "--reason is needed");
  const Json body{{"action", action}, {"owner", session.owner}, {"reason", given["--reason"]}};
  return print_reply(session, session.client.post("/v1/brake", body_of(body)), &View::brake);
}

/// "2 checks, 1 pool"
std::string resumed_words(const Json& reply) {
  std::string words;
  for (const char* what : {"check", "pool", "plan"}) {
    const auto found = reply.find(std::string("resumed_") + what + "s");
    if (found == reply.end() || !found->is_number_unsigned() || *found == 0u) continue;
    if (!words.empty()) words += ", ";
    words += found->dump() + " " + what + (*found == 1u ? "" : "s");
  }
  return words;
}

int resume(Session& session, const Arguments& given) {
  const auto wanted = canonical_target(given["TARGET"]);
  if (!wanted) return not_a_target(session, given["TARGET"]);
  const Json body{{"target", *wanted}, {"owner", session.owner}, {"reason", given["--reason"]}};
  const Answer answer = understood(session, session.client.post("/v1/resume", body_of(body)));
  if (!answer.json) return answer.exit_status;
  if (session.json) {
    print_json(session, *answer.json);
  } else {
    session.out << "resumed: " << printable(*wanted) << ", " << resumed_words(*answer.json) << "\n";
  }
  return exit_done;
}

int push(Session& session, const Arguments& given) {
  Json report{{"monitor", given["MONITOR"]}, {"health", given["HEALTH"]}};
  for (const char* key : {"cluster", "address", "reason"}) {
    const std::string option = std::string("--") + key;
    if (given.has(option)) report[key] = given[option];
  }
  if (given.has("--load")) {
    const Json load = Json::parse(given["--load"], nullptr, false);
    if (!load.is_number()) return wrong_use(session, "--load: not a number: " + given["--load"]);
    report["load"] = load;
  }
  const Answer answer = understood(session, session.client.post("/v1/push", body_of(report)));
  if (answer.json && session.json) print_json(session, *answer.json);
  return answer.exit_status;
}

int load(Session& session, const Arguments& given) {
  if (given.has("--cluster") != given.has("--load"))
    return wrong_use(session, "--cluster and --load report together");
  if (given.has("--in-flight") && !given.has("--load"))
    return wrong_use(session, "--in-flight: of a report, with --cluster and --load");
  if (!given.has("--load")) {
    const std::string only =
        given.has("--service") ? "?service=" + url_escaped(given["--service"]) : std::string();
    return print_reply(session, session.client.get("/v1/load" + only), &View::loads);
  }
  Json report{{"cluster", given["--cluster"]}};
  if (given.has("--service")) report["service"] = given["--service"];
  for (const auto& [option, key] :
       {std::pair{"--load", "load"}, std::pair{"--in-flight", "in_flight"}}) {
    if (!given.has(option)) continue;
    const Json number = Json::parse(given[option], nullptr, false);
    if (!number.is_number())
      return wrong_use(session, std::string(option) + ": not a number: " + given[option]);
    report[key] = number;
  }
  const Answer answer = understood(session, session.client.post("/v1/load", body_of(report)));
  if (answer.json && session.json) print_json(session, *answer.json);
  return answer.exit_status;
}

int what_if(Session& session, const Arguments& given) {
  if (!given.has("--down") && !given.has("--demand"))
    return wrong_use(session, "--down, --demand or both: what would be?");
  const std::string down = given["--down"];
  for (const std::string_view one : split(down, ',')) {
    const std::string wanted(trimmed(one));
    if (wanted.empty() || canonical_target(wanted)) continue;
    if (!wanted.starts_with("locality/") || wanted.size() == std::string_view("locality/").size())
      return wrong_use(session,
                       "--down: not a target (" + target.help + ", or locality/NAME): " + wanted);
  }
  std::string path = "/v1/what-if?down=" + url_escaped(down);
  if (given.has("--demand")) path += "&demand=" + url_escaped(given["--demand"]);
  if (given.has("--service")) path += "&service=" + url_escaped(given["--service"]);
  if (given.has("--all")) path += "&limit=1000000";
  return ask(session, path, &View::what_if);
}

int n1(Session& session, const Arguments& given) {
  const std::string path =
      given.has("--depth") ? "/v1/n1?depth=" + url_escaped(given["--depth"]) : "/v1/n1";
  return ask(session, path, &View::n1);
}

/// The DS lines of the zone alone, for who pastes them or hands them on.
int print_ds(Session& session, const Json& zone) {
  std::string lines;
  const auto keys = zone.find("keys");
  if (keys != zone.end() && keys->is_array()) {
    for (const Json& key : *keys) {
      if (const std::string ds = string_at(key, "ds"); !ds.empty()) lines += printable(ds) + "\n";
    }
  }
  if (lines.empty()) {
    const std::string problem = string_at(zone, "problem");
    session.errors << "swingctl: " << printable(string_at(zone, "name"))
                   << " has no key to point at" << (problem.empty() ? "" : ": ")
                   << printable_lines(trimmed(problem)) << "\n";
    return exit_refused;
  }
  session.out << lines;
  return exit_done;
}

int dnssec(Session& session, const Arguments& given) {
  const std::string action = given["ACTION"];
  const bool is_ds = action == "ds";
  if (!is_ds && action != "status")
    return wrong_use(session, "dnssec status or dnssec ds, not dnssec " + action);
  if (is_ds && !given.has("ZONE")) return wrong_use(session, "dnssec ds: which zone?");
  const std::string path =
      given.has("ZONE") ? "/v1/dnssec?zone=" + url_escaped(given["ZONE"]) : "/v1/dnssec";
  if (!is_ds || session.json) return ask(session, path, &View::dnssec);
  const Answer answer = understood(session, session.client.get(path));
  if (!answer.json) return answer.exit_status;
  const auto zones = answer.json->find("zones");
  const bool has_it = zones != answer.json->end() && zones->is_array() && !zones->empty();
  return print_ds(session, has_it ? zones->front() : Json::object());
}

int reload(Session& session, const Arguments&) {
  const Answer answer = understood(session, session.client.post("/v1/reload", "{}"));
  if (!answer.json) return answer.exit_status;
  if (session.json) {
    print_json(session, *answer.json);
    return exit_done;
  }
  const auto generation = answer.json->find("generation");
  session.out << "reloaded: generation "
              << (generation == answer.json->end() ? "-" : printable(generation->dump())) << "\n"
              << printable_lines(string_at(*answer.json, "problems"));
  if (const auto keys = answer.json->find("needs_restart");
      keys != answer.json->end() && keys->is_array()) {
    for (const auto& key : *keys) {
      if (key.is_string())
        session.out << "a restart is needed for " << printable(key.get<std::string>()) << "\n";
    }
  }
  return exit_done;
}

/// The daemon's program: beside this one, in the sbin of the same prefix, or wherever PATH has it.
std::vector<std::string> daemon_programs() {
  std::vector<std::string> found;
  std::array<char, 4096> self{};
  const ssize_t length = readlink("/proc/self/exe", self.data(), self.size());
  if (length > 0) {
    std::string folder(self.data(), static_cast<size_t>(length));
    folder.resize(folder.rfind('/'));
    found.push_back(folder + "/swingoverd");
    found.push_back(folder + "/../sbin/swingoverd");
    found.push_back(folder + "/../server/swingoverd");  // a build tree
  }
  found.emplace_back("swingoverd");
  found.emplace_back("/usr/sbin/swingoverd");
  return found;
}

int check(Session& session, const Arguments& given) {
  std::string file = given["FILE"];
  session.out.flush();
  int problem = ENOENT;
  for (std::string program : daemon_programs()) {
    std::string config = "--config";
    std::string verb = "--check";
    std::array<char*, 5> words{program.data(), config.data(), file.data(), verb.data(), nullptr};
    execvp(program.c_str(), words.data());
    if (errno != ENOENT && errno != ENOTDIR) problem = errno;
  }
  session.errors << "swingctl: check needs swingoverd on this host: " << std::strerror(problem)
                 << "\n";  // NOLINT(concurrency-mt-unsafe): one thread
  return exit_refused;
}

/// A pipe is as good as a file: a case often comes from another program.
Result<std::string> read_case(const std::string& file) {
  constexpr size_t size_max = size_t{64} << 20;
  std::ifstream opened;
  if (file != "-") opened.open(file, std::ios::binary);
  std::istream& in = file == "-" ? std::cin : opened;
  std::string text;
  std::array<char, 65536> part{};
  while (in && text.size() <= size_max) {
    in.read(part.data(), part.size());
    text.append(part.data(), static_cast<size_t>(in.gcount()));
  }
  if (!in.eof() && text.empty()) {
    return Error{ErrorCode::system, file + ": " + std::strerror(errno)};
  }
  if (text.size() > size_max) return Error{ErrorCode::invalid, file + ": larger than 64 MiB"};
  return text;
}

int plan(Session& session, const Arguments& given) {
  const std::string file = given["FILE"];
  const auto text = read_case(file);
  if (!text) {
    session.errors << "swingctl: " << printable(text.error().message) << "\n";
    return exit_refused;
  }
  const bool is_terminal = session.terminal.width > 0 || session.terminal.colour;
  const Planned planned = plan_case(*text, is_terminal);
  for (const std::string& problem : planned.problems) {
    session.errors << printable(file == "-" ? "standard input" : file) << ": " << problem << "\n";
  }
  if (!planned.problems.empty()) return exit_refused;
  session.out << planned.json << "\n";
  return exit_done;
}

}  // namespace

}  // namespace swingover::ctl
