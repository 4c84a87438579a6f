#include "store/store.h"

#include <array>

namespace swingover::store {

std::string_view name(Table table) {
  static constexpr std::array<std::string_view, tables> names = {
      "state", "journal", "config", "registrations", "keys", "meta", "past"};
  return names[static_cast<size_t>(table)];
}

}  // namespace swingover::store
