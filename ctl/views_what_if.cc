#include <nlohmann/json.hpp>
#include <vector>

#include "base/printable.h"
#include "base/text.h"
#include "ctl/views.h"
#include "ctl/views_fields.h"

namespace swingover::ctl {

using Json = nlohmann::ordered_json;

namespace {

double number_at(const Json& object, const char* key) {
  const Json& value = at(object, key);
  return value.is_number() ? value.get<double>() : 0;
}

bool is_above_limit(const Json& state) {
  return number_at(state, "overflow") > 0;
}

/// Load without capacity has no utilisation.
std::string utilisation_text(const Json& state) {
  const std::string text = share_text(at(state, "utilisation"));
  return text.empty() && number_at(state, "load") > 0 ? "no room" : text;
}

Table::Cell utilisation_cell(const Json& state) {
  return {utilisation_text(state), is_above_limit(state) ? Tint::bad : Tint::plain};
}

/// "normal -> tight", or what it stays.
Table::Cell regime_cell(const Json& before, const Json& after) {
  if (flag_at(after, "out")) return {"out", Tint::bad};
  const std::string was = text_at(before, "regime");
  const std::string is = text_at(after, "regime");
  return {was == is ? is : was + " -> " + is, is == "overload" ? Tint::bad
                                              : is == "tight"  ? Tint::warning
                                                               : Tint::good};
}

/// "fra 60 % -> 0 %, ams 100 %": those that carry anything.
std::string pools_text(const Json& pools) {
  std::vector<std::string> words;
  for (const Json& pool : pools) {
    const double before = number_at(pool, "before");
    const double after = number_at(pool, "after");
    if (before <= 0 && after <= 0) continue;
    const std::string was = share_text(at(pool, "before"));
    const std::string is = share_text(at(pool, "after"));
    words.push_back(text_at(pool, "cluster") + " " + (was == is ? is : was + " -> " + is));
  }
  return joined(words, ", ");
}

Table clusters_table(const Json& reply) {
  Table table({"CLUSTER", "CAPACITY", "LOAD", "NOW", "THEN", "NO ROOM FOR"});
  for (const Json& cluster : list_at(reply, "clusters")) {
    const Json& before = at(cluster, "before");
    const Json& after = at(cluster, "after");
    const std::string was = rough_text(at(before, "load"));
    const std::string is = rough_text(at(after, "load"));
    table.add({{text_at(cluster, "cluster")},
               {rough_text(at(after, "capacity"))},
               {was == is ? is : was + " -> " + is},
               utilisation_cell(before),
               utilisation_cell(after),
               {is_above_limit(after) ? rough_text(at(after, "overflow")) : ""}});
  }
  return table;
}

Table services_table(const Json& reply) {
  Table table({"SERVICE", "DEMAND", "REGIME", "UNSERVED", "NO ROOM FOR", "POOLS"});
  for (const Json& service : list_at(reply, "services")) {
    const Json& after = at(service, "after");
    const bool has_unserved = number_at(after, "unserved") > 0;
    table.add({{text_at(service, "service")},
               {rough_text(at(after, "demand"))},
               regime_cell(at(service, "before"), after),
               {has_unserved ? rough_text(at(after, "unserved")) : "", Tint::bad},
               {is_above_limit(after) ? rough_text(at(after, "overflow")) : "", Tint::bad},
               {pools_text(list_at(service, "pools"))}});
  }
  return table;
}

/// "120 units (4 %) leave their locality, 310 EUR a month; now 20 units (1 %), 50 EUR"
std::string crossing_text(const Json& reply) {
  const auto part = [&](const Json& side) {
    return rough_text(at(side, "cross_locality_load")) + " units (" +
           share_text(at(side, "cross_locality_share")) + ")";
  };
  const auto money = [&](const Json& side) {
    return rough_text(at(side, "cross_locality_cost_monthly")) + " " + text_at(reply, "currency");
  };
  const Json& before = at(reply, "before");
  const Json& after = at(reply, "after");
  return part(after) + " would leave their locality, " + money(after) + " a month; now " +
         part(before) + ", " + money(before);
}

}  // namespace

std::string View::what_if(const Json& reply) const {
  std::string out = clusters_table(reply).text(terminal);
  const Table services = services_table(reply);
  if (!services.empty()) out += "\n" + services.text(terminal);
  const auto shown = list_at(reply, "services").size();
  const double affected = number_at(reply, "services_affected");
  if (affected > static_cast<double>(shown) && shown > 1) {
    out += "and " + std::to_string(static_cast<size_t>(affected) - shown) +
           " more services: --all shows them\n";
  }
  out += "\n" + printable(crossing_text(reply)) + "\n";
  const bool is_too_much =
      is_above_limit(at(reply, "after")) || number_at(at(reply, "after"), "unserved") > 0;
  return out +
         tinted(terminal, is_too_much ? Tint::bad : Tint::good,
                printable(text_at(reply, "verdict"))) +
         "\n";
}

std::string View::n1(const Json& reply) const {
  if (text_at(reply, "at").empty())
    return "not known: no service has pools with capacities, or the daemon has just started\n";
  Table table({"IF DOWN", "NO ROOM FOR", "UNSERVED", "FULLEST", "SERVICES", "THAT IS"});
  for (const Json& one : list_at(reply, "cases")) {
    std::vector<std::string> down;
    for (const Json& cluster : list_at(one, "down")) down.push_back(text_of(cluster));
    const bool is_too_much = is_above_limit(one) || number_at(one, "unserved") > 0;
    const std::string fullest = share_text(at(one, "worst_utilisation"));
    table.add({{joined(down, ", ")},
               {rough_text(at(one, "overflow"))},
               {rough_text(at(one, "unserved"))},
               {fullest.empty() ? "no room" : fullest},
               {text_at(one, "services_affected")},
               {text_at(one, "verdict"), is_too_much ? Tint::bad : Tint::good}});
  }
  std::string out = table.empty() ? "no clusters\n" : table.text(terminal);
  const Json& complete = at(reply, "complete");
  if (complete.is_boolean() && !complete.get<bool>())
    out += "not all cases: these are what could be worked out within 20 s\n";
  return out;
}

}  // namespace swingover::ctl
