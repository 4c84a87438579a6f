#include "server/control/views_swings.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "server/control/share_text.h"
#include "server/control/target.h"

namespace swingover::control {

namespace {

using Json = nlohmann::ordered_json;

constexpr size_t services_shown_max = 100;
constexpr double parts_a_percent = 100;

double seconds(Milliseconds length) {
  return static_cast<double>(length.value) / 1'000;
}

Json utilisation_value(const Utilisation& of) {
  if (of.cluster.empty()) return {};
  // Of a cluster without capacity there is no number.
  return {{"cluster", of.cluster},
          {"utilisation", std::isfinite(of.utilisation) ? Json(of.utilisation) : Json()},
          {"high", of.high}};
}

Json plan_value(const Control& control, const Intent& intent) {
  if (!intent.plan) return {};
  const auto view = control.planned_swings().view(intent.id);
  Json json{{"from", intent.plan->from.empty() ? Json() : Json(intent.plan->from)},
            {"to", intent.plan->to.empty() ? Json() : Json(intent.plan->to)},
            {"every_seconds", seconds(intent.plan->every)},
            {"first_after_seconds", seconds(intent.plan->lead)}};
  if (!view) return json;  // it has just ended
  json["phase"] = intent.plan->is_empty ? "empty" : steering::word(view->phase);
  json["why"] =
      view->reason == steering::SwingReason::none ? Json() : Json(steering::word(view->reason));
  json["waits_for"] = view->why.empty() ? Json() : Json(view->why);
  json["moved_percent"] = view->moved / parts_a_percent;
  json["next_percent"] = view->next / parts_a_percent;
  json["next_step_seconds"] = view->until_step ? Json(seconds(*view->until_step)) : Json();
  json["left_seconds"] = view->time_left ? Json(seconds(*view->time_left)) : Json();
  json["fullest_now"] = utilisation_value(view->now);
  json["fullest_next"] = utilisation_value(view->then);
  json["empty_at"] = intent.plan->empty_at ? Json(rfc3339(*intent.plan->empty_at)) : Json();
  return json;
}

/// What is left of the answers that led there.
Json left_value(const Control& control, const Intent& intent) {
  const auto left = answers_left(intent, control.join().model(), control.answers());
  if (!left) return {};
  const auto time = [](const std::optional<WallTime>& at) {
    return at ? Json(rfc3339(*at)) : Json();
  };
  return {{"answers", left->answers},
          {"percent", left->part() * 100},
          {"until", time(left->until)},
          {"uncounted_until", time(left->whole_at)}};
}

/// What thawing would move, service by service.
Json difference_value(const Control& control, const Intent& intent) {
  if (intent.kind != IntentKind::freeze) return {};
  const zones::Model& model = control.join().model();
  const Steering& steering = control.steering();
  Json services = Json::array();
  Json names = Json::array();
  size_t frozen = 0;
  size_t differ = 0;
  for (const zones::Service* service : services_of(intent, model)) {
    if (!steering.plans().is_frozen(service->id)) continue;
    if (++frozen <= services_shown_max) names.push_back(service_text(*service));
    const std::vector<uint16_t>* then = steering.shadow(service->id);
    if (!then) continue;
    if (++differ > services_shown_max) continue;
    services.push_back(
        {{"service", service_text(*service)},
         {"moves_percent", steering.difference(service->id) * parts_a_percent},
         {"now", share_text(*steering.shares(service->id), *service, model.topology)},
         {"thawed", share_text(*then, *service, model.topology)}});
  }
  return {{"frozen", frozen},
          {"frozen_services", std::move(names)},
          {"differ", differ},
          {"services", std::move(services)}};
}

Json asked_value(const Intent& intent) {
  return {{"id", intent.id},
          {"kind", word(intent.kind)},
          {"target", intent.target},
          {"reason", intent.reason},
          {"owner", intent.owner},
          {"override", intent.override_reason.empty() ? Json() : Json(intent.override_reason)},
          {"created", rfc3339(intent.created)},
          {"expires", intent.expires ? Json(rfc3339(*intent.expires)) : Json()}};
}

}  // namespace

Json intent_value(const Control& control, const Intent& intent) {
  const Result<Target> target = parse_target(intent.target);
  const bool is_there =
      intent.target == everything || (target && find_target(control.join().model(), *target));
  Json json = asked_value(intent);
  json["dangling"] = !is_there;
  json["plan"] = plan_value(control, intent);
  json["left"] = left_value(control, intent);
  json["weight"] = intent.kind == IntentKind::weight ? Json(intent.weight) : Json();
  json["difference"] = difference_value(control, intent);
  return json;
}

std::string tried_json(const Control::IntentTried& tried) {
  Json json = asked_value(tried.intent);
  json["id"] = nullptr;  // nothing has one
  json["dry_run"] = true;
  Json steps = Json::array();
  for (const PlannedSwings::Step& step : tried.steps) {
    steps.push_back({{"after_seconds", seconds(step.after)},
                     {"moved_percent", step.moved / parts_a_percent},
                     {"fullest", utilisation_value(step.utilisation)}});
  }
  json["steps"] = std::move(steps);
  json["objections"] = tried.objections;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace swingover::control
