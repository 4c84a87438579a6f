#include "health/derived_monitors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>

#include "base/toml_tables.h"
#include "health/monitor_file.h"

namespace swingover::health {

namespace {

void refuse(const WrittenMonitor& written, std::span<const std::string_view> keys,
            std::string_view because) {
  for (const std::string_view key : keys) refuse_key(written, key, because);
}

constexpr std::array<std::string_view, 4> paces{"interval", "timeout", "confirm_interval",
                                                "stale_after"};
constexpr std::array<std::string_view, 11> machine{
    "rise",          "fall",       "fall_hard",     "flaky_fall", "flaky_window", "flap_half_life",
    "flap_suppress", "flap_reuse", "flap_hold_max", "hold_up",    "resume"};

/// Follows `of` from each calculated monitor down, and reports the first step that leads back.
class LoopFinder {
 public:
  LoopFinder(const TomlDocument& document, const std::vector<MonitorOptions>& monitors,
             Diagnostics& diagnostics)
      : document_(document), diagnostics_(diagnostics) {
    for (const MonitorOptions& monitor : monitors) {
      if (monitor.kind == MonitorKind::calculated) by_name_.emplace(monitor.name, &monitor);
    }
  }

  void run() {
    for (const auto& [name, monitor] : by_name_) visit(*monitor);
  }

 private:
  enum class Mark : uint8_t { unseen, open, done };

  void visit(const MonitorOptions& monitor) {
    Mark& mark = marks_[monitor.name];
    if (mark == Mark::done) return;
    mark = Mark::open;
    path_.push_back(monitor.name);
    for (const std::string& child : monitor.of) {
      const auto found = by_name_.find(child);
      if (found == by_name_.end()) continue;
      if (marks_[child] == Mark::open) {
        report(monitor, child);
      } else {
        visit(*found->second);
      }
    }
    path_.pop_back();
    marks_[monitor.name] = Mark::done;
  }

  void report(const MonitorOptions& monitor, const std::string& child) {
    std::string way;
    for (auto at = std::find(path_.begin(), path_.end(), child); at != path_.end(); ++at)
      way += *at + " of ";
    const TomlValue* table = table_named(document_.root, "monitor", monitor.name);
    const TomlMember* of = table ? table->find("of") : nullptr;
    if (!of) return;
    Position at = of->value.at;
    for (const TomlValue& item : of->value.items) {
      if (item.text == child) at = item.at;
    }
    diagnostics_.error(at, fmt::format("the monitor {} is calculated of itself: {}{}",
                                       toml_quoted(child), way, child));
  }

  const TomlDocument& document_;
  Diagnostics& diagnostics_;
  std::map<std::string, const MonitorOptions*> by_name_;
  std::map<std::string, Mark> marks_;
  std::vector<std::string> path_;
};

}  // namespace

Health calculated(const MonitorOptions& monitor, const Tally& children) {
  const Health health = at_least_up(children, monitor.need.portion.least_of(children.all()));
  if (!monitor.inverted) return health;
  return health == Health::up ? Health::down : health == Health::down ? Health::up : health;
}

void check_push(const WrittenMonitor& written) {
  refuse(written, paces, "is told, and looks at nothing");
}

void check_calculated(const WrittenMonitor& written) {
  need_key(written, "of");
  refuse(written, paces, "looks at nothing by itself");
  refuse(written, machine, "is what its children are, at once");
  const auto& [table, monitor, complete, diagnostics] = written;
  const TomlMember* of = table.find("of");
  if (!of || of->value.kind != TomlValue::Kind::array) return;
  if (of->value.items.empty())
    return diagnostics.error(of->value.at, R"("of" needs at least one monitor)");
  if (monitor.need.portion.least_of(monitor.of.size()) > monitor.of.size()) {
    diagnostics.error(
        table.position_of("need"),
        fmt::format(R"("need" can never be reached: "of" holds {} monitors)", monitor.of.size()));
  }
}

void check_calculations(const TomlDocument& document, const std::vector<MonitorOptions>& monitors,
                        Diagnostics& diagnostics) {
  if (!document.complete) return;
  const std::vector<std::string> names = names_in(document.root, "monitor");
  for (const TomlValue* table : tables_of(document.root, "monitor"))
    check_references(*table, "of", names, "[[monitor]]", diagnostics);
  LoopFinder(document, monitors, diagnostics).run();
}

}  // namespace swingover::health
