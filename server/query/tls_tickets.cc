#include "server/query/tls_tickets.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace swingover::query {
namespace {

/// HMAC-SHA-256 as a one-way function: what comes out tells nothing of what went in.
template <size_t size>
void derive(const TlsTickets::Secret& secret, std::string_view use,
            std::array<uint8_t, size>& out) {
  std::array<uint8_t, 32> digest{};
  static_assert(size <= sizeof digest);
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const uint8_t*>(use.data()), use.size(), digest.data(), nullptr);
  std::copy_n(digest.begin(), size, out.begin());
  OPENSSL_cleanse(digest.data(), digest.size());
}

}  // namespace

TlsTickets::Secret TlsTickets::new_secret() {
  Secret secret{};
  RAND_bytes(secret.data(), static_cast<int>(secret.size()));
  return secret;
}

TlsTickets::TlsTickets(const Origin& origin)
    : secret_(origin.secret), next_(origin.start + period) {
  step();
  has_before_ = false;
}

TlsTickets::~TlsTickets() {
  OPENSSL_cleanse(secret_.data(), secret_.size());
  OPENSSL_cleanse(&newest_, sizeof newest_);
  OPENSSL_cleanse(&before_, sizeof before_);
}

void TlsTickets::rotate(MonotonicTime now) {
  for (; now >= next_; next_ = next_ + period) step();
}

const TlsTickets::Keys* TlsTickets::find(const uint8_t* name) const {
  if (std::equal(newest_.name.begin(), newest_.name.end(), name)) return &newest_;
  if (has_before_ && std::equal(before_.name.begin(), before_.name.end(), name)) return &before_;
  return nullptr;
}

void TlsTickets::step() {
  before_ = newest_;
  has_before_ = true;
  derive(secret_, "swingover ticket name", newest_.name);
  derive(secret_, "swingover ticket cipher", newest_.cipher);
  derive(secret_, "swingover ticket mac", newest_.mac);
  Secret next{};
  derive(secret_, "swingover ticket next", next);
  secret_ = next;
  OPENSSL_cleanse(next.data(), next.size());
}

}  // namespace swingover::query
