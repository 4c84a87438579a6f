#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/printable.h"
#include "base/units.h"
#include "ctl/views.h"
#include "ctl/views_fields.h"

namespace swingover::ctl {

using Json = nlohmann::ordered_json;

namespace {

std::string signs_text(const Json& key) {
  const bool keys = flag_at(key, "signs_keys");
  const bool zone = flag_at(key, "signs_zone");
  if (keys && zone) return "everything";
  return keys ? "keys" : zone ? "all but keys" : "nothing";
}

/// "14d", or "-".
std::string duration_at(const Json& object, const char* key) {
  const Json& seconds = at(object, key);
  if (!seconds.is_number_unsigned()) return "-";
  return duration_text(Milliseconds(seconds.get<int64_t>() * 1'000));
}

std::string signatures_text(const Json& plan) {
  return "signatures hold for " + duration_at(plan, "lifetime_seconds") + " from " +
         duration_at(plan, "skew_seconds") + " back, and are made anew " +
         duration_at(plan, "refresh_seconds") + " before they expire, up to " +
         duration_at(plan, "jitter_seconds") + " earlier; " + text_at(plan, "max") +
         " at most are kept";
}

}  // namespace

std::string View::dnssec(const Json& reply) const {
  std::string text;
  for (const Json& zone : list_at(reply, "zones")) {
    if (!text.empty()) text += "\n";
    text += tinted(terminal, Tint::heading, printable(text_at(zone, "name"))) + "\n";
    if (const std::string problem = string_at(zone, "problem"); !problem.empty()) {
      text += tinted(terminal, Tint::bad, "cannot be signed, and is answered SERVFAIL:") + "\n" +
              printable_lines(problem) + (problem.ends_with('\n') ? "" : "\n");
      continue;
    }
    Table keys({"KEY", "ALGORITHM", "ROLE", "SIGNS", "AGE"});
    for (const Json& key : list_at(zone, "keys")) {
      keys.add({{text_at(key, "tag")},
                {text_at(key, "algorithm")},
                {text_at(key, "role")},
                {signs_text(key)},
                {since_text(at(key, "created"), now)}});
    }
    text += keys.text(terminal) + printable(signatures_text(at(zone, "signatures"))) + "\n";
    for (const Json& cds : list_at(zone, "cds"))
      text += "asks its parent for DS " + printable(text_of(cds)) + "\n";
  }
  return text.empty() ? "no zone is signed\n" : text;
}

}  // namespace swingover::ctl
