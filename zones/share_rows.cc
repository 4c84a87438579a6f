#include "zones/share_rows.h"

#include <cassert>

namespace swingover::zones {

ShareRows::ShareRows(const ServicePlans& plans)
    : rows_(plans.share_rows()), memory_(plans.share_octets()), base_(memory_.data()) {
  places_.reserve(plans.size());
  for (size_t i = 0; i < plans.size(); ++i) {
    const ServicePlan& plan = plans[i];
    places_.push_back(
        plan.is_steered()
            ? std::optional(Place{plan.share_place(), static_cast<uint16_t>(plan.pools().size())})
            : std::nullopt);
  }
}

/// Writes the copy that does not count, then says that it does. The stores are releases, so that a reader who finds a
/// share of this change in the copy that it reads finds the change before it too, which made that copy the other one.
void ShareRows::set(ServiceId service, size_t row, std::span<const uint16_t> shares) {
  const Place& place = *places_[service.value];
  assert(row < rows_);
  assert(shares.size() == place.pools);
  uint8_t* const begin = octets(place.first, row, share_row_octets(place.pools));
  const std::atomic_ref<uint32_t> changes(*reinterpret_cast<uint32_t*>(begin));
  auto* const copies = reinterpret_cast<uint16_t*>(begin + sizeof(uint32_t));
  const uint32_t before = changes.load(std::memory_order_relaxed);
  // What is the same already would make readers look twice for nothing.
  if (std::ranges::equal(shares, std::span(copies + (before & 1) * place.pools, place.pools)))
    return;
  uint16_t* const copy = copies + (~before & 1) * place.pools;
  for (size_t i = 0; i < shares.size(); ++i)
    std::atomic_ref(copy[i]).store(shares[i], std::memory_order_release);
  changes.store(before + 1, std::memory_order_release);
}

}  // namespace swingover::zones
