#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "zones/snapshot.h"
#include "zones/worker_tally.h"

namespace swingover::zones {

/// Makes the signatures of what signed zones hold before anybody has to wait for them: it asks for each set once, as a
/// client would, so that they are in the zones' caches.
///
/// Order    Sets about keys, services with what they are answered now, then the zone files' names in no order.
/// Threads  One, beside those that answer. Long: some 25 us a set; do it where it disturbs nobody.
class SignAhead {
 public:
  explicit SignAhead(std::shared_ptr<const Snapshot> snapshot);

  /// Whether there is anything to do at all.
  static bool is_of_use(const Snapshot& snapshot);
  /// Looks at so many more names at least; false: there are none left.
  bool advance(size_t names, uint32_t now_seconds);

 private:
  void sign_keys(const ZoneTree::Entry& entry);
  void sign_service(ServiceId id);
  void sign_node(const ZoneTree::Entry& entry, const ZoneNode& node);
  void ask(Bytes name, uint16_t rrtype);

  std::shared_ptr<const Snapshot> snapshot_;
  WorkerTally tally_;
  uint32_t now_seconds_ = 0;
  size_t entry_ = 0;
  size_t place_ = 0;  // of its services, then of its zone
  std::vector<uint8_t> packet_;
  std::vector<uint8_t> name_;
  std::vector<uint8_t> out_;
};

}  // namespace swingover::zones
