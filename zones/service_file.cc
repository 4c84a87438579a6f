#include "zones/service_file.h"

#include <fmt/format.h>
#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/text.h"
#include "base/toml_tables.h"
#include "zones/group_file.h"

namespace swingover {

Result<zones::Name> Form<zones::Name>::read(const TomlValue& value, NoLimits) {
  if (value.kind != TomlValue::Kind::text) return must_be(noun, value);
  auto name = zones::parse_name(value.text);
  if (!name) return must_be(noun, value, name.error().message);
  if (name->is_wildcard()) return must_be("a name of its own, without a wildcard", value);
  return name;
}

Result<zones::Endpoint> Form<zones::Endpoint>::read(const TomlValue& value, NoLimits) {
  if (value.kind != TomlValue::Kind::text) return must_be(noun, value);
  if (const auto address = parse_ip_address(value.text)) {
    if (address->is_any()) return must_be("an address that a client can reach", value);
    if (address->unmapped() != *address)
      return must_be(toml_quoted(address->unmapped().text()), value);
    return zones::Endpoint{*address, {}};
  }
  // "192.0.2.300" would make a fine name, and a dead target.
  const std::string_view text = value.text;
  if (text.find_first_not_of("0123456789./") == std::string_view::npos ||
      text.find(':') != std::string_view::npos) {
    return must_be(Form<IpAddress>::noun, value);
  }
  const auto name = Form<zones::Name>::read(value, {});
  if (!name) return must_be(noun, value);
  if (name->labels() < 2)
    return must_be("an address, or a whole name such as \"lb.fra.example.net.\"", value);
  return zones::Endpoint{*name, {}};
}

}  // namespace swingover

namespace swingover::zones {
namespace {

bool is_target(const Endpoint& endpoint) {
  return std::holds_alternative<Name>(endpoint.address);
}

MemberCounts members_of(const Pool& pool) {
  MemberCounts members{.all = pool.endpoints.size(), .ipv4 = 0, .ipv6 = 0};
  for (const Endpoint& endpoint : pool.endpoints) {
    const auto* address = std::get_if<IpAddress>(&endpoint.address);
    if (address) ++(address->is_v4() ? members.ipv4 : members.ipv6);
  }
  return members;
}

bool is_target_pool(const Pool& pool) {
  return std::ranges::any_of(pool.endpoints, is_target);
}

/// One service while it is read: its table, and its pools with theirs.
struct Draft {
  const TomlValue* table;
  Service service;
  std::vector<const TomlValue*> pool_tables;
  bool has_name = false;
};

class ServiceFile {
 public:
  ServiceFile(const TomlDocument& document, const ServiceContext& context, Diagnostics& diagnostics)
      : document_(document),
        context_(context),
        diagnostics_(diagnostics),
        regions_(names_in(document.root, "region")),
        cluster_names_(names_in(document.root, "cluster")) {
    for (const TomlValue* table : tables_of(document.root, "cluster")) {
      const TomlMember* name = table->find("name");
      if (name && name->value.kind == TomlValue::Kind::text)
        cluster_tables_.emplace(name->value.text, table);
    }
  }

  std::vector<Service> parse() {
    for (const TomlValue* table : tables_of(document_.root, "service"))
      drafts_.push_back(parse_service(*table));
    check_names();
    check_nesting();
    check_clusters();
    for (const Draft& draft : drafts_) check_pools(draft);
    for (const Draft& draft : drafts_) check_unsteered(draft);
    check_demand();
    std::vector<Service> services;
    for (Draft& draft : drafts_) services.push_back(std::move(draft.service));
    return services;
  }

 private:
  Draft parse_service(const TomlValue& table) {
    Draft draft{.table = &table, .service = {}, .pool_tables = tables_of(table, "pool")};
    Service& service = draft.service;
    read_options(table, service_options, service,
                 {.header = "[[service]]", .complete = document_.complete, .inner = {"pool"}},
                 diagnostics_);
    draft.has_name = !service.name.is_root();
    check_regions(table);
    if (service.policy == Policy::all && !table.find("answers")) service.answers = 0;
    if (service.ttl_min && *service.ttl_min > service.ttl) {
      diagnostics_.error(
          table.position_of("ttl_min"),
          fmt::format(R"("ttl_min" must be at most "ttl", which is {}s)", service.ttl.value));
    }
    check_marks(table, service);
    if (document_.complete) check_monitor_lists(table, context_.monitors, diagnostics_);
    if (const TomlMember* pool = table.find("pool")) {
      check_shape(*pool, {.name = "pool", .repeated = true}, "service.", diagnostics_);
    } else if (document_.complete) {
      diagnostics_.error(table.at, "[[service]] needs at least one [[service.pool]]");
    }
    for (const TomlValue* pool : draft.pool_tables) {
      service.pools.push_back(parse_pool(*pool));
      if (!pool->find("only_regions")) service.pools.back().only_regions = service.only_regions;
    }
    return draft;
  }

  /// The pair that counts: a service may set one of them and take the other from [steering].
  void check_marks(const TomlValue& table, const Service& service) {
    const double target = service.target.value_or(context_.steering.target);
    const double limit = service.limit.value_or(context_.steering.limit);
    if (target <= limit || (!service.target && !service.limit)) return;
    if (service.target) {
      diagnostics_.error(
          table.position_of("target"),
          fmt::format(R"("target" must be at most "limit", which is {}{})",
                      Form<double>::text(limit), service.limit ? "" : " by [steering]"));
    } else {
      diagnostics_.error(
          table.position_of("limit"),
          fmt::format(R"("limit" must be at least "target", which is {} by [steering])",
                      Form<double>::text(target)));
    }
  }

  void check_regions(const TomlValue& table) {
    if (document_.complete)
      check_references(table, "only_regions", regions_, "[[region]]", diagnostics_);
  }

  Pool parse_pool(const TomlValue& table) {
    Pool pool;
    read_options(table, pool_options, pool,
                 {.header = "[[service.pool]]", .complete = document_.complete}, diagnostics_);
    check_regions(table);
    if (document_.complete) {
      check_references(table, "cluster", cluster_names_, "[[cluster]]", diagnostics_);
      check_monitor_lists(table, context_.monitors, diagnostics_);
    }
    const auto& all = context_.topology.clusters;
    const auto found = std::ranges::find(all, pool.cluster_name, &Cluster::name);
    if (found != all.end()) {
      pool.cluster = ClusterId(static_cast<uint32_t>(found - all.begin()));
      pool.has_own_capacity = pool.capacity.has_value();
      if (!pool.capacity) pool.capacity = found->capacity;
      if (!table.find("endpoints")) take_addresses(*found, table, pool);
    }
    if (const TomlMember* own = table.find("endpoints");
        own && own->value.kind == TomlValue::Kind::array) {
      check_endpoint_kinds(own->value, pool);
    }
    check_band(table, pool);
    if (document_.complete)
      check_min_healthy(table, min_healthy_of(pool), members_of(pool), "this pool", diagnostics_);
    return pool;
  }

  void check_band(const TomlValue& table, const Pool& pool) {
    if (pool.in_flight_low.has_value() != pool.in_flight_high.has_value()) {
      const char* one = pool.in_flight_low ? "in_flight_low" : "in_flight_high";
      diagnostics_.error(
          table.position_of(one),
          R"("in_flight_low" and "in_flight_high" are the ends of one band: set both)");
    } else if (pool.in_flight_low && *pool.in_flight_low >= *pool.in_flight_high) {
      diagnostics_.error(
          table.position_of("in_flight_low"),
          fmt::format(R"("in_flight_low" must be below "in_flight_high", which is {})",
                      *pool.in_flight_high));
    }
  }

  void take_addresses(const Cluster& cluster, const TomlValue& table, Pool& pool) {
    for (const IpAddress& address : cluster.addresses) pool.endpoints.push_back({address, {}});
    const TomlValue* written = cluster_table(cluster.name);
    const TomlMember* addresses = written ? written->find("addresses") : nullptr;
    const bool has_none = !addresses || addresses->value.items.empty();
    if (document_.complete && pool.endpoints.empty() && has_none) {
      diagnostics_.error(
          table.at,
          fmt::format(R"([[service.pool]] needs "endpoints": the cluster {} has no "addresses")",
                      toml_quoted(cluster.name)));
    }
  }

  const TomlValue* cluster_table(const std::string& name) const {
    const auto found = cluster_tables_.find(name);
    return found == cluster_tables_.end() ? nullptr : found->second;
  }

  void check_endpoint_kinds(const TomlValue& list, const Pool& pool) {
    if (list.items.empty()) {
      diagnostics_.error(
          list.at,
          R"("endpoints" must not be empty; leave it out to use the cluster's "addresses")");
      return;
    }
    const auto targets = std::ranges::count_if(pool.endpoints, is_target);
    if (targets == 0) return;
    if (static_cast<size_t>(targets) < pool.endpoints.size()) {
      diagnostics_.error(
          list.at,
          R"("endpoints" mixes a target with addresses; use one target alone, or addresses)");
    } else if (targets > 1) {
      diagnostics_.error(
          list.at, R"("endpoints" holds more than one target; a name can have one CNAME only)");
    }
  }

  /// What is in a cluster is known only here.
  void check_clusters() {
    if (!document_.complete) return;
    std::vector<MemberCounts> members(context_.topology.clusters.size());
    for (const Draft& draft : drafts_) {
      for (const Pool& pool : draft.service.pools) {
        if (pool.cluster.value >= members.size()) continue;
        const MemberCounts own = members_of(pool);
        MemberCounts& sum = members[pool.cluster.value];
        sum = {sum.all + own.all, sum.ipv4 + own.ipv4, sum.ipv6 + own.ipv6};
      }
    }
    for (size_t i = 0; i < members.size(); ++i) {
      const Cluster& cluster = context_.topology.clusters[i];
      const TomlValue* table = cluster_table(cluster.name);
      if (table)
        check_min_healthy(*table, cluster.min_healthy, members[i],
                          "this cluster, in all services together", diagnostics_);
    }
  }

  /// Then what is legal and likely a slip may as well come of what is not.
  bool is_refused() const { return !document_.complete || diagnostics_.has_errors(); }

  /// Where nothing is known of load nothing is full, and nobody notices: told once, for it is of the whole file. Who
  /// knows that clusters will report writes `demand = 0`.
  void check_demand() {
    if (is_refused()) return;
    const auto is_asked = [&](const Pool& pool) {
      const auto& clusters = context_.topology.clusters;
      return pool.cluster.value < clusters.size() && !clusters[pool.cluster.value].load.url.empty();
    };
    const auto is_blind = [&](const Draft& draft) {
      const Service& service = draft.service;
      return service.is_steered() && !service.demand &&
             std::ranges::none_of(service.pools, is_asked);
    };
    const auto first = std::ranges::find_if(drafts_, is_blind);
    if (first == drafts_.end()) return;
    const auto others = std::ranges::count_if(first + 1, drafts_.end(), is_blind);
    const std::string and_others =
        others == 0 ? ""
                    : fmt::format(" (nor of {} other service{})", others, others == 1 ? "" : "s");
    diagnostics_.warning(
        first->table->position_of("name"),
        fmt::format(R"(nobody says what is asked of {}{}: without "demand", and until a cluster )"
                    R"(reports its load, none of its pools is ever full; "demand = 0" says that )"
                    R"(they will report)",
                    first->service.name.text(), and_others));
  }

  // ---- names among each other ----

  void check_names() {
    UniqueNames names("the name of the [[service]]", diagnostics_);
    std::unordered_set<Name> services;
    for (const Draft& draft : drafts_) {
      if (draft.has_name) services.insert(draft.service.name);
    }
    for (const Draft& draft : drafts_) {
      if (!draft.has_name) continue;
      const Position at = draft.table->position_of("name");
      const Name& name = draft.service.name;
      names.add(name.folded().text(), name.text(), at);
      check_inside_zone(name, at);
      check_not_below_on(name, services, at);
      check_debug_names(name, draft.service.pools, at);
    }
  }

  void check_inside_zone(const Name& name, Position at) {
    const auto covers = [&](const Name& zone) { return name.is_at_or_below(zone); };
    if (!document_.complete || std::ranges::any_of(context_.zones, covers)) return;
    std::vector<std::string> zones;
    for (const Name& zone : context_.zones) zones.push_back(zone.text());
    diagnostics_.error(at, zones.empty() ? name.text() + " is in no [[zone]]: this file has none"
                                         : fmt::format("{} is in no [[zone]]; there is {}",
                                                       name.text(), joined(zones, ", ")));
  }

  /// Looks at the name's ancestors, not at the other services: there may be ten thousand.
  void check_not_below_on(const Name& name, const std::unordered_set<Name>& services, Position at) {
    for (Name on = name; !on.is_root(); on = on.parent()) {
      const Name other = on.parent();
      const auto on_other = Name::child("on", other);
      if (!on_other || *on_other != on || !services.contains(other)) continue;
      diagnostics_.error(
          at,
          fmt::format(
              "{} lies in {}, where the pools of {} are answered one by one; choose another name",
              name.text(), on.text(), other.text()));
    }
  }

  /// CLUSTER.on.SERVICE must still be a name.
  void check_debug_names(const Name& name, const std::vector<Pool>& pools, Position at) {
    const auto on = Name::child("on", name);
    for (const Pool& pool : pools) {
      if (on && (pool.cluster_name.empty() || Name::child(pool.cluster_name, *on))) continue;
      diagnostics_.error(at,
                         fmt::format("{} is too long: {}.on in front of it must fit in 255 octets",
                                     name.text(), pool.cluster_name));
      return;
    }
  }

  // ---- services in one another ----

  /// The target of a pool may be another service of ours, and that one's again: it must end, and soon.
  void check_nesting() {
    for (size_t i = 0; i < drafts_.size(); ++i) {
      if (drafts_[i].has_name) places_.emplace(drafts_[i].service.name, i);
    }
    nestings_.resize(drafts_.size());
    for (size_t i = 0; i < drafts_.size(); ++i) measure_nesting(i);
  }

  struct Nesting {
    bool is_seen = false;
    bool is_open = false;  // its levels are being counted
    unsigned levels = 0;
  };

  /// A target that is another service of ours.
  struct InnerService {
    size_t place = 0;
    const Name* target = nullptr;
    Position at;
  };
  std::vector<InnerService> inner_services(size_t place) const {
    std::vector<InnerService> inner;
    const Draft& draft = drafts_[place];
    for (size_t i = 0; i < draft.service.pools.size(); ++i) {
      const Position at = draft.pool_tables[i]->position_of("endpoints");
      for (const Endpoint& endpoint : draft.service.pools[i].endpoints) {
        const Name* target = std::get_if<Name>(&endpoint.address);
        const auto found = target ? places_.find(*target) : places_.end();
        if (found == places_.end() || found->second == place) continue;  // check_target says so
        inner.push_back({found->second, target, at});
      }
    }
    return inner;
  }

  /// How many levels of services lie in this one, and in each of those. Not by recursion: a file may chain all of its
  /// services, and the stack would not hold that.
  void measure_nesting(size_t place) {
    struct Visit {
      size_t place;
      std::vector<InnerService> inner;
      size_t looked_at = 0;
    };
    std::vector<Visit> visits;
    const auto visit = [&](size_t next) {
      nestings_[next] = {.is_seen = true, .is_open = true};
      visits.push_back({next, inner_services(next)});
    };
    if (!nestings_[place].is_seen) visit(place);
    while (!visits.empty()) {
      Visit& last = visits.back();
      Nesting& nesting = nestings_[last.place];
      if (last.looked_at == last.inner.size()) {
        nesting.is_open = false;
        visits.pop_back();
        continue;
      }
      const InnerService& inner = last.inner[last.looked_at];
      if (!nestings_[inner.place].is_seen) {
        visit(inner.place);  // and once its levels are known, this one is looked at again
        continue;
      }
      ++last.looked_at;
      take_levels(nesting, drafts_[last.place].service.name, inner);
    }
  }

  void take_levels(Nesting& nesting, const Name& name, const InnerService& inner) {
    if (nestings_[inner.place].is_open) {
      diagnostics_.error(inner.at, fmt::format("the target {} is a service that leads back to {}",
                                               inner.target->text(), name.text()));
      return;
    }
    const unsigned levels = nestings_[inner.place].levels + 1;
    if (levels == nested_max + 1) {
      diagnostics_.error(inner.at,
                         fmt::format("services may lie in one another {} levels deep; with "
                                     "the target {} they would {}",
                                     nested_max, inner.target->text(), levels));
    }
    nesting.levels = std::max(nesting.levels, levels);
  }

  // ---- pools of one service ----

  void check_pools(const Draft& draft) {
    UniqueNames clusters("a pool in the cluster", diagnostics_);
    for (size_t i = 0; i < draft.service.pools.size(); ++i) {
      const Pool& pool = draft.service.pools[i];
      const TomlValue& table = *draft.pool_tables[i];
      if (!pool.cluster_name.empty())
        clusters.add(pool.cluster_name, pool.cluster_name, table.position_of("cluster"));
      if (draft.service.policy == Policy::local) check_locality(draft, pool, table);
      if (draft.has_name && is_target_pool(pool)) check_target(draft, pool, table);
    }
    check_weights(draft);
    if (!check_size(draft)) return;
    check_endpoints_once(draft);
    check_last_resort(draft);
  }

  /// A cluster's `capacity` is enough for its services to be steered within it, far from where they are written. Equal
  /// weights ask for nothing.
  void check_weights(const Draft& draft) {
    if (!document_.complete || !draft.service.is_steered()) return;
    const std::vector<Pool>& pools = draft.service.pools;
    const auto is_other = [&](const Pool& pool) { return pool.weight != pools.front().weight; };
    if (std::ranges::none_of(pools, is_other)) return;
    for (const TomlValue* table : draft.pool_tables) {
      if (!table->find("weight")) continue;
      diagnostics_.warning(
          table->position_of("weight"),
          fmt::format(R"("weight" has no effect while shares follow capacity, as those of {} do: )"
                      R"(its pools have a "capacity", or their clusters have)",
                      draft.service.name.text()));
    }
  }

  /// Who writes `failback = "manual"` counts on it, and finds out that nobody reads it in an outage.
  void check_unsteered(const Draft& draft) {
    const Service& service = draft.service;
    if (is_refused() || service.is_steered()) return;
    const auto has_none = [](const Pool& pool) { return !pool.last_resort && !pool.capacity; };
    const auto first = std::ranges::find_if(service.pools, has_none);
    std::string why = R"("steered" is false)";
    if (service.policy == Policy::all) {
      why = R"(its policy is "all")";
    } else if (first != service.pools.end()) {
      why = fmt::format(R"(neither its pool in {} nor that cluster has a "capacity")",
                        toml_quoted(first->cluster_name));
    }
    for (const char* key :
         {"demand", "target", "limit", "overflow", "failback", "failback_hold", "bytes_per_unit"}) {
      if (!draft.table->find(key)) continue;
      diagnostics_.warning(
          draft.table->position_of(key),
          fmt::format(R"("{}" has no effect: shares of {} do not follow capacity, {})", key,
                      service.name.text(), why));
    }
  }

  bool check_size(const Draft& draft) {
    size_t endpoints = 0;
    for (const Pool& pool : draft.service.pools) endpoints += pool.endpoints.size();
    if (std::max(endpoints, draft.service.pools.size()) <= service_parts_max) return true;
    diagnostics_.error(
        draft.table->position_of("name"),
        fmt::format("a service has at most {} endpoints and as many pools; {} has {} "
                    "endpoints in {} pools",
                    service_parts_max, draft.service.name.text(), endpoints,
                    draft.service.pools.size()));
    return false;
  }

  void check_locality(const Draft& draft, const Pool& pool, const TomlValue& table) {
    const TomlValue* cluster = cluster_table(pool.cluster_name);
    if (!document_.complete || !cluster) return;
    const TomlMember* localities = cluster->find("localities");
    if (localities && !localities->value.items.empty()) return;
    diagnostics_.error(
        table.position_of("cluster"),
        fmt::format(R"(the cluster {} has no "localities", which the policy "local" of {} needs)",
                    toml_quoted(pool.cluster_name), draft.service.name.text()));
  }

  void check_target(const Draft& draft, const Pool& pool, const TomlValue& table) {
    const Service& service = draft.service;
    const Position at = table.position_of("endpoints");
    for (const Endpoint& endpoint : pool.endpoints) {
      const Name* target = std::get_if<Name>(&endpoint.address);
      if (target && *target == service.name) {
        diagnostics_.error(at, fmt::format("the target {} is the service itself", target->text()));
      }
    }
    if (std::ranges::count(context_.zones, service.name) > 0) {
      diagnostics_.error(
          at, fmt::format("{} is the top of its zone, where no CNAME can stand; use addresses",
                          service.name.text()));
    }
    if (service.policy == Policy::all && service.pools.size() > 1) {
      diagnostics_.error(
          at,
          R"(a target cannot stand beside others in one answer, as the policy "all" wants; use addresses)");
    }
  }

  void check_endpoints_once(const Draft& draft) {
    UniqueNames endpoints("the endpoint", diagnostics_);
    for (size_t i = 0; i < draft.service.pools.size(); ++i) {
      const TomlValue& table = *draft.pool_tables[i];
      std::unordered_set<std::string> own;
      const auto add = [&](const Endpoint& endpoint, Position at) {
        const std::string text = lower(endpoint.text());
        if (own.insert(text).second)  // else read_options has said so
          endpoints.add(text, endpoint.text(), at);
      };
      if (const TomlMember* list = table.find("endpoints")) {
        for (const TomlValue& item : list->value.items) {
          if (const auto endpoint = Form<Endpoint>::read(item, {})) add(*endpoint, item.at);
        }
      } else {
        for (const Endpoint& endpoint : draft.service.pools[i].endpoints)
          add(endpoint, table.position_of("cluster"));
      }
    }
  }

  void check_last_resort(const Draft& draft) {
    const std::vector<Pool>& pools = draft.service.pools;
    if (!document_.complete || pools.empty()) return;
    const auto last = std::ranges::count_if(pools, &Pool::last_resort);
    if (last == 0 && draft.service.when_all_down == WhenAllDown::last_resort) {
      diagnostics_.error(
          draft.table->position_of("when_all_down"),
          R"("when_all_down" is "last_resort", but no pool of this service has "last_resort = true")");
    }
    if (last == 0 && draft.service.overflow == Overflow::last_resort) {
      diagnostics_.error(
          draft.table->position_of("overflow"),
          R"("overflow" is "last_resort", but no pool of this service has "last_resort = true")");
    }
    if (static_cast<size_t>(last) == pools.size()) {
      diagnostics_.error(
          draft.table->at,
          R"(every pool of this [[service]] is "last_resort"; one at least must not be)");
    }
  }

  const TomlDocument& document_;
  const ServiceContext& context_;
  Diagnostics& diagnostics_;
  std::vector<std::string> regions_;
  std::vector<std::string> cluster_names_;
  std::unordered_map<std::string_view, const TomlValue*> cluster_tables_;  // by name, the first
  std::vector<Draft> drafts_;
  std::unordered_map<Name, size_t> places_;  // of drafts
  std::vector<Nesting> nestings_;
};

}  // namespace

std::vector<Service> parse_services(const TomlDocument& document, const ServiceContext& context,
                                    Diagnostics& diagnostics) {
  return ServiceFile(document, context, diagnostics).parse();
}

}  // namespace swingover::zones
