#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "zones/zone_signing.h"

namespace swingover::control {

/// A zone that this server signs, as people see it: nothing of its keys that is private.
struct SignedZone {
  struct Key {
    uint16_t tag = 0;
    uint8_t algorithm_number = 0;
    std::string algorithm;  // "ECDSAP256SHA256"
    std::string role;       // "csk", "ksk", "zsk"
    std::optional<WallTime> created{};
    bool signs_keys = false;
    bool signs_zone = false;
    /// "shop.example. IN DS 51771 13 2 8D6C…", for the parent; empty: it shall not point at this key.
    std::string ds;
  };

  zones::Name name;
  std::string problem{};  // why it cannot be signed, and is answered SERVFAIL; empty: it is
  std::vector<Key> keys{};
  zones::SigningOptions options{};
  std::vector<std::string> cds{};  // "51771 13 2 8D6C…": what it asks its parent for
};

}  // namespace swingover::control
