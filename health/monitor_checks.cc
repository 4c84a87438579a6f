#include "health/monitor_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "health/derived_monitors.h"
#include "health/monitor_file.h"

namespace swingover::health {
namespace {

constexpr size_t grpc_service_max = 1000;

/// Keys that matter to some kinds alone. All others belong to every kind.
struct KindKey {
  std::string_view key;
  std::vector<MonitorKind> kinds;
};
const std::vector<KindKey>& kind_keys() {
  using enum MonitorKind;
  // One row a key, so that two who add keys do not meet.
  // clang-format off
  static const std::vector<KindKey> keys{
      {"address", {tcp, tls, http, https, grpc, dns, udp, icmp, exec, file}},
      {"port", {tcp, tls, http, https, grpc, dns, udp, exec}},
      {"method", {http, https}},
      {"path", {http, https}},
      {"headers", {http, https}},
      {"body", {http, https}},
      {"host", {tls, http, https, grpc, exec}},
      {"expect_status", {http, https}},
      {"expect_body", {http, https}},
      {"send", {tcp, tls, udp}},
      {"expect", {tcp, tls, udp}},
      {"expect_body_regex", {http, https}},
      {"redirects", {http, https}},
      {"http_version", {http, https}},
      {"keep_alive", {http, https, grpc}},
      {"grpc_service", {grpc}},
      {"tls", {grpc}},
      {"tls_verify", {tls, https, grpc}},
      {"tls_ca_file", {tls, https, grpc}},
      {"expiry_warning", {tls, https, grpc}},
      {"expiry_min", {tls, https, grpc}},
      {"watch", {tcp, tls, http, https, grpc}},
      {"query_name", {dns}},
      {"query_type", {dns}},
      {"expect_rcode", {dns}},
      {"expect_answer", {dns}},
      {"command", {exec}},
      {"file", {file}},
      {"max_age", {file}},
      {"of", {calculated}},
      {"need", {calculated}},
      {"inverted", {calculated}},
      {"deadline", {push}},
  };
  // clang-format on
  return keys;
}

/// "means nothing to a monitor of the kind "tcp", which …".
std::string_view what_it_does(MonitorKind kind) {
  switch (kind) {
    case MonitorKind::tcp:
      return "asks nothing by itself, without TLS";
    case MonitorKind::tls:
      return "asks nothing by itself";
    case MonitorKind::http:
      return "has no TLS";
    case MonitorKind::https:
      return "asks over TLS";
    case MonitorKind::grpc:
      return "asks the gRPC health service";
    case MonitorKind::dns:
      return "asks one DNS question";
    case MonitorKind::udp:
      return "sends one datagram";
    case MonitorKind::icmp:
      return "sends an echo request";
    case MonitorKind::exec:
      return "runs a command";
    case MonitorKind::file:
      return "reads a file";
    case MonitorKind::push:
      return "is told, and looks at nothing";
    case MonitorKind::calculated:
      return "looks at nothing by itself";
  }
  return "";
}

void refuse_other_kinds_keys(const WrittenMonitor& written) {
  const MonitorKind kind = written.monitor.kind;
  for (const KindKey& row : kind_keys()) {
    if (std::ranges::find(row.kinds, kind) == row.kinds.end())
      refuse_key(written, row.key, what_it_does(kind));
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

void check_host(const WrittenMonitor& written) {
  const std::string& host = written.monitor.host;
  if (has_blank_or_control(host) || host.find_first_of("/@?#") != std::string::npos) {
    written.diagnostics.error(written.table.position_of("host"),
                              R"("host" must be a bare host name such as "shop.example.com")");
  }
}

void check_address(const WrittenMonitor& written) {
  const std::string& address = written.monitor.address;
  const bool is_name = std::ranges::all_of(
      address, [](unsigned char c) { return std::isalnum(c) || c == '.' || c == '-' || c == '_'; });
  if (is_name || parse_ip_address(address)) return;
  written.diagnostics.error(
      written.table.position_of("address"),
      R"("address" must be an address or a name such as "192.0.2.1" or "db.example.com")");
}

void check_tls_keys(const WrittenMonitor& written) {
  const TomlMember* file = written.table.find("tls_ca_file");
  if (written.monitor.tls_verify || !file) return;
  written.diagnostics.warning(file->at,
                              R"("tls_ca_file" has no effect while "tls_verify" is false)");
}

void check_tcp(const WrittenMonitor& written) {
  need_key(written, "port");
}

void check_tls(const WrittenMonitor& written) {
  need_key(written, "port");
  check_host(written);
  check_tls_keys(written);
}

void check_http(const WrittenMonitor& written) {
  const auto& [table, monitor, complete, diagnostics] = written;
  if (!monitor.path.starts_with('/')) {
    diagnostics.error(table.position_of("path"), R"("path" must begin with "/")");
  } else if (has_blank_or_control(monitor.path)) {
    diagnostics.error(table.position_of("path"),
                      R"("path" must not hold blanks or control characters: write %20)");
  }
  check_host(written);
  const TomlMember* statuses = table.find("expect_status");
  if (statuses && statuses->value.kind == TomlValue::Kind::array && statuses->value.items.empty()) {
    diagnostics.error(statuses->value.at, R"("expect_status" needs at least one status)");
  }
  check_tls_keys(written);
  const bool sends_body = monitor.method == HttpMethod::post;
  if (table.find("body") && !sends_body) {
    diagnostics.error(table.find("body")->at, R"("body" is sent with the method "POST" alone)");
  }
  for (const char* key : {"expect_body", "expect_body_regex"}) {
    if (!table.find(key) || monitor.method != HttpMethod::head) continue;
    diagnostics.error(
        table.find(key)->at,
        fmt::format("{} finds nothing: the answer to a HEAD has no body", toml_quoted(key)));
  }
}

void check_grpc(const WrittenMonitor& written) {
  const auto& [table, monitor, complete, diagnostics] = written;
  need_key(written, "port");
  check_host(written);
  if (monitor.grpc_service.size() > grpc_service_max) {
    diagnostics.error(
        table.position_of("grpc_service"),
        fmt::format(R"("grpc_service" must not be longer than {} octets)", grpc_service_max));
  }
  if (monitor.tls) return check_tls_keys(written);
  for (const char* key : {"tls_verify", "tls_ca_file", "expiry_warning", "expiry_min"}) {
    if (!table.find(key)) continue;
    diagnostics.warning(table.find(key)->at,
                        fmt::format(R"({} has no effect without "tls = true")", toml_quoted(key)));
  }
}

void check_dns(const WrittenMonitor& written) {
  const auto& [table, monitor, complete, diagnostics] = written;
  need_key(written, "query_name");
  if (!monitor.query_name.empty()) {
    const auto name = encode_dns_name(monitor.query_name);
    if (!name) diagnostics.error(table.position_of("query_name"), name.error().message);
  }
  const TomlMember* rcodes = table.find("expect_rcode");
  if (rcodes && rcodes->value.kind == TomlValue::Kind::array && rcodes->value.items.empty()) {
    diagnostics.error(rcodes->value.at, R"("expect_rcode" needs at least one rcode)");
  }
}

void check_udp(const WrittenMonitor& written) {
  need_key(written, "port");
  need_key(written, "send");
}

void check_exec(const WrittenMonitor& written) {
  const auto& [table, monitor, complete, diagnostics] = written;
  need_key(written, "command");
  const TomlMember* command = table.find("command");
  if (!command || command->value.kind != TomlValue::Kind::array) return;
  if (command->value.items.empty()) {
    diagnostics.error(command->value.at, R"("command" needs a program at least)");
  } else if (!monitor.command.empty() && monitor.command.front().value.empty()) {
    diagnostics.error(command->value.items.front().at,
                      R"(the first text of "command" must be a program)");
  }
}

}  // namespace

void check_times(const WrittenMonitor& written) {
  const auto& [table, monitor, complete, diagnostics] = written;
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

void check_machine(const WrittenMonitor& written) {
  const auto& [table, monitor, complete, diagnostics] = written;
  if (monitor.stale_after && *monitor.stale_after <= monitor.interval + monitor.timeout) {
    diagnostics.error(
        table.position_of("stale_after"),
        fmt::format(
            R"("stale_after" ({}) must be longer than "interval" and "timeout" together ({}))",
            duration_text(*monitor.stale_after),
            duration_text(monitor.interval + monitor.timeout)));
  }
  const HealthRules rules = monitor.rules();
  if (rules.flaky_fall > rules.flaky_window && monitor.flaky_window) {
    diagnostics.error(table.position_of("flaky_window"),
                      fmt::format(R"("flaky_window" ({}) must not be less than "flaky_fall" ({}))",
                                  rules.flaky_window, rules.flaky_fall));
  }
  if (monitor.flap_reuse > monitor.flap_suppress) {
    diagnostics.error(table.position_of(table.find("flap_reuse") ? "flap_reuse" : "flap_suppress"),
                      fmt::format(R"("flap_reuse" ({}) must not be more than "flap_suppress" ({}))",
                                  monitor.flap_reuse, monitor.flap_suppress));
  }
}

void refuse_key(const WrittenMonitor& written, std::string_view key, std::string_view because) {
  const TomlMember* member = written.table.find(key);
  if (!member) return;
  written.diagnostics.error(
      member->at,
      fmt::format("{} means nothing to a monitor of the kind {}, which {}", toml_quoted(key),
                  toml_quoted(Form<MonitorKind>::text(written.monitor.kind)), because));
}

void need_key(const WrittenMonitor& written, std::string_view key) {
  if (written.table.find(key) || !written.complete) return;
  written.diagnostics.error(
      written.table.at,
      fmt::format("[[monitor]] of the kind {} needs the key {}",
                  toml_quoted(Form<MonitorKind>::text(written.monitor.kind)), toml_quoted(key)));
}

void check_kind(const WrittenMonitor& written) {
  refuse_other_kinds_keys(written);
  check_address(written);
  switch (written.monitor.kind) {
    case MonitorKind::tcp:
      return check_tcp(written);
    case MonitorKind::tls:
      return check_tls(written);
    case MonitorKind::http:
    case MonitorKind::https:
      return check_http(written);
    case MonitorKind::grpc:
      return check_grpc(written);
    case MonitorKind::dns:
      return check_dns(written);
    case MonitorKind::udp:
      return check_udp(written);
    case MonitorKind::icmp:
      return;
    case MonitorKind::exec:
      return check_exec(written);
    case MonitorKind::file:
      return need_key(written, "file");
    case MonitorKind::push:
      return check_push(written);
    case MonitorKind::calculated:
      return check_calculated(written);
  }
}

}  // namespace swingover::health
