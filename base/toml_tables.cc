#include "base/toml_tables.h"

#include <fmt/format.h>
#include <algorithm>

#include "base/options.h"
#include "base/text.h"

namespace swingover {
namespace {

using Kind = TomlValue::Kind;

bool is_list_of_tables(const TomlValue& value) {
  return value.kind == Kind::array && std::ranges::all_of(value.items, [](const TomlValue& item) {
           return item.kind == Kind::table;
         });
}

}  // namespace

std::string TomlSection::header() const {
  return repeated ? fmt::format("[[{}]]", name) : fmt::format("[{}]", name);
}

void check_shape(const TomlMember& member, const TomlSection& section, std::string_view inside,
                 Diagnostics& diagnostics) {
  const std::string name = std::string(inside) + std::string(section.name);
  const std::string header = TomlSection{name, section.repeated}.header();
  const bool fits =
      section.repeated ? is_list_of_tables(member.value) : member.value.kind == Kind::table;
  if (fits) return;
  if (section.repeated && member.value.kind == Kind::table) {
    diagnostics.error(member.value.at,
                      fmt::format("[{}] is written {}: there may be several", name, header));
  } else if (!section.repeated && is_list_of_tables(member.value) && !member.value.items.empty()) {
    diagnostics.error(member.value.at,
                      fmt::format("[[{}]] is written {}: there is only one", name, header));
  } else {
    diagnostics.error(member.at,
                      fmt::format("{} is a section: write {} on a line of its own, its keys below",
                                  toml_quoted(member.key), header));
  }
}

std::vector<const TomlValue*> tables_of(const TomlValue& parent, std::string_view key) {
  std::vector<const TomlValue*> tables;
  const TomlMember* member = parent.find(key);
  if (!member) return tables;
  if (member->value.kind == Kind::table) tables.push_back(&member->value);
  for (const TomlValue& item : member->value.items) {
    if (item.kind == Kind::table) tables.push_back(&item);
  }
  return tables;
}

std::vector<std::string> names_in(const TomlValue& root, std::string_view section,
                                  std::string_view key) {
  std::vector<std::string> names;
  for (const TomlValue* table : tables_of(root, section)) {
    const TomlMember* name = table->find(key);
    if (name && name->value.kind == Kind::text) names.push_back(name->value.text);
  }
  return names;
}

const TomlValue* table_named(const TomlValue& root, std::string_view section,
                             std::string_view name) {
  for (const TomlValue* table : tables_of(root, section)) {
    const TomlMember* own = table->find("name");
    if (own && own->value.kind == Kind::text && own->value.text == name) return table;
  }
  return nullptr;
}

void check_references(const TomlValue& table, std::string_view key,
                      std::span<const std::string> known, std::string_view header,
                      Diagnostics& diagnostics) {
  const TomlMember* member = table.find(key);
  if (!member) return;
  const auto check = [&](const TomlValue& value) {
    if (value.kind != Kind::text || std::ranges::count(known, value.text) > 0) return;
    std::string message = fmt::format("no {} is named {}", header, toml_quoted(value.text));
    if (const auto near = nearest_word(value.text, known))
      message += fmt::format("; did you mean {}?", toml_quoted(*near));
    diagnostics.error(value.at, std::move(message));
  };
  check(member->value);
  for (const TomlValue& item : member->value.items) check(item);
}

bool UniqueNames::add(const std::string& canonical, std::string_view shown, Position at) {
  const auto [first, is_new] = seen_.emplace(canonical, at);
  if (!is_new) {
    diagnostics_.error(at, fmt::format("{} {} stands twice; first in line {}", what_,
                                       toml_quoted(shown), first->second.line));
  }
  return is_new;
}

}  // namespace swingover
