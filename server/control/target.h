#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "health/prober.h"
#include "zones/snapshot.h"

namespace swingover::control {

/// What an intent or a journal entry is about:
/// `cluster/NAME`, `service/SERVICE`, `pool/SERVICE/CLUSTER` or `endpoint/SERVICE/ADDRESS`.
struct Target {
  enum class Kind { cluster, service, pool, endpoint };
  Kind kind = Kind::cluster;
  std::string service;  // canonical: lower case, with the final dot; empty for a cluster
  std::string cluster;  // of a cluster or pool
  std::string address;  // of an endpoint, canonical

  std::string text() const;
  friend bool operator==(const Target&, const Target&) = default;
};

/// Reads what people type: a service with or without its final dot, any spelling of an address. The error
/// says which form is expected. Whether the thing exists is for find_target().
Result<Target> parse_target(std::string_view text);

/// Places in the model; for a service or pool, those that it names.
struct FoundTarget {
  const zones::Service* service = nullptr;
  const zones::Pool* pool = nullptr;
  const zones::Endpoint* endpoint = nullptr;  // the first of this address
  std::optional<ClusterId> cluster;
};

/// Errors: not_found, naming what there is no such thing of.
Result<FoundTarget> find_target(const zones::Model& model, const Target& target);

// The canonical texts of things in a model.
std::string service_text(const zones::Service& service);  // shop.svc.example.com.
std::string cluster_target(std::string_view cluster);
std::string service_target(const zones::Service& service);
std::string pool_target(const zones::Service& service, const zones::Pool& pool);
std::string endpoint_target(const zones::Service& service, const zones::Endpoint& endpoint);
/// Of a check of [self_check], as the config has it: 192.0.2.1, tcp://192.0.2.53:53.
std::string self_check_text(const health::Check& check);

}  // namespace swingover::control
