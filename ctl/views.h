#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/clock.h"
#include "ctl/table.h"

namespace swingover::ctl {

/// The admin address's JSON as text for people (docs/admin-api.md). Members that are missing or of another
/// type than expected show as "-", unknown members are not shown: an older swingctl reads a newer daemon.
/// Whatever the JSON holds, the text is safe to write to a terminal.
struct View {
  const Terminal& terminal;
  WallTime now;  // what "3m ago" counts from

  std::string status(const nlohmann::ordered_json& reply) const;
  std::string services(const nlohmann::ordered_json& reply) const;
  std::string service(const nlohmann::ordered_json& reply) const;
  std::string explanation(const nlohmann::ordered_json& reply) const;
  std::string brake(const nlohmann::ordered_json& json) const;
  std::string intents(const nlohmann::ordered_json& reply) const;
  /// Of /v1/intents: what is frozen, and what thawing would move.
  std::string frozen(const nlohmann::ordered_json& reply) const;
  /// What clusters report that they carry.
  std::string loads(const nlohmann::ordered_json& reply) const;
  /// Clusters before and after, the services that would be affected, and what it comes to in words.
  std::string what_if(const nlohmann::ordered_json& reply) const;
  /// What would have no room if a cluster, or two, died.
  std::string n1(const nlohmann::ordered_json& reply) const;
  /// Of each signed zone its keys, how long signatures hold, and what it asks its parent for.
  std::string dnssec(const nlohmann::ordered_json& reply) const;
  std::string history(const nlohmann::ordered_json& reply) const;
  /// One line: "drain 7 on cluster/fra until 2026-11-22T10:15:00Z (ada: rack work)"; of a dry run its steps, too.
  std::string intent(const nlohmann::ordered_json& intent) const;
};

/// "4s", "3m12s", "2h05m", "12d03h": two units are enough for people.
std::string age_text(Milliseconds age);

/// The string at `key`; empty if there is none.
std::string string_at(const nlohmann::ordered_json& object, const char* key);

}  // namespace swingover::ctl
