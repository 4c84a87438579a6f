#include "server/control/share_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "zones/steering/allocation.h"

namespace swingover::control {

namespace {

constexpr std::string_view nowhere = "-";
constexpr std::string_view all_others = "*";
constexpr std::string_view no_shares = "none";

std::string_view row_name(size_t row, const zones::Topology& topology) {
  return row == 0 ? nowhere : std::string_view(topology.localities[row - 1].name);
}

std::string row_text(std::span<const uint16_t> row, const zones::Service& service) {
  std::vector<std::string> parts;
  for (size_t pool = 0; pool < row.size(); ++pool) {
    if (row[pool] != 0)
      parts.push_back(fmt::format("{} {}", service.pools[pool].cluster_name, row[pool]));
  }
  return parts.empty() ? std::string(no_shares) : joined(parts, ", ");
}

/// Up to the next separator, which is taken off `text` too.
std::string_view next_part(std::string_view& text, std::string_view separator) {
  const size_t end = text.find(separator);
  const std::string_view part = text.substr(0, end);
  text = end == text.npos ? std::string_view() : text.substr(end + separator.size());
  return part;
}

Error not_shares(std::string_view part) {
  return {ErrorCode::invalid, fmt::format("\"{}\" tells no shares", part)};
}

/// "fra 6364, ams 3636", by pool.
Result<std::vector<uint16_t>> parse_row(std::string_view text, const zones::Service& service) {
  std::vector<uint16_t> row(service.pools.size(), 0);
  if (text == no_shares) return row;
  while (!text.empty()) {
    const std::string_view share = next_part(text, ", ");
    const size_t space = share.rfind(' ');
    if (space == share.npos) return not_shares(share);
    const auto parts = parse_number(share.substr(space + 1));
    if (!parts || *parts > steering::share_parts) return not_shares(share);
    const auto pool =
        std::ranges::find(service.pools, share.substr(0, space), &zones::Pool::cluster_name);
    if (pool != service.pools.end())
      row[static_cast<size_t>(pool - service.pools.begin())] = static_cast<uint16_t>(*parts);
  }
  return row;
}

}  // namespace

std::string share_text(std::span<const uint16_t> shares, const zones::Service& service,
                       const zones::Topology& topology) {
  const size_t pools = service.pools.size();
  if (std::ranges::all_of(shares, [](uint16_t share) { return share == 0; })) return "";
  std::map<std::string, std::vector<size_t>> rows;  // by their text
  for (size_t row = 0; row * pools < shares.size(); ++row)
    rows[row_text(shares.subspan(row * pools, pools), service)].push_back(row);
  const auto most =
      std::ranges::max_element(rows, {}, [](const auto& group) { return group.second.size(); });
  std::vector<std::string> parts;
  for (const auto& [text, places] : rows) {
    if (text == most->first) continue;
    std::vector<std::string> names;
    for (const size_t row : places) names.emplace_back(row_name(row, topology));
    parts.push_back(joined(names, " ") + ": " + text);
  }
  parts.push_back(fmt::format("{}: {}", all_others, most->first));
  return joined(parts, "; ");
}

Result<std::vector<uint16_t>> parse_share_text(std::string_view text, const zones::Service& service,
                                               const zones::Topology& topology) {
  const size_t pools = service.pools.size();
  const size_t rows = topology.localities.size() + 1;
  std::vector<uint16_t> shares(rows * pools, 0);
  std::vector<bool> is_named(rows, false);
  while (!text.empty()) {
    const std::string_view part = next_part(text, "; ");
    std::string_view rest = part;
    const std::string_view names = next_part(rest, ": ");
    if (rest.empty()) return not_shares(part);
    const Result<std::vector<uint16_t>> row = parse_row(rest, service);
    if (!row) return row.error();
    const std::vector<std::string_view> named = split(names, ' ');
    for (size_t place = 0; place < rows; ++place) {
      const bool is_meant = names == all_others
                                ? !is_named[place]
                                : std::ranges::count(named, row_name(place, topology)) > 0;
      if (!is_meant) continue;
      is_named[place] = true;
      std::ranges::copy(*row, shares.begin() + static_cast<ptrdiff_t>(place * pools));
    }
  }
  return shares;
}

}  // namespace swingover::control
