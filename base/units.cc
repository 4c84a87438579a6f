#include "base/units.h"

#include <array>

#include "base/text.h"

namespace swingover {
namespace {

struct Unit {
  std::string_view name;
  int64_t milliseconds;
};
constexpr std::array<Unit, 5> units_by_size = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr int64_t duration_max =
    100LL * 366 * 86'400'000;  // a hundred years: far from any overflow

}  // namespace

Result<Milliseconds> parse_duration(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = parse_number(text.substr(0, digits));
  const std::string_view name = text.substr(digits);
  if (digits == 0) {
    return Error{ErrorCode::invalid,
                 "not a duration such as \"500ms\", \"10s\", \"5m\", \"1h\" or \"90d\""};
  }
  for (const Unit& unit : units_by_size) {
    if (name != unit.name) continue;
    if (!number || *number > static_cast<uint64_t>(duration_max / unit.milliseconds)) {
      return Error{ErrorCode::invalid, "a duration of more than a hundred years"};
    }
    return Milliseconds(static_cast<int64_t>(*number) * unit.milliseconds);
  }
  if (name.empty()) {
    return Error{ErrorCode::invalid,
                 "a duration needs a unit: ms, s, m, h or d, as in \"" + std::string(text) + "s\""};
  }
  return Error{ErrorCode::invalid,
               "unknown unit \"" + std::string(name) + "\" in a duration; use ms, s, m, h or d"};
}

std::string duration_text(Milliseconds duration) {
  if (duration.value == 0) return "0s";
  for (const Unit& unit : units_by_size) {
    if (duration.value % unit.milliseconds == 0) {
      return std::to_string(duration.value / unit.milliseconds) + std::string(unit.name);
    }
  }
  return {};  // every number divides by 1
}

}  // namespace swingover
