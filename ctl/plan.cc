#include "ctl/plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <set>

#include "base/printable.h"
#include "zones/steering/allocation.h"

namespace swingover::ctl {

using Json = nlohmann::ordered_json;

namespace {

constexpr size_t depth_max = 8;

constexpr size_t clusters_max = 2000;
constexpr double ratio_max = 10;  // as [steering] allows

/// "clusters" and "name" is "clusters.name"; a key that is no word stands in brackets.
std::string below(const std::string& path, const std::string& key) {
  const bool is_word = !key.empty() && std::ranges::all_of(key, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
  if (!is_word) return path + "[\"" + printable(key) + "\"]";
  return path.empty() ? key : path + "." + key;
}
std::string below(const std::string& path, size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

/// A key that stands twice in one object, which JSON's readers else pass over in silence. Fed by the parser.
class Repeated {
 public:
  explicit Repeated(std::vector<std::string>& problems) : problems_(problems) {}

  bool operator()(int, Json::parse_event_t event, Json& value) {
    using Event = Json::parse_event_t;
    switch (event) {
      case Event::object_start:
      case Event::array_start:
        open_.push_back({place(), event == Event::array_start, 0, "", {}});
        break;
      case Event::object_end:
      case Event::array_end:
        open_.pop_back();
        next();
        break;
      case Event::key:
        open_.back().key = value.get<std::string>();
        if (!open_.back().keys.insert(open_.back().key).second) {
          problems_.push_back(place() + ": stands twice");
        }
        break;
      case Event::value:
        next();
        break;
    }
    return true;
  }

 private:
  struct Open {
    std::string path;
    bool is_array;
    size_t index;
    std::string key;
    std::set<std::string> keys;
  };
  std::string place() const {
    if (open_.empty()) return {};
    const Open& open = open_.back();
    return open.is_array ? below(open.path, open.index) : below(open.path, open.key);
  }
  void next() {
    if (!open_.empty()) ++open_.back().index;
  }

  std::vector<std::string>& problems_;
  std::vector<Open> open_;
};

struct NamedCluster {
  std::string name;
  double capacity = 0;  // effective
};
struct NamedLocality {
  std::string name;
  double demand = 0;
};

struct Case {
  double target = 0.70;
  double limit = 1.00;
  std::vector<NamedLocality> localities;
  std::vector<NamedCluster> clusters;
  std::map<std::string, std::map<std::string, double>> costs;  // by locality and cluster
};

/// Reads a case, and goes on after a problem.
class CaseReader {
 public:
  explicit CaseReader(std::vector<std::string>& problems) : problems_(problems) {}

  Case read(const Json& input) {
    Case found;
    if (!is_object(input, "")) return found;
    only(input, "", {"target", "limit", "client_localities", "clusters", "cost_per_unit"});
    found.target = number(input, "", "target", {.above = 0, .most = ratio_max});
    found.limit = number(input, "", "limit", {.above = 0, .most = ratio_max});
    if (found.limit < found.target) problem("limit", "below target");
    for_each_named(input, "client_localities", [&](const Json& one, const std::string& path) {
      only(one, path, {"name", "demand"});
      found.localities.push_back(
          {name(one, path), number(one, path, "demand", {.most = steering::amount_max})});
    });
    for_each_named(input, "clusters", [&](const Json& one, const std::string& path) {
      found.clusters.push_back(cluster(one, path));
    });
    if (found.clusters.size() > clusters_max) problem("clusters", "more than 2,000");
    if (names_are_known_) read_costs(input, found);
    return found;
  }

 private:
  struct Bounds {
    double least = 0;
    double above = -1;  // as `least`, but it itself is out
    double most = 0;
    double otherwise = NAN;  // when the field may be missing
  };

  void problem(const std::string& path, const std::string& what) {
    problems_.push_back((path.empty() ? "the input" : path) + ": " + what);
  }

  bool is_object(const Json& value, const std::string& path) {
    if (!value.is_object()) problem(path, "not an object");
    return value.is_object();
  }

  void only(const Json& object, const std::string& path, const std::set<std::string>& known) {
    for (const auto& [key, value] : object.items()) {
      if (!known.contains(key)) problem(below(path, key), "unknown field");
    }
  }

  const Json* needed(const Json& object, const std::string& path, const std::string& key) {
    const auto found = object.find(key);
    if (found != object.end()) return &*found;
    problem(below(path, key), "missing");
    return nullptr;
  }

  double number(const Json& object, const std::string& path, const std::string& key,
                const Bounds& bounds) {
    if (!object.contains(key) && !std::isnan(bounds.otherwise)) return bounds.otherwise;
    const Json* value = needed(object, path, key);
    return value == nullptr ? NAN : number(*value, below(path, key), bounds);
  }

  double number(const Json& value, const std::string& path, const Bounds& bounds) {
    if (!value.is_number()) {
      problem(path, "not a number");
      return NAN;
    }
    const double found = value.get<double>();
    if (found < bounds.least) {
      problem(path, "below " + text_of(bounds.least));
    } else if (found <= bounds.above) {
      problem(path, "not above " + text_of(bounds.above));
    } else if (found > bounds.most) {
      problem(path, "above " + text_of(bounds.most));
    }
    return found;
  }

  static std::string text_of(double bound) {
    std::array<char, 32> out{};
    std::snprintf(out.data(), out.size(), "%g", bound);
    return out.data();
  }

  std::string name(const Json& object, const std::string& path) {
    const Json* value = needed(object, path, "name");
    if (value == nullptr) {
      names_are_known_ = false;
      return {};
    }
    std::string found = value->is_string() ? value->get<std::string>() : std::string();
    if (found.empty()) problem(below(path, "name"), "not a name");
    names_are_known_ &= !found.empty();
    return found;
  }

  template <class Read>
  void for_each_named(const Json& input, const std::string& key, Read&& read) {
    const Json* list = needed(input, "", key);
    if (list == nullptr || !list->is_array() || list->empty()) {
      if (list != nullptr) problem(key, list->is_array() ? "empty" : "not a list");
      names_are_known_ = false;
      return;
    }
    std::set<std::string> names;
    for (size_t i = 0; i < list->size(); ++i) {
      const Json& one = (*list)[i];
      const std::string path = below(key, i);
      if (!is_object(one, path)) {
        names_are_known_ = false;
        continue;
      }
      read(one, path);
      const auto found = one.find("name");
      if (found == one.end() || !found->is_string()) continue;
      if (!names.insert(found->template get<std::string>()).second) {
        problem(below(path, "name"), "stands twice");
        names_are_known_ = false;
      }
    }
  }

  NamedCluster cluster(const Json& one, const std::string& path) {
    only(one, path, {"name", "locality", "capacity", "state", "healthy_fraction", "ramp"});
    NamedCluster found{name(one, path), 0};
    if (one.contains("locality") && !one["locality"].is_string()) {
      problem(below(path, "locality"), "not a name");
    }
    const double capacity = number(one, path, "capacity", {.most = steering::amount_max});
    const Bounds part{.most = 1, .otherwise = 1};
    const double effective =
        capacity * number(one, path, "healthy_fraction", part) * number(one, path, "ramp", part);
    const Json state = one.value("state", Json("up"));
    if (state != "up" && state != "down") problem(below(path, "state"), "neither up nor down");
    found.capacity = state == "up" ? effective : 0;
    return found;
  }

  void read_costs(const Json& input, Case& found) {
    const std::string path = "cost_per_unit";
    const Json* costs = needed(input, "", path);
    if (costs == nullptr || !is_object(*costs, path)) return;
    std::set<std::string> localities;
    std::set<std::string> clusters;
    for (const auto& locality : found.localities) localities.insert(locality.name);
    for (const auto& cluster : found.clusters) clusters.insert(cluster.name);
    for (const auto& [from, row] : costs->items()) {
      if (!localities.contains(from)) problem(below(path, from), "no locality of this name");
    }
    for (const NamedLocality& locality : found.localities) {
      const std::string row_path = below(path, locality.name);
      const Json* row = needed(*costs, path, locality.name);
      if (row == nullptr || !is_object(*row, row_path)) continue;
      for (const auto& [to, cost] : row->items()) {
        if (!clusters.contains(to)) problem(below(row_path, to), "no cluster of this name");
      }
      for (const NamedCluster& cluster : found.clusters) {
        const Json* cost = needed(*row, row_path, cluster.name);
        if (cost == nullptr) continue;
        found.costs[locality.name][cluster.name] =
            cost->is_null()
                ? steering::forbidden
                : number(*cost, below(row_path, cluster.name), {.most = steering::cost_max});
      }
    }
  }

  std::vector<std::string>& problems_;
  bool names_are_known_ = true;  // else costs would only repeat what is wrong with those
};

/// Four decimals: what a ratio's reader can use.
double ratio(double value) {
  return std::round(value * 1e4) / 1e4;
}

/// Four decimals, or six digits where those are finer.
double rounded(double value) {
  if (value >= 1 || value == 0) return ratio(value);
  std::array<char, 32> out{};
  std::snprintf(out.data(), out.size(), "%.6g", value);
  return std::strtod(out.data(), nullptr);
}

/// Places in the order of the names, so that the input's order decides nothing.
template <class Named>
std::vector<size_t> by_name(const std::vector<Named>& all) {
  std::vector<size_t> order(all.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t at) { return all[at].name; });
  return order;
}

Json solved(const Case& given) {
  const std::vector<size_t> rows = by_name(given.localities);
  const std::vector<size_t> columns = by_name(given.clusters);
  steering::Problem problem;
  problem.target = given.target;
  problem.limit = given.limit;
  for (const size_t j : columns) problem.capacities.push_back(given.clusters[j].capacity);
  for (const size_t i : rows) {
    problem.demands.push_back(given.localities[i].demand);
    const auto& costs = given.costs.at(given.localities[i].name);
    for (const size_t j : columns) problem.costs.push_back(costs.at(given.clusters[j].name));
  }
  const steering::Allocation allocation = steering::allocate(problem);

  Json weights = Json::object();
  Json loads = Json::object();
  Json utilisations = Json::object();
  Json unserved = Json::array();
  for (const auto& locality : given.localities) weights[locality.name] = Json::object();
  for (const auto& cluster : given.clusters) loads[cluster.name] = utilisations[cluster.name] = 0.0;
  for (size_t r = 0; r < rows.size(); ++r) {
    const std::string& locality = given.localities[rows[r]].name;
    for (size_t c = 0; c < columns.size(); ++c) {
      const uint16_t share = allocation.shares[r * columns.size() + c];
      if (share > 0) weights[locality][given.clusters[columns[c]].name] = share;
    }
    if (allocation.unserved[r]) unserved.push_back(locality);
  }
  for (size_t c = 0; c < columns.size(); ++c) {
    const std::string& cluster = given.clusters[columns[c]].name;
    loads[cluster] = rounded(allocation.loads[c]);
    if (allocation.loads[c] > 0) {
      utilisations[cluster] = ratio(allocation.loads[c] / problem.capacities[c]);
    }
  }
  return {{"regime", word(allocation.regime)},
          {"weights_per_10000", weights},
          {"cluster_load", loads},
          {"cluster_utilisation", utilisations},
          {"max_level", ratio(allocation.max_level)},
          {"total_cost", rounded(allocation.total_cost)},
          {"unserved", unserved}};
}

std::string line_and_column(std::string_view text, size_t byte) {
  const std::string_view before = text.substr(0, std::min(byte, text.size()));
  const size_t line = 1 + static_cast<size_t>(std::ranges::count(before, '\n'));
  const size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return std::to_string(line) + ":" + std::to_string(before.size() - start + 1);
}

/// Where a bracket opens that nothing of a case is as deep as, before anything is built of it: each level that a reader
/// has open costs it memory.
std::optional<size_t> too_deep(std::string_view text) {
  size_t depth = 0;
  bool is_text = false;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (is_text && c == '\\') {
      ++at;
    } else if (c == '"') {
      is_text = !is_text;
    } else if (is_text) {
      continue;
    } else if (c == '[' || c == '{') {
      if (++depth > depth_max) return at;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return std::nullopt;
}

}  // namespace

Planned plan_case(std::string_view text, bool ascii) {
  Planned planned;
  if (const auto at = too_deep(text)) {
    return {{},
            {line_and_column(text, *at) + ": brackets in brackets more than " +
             std::to_string(depth_max) + " deep, which no case has"}};
  }
  Json whole;
  try {
    Repeated repeated(planned.problems);
    whole = Json::parse(text, [&](int depth, Json::parse_event_t event, Json& value) {
      return repeated(depth, event, value);
    });
  } catch (const Json::parse_error& error) {
    return {{}, {line_and_column(text, error.byte == 0 ? 0 : error.byte - 1) + ": not JSON"}};
  } catch (const Json::exception&) {
    return {{}, {"a number is too large"}};
  }
  const bool is_wrapped = whole.is_object() && whole.contains("input");
  const Case given = CaseReader(planned.problems).read(is_wrapped ? whole["input"] : whole);
  if (!planned.problems.empty()) return planned;
  planned.json = solved(given).dump(2, ' ', ascii);
  return planned;
}

}  // namespace swingover::ctl
