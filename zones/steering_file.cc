#include "zones/steering_file.h"

#include <fmt/format.h>
#include <string_view>

namespace swingover::zones {
namespace {

struct Bound {
  std::string_view key;
  double value;
};

/// Points at the key that a person wrote; of two written ones at the upper.
void check_order(const TomlValue& table, const Bound& lower, const Bound& upper, bool may_equal,
                 Diagnostics& diagnostics) {
  if (lower.value < upper.value || (may_equal && lower.value == upper.value)) return;
  const bool upper_written = table.find(upper.key) != nullptr;
  const Bound& blamed = upper_written ? upper : lower;
  const Bound& other = upper_written ? lower : upper;
  const std::string_view relation =
      upper_written ? (may_equal ? "at least" : "above") : (may_equal ? "at most" : "below");
  diagnostics.error(
      table.position_of(blamed.key),
      fmt::format(R"("{}" must be {} "{}", which is {}{})", blamed.key, relation, other.key,
                  Form<double>::text(other.value), table.find(other.key) ? "" : " by default"));
}

}  // namespace

SteeringOptions parse_steering(const TomlDocument& document, Diagnostics& diagnostics) {
  SteeringOptions options;
  const TomlMember* member = document.root.find("steering");
  if (!member || member->value.kind != TomlValue::Kind::table) return options;
  const TomlValue& table = member->value;
  const size_t before = diagnostics.errors();
  read_options(table, steering_options, options,
               {.header = "[steering]", .complete = document.complete}, diagnostics);
  if (diagnostics.errors() > before) return options;  // what is wrong kept its default

  const Bound low{"low", options.low};
  const Bound target{"target", options.target};
  const Bound high{"high", options.high};
  check_order(table, low, target, false, diagnostics);
  check_order(table, target, high, false, diagnostics);
  check_order(table, high, {"limit", options.limit}, true, diagnostics);
  const Bound near{"cost_near", options.cost_near};
  check_order(table, {"cost_same_region", options.cost_same_region}, near, true, diagnostics);
  check_order(table, near, {"cost_anywhere", options.cost_anywhere}, true, diagnostics);
  return options;
}

}  // namespace swingover::zones
