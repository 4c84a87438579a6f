#include "base/options.h"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>

namespace swingover {
namespace {

using Kind = TomlValue::Kind;

bool is_label_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

template <class T>
Error out_of_range(const Between<T>& limits, std::string_view found) {
  return {ErrorCode::invalid,
          fmt::format("must be from {} to {}, not {}", Form<T>::text(limits.least),
                      Form<T>::text(limits.most), found)};
}

std::string list_of(const std::vector<std::string>& words) {
  std::vector<std::string> in_quotes;
  in_quotes.reserve(words.size());
  for (const std::string& word : words) in_quotes.push_back(toml_quoted(word));
  return joined(in_quotes, ", ");
}

}  // namespace

std::string toml_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string found_words(const TomlValue& value) {
  switch (value.kind) {
    case Kind::text:
      return value.text.size() > 80 ? "a text of such length" : toml_quoted(value.text);
    case Kind::integer:
      return fmt::format("the number {}", value.integer);
    case Kind::number:
      return fmt::format("the number {}", value.number);
    case Kind::boolean:
      return value.boolean ? "true" : "false";
    case Kind::date:
      return "a date or time";
    case Kind::array:
      return "a list";
    case Kind::table:
      return "a table";
  }
  return {};
}

Error must_be(std::string_view noun, const TomlValue& value, std::string_view reason) {
  std::string message = fmt::format("must be {}, not {}", noun, found_words(value));
  if (!reason.empty()) message += fmt::format(" ({})", reason);
  return {ErrorCode::invalid, std::move(message)};
}

Result<std::string> Form<std::string>::read(const TomlValue& value, NoLimits) {
  if (value.kind != Kind::text) return must_be(noun, value);
  return value.text;
}

Result<std::string> Form<std::string>::read(const TomlValue& value, NotEmpty) {
  if (value.kind != Kind::text) return must_be(noun, value);
  if (value.text.empty()) return Error{ErrorCode::invalid, "must not be empty"};
  if (value.text.find('\0') != std::string::npos) return must_be("a text without NUL", value);
  return value.text;
}

Result<std::string> Form<std::string>::read(const TomlValue& value, LabelOnly) {
  if (value.kind != Kind::text) return must_be(noun, value);
  const std::string& text = value.text;
  if (text.empty() || text.size() > 63 || !std::ranges::all_of(text, is_label_character) ||
      text.front() == '-' || text.back() == '-') {
    return must_be(R"(1 to 63 letters, digits, "-" and "_", without "-" at the ends)", value);
  }
  return text;
}

Result<bool> Form<bool>::read(const TomlValue& value, NoLimits) {
  if (value.kind != Kind::boolean) return must_be(noun, value);
  return value.boolean;
}

Result<int64_t> read_integer(const TomlValue& value, int64_t least, int64_t most) {
  if (value.kind != Kind::integer) return must_be("a whole number", value);
  if (value.integer < least || value.integer > most) {
    return out_of_range(Between<int64_t>{least, most}, std::to_string(value.integer));
  }
  return value.integer;
}

Result<Weight> Form<Weight>::read(const TomlValue& value, Between<Weight> limits) {
  const auto number = read_integer(value, limits.least.value, limits.most.value);
  if (!number) return number.error();
  return Weight(static_cast<uint32_t>(*number));
}

Result<Portion> Form<Portion>::read(const TomlValue& value, NoLimits) {
  constexpr int64_t count_max = 1'000'000;
  if (value.kind == Kind::integer) {
    if (value.integer < 1 || value.integer > count_max)
      return must_be("a count from 1 to 1000000", value);
    return Portion{static_cast<uint32_t>(value.integer), false};
  }
  const std::string_view text = value.text;
  if (value.kind != Kind::text || !text.ends_with('%')) return must_be(noun, value);
  const auto percent = parse_number(text.substr(0, text.size() - 1));
  if (!percent) return must_be(noun, value);
  if (*percent < 1 || *percent > 100) return must_be(R"(a percentage from "1%" to "100%")", value);
  return Portion{static_cast<uint32_t>(*percent), true};
}

Result<double> Form<double>::read(const TomlValue& value, Between<double> limits) {
  if (value.kind != Kind::integer && value.kind != Kind::number) return must_be(noun, value);
  const double number =
      value.kind == Kind::integer ? static_cast<double>(value.integer) : value.number;
  // Written so that NaN, which is neither above nor below anything, is refused.
  if (!(number >= limits.least && number <= limits.most)) return out_of_range(limits, text(number));
  return number;
}

std::string Form<double>::text(double value) {
  return fmt::format("{:.15g}", value);
}

Result<Milliseconds> Form<Milliseconds>::read(const TomlValue& value,
                                              Between<Milliseconds> limits) {
  if (value.kind != Kind::text) return must_be(noun, value);
  const auto duration = parse_duration(value.text);
  if (!duration) return must_be(noun, value);
  if (*duration < limits.least || *duration > limits.most) return out_of_range(limits, value.text);
  return *duration;
}

// RFC 2181 section 8: a TTL has 31 bits; on the wire it counts whole seconds.
Result<Ttl> Form<Ttl>::read(const TomlValue& value, Between<Ttl> limits) {
  if (value.kind != Kind::text) return must_be(noun, value);
  const auto duration = parse_duration(value.text);
  if (!duration) return must_be(noun, value);
  if (duration->value % 1000 != 0) return must_be("whole seconds", value);
  const int64_t seconds = duration->value / 1000;
  if (seconds < limits.least.value || seconds > limits.most.value)
    return out_of_range(limits, value.text);
  return Ttl(static_cast<uint32_t>(seconds));
}

std::string Form<Ttl>::text(Ttl value) {
  return duration_text(Milliseconds(int64_t{value.value} * 1000));
}

Result<IpAddress> Form<IpAddress>::read(const TomlValue& value, NoLimits) {
  if (value.kind != Kind::text) return must_be(noun, value);
  const auto address = parse_ip_address(value.text);
  if (!address) return must_be(noun, value);
  return *address;
}

Result<IpPrefix> Form<IpPrefix>::read(const TomlValue& value, NoLimits) {
  if (value.kind != Kind::text) return must_be(noun, value);
  const auto prefix = parse_ip_prefix(value.text);
  if (!prefix) return must_be(noun, value, prefix.error().message);
  return *prefix;
}

Result<SocketAddress> Form<SocketAddress>::read(const TomlValue& value, PortDefault limits) {
  if (value.kind != Kind::text) return must_be(noun, value);
  const auto address = parse_socket_address(value.text, limits.port);
  if (!address) {
    const bool is_unix = value.text.starts_with("unix:");
    return must_be(noun, value, is_unix ? address.error().message : "");
  }
  return *address;
}

Error unknown_word(const TomlValue& value, std::vector<std::string> known, bool is_planned) {
  if (is_planned) {
    return {ErrorCode::invalid, fmt::format("{} is not in this version, which has {}",
                                            toml_quoted(value.text), list_of(known))};
  }
  Error problem = must_be("one of " + list_of(known), value);
  if (value.kind == Kind::text) {
    if (const auto near = nearest_word(value.text, known))
      problem.message += fmt::format("; did you mean {}?", toml_quoted(*near));
  }
  return problem;
}

namespace options_detail {

void report_unknown_keys(const TomlValue& table, const std::vector<std::string>& known,
                         const TableContext& context, Diagnostics& diagnostics) {
  for (const TomlMember& member : table.members) {
    if (std::ranges::count(known, member.key) > 0) continue;
    if (std::ranges::count(context.inner, std::string_view(member.key)) > 0) continue;
    std::vector<std::string> candidates = known;
    for (const std::string_view inner : context.inner) candidates.emplace_back(inner);
    std::string message = fmt::format("unknown key {}", toml_quoted(member.key));
    if (const auto near = nearest_word(member.key, candidates)) {
      message += fmt::format("; did you mean {}?", toml_quoted(*near));
    } else {
      message += fmt::format(" in {}, which knows {}", context.header, joined(candidates, ", "));
    }
    diagnostics.error(member.at, std::move(message));
  }
}

void report_missing(const TomlValue& table, std::string_view key, const TableContext& context,
                    Diagnostics& diagnostics) {
  if (!context.complete) return;
  diagnostics.error(table.at, fmt::format("{} needs the key {}", context.header, toml_quoted(key)));
}

void report(const TomlMember& member, Position at, const Error& problem, Diagnostics& diagnostics) {
  diagnostics.error(at, toml_quoted(member.key) + " " + problem.message);
}

}  // namespace options_detail
}  // namespace swingover
