#include "health/monitor_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/text.h"
#include "base/toml_tables.h"
#include "health/derived_monitors.h"
#include "health/monitor_checks.h"

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

Result<health::Need> Form<health::Need>::read(const TomlValue& value, NoLimits) {
  if (value.kind == TomlValue::Kind::text && value.text == "all") return health::Need{{100, true}};
  if (value.kind == TomlValue::Kind::text && value.text == "any") return health::Need{{1, false}};
  if (value.kind != TomlValue::Kind::integer &&
      (value.kind != TomlValue::Kind::text || !value.text.ends_with('%')))
    return must_be(noun, value);
  auto portion = Form<Portion>::read(value, {});
  if (!portion) return portion.error();
  return health::Need{*portion};
}

std::string Form<health::Need>::text(const health::Need& value) {
  if (value.portion == Portion{100, true}) return "all";
  return value.portion == Portion{1, false} ? "any" : value.portion.text();
}

std::string Form<health::StatusRange>::text(const health::StatusRange& value) {
  return value.first == value.last ? fmt::format("{}", value.first)
                                   : fmt::format("{}-{}", value.first, value.last);
}

Result<health::HttpHeader> Form<health::HttpHeader>::read(const TomlValue& value, NoLimits) {
  if (value.kind != TomlValue::Kind::text) return must_be(noun, value);
  const std::string_view text = value.text;
  const size_t colon = std::min(text.find(':'), text.size());
  const std::string_view name = text.substr(0, colon);
  const auto is_token = [](unsigned char c) {
    return c > ' ' && c < 0x7f &&
           std::string_view("()<>@,;:\\\"/[]?={}").find(static_cast<char>(c)) ==
               std::string_view::npos;
  };
  const auto is_control = [](unsigned char c) { return (c < ' ' && c != '\t') || c == 0x7f; };
  if (colon == text.size() || name.empty() || !std::ranges::all_of(name, is_token) ||
      std::ranges::any_of(text, is_control)) {
    return must_be(noun, value);
  }
  for (const char* ours : {"host", "connection", "content-length", "transfer-encoding", "te"}) {
    if (lower(name) != ours) continue;
    const std::string_view how =
        lower(name) == "host" ? "the key \"host\" is for that" : "the probe says that itself";
    return must_be("another header", value, how);
  }
  return health::HttpHeader{std::string(name), std::string(trimmed(text.substr(colon + 1)))};
}

Result<health::Pattern> Form<health::Pattern>::read(const TomlValue& value, NotEmpty) {
  if (value.kind != TomlValue::Kind::text) return must_be(noun, value);
  if (value.text.empty()) return Error{ErrorCode::invalid, "must not be empty"};
  auto pattern = health::Pattern::parse(value.text);
  if (!pattern) return must_be(noun, value, pattern.error().message);
  return *std::move(pattern);
}

namespace {

std::optional<char> octet_of(std::string_view digits) {
  uint8_t octet = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), octet, 16);
  if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2) return std::nullopt;
  return static_cast<char>(octet);
}

/// `\xNN` and its like in `text` as octets; nothing: a backslash before something else.
std::optional<std::string> unescaped(std::string_view text) {
  std::string octets;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\') {
      octets += text[at];
      continue;
    }
    const std::string_view rest = text.substr(at + 1);
    if (rest.empty()) return std::nullopt;
    if (rest[0] == 'x') {
      const auto octet = octet_of(rest.substr(1, 2));
      if (!octet) return std::nullopt;
      octets += *octet;
      at += 3;
      continue;
    }
    constexpr std::string_view letters = "rnt\\";
    constexpr std::string_view meanings = "\r\n\t\\";
    const size_t which = letters.find(rest[0]);
    if (which == letters.npos) return std::nullopt;
    octets += meanings[which];
    ++at;
  }
  return octets;
}

}  // namespace

Result<health::Octets> Form<health::Octets>::read(const TomlValue& value, NoLimits) {
  if (value.kind != TomlValue::Kind::text) return must_be("a text", value);
  auto octets = unescaped(value.text);
  if (octets) return health::Octets{*std::move(octets)};
  return must_be(noun, value, R"(a backslash begins \xNN, \r, \n, \t or \\)");
}

Result<health::Octets> Form<health::Octets>::read(const TomlValue& value, NotEmpty) {
  auto octets = read(value, NoLimits{});
  if (octets && octets->empty()) return Error{ErrorCode::invalid, "must not be empty"};
  return octets;
}

std::string Form<health::Octets>::text(const health::Octets& value) {
  std::string text;
  for (const char c : value.value) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '\\') {
      text += R"(\\)";
    } else if (octet < ' ' || octet >= 0x7f) {
      text += fmt::format("\\x{:02x}", octet);
    } else {
      text += c;
    }
  }
  return text;
}

Result<health::DnsType> Form<health::DnsType>::read(const TomlValue& value, NoLimits) {
  if (value.kind != TomlValue::Kind::text) return must_be(noun, value);
  const auto type = health::parse_dns_type(value.text);
  return type ? Result<health::DnsType>(*type) : must_be(noun, value);
}

Result<health::Argument> Form<health::Argument>::read(const TomlValue& value, NoLimits) {
  if (value.kind != TomlValue::Kind::text) return must_be(noun, value);
  if (value.text.find('\0') != std::string::npos) return must_be("without zero octets", value);
  return health::Argument{value.text};
}

}  // namespace swingover

namespace swingover::health {
std::vector<MonitorOptions> parse_monitors(const TomlDocument& document, Diagnostics& diagnostics) {
  std::vector<MonitorOptions> monitors;
  UniqueNames names("the name of the [[monitor]]", diagnostics);
  for (const TomlValue* table : tables_of(document.root, "monitor")) {
    MonitorOptions monitor;
    const size_t before = diagnostics.errors();
    read_options(*table, monitor_options, monitor,
                 {.header = "[[monitor]]", .complete = document.complete}, diagnostics);
    // One report is a whole verdict, and not to be confirmed: who reports can do so by itself.
    if (monitor.kind == MonitorKind::push) {
      if (!table->find("rise")) monitor.rise = 1;
      if (!table->find("fall")) monitor.fall = 1;
    }
    // A kind that could not be read says nothing about which keys belong.
    const TomlMember* kind = table->find("kind");
    const bool kind_known = !kind || (kind->value.kind == TomlValue::Kind::text &&
                                      Form<MonitorKind>::text(monitor.kind) == kind->value.text);
    const WrittenMonitor written{*table, monitor, document.complete, diagnostics};
    check_times(written);
    check_machine(written);
    if (kind_known) check_kind(written);
    const bool is_new = monitor.name.empty() ||
                        names.add(lower(monitor.name), monitor.name, table->position_of("name"));
    if (is_new && diagnostics.errors() == before) monitors.push_back(std::move(monitor));
  }
  check_calculations(document, monitors, diagnostics);
  return monitors;
}

}  // namespace swingover::health
