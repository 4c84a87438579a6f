#include "server/control/target.h"

#include "base/ip.h"
#include "base/text.h"

namespace swingover::control {

namespace {

constexpr std::string_view forms =
    "a target is cluster/NAME, pool/SERVICE/CLUSTER, endpoint/SERVICE/ADDRESS or service/SERVICE";

std::string address_text(const zones::Endpoint& endpoint) {
  if (const auto* target = std::get_if<zones::Name>(&endpoint.address)) {
    return target->folded().text();
  }
  return endpoint.text();
}

Result<std::string> canonical_name(std::string_view text) {
  const Result<zones::Name> name = zones::parse_name(text);
  if (!name) return name.error("the name " + std::string(text));
  return name->folded().text();
}

}  // namespace

std::string Target::text() const {
  switch (kind) {
    case Kind::cluster:
      return "cluster/" + cluster;
    case Kind::service:
      return "service/" + service;
    case Kind::pool:
      return "pool/" + service + "/" + cluster;
    case Kind::endpoint:
      return "endpoint/" + service + "/" + address;
  }
  return {};
}

Result<Target> parse_target(std::string_view text) {
  const Error wrong{ErrorCode::invalid, std::string(forms) + ": " + std::string(text)};
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos || slash + 1 == text.size()) return wrong;
  const std::string_view kind = text.substr(0, slash);
  std::string_view rest = text.substr(slash + 1);

  Target target;
  if (kind == "cluster") {
    target.cluster = rest;
    return target;
  }
  std::string_view member;
  if (kind == "pool" || kind == "endpoint") {
    // The last slash: an address has none, and a service's name could.
    const size_t last = rest.rfind('/');
    if (last == std::string_view::npos || last == 0 || last + 1 == rest.size()) return wrong;
    member = rest.substr(last + 1);
    rest = rest.substr(0, last);
  } else if (kind != "service") {
    return wrong;
  }
  Result<std::string> service = canonical_name(rest);
  if (!service) return service.error();
  target.service = *service;
  if (kind == "service") {
    target.kind = Target::Kind::service;
  } else if (kind == "pool") {
    target.kind = Target::Kind::pool;
    target.cluster = member;
  } else {
    target.kind = Target::Kind::endpoint;
    if (const auto address = parse_ip_address(member)) {
      target.address = address->text();
    } else {
      const Result<std::string> name = canonical_name(member);
      if (!name) return name.error();
      target.address = *name;
    }
  }
  return target;
}

Result<FoundTarget> find_target(const zones::Model& model, const Target& target) {
  FoundTarget found;
  if (target.kind == Target::Kind::cluster) {
    const auto& clusters = model.topology.clusters;
    for (uint32_t i = 0; i < clusters.size(); ++i) {
      if (clusters[i].name == target.cluster) found.cluster = ClusterId(i);
    }
    if (!found.cluster) {
      return Error{ErrorCode::not_found, "no cluster of this name: " + target.cluster};
    }
    return found;
  }
  for (const zones::Service& service : model.services) {
    if (service_text(service) == target.service) found.service = &service;
  }
  if (!found.service) {
    return Error{ErrorCode::not_found, "no service of this name: " + target.service};
  }
  for (const zones::Pool& pool : found.service->pools) {
    if (target.kind == Target::Kind::pool && pool.cluster_name == target.cluster) {
      found.pool = &pool;
    }
    for (const zones::Endpoint& endpoint : pool.endpoints) {
      if (target.kind != Target::Kind::endpoint || found.endpoint) continue;
      if (address_text(endpoint) == target.address) found.endpoint = &endpoint;
    }
  }
  if (target.kind == Target::Kind::pool && !found.pool) {
    return Error{ErrorCode::not_found,
                 target.service + " has no pool in a cluster of this name: " + target.cluster};
  }
  if (target.kind == Target::Kind::endpoint && !found.endpoint) {
    return Error{ErrorCode::not_found,
                 target.service + " has no endpoint of this address: " + target.address};
  }
  return found;
}

std::string service_text(const zones::Service& service) {
  return service.name.folded().text();
}
std::string cluster_target(std::string_view cluster) {
  return "cluster/" + std::string(cluster);
}
std::string service_target(const zones::Service& service) {
  return "service/" + service_text(service);
}
std::string pool_target(const zones::Service& service, const zones::Pool& pool) {
  return "pool/" + service_text(service) + "/" + pool.cluster_name;
}
std::string endpoint_target(const zones::Service& service, const zones::Endpoint& endpoint) {
  return "endpoint/" + service_text(service) + "/" + address_text(endpoint);
}

std::string self_check_text(const health::Check& check) {
  const std::string& name = check.monitor->name;
  return name.substr(name.find(':') + 1);
}

}  // namespace swingover::control
