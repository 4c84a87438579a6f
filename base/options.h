#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_set>
#include <vector>

#include "base/diagnostics.h"
#include "base/ip.h"
#include "base/portion.h"
#include "base/result.h"
#include "base/text.h"
#include "base/toml_source.h"
#include "base/units.h"

/// An option of the config file is one row: its key, the field it fills, its bounds, its help. The parser
/// (read_options), the checks and the manual (describe) all read that row; a default is what a
/// default-constructed struct holds.
namespace swingover {

struct NoLimits {};
template <class T>
struct Between {
  T least;
  T most;
};
/// A text that cannot be empty.
struct NotEmpty {};
/// A name that can stand as a DNS label, in logs and in metrics: letters, digits, "-" and "_".
struct LabelOnly {};
/// The port of an address that names none.
struct PortDefault {
  uint16_t port;
};

template <class Struct, class Field, class Limits>
struct Option {
  std::string_view key;
  Field Struct::*field;
  Limits limits;
  std::string_view help;
  bool needed = false;
  std::string_view default_words{};  // where the default depends on something: "host name"

  constexpr Option required() const {
    Option row = *this;
    row.needed = true;
    return row;
  }
  constexpr Option by_default(std::string_view words) const {
    Option row = *this;
    row.default_words = words;
    return row;
  }
};

template <class T>
struct InnerType {
  using type = T;
};
template <class T>
struct InnerType<std::optional<T>> {
  using type = T;
};
template <class T>
struct InnerType<std::vector<T>> {
  using type = T;
};

template <class Struct, class Field>
constexpr auto option(std::string_view key, Field Struct::*field, std::string_view help) {
  return Option<Struct, Field, NoLimits>{key, field, {}, help};
}
template <class Struct, class Field, class Limits>
constexpr auto option(std::string_view key, Field Struct::*field, Limits limits,
                      std::string_view help) {
  return Option<Struct, Field, Limits>{key, field, limits, help};
}
template <class Struct, class Field>
constexpr auto option(std::string_view key, Field Struct::*field,
                      typename InnerType<Field>::type least, typename InnerType<Field>::type most,
                      std::string_view help) {
  using T = typename InnerType<Field>::type;
  return Option<Struct, Field, Between<T>>{key, field, {least, most}, help};
}

/// The words of an enumeration, specialised beside its rows:
///   `static constexpr std::array words{Word<E>{E::one, "one", "help"}, …};`
/// and, if a later version will know more of them, `static constexpr std::array<std::string_view, n> later`; words that
/// people may well expect, and what to tell them: `static constexpr std::array refused{RefusedWord{"word", "…"}, …};`
template <class Enum>
struct OptionWords;
template <class Enum>
struct Word {
  Enum value;
  std::string_view word;
  std::string_view help;
};
struct RefusedWord {
  std::string_view word;
  std::string_view why;  // behind `"key" `: "cannot be …"
};
template <class Enum>
concept HasWords = requires {
  OptionWords<Enum>::words;
};

/// "the number 5", "the text "web"", "a list": what a person wrote instead.
std::string found_words(const TomlValue& value);
/// `must be NOUN, not FOUND`, and why.
Error must_be(std::string_view noun, const TomlValue& value, std::string_view reason = {});
/// `text` in the quotes and escapes of TOML.
std::string toml_quoted(std::string_view text);

/// How a T is written as one value: `read` gives a T or what comes behind the key in the error, `text` is
/// what `read` would read. Specialise it for a type of your own, beside its rows.
template <class T>
struct Form;

template <>
struct Form<std::string> {
  static constexpr std::string_view noun = "a text";
  static constexpr std::string_view plural = "texts";
  static constexpr bool in_quotes = true;
  static Result<std::string> read(const TomlValue& value, NoLimits);
  static Result<std::string> read(const TomlValue& value, NotEmpty);
  static Result<std::string> read(const TomlValue& value, LabelOnly);
  static std::string text(const std::string& value) { return value; }
};

template <>
struct Form<bool> {
  static constexpr std::string_view noun = "true or false";
  static constexpr std::string_view plural = "true or false";
  static constexpr bool in_quotes = false;
  static Result<bool> read(const TomlValue& value, NoLimits);
  static std::string text(bool value) { return value ? "true" : "false"; }
};

Result<int64_t> read_integer(const TomlValue& value, int64_t least, int64_t most);

template <class T>
requires(std::integral<T> && !std::same_as<T, bool>) struct Form<T> {
  static constexpr std::string_view noun = "a whole number";
  static constexpr std::string_view plural = "whole numbers";
  static constexpr bool in_quotes = false;
  static Result<T> read(const TomlValue& value, Between<T> limits) {
    const auto number =
        read_integer(value, static_cast<int64_t>(limits.least), static_cast<int64_t>(limits.most));
    if (!number) return number.error();
    return static_cast<T>(*number);
  }
  static std::string text(T value) { return std::to_string(value); }
};

template <>
struct Form<Weight> {
  static constexpr std::string_view noun = "a whole number";
  static constexpr std::string_view plural = "whole numbers";
  static constexpr bool in_quotes = false;
  static Result<Weight> read(const TomlValue& value, Between<Weight> limits);
  static std::string text(Weight value) { return std::to_string(value.value); }
};

/// 2, or "50%".
template <>
struct Form<Portion> {
  static constexpr std::string_view noun = R"(a count such as 2, or a percentage such as "50%")";
  static constexpr std::string_view plural = "counts and percentages";
  static constexpr bool in_quotes = true;
  static Result<Portion> read(const TomlValue& value, NoLimits);
  static std::string text(const Portion& value) { return value.text(); }
};

template <>
struct Form<double> {
  static constexpr std::string_view noun = "a number";
  static constexpr std::string_view plural = "numbers";
  static constexpr bool in_quotes = false;
  static Result<double> read(const TomlValue& value, Between<double> limits);
  static std::string text(double value);
};

template <>
struct Form<Milliseconds> {
  static constexpr std::string_view noun = R"(a duration in quotes such as "5s")";
  static constexpr std::string_view plural = "durations";
  static constexpr bool in_quotes = true;
  static Result<Milliseconds> read(const TomlValue& value, Between<Milliseconds> limits);
  static std::string text(Milliseconds value) { return duration_text(value); }
};

template <>
struct Form<Ttl> {
  static constexpr std::string_view noun = R"(a duration in quotes such as "30s")";
  static constexpr std::string_view plural = "durations";
  static constexpr bool in_quotes = true;
  static Result<Ttl> read(const TomlValue& value, Between<Ttl> limits);
  static std::string text(Ttl value);
};

template <>
struct Form<IpAddress> {
  static constexpr std::string_view noun = R"(an address such as "192.0.2.1" or "2001:db8::1")";
  static constexpr std::string_view plural = "addresses";
  static constexpr bool in_quotes = true;
  static Result<IpAddress> read(const TomlValue& value, NoLimits);
  static std::string text(const IpAddress& value) { return value.text(); }
};

template <>
struct Form<IpPrefix> {
  static constexpr std::string_view noun = R"(an address prefix such as "192.0.2.0/24")";
  static constexpr std::string_view plural = "address prefixes";
  static constexpr bool in_quotes = true;
  static Result<IpPrefix> read(const TomlValue& value, NoLimits);
  static std::string text(const IpPrefix& value) { return value.text(); }
};

template <>
struct Form<SocketAddress> {
  static constexpr std::string_view noun =
      R"(an address with a port such as "127.0.0.1:53" or "[::1]:53")";
  static constexpr std::string_view plural = "addresses with a port";
  static constexpr bool in_quotes = true;
  static Result<SocketAddress> read(const TomlValue& value, PortDefault limits);
  static std::string text(const SocketAddress& value) { return value.text(); }
  static bool may_repeat(const SocketAddress& value) { return !value.is_unix() && value.port == 0; }
};

Error unknown_word(const TomlValue& value, std::vector<std::string> known, bool is_planned);

template <HasWords E>
struct Form<E> {
  static constexpr std::string_view noun = "one of the words below";
  static constexpr std::string_view plural = "words";
  static constexpr bool in_quotes = true;
  static Result<E> read(const TomlValue& value, NoLimits) {
    std::vector<std::string> known;
    for (const Word<E>& row : OptionWords<E>::words) {
      if (value.kind == TomlValue::Kind::text && value.text == row.word) return row.value;
      known.emplace_back(row.word);
    }
    bool is_planned = false;
    if constexpr (requires { OptionWords<E>::later; }) {
      for (const std::string_view word : OptionWords<E>::later) is_planned |= value.text == word;
    }
    if constexpr (requires { OptionWords<E>::refused; }) {
      for (const RefusedWord& row : OptionWords<E>::refused) {
        if (value.kind == TomlValue::Kind::text && value.text == row.word)
          return Error{ErrorCode::invalid, std::string(row.why)};
      }
    }
    return unknown_word(value, std::move(known), is_planned);
  }
  static std::string text(E value) {
    for (const Word<E>& row : OptionWords<E>::words) {
      if (row.value == value) return std::string(row.word);
    }
    return {};
  }
};

/// The table that is read: `[[service]]` for messages, the sections inside that others read, and whether
/// the file could be read whole (TomlDocument::complete).
struct TableContext {
  std::string_view header;
  bool complete = true;
  std::initializer_list<std::string_view> inner{};
};

/// Sets the fields whose keys the table has, and reports unknown keys, wrong types, values out of range,
/// list items that stand twice and needed keys that are not there. What is wrong keeps its default.
template <class Struct, class... Rows>
void read_options(const TomlValue& table, const std::tuple<Rows...>& rows, Struct& into,
                  const TableContext& context, Diagnostics& diagnostics);

/// A row as the manual has it.
struct OptionDescription {
  std::string key;
  std::string type;   // "a duration in quotes such as "5s""
  std::string range;  // "500ms to 1h", or empty
  std::string
      initial;  // the default as one would write it, or in words; empty when the key is needed
  std::string help;
  bool needed = false;
  struct WordHelp {
    std::string word;
    std::string help;
  };
  std::vector<WordHelp> words;
};
template <class Struct, class... Rows>
std::vector<OptionDescription> describe(const std::tuple<Rows...>& rows);

// ---- how, for those who add a type ----

namespace options_detail {

void report_unknown_keys(const TomlValue& table, const std::vector<std::string>& known,
                         const TableContext& context, Diagnostics& diagnostics);
void report_missing(const TomlValue& table, std::string_view key, const TableContext& context,
                    Diagnostics& diagnostics);
void report(const TomlMember& member, Position at, const Error& problem, Diagnostics& diagnostics);

template <class T, class Limits>
void read_into(const TomlMember& member, Limits limits, T& into, Diagnostics& diagnostics) {
  auto value = Form<T>::read(member.value, limits);
  if (!value) return report(member, member.value.at, value.error(), diagnostics);
  into = *std::move(value);
}

template <class T, class Limits>
void read_into(const TomlMember& member, Limits limits, std::optional<T>& into,
               Diagnostics& diagnostics) {
  T value{};
  const size_t before = diagnostics.errors();
  read_into(member, limits, value, diagnostics);
  if (diagnostics.errors() == before) into = std::move(value);
}

template <class T, class Limits>
void read_into(const TomlMember& member, Limits limits, std::vector<T>& into,
               Diagnostics& diagnostics) {
  if (member.value.kind != TomlValue::Kind::array) {
    const std::string noun = "a list of " + std::string(Form<T>::plural) + " in [ ]";
    return report(member, member.value.at, must_be(noun, member.value), diagnostics);
  }
  into.clear();
  std::unordered_set<std::string> seen;
  for (const TomlValue& item : member.value.items) {
    auto value = Form<T>::read(item, limits);
    if (!value) {
      report(member, item.at, value.error(), diagnostics);
      continue;
    }
    bool may_repeat = false;
    if constexpr (requires { Form<T>::may_repeat(*value); })
      may_repeat = Form<T>::may_repeat(*value);
    const bool is_new = seen.insert(lower(Form<T>::text(*value))).second;
    if (!is_new && !may_repeat) {
      report(member, item.at, {ErrorCode::conflict, "holds " + Form<T>::text(*value) + " twice"},
             diagnostics);
      continue;
    }
    into.push_back(*std::move(value));
  }
}

template <class T>
std::string toml_text(const T& value) {
  return Form<T>::in_quotes ? toml_quoted(Form<T>::text(value)) : Form<T>::text(value);
}
template <class T>
std::string toml_text(const std::optional<T>& value) {
  return value ? toml_text(*value) : std::string();
}
template <class T>
std::string toml_text(const std::vector<T>& values) {
  std::vector<std::string> items;
  for (const T& value : values) items.push_back(toml_text(value));
  return "[" + joined(items, ", ") + "]";
}

template <class T>
std::string range_text(const Between<T>& limits) {
  return Form<T>::text(limits.least) + " to " + Form<T>::text(limits.most);
}
template <class Limits>
std::string range_text(const Limits&) {
  return {};
}

template <class Struct, class Field, class Limits>
OptionDescription describe_row(const Option<Struct, Field, Limits>& row, const Struct& defaults) {
  using T = typename InnerType<Field>::type;
  OptionDescription about;
  about.key = row.key;
  about.type = Form<T>::noun;
  if constexpr (std::same_as<Field, std::vector<T>>)
    about.type = "a list of " + std::string(Form<T>::plural);
  about.range = range_text(row.limits);
  about.needed = row.needed;
  if (!row.needed) about.initial = row.default_words;
  if (!row.needed && about.initial.empty()) about.initial = toml_text(defaults.*row.field);
  about.help = row.help;
  if constexpr (HasWords<T>) {
    for (const auto& word : OptionWords<T>::words) {
      about.words.push_back({std::string(word.word), std::string(word.help)});
    }
  }
  return about;
}

}  // namespace options_detail

template <class Struct, class... Rows>
void read_options(const TomlValue& table, const std::tuple<Rows...>& rows, Struct& into,
                  const TableContext& context, Diagnostics& diagnostics) {
  std::vector<std::string> known;
  std::apply([&](const auto&... row) { (known.emplace_back(row.key), ...); }, rows);
  options_detail::report_unknown_keys(table, known, context, diagnostics);
  const auto read = [&](const auto& row) {
    if (const TomlMember* member = table.find(row.key)) {
      options_detail::read_into(*member, row.limits, into.*row.field, diagnostics);
    } else if (row.needed) {
      options_detail::report_missing(table, row.key, context, diagnostics);
    }
  };
  std::apply([&](const auto&... row) { (read(row), ...); }, rows);
}

template <class Struct, class... Rows>
std::vector<OptionDescription> describe(const std::tuple<Rows...>& rows) {
  const Struct defaults{};
  std::vector<OptionDescription> all;
  std::apply(
      [&](const auto&... row) {
        (all.push_back(options_detail::describe_row(row, defaults)), ...);
      },
      rows);
  return all;
}

}  // namespace swingover
