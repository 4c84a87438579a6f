#include "server/control/views_dnssec.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace swingover::control {

using Json = nlohmann::ordered_json;

namespace {

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

int64_t seconds(Milliseconds time) {
  return time.value / 1000;
}

Json key_json(const SignedZone::Key& key) {
  return {{"tag", key.tag},
          {"algorithm", key.algorithm},
          {"algorithm_number", key.algorithm_number},
          {"role", key.role},
          {"created", key.created ? Json(rfc3339(*key.created)) : Json()},
          {"signs_keys", key.signs_keys},
          {"signs_zone", key.signs_zone},
          {"ds", text_or_null(key.ds)}};
}

Json zone_json(const SignedZone& zone) {
  Json keys = Json::array();
  for (const SignedZone::Key& key : zone.keys) keys.push_back(key_json(key));
  const dnssec::SignaturePlan& plan = zone.options.plan;
  return {{"name", zone.name.text()},
          {"problem", text_or_null(zone.problem)},
          {"keys", std::move(keys)},
          {"cds", zone.cds},
          {"key_ttl_seconds", zone.options.key_ttl.value},
          {"signatures",
           {{"lifetime_seconds", seconds(plan.lifetime)},
            {"refresh_seconds", seconds(plan.refresh)},
            {"jitter_seconds", seconds(plan.jitter)},
            {"skew_seconds", seconds(plan.skew)},
            {"max", zone.options.signatures_max}}}};
}

}  // namespace

Result<std::string> dnssec_json(std::span<const SignedZone> signed_zones, const zones::Model& model,
                                const std::string& only) {
  Json list = Json::array();
  if (only.empty()) {
    for (const SignedZone& zone : signed_zones) list.push_back(zone_json(zone));
  } else {
    const Result<zones::Name> name = zones::parse_name(only);
    if (!name) return name.error("zone");
    if (std::ranges::find(model.zones, *name, &zones::ZoneSource::apex) == model.zones.end())
      return Error{ErrorCode::not_found, "no zone of this name: " + only};
    const auto found = std::ranges::find(signed_zones, *name, &SignedZone::name);
    if (found == signed_zones.end()) {
      return Error{ErrorCode::not_found, "the zone " + name->text() +
                                             " is not signed: [zone.dnssec] in its [[zone]] would "
                                             "have it signed"};
    }
    list.push_back(zone_json(*found));
  }
  return Json{{"zones", std::move(list)}}.dump(2, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

}  // namespace swingover::control
