#include "health/monitor_file.h"

#include <fmt/format.h>
#include <algorithm>

#include "base/text.h"
#include "base/toml_tables.h"

namespace swingover {

Result<health::StatusRange> Form<health::StatusRange>::read(const TomlValue& value, NoLimits) {
  constexpr uint64_t least = 100;
  constexpr uint64_t most = 599;
  std::vector<std::string_view> parts;
  const std::string number = std::to_string(value.integer);
  if (value.kind == TomlValue::Kind::integer) {
    parts = {number};
  } else if (value.kind == TomlValue::Kind::text) {
    parts = split(value.text, '-');
  }
  if (parts.empty() || parts.size() > 2) return must_be(noun, value);
  const auto first = parse_number(parts.front());
  const auto last = parse_number(parts.back());
  if (!first || !last) return must_be(noun, value);
  if (*first < least || *last > most) return must_be("within 100 to 599", value);
  if (*first > *last) return must_be("a range with the smaller status first", value);
  return health::StatusRange{static_cast<uint16_t>(*first), static_cast<uint16_t>(*last)};
}

std::string Form<health::StatusRange>::text(const health::StatusRange& value) {
  return value.first == value.last ? fmt::format("{}", value.first)
                                   : fmt::format("{}-{}", value.first, value.last);
}

}  // namespace swingover

namespace swingover::health {
namespace {

/// Keys that matter to some kinds alone. All others belong to every kind.
struct KindKey {
  std::string_view key;
  std::vector<MonitorKind> kinds;
};
const std::vector<KindKey>& kind_keys() {
  using enum MonitorKind;
  static const std::vector<KindKey> keys{
      {"port", {tcp, http, https}},     {"path", {http, https}},        {"host", {http, https}},
      {"expect_status", {http, https}}, {"expect_body", {http, https}}, {"tls_verify", {https}},
      {"tls_ca_file", {https}},
  };
  return keys;
}

/// "means nothing to a monitor of the kind "tcp", which …".
std::string_view what_it_does(MonitorKind kind) {
  switch (kind) {
    case MonitorKind::tcp:
      return "only connects";
    case MonitorKind::http:
      return "has no TLS";
    case MonitorKind::https:
      return "asks over TLS";
  }
  return "";
}

/// Reports keys that the kind has no use for: someone expects them to matter.
void refuse_other_kinds_keys(const TomlValue& table, MonitorKind kind, Diagnostics& diagnostics) {
  for (const KindKey& row : kind_keys()) {
    const TomlMember* member = table.find(row.key);
    if (!member || std::ranges::find(row.kinds, kind) != row.kinds.end()) continue;
    diagnostics.error(
        member->at,
        fmt::format("{} means nothing to a monitor of the kind {}, which {}", toml_quoted(row.key),
                    toml_quoted(Form<MonitorKind>::text(kind)), what_it_does(kind)));
  }
}

bool has_blank_or_control(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; });
}

/// False for what read_options has refused already: the default in its place is not what people wrote.
bool is_duration_or_absent(const TomlValue& table, std::string_view key) {
  const TomlMember* member = table.find(key);
  return !member ||
         (member->value.kind == TomlValue::Kind::text && parse_duration(member->value.text));
}

void check_times(const TomlValue& table, const MonitorOptions& monitor, Diagnostics& diagnostics) {
  if (!is_duration_or_absent(table, "interval")) return;
  if (monitor.timeout > monitor.interval) {
    const Position at = table.position_of(table.find("timeout") ? "timeout" : "interval");
    diagnostics.error(at,
                      fmt::format(R"("timeout" ({}) must not be longer than "interval" ({}))",
                                  duration_text(monitor.timeout), duration_text(monitor.interval)));
  }
  if (monitor.confirm_interval && *monitor.confirm_interval > monitor.interval) {
    diagnostics.error(
        table.position_of("confirm_interval"),
        fmt::format(R"("confirm_interval" ({}) must not be longer than "interval" ({}))",
                    duration_text(*monitor.confirm_interval), duration_text(monitor.interval)));
  }
}

void check_kind(const TomlValue& table, const MonitorOptions& monitor, bool complete,
                Diagnostics& diagnostics) {
  refuse_other_kinds_keys(table, monitor.kind, diagnostics);
  if (monitor.kind == MonitorKind::tcp) {
    if (!table.find("port") && complete) {
      diagnostics.error(table.at, R"([[monitor]] of the kind "tcp" needs the key "port")");
    }
    return;
  }
  if (!monitor.path.starts_with('/')) {
    diagnostics.error(table.position_of("path"), R"("path" must begin with "/")");
  } else if (has_blank_or_control(monitor.path)) {
    diagnostics.error(table.position_of("path"),
                      R"("path" must not hold blanks or control characters: write %20)");
  }
  if (has_blank_or_control(monitor.host) ||
      monitor.host.find_first_of("/@?#") != std::string::npos) {
    diagnostics.error(table.position_of("host"),
                      R"("host" must be a bare host name such as "shop.example.com")");
  }
  const TomlMember* statuses = table.find("expect_status");
  if (statuses && statuses->value.kind == TomlValue::Kind::array && statuses->value.items.empty()) {
    diagnostics.error(statuses->value.at, R"("expect_status" needs at least one status)");
  }
  if (!monitor.tls_verify && table.find("tls_ca_file")) {
    diagnostics.warning(table.find("tls_ca_file")->at,
                        R"("tls_ca_file" has no effect while "tls_verify" is false)");
  }
}

}  // namespace

std::vector<MonitorOptions> parse_monitors(const TomlDocument& document, Diagnostics& diagnostics) {
  std::vector<MonitorOptions> monitors;
  UniqueNames names("the name of the [[monitor]]", diagnostics);
  for (const TomlValue* table : tables_of(document.root, "monitor")) {
    MonitorOptions monitor;
    const size_t before = diagnostics.errors();
    read_options(*table, monitor_options, monitor,
                 {.header = "[[monitor]]", .complete = document.complete}, diagnostics);
    // A kind that could not be read says nothing about which keys belong.
    const TomlMember* kind = table->find("kind");
    const bool kind_known = !kind || (kind->value.kind == TomlValue::Kind::text &&
                                      Form<MonitorKind>::text(monitor.kind) == kind->value.text);
    check_times(*table, monitor, diagnostics);
    if (kind_known) check_kind(*table, monitor, document.complete, diagnostics);
    const bool is_new = monitor.name.empty() ||
                        names.add(lower(monitor.name), monitor.name, table->position_of("name"));
    if (is_new && diagnostics.errors() == before) monitors.push_back(std::move(monitor));
  }
  return monitors;
}

}  // namespace swingover::health
