#include "server/control/views.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "health/monitor_file.h"
#include "server/control/intent_words.h"
#include "server/control/target.h"
#include "server/control/views_swings.h"
#include "zones/explain.h"

namespace swingover::control {

using Json = nlohmann::ordered_json;

namespace {

std::string dumped(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json time_or_null(WallTime time) {
  return time == WallTime{} ? Json() : Json(rfc3339(time));
}

Json lines(const std::string& text) {
  Json list = Json::array();
  for (const std::string_view line : split(text, '\n')) {
    if (!line.empty()) list.push_back(std::string(line));
  }
  return list;
}

Json intent_word(const Intent* intent) {
  return intent ? Json(std::string(word(intent->kind))) : Json();
}

/// The endpoint's eligibility as people call it, with the intent that made it so.
std::string_view eligibility_word(const Join::EndpointState& state) {
  if (state.intent) {
    switch (state.intent->kind) {
      case IntentKind::drain:
        return "drained";
      case IntentKind::force_up:
        return "forced_up";
      case IntentKind::force_down:
        return "forced_down";
      case IntentKind::swing:
      case IntentKind::freeze:
      case IntentKind::weight:
        break;  // no endpoint's
    }
  }
  switch (state.health) {
    case health::Health::up:
      return state.is_held() ? "held" : "eligible";
    case health::Health::down:
      return state.usable == health::Health::up ? "kept" : "unhealthy";
    case health::Health::unknown:
      return "unproven";
  }
  return "";
}

bool is_eligible(const Join& join, EndpointId id) {
  return join.endpoint(id).eligibility == zones::Eligibility::eligible;
}

using Details = std::optional<CheckDetailsList>;  // nothing: not asked for

Json hold_or_null(health::Hold hold) {
  return hold == health::Hold::none ? Json() : Json(std::string(word(hold)));
}

/// As people write it in the config file.
std::string_view kind_word(health::MonitorKind kind) {
  const auto& words = OptionWords<health::MonitorKind>::words;
  return std::ranges::find(words, kind, &Word<health::MonitorKind>::value)->word;
}

/// What a check has that nobody looks at: the members are there all the same.
Json no_details() {
  return {{"next_probe", nullptr}, {"probing", nullptr}, {"verdicts_needed", nullptr},
          {"penalty", nullptr},    {"watch", nullptr},   {"verdicts", Json::array()},
          {"push", nullptr}};
}

Json probed_json(const health::Check& check, const health::CheckDetails& details) {
  Json verdicts = Json::array();
  for (const health::PastVerdict& past : details.verdicts) {
    const bool passes = past.verdict == health::Verdict::pass;
    verdicts.push_back(
        {{"at", rfc3339(past.at)},
         {"verdict", !past.looked ? "blind"
                     : passes     ? "pass"
                                  : "fail"},
         {"milliseconds", static_cast<double>(past.duration_nanoseconds / 1000) / 1000},
         {"reason", text_or_null(past.reason)},
         {"words", health::verdict_words(check.monitor->kind, past)}});
  }
  return {{"next_probe", time_or_null(details.next_probe)},
          {"probing", details.running},
          {"verdicts_needed", details.still_needed},
          {"penalty", static_cast<int64_t>(details.penalty)},
          {"watch", text_or_null(details.watch)},
          {"verdicts", std::move(verdicts)},
          {"push", nullptr}};
}

/// What the target said last, or that it said nothing in time.
Json push_verdicts(const PushBoard::Entry& entry) {
  Json verdicts = Json::array();
  if (entry.verdict_at == WallTime{}) return verdicts;
  const bool passes = entry.verdict == health::Verdict::pass;
  verdicts.push_back(
      {{"at", rfc3339(entry.verdict_at)},
       {"verdict", passes ? "pass" : "fail"},
       {"milliseconds", nullptr},
       {"reason", text_or_null(entry.reason)},
       {"words", "push: " + (passes ? std::string("it reports itself up") : entry.reason)}});
  return verdicts;
}

Json pushed_json(const PushBoard::Entry& entry, const Clock& clock) {
  const MonotonicTime now = clock.now();
  const WallTime deadline = clock.wall() + (entry.deadline - now);
  return {{"next_probe", nullptr},
          {"probing", nullptr},
          {"verdicts_needed", entry.machine.still_needed()},
          {"penalty", static_cast<int64_t>(entry.machine.penalty(now))},
          {"watch", nullptr},
          {"verdicts", push_verdicts(entry)},
          {"push",
           {{"last_report", entry.last_report ? Json(rfc3339(*entry.last_report)) : Json()},
            {"deadline", rfc3339(deadline)},
            {"deadline_seconds", entry.check.monitor->deadline.value / 1000},
            {"load", entry.load ? Json(entry.load->value) : Json()},
            {"load_at", entry.load ? Json(rfc3339(entry.load->at)) : Json()}}}};
}

Json details_json(const Control& control, uint32_t place, const CheckDetailsList& details) {
  const health::Check& check = control.join().checks()[place];
  if (check.monitor->kind == health::MonitorKind::push) {
    const auto& entries = control.pushes().entries();
    const auto entry = entries.find(check.key());
    return entry == entries.end() ? no_details()
                                  : pushed_json(entry->second, control.environment().clock);
  }
  const auto own = std::ranges::lower_bound(details, place, {}, &health::CheckDetails::check);
  const bool is_known = own != details.end() && own->check == place;
  return is_known ? probed_json(check, *own) : no_details();
}

/// `member` is none for the child of a calculated check: it counts as that says.
Json check_json(const Control& control, uint32_t place, const Join::Member* member,
                const Details& details) {
  const Join& join = control.join();
  const CheckState& state = join.check(place);
  const health::Check& check = join.checks()[place];
  Json json{{"monitor", check.monitor->name},
            {"kind", kind_word(check.monitor->kind)},
            {"address", check.address},
            {"role", member ? Json(word(member->role)) : Json()},
            {"of_cluster", member ? Json(member->is_of_cluster) : Json()},
            {"health", word(state.health)},
            {"since", time_or_null(state.since)},
            {"reason", text_or_null(state.reason)},
            {"hold", hold_or_null(state.hold)},
            {"held_until", time_or_null(state.held_until)},
            {"warning", text_or_null(state.warning)},
            {"stored", state.stored}};
  if (details) json.update(details_json(control, place, *details));
  Json children = Json::array();
  for (const uint32_t child : join.children_of(place))
    children.push_back(check_json(control, child, nullptr, details));
  json["children"] = std::move(children);
  return json;
}

Json checks_json(const Control& control, const std::vector<Join::Member>& members,
                 const Details& details) {
  Json checks = Json::array();
  for (const Join::Member& member : members)
    checks.push_back(check_json(control, member.check, &member, details));
  return checks;
}

/// What keeps the endpoint out although it is up, and until when all of that has ended.
Json hold_json(const Join& join, EndpointId id) {
  const health::Hold hold = join.hold_of(id);
  if (hold == health::Hold::none) return {};
  WallTime until{};
  for (const Join::Member& member : join.members_of(id)) {
    if (member.role == Join::Role::observing) continue;
    const CheckState& state = join.check(member.check);
    if (state.health == health::Health::up) until = std::max(until, state.held_until);
  }
  if (hold == health::Hold::resume) until = {};  // a person ends it
  return {{"kind", word(hold)}, {"until", time_or_null(until)}};
}

Json override_json(const Intent* intent) {
  if (!intent) return {};
  return {{"kind", word(intent->kind)},
          {"target", intent->target},
          {"owner", intent->owner},
          {"reason", intent->reason},
          {"expires", intent->expires ? Json(rfc3339(*intent->expires)) : Json()}};
}

Json endpoint_json(const Control& control, const zones::Service& service,
                   const zones::Endpoint& endpoint, const Details& details) {
  const Join& join = control.join();
  const Join::EndpointState& state = join.endpoint(endpoint.id);
  bool is_stored = false;
  for (const uint32_t check : join.checks_of(endpoint.id)) is_stored |= join.check(check).stored;
  const std::string target = endpoint_target(service, endpoint);
  return {{"address", endpoint.text()},
          {"target", target},
          {"health", word(state.health)},
          {"eligible", is_eligible(join, endpoint.id)},
          {"eligibility", eligibility_word(state)},
          {"since", time_or_null(state.since)},
          {"reason", text_or_null(join.reason(endpoint.id))},
          {"stored", is_stored},
          {"hold", hold_json(join, endpoint.id)},
          {"intent", intent_word(control.intents().of_target(target))},
          {"overridden_by", override_json(state.intent)},
          {"checks", checks_json(control, join.members_of(endpoint.id), details)}};
}

/// By locality, then by cluster, in parts of 10,000; null: none in force, the tiers decide.
Json row_json(const zones::ShareRows& rows, const zones::Service& service, size_t row) {
  std::vector<uint16_t> shares(service.pools.size());
  if (!rows.read(service.id, row, shares)) return {};
  Json json = Json::object();
  for (size_t i = 0; i < shares.size(); ++i) {
    if (shares[i] > 0) json[service.pools[i].cluster_name] = shares[i];
  }
  return json;
}

void add_shares(const Control& control, const zones::Service& service, Json& json) {
  const zones::Snapshot& snapshot = control.snapshot();
  const std::optional<Steering::ServiceView> view = control.steering().view(service.id);
  json["steered"] = view.has_value();
  if (!view) return;
  json["regime"] = steering::word(view->regime);
  json["demand"] = view->demand;
  json["target"] = view->target;
  json["limit"] = view->limit;
  json["waiting"] = Json();
  if (view->waiting) {
    json["waiting"] = {{"reason", view->waiting->reason}, {"until", rfc3339(view->waiting->until)}};
  }
  for (size_t i = 0; i < view->pools.size(); ++i) {
    const Steering::PoolView& pool = view->pools[i];
    if (!pool.is_ordinary) continue;
    Json& out = json["pools"][i];
    out["capacity"] = pool.capacity;
    out["usable_capacity"] = pool.usable;
    out["load"] = pool.load;
    out["utilisation"] = pool.usable > 0 ? Json(pool.load / pool.usable) : Json();
    out["comeback"] = pool.waits_for_person ? "waits for a person"
                      : pool.is_needed      ? "needed by the others"
                      : pool.held_until     ? "on hold"
                      : pool.comeback < 1   ? "in steps"
                                            : "";
    out["comeback_part"] = pool.comeback;
    out["comeback_until"] = pool.held_until ? Json(rfc3339(*pool.held_until)) : Json();
  }
  Json shares = Json::object();
  const auto& localities = snapshot.model->topology.localities;
  for (size_t i = 0; i < localities.size(); ++i)
    shares[localities[i].name] = row_json(*snapshot.shares, service, i + 1);
  json["shares"] = std::move(shares);
  json["shares_elsewhere"] = row_json(*snapshot.shares, service, 0);
}

/// Null: nobody counts answers.
void add_old_answers(const Control& control, const zones::Service& service, Json& json) {
  const std::optional<OldAnswers> old = control.old_answers(service);
  for (size_t i = 0; i < service.pools.size(); ++i) {
    const AnswerLedger::Held held = control.answers().held(service.id, i);
    json["pools"][i]["held_answers"] =
        old ? Json{{"answers", held.answers},
                   {"percent", old->held[i] * 100},
                   {"old_percent", old->by_pool[i] * 100},
                   {"until", held.until ? Json(rfc3339(*held.until)) : Json()},
                   {"old_until", held.old_until && old->by_pool[i] > 0
                                     ? Json(rfc3339(*held.old_until))
                                     : Json()}}
            : Json();
  }
  const auto whole_at = control.answers().whole_at(service.id);
  json["old_answers"] =
      old ? Json{{"percent", old->part * 100},
                 {"until", old->until ? Json(rfc3339(*old->until)) : Json()},
                 {"uncounted_until", whole_at ? Json(rfc3339(*whole_at)) : Json()}}
          : Json();
}

/// Of the answers that clients of no known locality get, and of all demand.
struct PoolParts {
  double share = 0;
  std::optional<double> of_demand{};
};

Json pool_json(const Control& control, const zones::Service& service, const zones::Pool& pool,
               const PoolParts& parts, const Details& details) {
  const Join& join = control.join();
  Json endpoints = Json::array();
  bool is_any_eligible = false;
  health::Health best = health::Health::down;
  for (const zones::Endpoint& endpoint : pool.endpoints) {
    endpoints.push_back(endpoint_json(control, service, endpoint, details));
    is_any_eligible |= is_eligible(join, endpoint.id);
    const health::Health health = join.endpoint(endpoint.id).health;
    if (health == health::Health::up || best == health::Health::down) best = health;
  }
  const std::string target = pool_target(service, pool);
  return {{"cluster", pool.cluster_name},
          {"target", target},
          {"priority", pool.priority},
          {"weight", pool.weight.value},
          {"last_resort", pool.last_resort},
          {"capacity", pool.capacity ? Json(*pool.capacity) : Json()},
          {"health", word(best)},
          {"eligible", is_any_eligible},
          {"share", parts.share},
          {"demand_part", parts.of_demand ? Json(*parts.of_demand) : Json()},
          {"monitors", pool.monitors},
          {"voting_monitors", pool.voting_monitors},
          {"observing_monitors", pool.observing_monitors},
          {"intent", intent_word(control.intents().of_target(target))},
          {"endpoints", std::move(endpoints)}};
}

/// What keeps the service's shares; null: nothing does.
const Intent* freeze_of(const Control& control, const zones::Service& service) {
  if (!control.steering().plans().is_frozen(service.id)) return nullptr;
  for (const Intent* intent : intents_on(control.intents(), service)) {
    if (intent->kind == IntentKind::freeze) return intent;
  }
  return nullptr;
}

Json service_value(const Control& control, const zones::Service& service,
                   const Details& details = {}) {
  const zones::Snapshot& snapshot = control.snapshot();
  std::vector<PoolParts> parts(service.pools.size());
  const auto& plan = snapshot.plans[service.id.value];
  for (const auto& share :
       zones::pool_shares(plan, *snapshot.shares, no_locality, *snapshot.eligibility)) {
    parts[share.place].share = share.share;
  }
  const std::vector<double> of_demand = control.steering().parts(service.id);
  for (size_t i = 0; i < of_demand.size(); ++i) parts[i].of_demand = of_demand[i];
  const WallTime now = control.environment().clock.wall();
  const auto seconds = static_cast<uint32_t>(now.unix_milliseconds / 1000);
  Json pools = Json::array();
  for (size_t i = 0; i < service.pools.size(); ++i) {
    pools.push_back(pool_json(control, service, service.pools[i], parts[i], details));
  }
  return {{"name", service_text(service)},
          {"policy", word(service.policy)},
          {"ttl_seconds", service.ttl.value},
          {"ttl_min_seconds", service.least_ttl().value},
          {"ttl_now_seconds", plan.ttl(snapshot.changes->get(service.id), seconds).value},
          {"ttl_reason",
           text_or_null(change_words(control.next_change(service.id), control.join(), now))},
          {"answers", service.answers},
          {"sticky", word(service.sticky)},
          {"when_all_down", word(service.when_all_down)},
          {"monitors", service.monitors},
          {"voting_monitors", service.voting_monitors},
          {"observing_monitors", service.observing_monitors},
          {"intent", intent_word(control.intents().of_target(service_target(service)))},
          {"frozen_by", override_json(freeze_of(control, service))},
          {"pools", std::move(pools)}};
}

/// Of the cluster's capacities that services within capacity take from; null: none does.
void add_load(const std::optional<Steering::Glance>& glance, ClusterId id, Json& json) {
  const bool is_steered = glance && glance->clusters[id.value].is_steered;
  const Steering::Glance::Cluster of =
      is_steered ? glance->clusters[id.value] : Steering::Glance::Cluster();
  json["capacity"] = is_steered ? Json(of.capacity) : Json();
  json["usable_capacity"] = is_steered ? Json(of.usable) : Json();
  json["load"] = is_steered ? Json(of.load) : Json();
  json["utilisation"] = of.usable > 0 ? Json(of.load / of.usable) : Json();
}

Json cluster_json(const Control& control, ClusterId id, const Details& details) {
  const Join& join = control.join();
  const zones::Cluster& cluster = join.model().topology.clusters[id.value];
  const Join::ClusterState& state = join.cluster(id);
  const auto& endpoints = join.endpoints_of(id);
  uint32_t eligible = 0;
  for (const EndpointId endpoint : endpoints) eligible += is_eligible(join, endpoint) ? 1U : 0U;
  const bool is_any =
      endpoints.empty() ? state.health == health::Health::up && !state.intent : eligible > 0;
  std::string reason = join.reason(id);
  if (reason.empty() && !is_any && !endpoints.empty()) reason = join.reason(endpoints.front());
  if (is_any && !state.intent) reason.clear();
  if (reason.empty() && join.is_doubted(id))
    reason = "its probes are not believed: it still reports its load";
  // Of a drain in steps, too, which decides nothing before its last one.
  const Intent* asked = control.intents().of_target(cluster_target(cluster.name));
  return {{"name", cluster.name},
          {"target", cluster_target(cluster.name)},
          {"health", word(join.shown_health(id))},
          {"eligible", is_any},
          {"intent", intent_word(asked)},
          {"progress", asked ? text_or_null(progress_words(*asked)) : Json()},
          {"doubted", join.is_doubted(id)},
          {"reason", text_or_null(reason)},
          {"endpoints", endpoints.size()},
          {"endpoints_eligible", eligible},
          {"checks", checks_json(control, join.members_of(id), details)}};
}

constexpr size_t kept_shown_max = 1'000;
Json brake_value(const Control& control) {
  const Brake& brake = control.brake();
  Json json{{"engaged", brake.is_engaged()},
            {"since", brake.is_engaged() ? Json(rfc3339(brake.since())) : Json()},
            {"reason", text_or_null(brake.reason())},
            {"self_doubt", control.self_doubt().is_in_doubt()}};
  for (const KeptBy by : all_keepers)
    json["kept_by_" + std::string(word(by))] = control.join().kept_count(by);
  return json;
}

/// Every rule, and what is broken of it.
Json rules_value(const Control& control) {
  Json rules = Json::array();
  for (const zones::Rule& rule : control.join().model().rules) {
    const auto broken = control.rules().broken().find(rule.name);
    const bool holds = broken == control.rules().broken().end();
    rules.push_back(
        {{"name", rule.name}, {"holds", holds}, {"reason", holds ? Json() : Json(broken->second)}});
  }
  return rules;
}

constexpr size_t shown_max = 100;

/// How many services within capacity are in which; null: none is steered.
Json regimes_value(const std::optional<Steering::Glance>& glance) {
  if (!glance) return {};
  Json json = Json::object();
  for (size_t i = 0; i < glance->regimes.size(); ++i)
    json[std::string(steering::word(static_cast<steering::Regime>(i)))] = glance->regimes[i];
  return json;
}

Json overloaded_value(const std::optional<Steering::Glance>& glance, const zones::Model& model) {
  Json names = Json::array();
  for (size_t i = 0; glance && i < std::min(glance->overloaded.size(), shown_max); ++i)
    names.push_back(service_text(model.services[glance->overloaded[i].value]));
  return names;
}

Json freezes_value(const Control& control) {
  Json freezes = Json::array();
  for (const Intent* intent : control.intents().list()) {
    if (intent->kind == IntentKind::freeze && freezes.size() < shown_max)
      freezes.push_back(override_json(intent));
  }
  return freezes;
}

Json reload_value(const Control::ReloadResult& result) {
  return {{"at", rfc3339(result.at)},
          {"ok", result.reloaded},
          {"problems", lines(result.problems)},
          {"needs_restart", result.needs_restart}};
}

}  // namespace

HttpReply http_error(unsigned status, std::string_view code, std::string_view message) {
  HttpReply reply;
  reply.status = status;
  reply.body = dumped({{"error", {{"code", code}, {"message", message}}}});
  return reply;
}

std::string status_json(const Control& control, CheckDetailsList details) {
  const auto& environment = control.environment();
  const zones::Model& model = control.join().model();
  const StoreWriter::State store = environment.writer.state();
  const std::vector<std::string> problems = control.problems();
  Json clusters = Json::array();
  const std::optional<Steering::Glance> glance = control.steering().glance();
  for (uint32_t i = 0; i < model.topology.clusters.size(); ++i) {
    clusters.push_back(cluster_json(control, ClusterId(i), details));
    add_load(glance, ClusterId(i), clusters.back());
  }
  const Milliseconds uptime = environment.clock.now() - control.started();
  return dumped({{"version", environment.version},
                 {"identity", environment.identity},
                 {"generation", control.snapshot().generation},
                 {"uptime_seconds", uptime.value / 1000},
                 {"ready", problems.empty()},
                 {"problems", problems},
                 {"zones", model.zones.size()},
                 {"services", model.services.size()},
                 {"endpoints", control.snapshot().counts.endpoints},
                 {"intents", control.intents().size()},
                 {"store",
                  {{"healthy", store.healthy},
                   {"problem", text_or_null(store.problem)},
                   {"revision", store.revision},
                   {"waiting", store.waiting},
                   {"journal_lost", store.journal_lost}}},
                 {"brake", brake_value(control)},
                 {"rules", rules_value(control)},
                 {"regimes", regimes_value(glance)},
                 {"overloaded", overloaded_value(glance, model)},
                 {"freezes", freezes_value(control)},
                 {"reload", control.last_reload() ? reload_value(*control.last_reload()) : Json()},
                 {"clusters", std::move(clusters)}});
}

std::function<std::string()> services_part(const Control& control, size_t first, size_t count) {
  const std::vector<zones::Service>& services = control.join().model().services;
  const auto whole = std::make_shared<Json>(Json{{"services", Json::array()}});
  for (size_t i = first; i < std::min(first + count, services.size()); ++i)
    (*whole)["services"].push_back(service_value(control, services[i]));
  return [whole] {
    constexpr std::string_view before = "{\n  \"services\": [";
    constexpr std::string_view after = "\n  ]\n}\n";
    const std::string text = dumped(*whole);
    return text.substr(before.size(), text.size() - before.size() - after.size());
  };
}

std::string service_json(const Control& control, const zones::Service& service,
                         CheckDetailsList details) {
  Json json = service_value(control, service, details);
  add_shares(control, service, json);
  add_old_answers(control, service, json);
  return dumped(json);
}

std::string intents_json(const Control& control) {
  Json intents = Json::array();
  for (const Intent* intent : control.intents().list()) {
    intents.push_back(intent_value(control, *intent));
  }
  return dumped({{"intents", std::move(intents)}});
}

std::string intent_json(const Control& control, const Intent& intent,
                        const std::optional<Intent>& replaced) {
  Json json = intent_value(control, intent);
  json["replaced"] = replaced ? Json(replaced->id) : Json();
  return dumped(json);
}

std::string history_json(const std::vector<store::JournalEntry>& entries) {
  Json list = Json::array();
  for (const store::JournalEntry& entry : entries) {
    list.push_back({{"at", rfc3339(entry.at)},
                    {"kind", entry.kind},
                    {"target", text_or_null(entry.target)},
                    {"actor", entry.actor},
                    {"before", text_or_null(entry.before)},
                    {"after", text_or_null(entry.after)},
                    {"reason", text_or_null(entry.reason)}});
  }
  return dumped({{"entries", std::move(list)}});
}

std::string reload_json(const Control::ReloadResult& result) {
  Json json;
  if (!result.reloaded) {
    json["error"] = {{"code", "invalid"}, {"message", "nothing changed: see the problems"}};
  }
  json["generation"] = result.generation;
  json["problems"] = result.problems;
  json["needs_restart"] = result.needs_restart;
  return dumped(json);
}

namespace {

using Members = std::vector<std::pair<std::string_view, std::string*>>;

/// An object of strings, and numbers where `numbers` has them. Errors: invalid, saying which member is wrong.
Status read_members(std::string_view body, const Members& members, std::string_view number = {},
                    std::optional<double>* into = nullptr, std::string_view flag = {},
                    bool* is_set = nullptr) {
  // A depth of two is one more than the object has: what is deeper never becomes a value.
  const auto shallow = [](int depth, Json::parse_event_t, Json&) { return depth < 3; };
  const Json json = Json::parse(body.begin(), body.end(), shallow, false);
  if (!json.is_object()) return Error{ErrorCode::invalid, "the body must be one JSON object"};
  for (const auto& [key, value] : json.items()) {
    const std::string_view name = key;
    if (into && name == number) {
      if (value.is_null()) continue;
      if (!value.is_number()) return Error{ErrorCode::invalid, key + ": must be a number"};
      *into = value.get<double>();
      if (**into < 0) return Error{ErrorCode::invalid, key + ": must not be below 0"};
      continue;
    }
    if (is_set && name == flag) {
      if (value.is_null()) continue;
      if (!value.is_boolean()) return Error{ErrorCode::invalid, key + ": must be true or false"};
      *is_set = value.get<bool>();
      continue;
    }
    const auto member = std::find_if(members.begin(), members.end(),
                                     [&](const auto& known) { return known.first == name; });
    if (member == members.end()) {
      return Error{ErrorCode::invalid, "no member of this name belongs here: " + key};
    }
    if (value.is_null()) continue;
    if (!value.is_string()) return Error{ErrorCode::invalid, key + ": must be a string"};
    *member->second = value.get<std::string>();
  }
  return Done{};
}

}  // namespace

Result<IntentRequest> parse_intent_request(std::string_view body) {
  IntentRequest request;
  Status read = read_members(body,
                             {{"kind", &request.kind},
                              {"target", &request.target},
                              {"owner", &request.owner},
                              {"reason", &request.reason},
                              {"expires", &request.expires},
                              {"over", &request.over},
                              {"from", &request.from},
                              {"to", &request.to},
                              {"override", &request.override_reason}},
                             "weight", &request.weight, "dry_run", &request.dry_run);
  if (!read) return read.error();
  return request;
}

std::string brake_json(const Control& control) {
  Json json = brake_value(control);
  Json kept = Json::array();
  const Join& join = control.join();
  for (const KeptBy by : all_keepers) {
    for (const std::string& target : join.kept_targets(by)) {
      if (kept.size() < kept_shown_max) kept.push_back({{"target", target}, {"by", word(by)}});
    }
  }
  json["kept"] = std::move(kept);
  Json self_checks = Json::array();
  for (const uint32_t place : join.self_checks()) {
    const CheckState& state = join.check(place);
    self_checks.push_back({{"target", self_check_text(join.checks()[place])},
                           {"health", word(state.health)},
                           {"since", time_or_null(state.since)},
                           {"reason", text_or_null(state.reason)}});
  }
  json["self_checks"] = std::move(self_checks);
  return dumped(json);
}

Result<Control::BrakeRequest> parse_brake_request(std::string_view body) {
  Control::BrakeRequest request;
  Status read = read_members(
      body, {{"action", &request.action}, {"owner", &request.owner}, {"reason", &request.reason}});
  if (!read) return read.error();
  return request;
}

std::string resumed_json(const std::string& target, const Control::Resumed& resumed) {
  return dumped({{"target", target},
                 {"resumed_checks", resumed.checks},
                 {"resumed_pools", resumed.pools},
                 {"resumed_plans", resumed.plans}});
}

Result<Control::ResumeRequest> parse_resume_request(std::string_view body) {
  Control::ResumeRequest request;
  Status read = read_members(
      body, {{"target", &request.target}, {"owner", &request.owner}, {"reason", &request.reason}});
  if (!read) return read.error();
  return request;
}

Result<PushReport> parse_push_report(std::string_view body) {
  PushReport report;
  Status read = read_members(body,
                             {{"monitor", &report.monitor},
                              {"address", &report.address},
                              {"cluster", &report.cluster},
                              {"health", &report.health},
                              {"reason", &report.reason}},
                             "load", &report.load);
  if (!read) return read.error();
  return report;
}

std::string pushes_json(const Control& control) {
  Json list = Json::array();
  for (const auto& [key, entry] : control.pushes().entries()) {
    const CheckState& state = control.join().check(entry.place);
    list.push_back({{"monitor", entry.check.monitor->name},
                    {"from", entry.check.address},
                    {"health", word(state.health)},
                    {"hold", word(state.hold)},
                    {"since", time_or_null(state.since)},
                    {"reason", text_or_null(state.reason)},
                    {"stored", state.stored},
                    {"last_report", entry.last_report ? Json(rfc3339(*entry.last_report)) : Json()},
                    {"deadline_seconds", entry.check.monitor->deadline.value / 1000},
                    {"load", entry.load ? Json(entry.load->value) : Json()},
                    {"load_at", entry.load ? Json(rfc3339(entry.load->at)) : Json()}});
  }
  return dumped({{"pushes", std::move(list)}});
}

}  // namespace swingover::control
