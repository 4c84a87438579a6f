#include "base/secret.h"

#include <cstring>
#include <utility>

namespace swingover {

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  wipe();
  octets_ = std::move(other.octets_);
  room_ = std::exchange(other.room_, 0);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

void Secret::wipe() {
  // As OPENSSL_cleanse(): a plain memset of memory that is freed next may be left out by the compiler.
  if (octets_) explicit_bzero(octets_.get(), room_);
}

}  // namespace swingover
