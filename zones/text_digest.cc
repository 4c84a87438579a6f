#include "zones/text_digest.h"

#include "base/random.h"
#include "base/siphash.h"

namespace swingover::zones {

TextDigest digest_of(std::string_view text) {
  static const SipKey key{random_seed(), random_seed()};
  return {text.size(), siphash(key, {reinterpret_cast<const uint8_t*>(text.data()), text.size()})};
}

}  // namespace swingover::zones
