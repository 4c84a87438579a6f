#include "zones/rule_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/toml_tables.h"

namespace swingover::zones {
namespace {

/// Where each text of a list stands; the list itself where it is one text.
Position position_of(const TomlValue& table, std::string_view key, size_t place) {
  const TomlMember* member = table.find(key);
  if (!member) return table.at;
  if (member->value.kind != TomlValue::Kind::array) return member->value.at;
  return place < member->value.items.size() ? member->value.items[place].at : member->value.at;
}

void find_services(const TomlValue& table, std::span<const Service> services, Rule& rule,
                   Diagnostics& diagnostics) {
  for (size_t i = 0; i < rule.services.size(); ++i) {
    const auto found = std::ranges::find(services, rule.services[i], &Service::name);
    const Position at = position_of(table, "services", i);
    if (found == services.end()) {
      diagnostics.error(
          at, fmt::format("no [[service]] is named {}", toml_quoted(rule.services[i].text())));
      continue;
    }
    rule.service_ids.push_back(found->id);
    if (rule.is_of_capacity() && !found->is_steered()) {
      diagnostics.error(
          at, fmt::format("the shares of {} do not follow capacity, so what it needs is not known: "
                          "give each of its pools a \"capacity\", and no \"steered = false\"",
                          toml_quoted(found->name.text())));
    }
  }
}

}  // namespace

std::vector<Rule> parse_rules(const TomlDocument& document, std::span<const Service> services,
                              Diagnostics& diagnostics) {
  const std::vector<std::string> clusters = names_in(document.root, "cluster");
  UniqueNames names("a [[rule]] of the name", diagnostics);
  std::vector<Rule> rules;
  for (const TomlValue* table : tables_of(document.root, "rule")) {
    Rule rule;
    read_options(*table, rule_options, rule, {.header = "[[rule]]", .complete = document.complete},
                 diagnostics);
    if (!rule.name.empty()) names.add(rule.name, rule.name, table->position_of("name"));
    if (!document.complete) continue;
    check_references(*table, "clusters", clusters, "[[cluster]]", diagnostics);
    find_services(*table, services, rule, diagnostics);
    const bool has_bound = std::ranges::any_of(
        std::array{"min_clusters", "min_capacity", "min_capacity_part", "covers_demand"},
        [&](const char* key) { return table->find(key) != nullptr; });
    if (!has_bound) {
      diagnostics.error(table->at,
                        "[[rule]] needs a bound: \"min_clusters\", \"min_capacity\", "
                        "\"min_capacity_part\" or \"covers_demand\"");
    }
    if (rule.min_clusters && !rule.min_clusters->is_percent) {
      const size_t known = rule.clusters.empty() ? clusters.size() : rule.clusters.size();
      if (rule.min_clusters->value > known) {
        diagnostics.error(table->position_of("min_clusters"),
                          fmt::format("it can never hold: {} can count", known));
      }
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

}  // namespace swingover::zones
