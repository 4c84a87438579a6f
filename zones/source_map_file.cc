#include "zones/source_map_file.h"

#include <fmt/format.h>
#include <algorithm>
#include <string>
#include <tuple>
#include <unordered_map>

#include "base/options.h"
#include "base/text.h"

namespace swingover::zones {
namespace {

constexpr size_t problems_max = 50;
constexpr size_t names_max = 65'535;
constexpr std::string_view blanks = " \t\r\f\v";

struct Word {
  std::string_view text;
  Position at;
};

class Reader {
 public:
  Reader(std::string_view text, Diagnostics& diagnostics)
      : text_(text), diagnostics_(diagnostics) {}

  std::shared_ptr<const SourceMapFile> read(const Topology* topology) {
    const auto lines = static_cast<size_t>(std::ranges::count(text_, '\n')) + 1;
    if (lines > SourceMapFile::lines_max) {
      diagnostics_.error({}, fmt::format("{} lines; a file of client networks has at most {}",
                                         lines, SourceMapFile::lines_max));
      return nullptr;
    }
    file_->rules.reserve(lines);
    while (!text_.empty() && !is_full()) {
      ++line_;
      const size_t end = text_.find('\n');
      read_line(text_.substr(0, end));
      text_.remove_prefix(end == text_.npos ? text_.size() : end + 1);
    }
    if (!is_full()) sort();
    if (is_full()) {
      diagnostics_.error({line_, 1},
                         fmt::format("{} problems; no more of them are looked for", problems_max));
    }
    file_->rules.shrink_to_fit();
    if (!diagnostics_.has_errors()) return std::move(file_);
    if (topology) check_names(*file_, *topology, diagnostics_);
    return nullptr;
  }

 private:
  bool is_full() const { return problems_ >= problems_max; }

  void error(Position at, std::string message) {
    if (!is_full()) diagnostics_.error(at, std::move(message));
    ++problems_;
  }

  Word next_word(std::string_view line, size_t& at) const {
    const size_t begin = std::min(line.find_first_not_of(blanks, at), line.size());
    at = std::min(line.find_first_of(blanks, begin), line.size());
    return {line.substr(begin, at - begin), {line_, static_cast<unsigned>(begin + 1)}};
  }

  void read_line(std::string_view line) {
    line = line.substr(0, line.find_first_of("#;"));
    size_t at = 0;
    const Word prefix = next_word(line, at);
    if (prefix.text.empty()) return;
    const Word name = next_word(line, at);
    const Word behind = next_word(line, at);
    const auto parsed = parse_ip_prefix(prefix.text);
    if (!parsed) error(prefix.at, parsed.error().message);
    if (name.text.empty()) {
      const auto end = static_cast<unsigned>(prefix.text.size());
      return error({line_, prefix.at.column + end},
                   "a locality must stand behind the prefix, as in \"192.0.2.0/24 fra-a\"");
    }
    if (!behind.text.empty())
      return error(behind.at, "only a prefix and a locality stand in a line");
    if (!parsed) return;
    if (parsed->address.unmapped() != parsed->address && parsed->length >= 96) {
      return error(prefix.at, fmt::format("write {}/{}: IPv4-mapped clients are looked for as IPv4",
                                          parsed->address.unmapped().text(), parsed->length - 96));
    }
    file_->rules.push_back({*parsed, place_of(name), line_});
  }

  uint32_t place_of(const Word& name) {
    const auto next = static_cast<uint32_t>(file_->names.size());
    const auto known = places_.find(name.text);
    if (known != places_.end()) return known->second;
    if (next == names_max) {
      error(name.at, fmt::format("more than {} localities", names_max));
      return 0;
    }
    places_.emplace(name.text, next);
    file_->names.push_back({std::string(name.text), name.at});
    return next;
  }

  /// Equal prefixes come to stand side by side.
  void sort() {
    std::vector<SourceMapFile::Rule>& rules = file_->rules;
    std::ranges::sort(rules, {}, [](const SourceMapFile::Rule& rule) {
      return std::tie(rule.prefix, rule.line);
    });
    for (size_t i = 1; i < rules.size() && !is_full(); ++i) {
      const SourceMapFile::Rule& first = rules[i - 1];
      if (rules[i].prefix != first.prefix || rules[i].name == first.name) continue;
      error({rules[i].line, 1},
            fmt::format("{} is in {} already, by line {}", first.prefix.text(),
                        toml_quoted(file_->names[first.name].text), first.line));
    }
    const auto same = [](const SourceMapFile::Rule& a, const SourceMapFile::Rule& b) {
      return a.prefix == b.prefix;
    };
    rules.erase(std::unique(rules.begin(), rules.end(), same), rules.end());
  }

  std::string_view text_;
  Diagnostics& diagnostics_;
  std::shared_ptr<SourceMapFile> file_ = std::make_shared<SourceMapFile>();
  std::unordered_map<std::string_view, uint32_t> places_;
  unsigned line_ = 0;
  size_t problems_ = 0;
};

}  // namespace

std::shared_ptr<const SourceMapFile> parse_source_map(std::string_view text,
                                                      Diagnostics& diagnostics,
                                                      const Topology* topology) {
  return Reader(text, diagnostics).read(topology);
}

void check_names(const SourceMapFile& file, const Topology& topology, Diagnostics& diagnostics) {
  std::vector<std::string> known;
  for (const Locality& locality : topology.localities) known.push_back(locality.name);
  for (size_t i = 0; i < std::min(file.names.size(), problems_max + known.size()); ++i) {
    const SourceMapFile::Name& name = file.names[i];
    if (std::ranges::count(known, name.text) > 0) continue;
    std::string message = fmt::format("no [[locality]] is named {}", toml_quoted(name.text));
    if (const auto near = nearest_word(name.text, known))
      message += fmt::format("; did you mean {}?", toml_quoted(*near));
    diagnostics.error(name.first, std::move(message));
  }
}

void check_against(const SourceMapFile& file, const SourceMapFile& other,
                   std::string_view other_name, Diagnostics& diagnostics) {
  size_t problems = 0;
  auto mine = file.rules.begin();
  auto theirs = other.rules.begin();
  while (mine != file.rules.end() && theirs != other.rules.end() && problems < problems_max) {
    const auto order = mine->prefix <=> theirs->prefix;
    if (order == 0) {
      const std::string& name = other.names[theirs->name].text;
      if (file.names[mine->name].text != name) {
        diagnostics.error({mine->line, 1},
                          fmt::format("{} is in {} already, by {}:{}", mine->prefix.text(),
                                      toml_quoted(name), other_name, theirs->line));
        ++problems;
      }
    }
    if (order <= 0) ++mine;
    if (order >= 0) ++theirs;
  }
}

void check_against(const SourceMapFile& file, const Topology& topology, Diagnostics& diagnostics) {
  size_t problems = 0;
  for (const Locality& locality : topology.localities) {
    for (const IpPrefix& prefix : locality.clients) {
      const auto found =
          std::ranges::lower_bound(file.rules, prefix, {}, &SourceMapFile::Rule::prefix);
      if (found == file.rules.end() || found->prefix != prefix) continue;
      if (file.names[found->name].text == locality.name || ++problems > problems_max) continue;
      diagnostics.warning({found->line, 1},
                          fmt::format("{} is in {} by the config file, which counts", prefix.text(),
                                      toml_quoted(locality.name)));
    }
  }
}

}  // namespace swingover::zones
