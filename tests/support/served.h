#pragma once

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/packet_text.h"
#include "tests/support/zone_text.h"
#include "zones/respond.h"
#include "zones/snapshot.h"

namespace swingover::tests {

/// A snapshot with one worker's tally, asked without a socket.
class Served {
 public:
  /// Without the limit on amplification, so that tests see whole answers.
  explicit Served(zones::Model model, zones::Answering answering = {.amplification_max = 0}) {
    zones::number(model.services);
    snapshot_ = zones::build_snapshot(std::make_shared<const zones::Model>(std::move(model)),
                                      {.pick_secret = 7, .answering = std::move(answering)});
    tally_ = std::make_unique<zones::WorkerTally>(*snapshot_, 0);
  }

  const zones::Snapshot& snapshot() const { return *snapshot_; }
  std::shared_ptr<const zones::Snapshot> shared() const { return snapshot_; }
  zones::WorkerTally& tally() { return *tally_; }
  /// Answers given from each pool, services and pools as configured.
  std::vector<uint64_t> answers() const {
    std::vector<uint64_t> out;
    for (const zones::Service& service : snapshot_->model->services) {
      for (const zones::Pool& pool : service.pools)
        out.push_back(tally_->answers(service.id, pool.id));
    }
    return out;
  }
  void set_all(zones::Eligibility value) {
    for (uint32_t i = 0; i < snapshot_->eligibility->size(); ++i)
      snapshot_->eligibility->set(EndpointId(i), value);
  }
  void set(uint32_t endpoint, zones::Eligibility value) {
    snapshot_->eligibility->set(EndpointId(endpoint), value);
  }

  /// The answer's octets; the buffer is as large as the worker's, and poisoned behind what it may use.
  std::vector<uint8_t> raw(Bytes packet, zones::Transport transport = zones::Transport::udp) {
    const size_t room =
        transport == zones::Transport::udp ? snapshot_->answering.udp_size_max : 65'535;
    std::vector<uint8_t> out(room, 0xa5);
    outcome_ = zones::respond(packet, {.address = client_, .transport = transport, .now = now_},
                              *snapshot_, *tally_, out);
    out.resize(outcome_.size);
    return out;
  }
  PacketText ask(const QueryText& query, zones::Transport transport = zones::Transport::udp) {
    return packet_text(raw(query_packet(query), transport));
  }
  PacketText ask(std::string_view name, uint16_t type = 1) {
    return ask(QueryText{.name = name, .type = type});
  }

  const zones::Outcome& outcome() const { return outcome_; }
  void set_client(const IpAddress& client) { client_ = client; }
  void set_now(uint32_t seconds) { now_ = seconds; }

 private:
  std::shared_ptr<const zones::Snapshot> snapshot_;
  std::unique_ptr<zones::WorkerTally> tally_;
  zones::Outcome outcome_;
  IpAddress client_ = IpAddress::v4({192, 0, 2, 200});
  uint32_t now_ = 0;
};

using Lines = std::vector<std::string>;

inline zones::ZoneSource zone_source(std::string_view apex, std::string_view text) {
  return {.apex = *zones::parse_name(apex), .contents = zone_text(apex, text)};
}

/// A pool of the addresses or the one target that are named.
inline zones::Pool pool_of(std::string_view cluster, std::vector<std::string_view> endpoints,
                           uint32_t priority = 1) {
  zones::Pool pool;
  pool.cluster_name = cluster;
  pool.cluster = ClusterId(cluster == "ams" ? 1 : 0);
  pool.priority = priority;
  for (const std::string_view text : endpoints) {
    zones::Endpoint endpoint;
    if (const auto address = parse_ip_address(text)) {
      endpoint.address = *address;
    } else {
      endpoint.address = *zones::parse_name(text);
    }
    pool.endpoints.push_back(endpoint);
  }
  return pool;
}

inline zones::Service service_of(std::string_view name, std::vector<zones::Pool> pools) {
  zones::Service service;
  service.name = *zones::parse_name(name);
  service.pools = std::move(pools);
  return service;
}

/// Two clusters, in a locality each.
inline zones::Topology two_clusters() {
  zones::Topology topology;
  topology.regions = {"eu"};
  topology.localities = {
      {.name = "fra-a", .region = "eu", .clients = {*parse_ip_prefix("10.1.0.0/16")}},
      {.name = "ams-a", .region = "eu", .clients = {*parse_ip_prefix("10.2.0.0/16")}}};
  topology.clusters.resize(2);
  topology.clusters[0].name = "fra";
  topology.clusters[0].localities = {LocalityId(0)};
  topology.clusters[1].name = "ams";
  topology.clusters[1].localities = {LocalityId(1)};
  return topology;
}

}  // namespace swingover::tests
