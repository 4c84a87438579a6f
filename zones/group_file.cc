#include "zones/group_file.h"

#include <fmt/format.h>
#include <array>
#include <map>
#include <string_view>

#include "base/options.h"
#include "base/toml_tables.h"

namespace swingover::zones {

namespace {

constexpr std::array<std::string_view, 3> lists{"monitors", "voting_monitors",
                                                "observing_monitors"};

}  // namespace

void check_monitor_lists(const TomlValue& table, std::span<const std::string> monitors,
                         Diagnostics& diagnostics) {
  std::map<std::string_view, std::string_view> seen;  // in which list
  for (const std::string_view list : lists) {
    check_references(table, list, monitors, "[[monitor]]", diagnostics);
    const TomlMember* member = table.find(list);
    if (!member) continue;
    for (const TomlValue& item : member->value.items) {
      if (item.kind != TomlValue::Kind::text) continue;
      const auto [first, is_new] = seen.emplace(item.text, list);
      if (is_new || first->second == list) continue;  // read_options says what stands twice in one
      diagnostics.error(item.at, fmt::format("the monitor {} stands in {} already",
                                             toml_quoted(item.text), toml_quoted(first->second)));
    }
  }
}

void check_min_healthy(const TomlValue& table, const MinHealthy& bounds,
                       const MemberCounts& members, const std::string& whose,
                       Diagnostics& diagnostics) {
  if (members.all == 0) return;  // others have said so
  const auto check = [&](std::string_view key, const std::optional<Portion>& bound, size_t of,
                         std::string_view kind) {
    if (!bound || (of > 0 && bound->least_of(of) <= of)) return;
    diagnostics.error(
        table.position_of(key),
        fmt::format("{} can never be reached: there {} {} {}endpoint{} in {}", toml_quoted(key),
                    of == 1 ? "is" : "are", of, kind, of == 1 ? "" : "s", whose));
  };
  check("min_healthy", bounds.all, members.all, "");
  check("min_healthy_ipv4", bounds.ipv4, members.ipv4, "IPv4 ");
  check("min_healthy_ipv6", bounds.ipv6, members.ipv6, "IPv6 ");
  check("min_healthy_up", bounds.all_up, members.all, "");
  if (!bounds.all_up) return;
  const Position at = table.position_of("min_healthy_up");
  if (!bounds.all) {
    diagnostics.error(at, R"("min_healthy_up" needs "min_healthy")");
  } else if (bounds.all_up->least_of(members.all) < bounds.all->least_of(members.all)) {
    diagnostics.error(at, R"("min_healthy_up" must not be less than "min_healthy")");
  }
}

}  // namespace swingover::zones
