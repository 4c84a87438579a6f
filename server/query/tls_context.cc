#include "server/query/tls_context.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <utility>

#include "server/query/tls_core.h"

namespace swingover::query {
namespace {

/// RFC 7301 section 3.2: who names protocols and not ours talks to the wrong server, and must be told so.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned offered_size, void*) {
  static constexpr std::array<unsigned char, 4> ours{3, 'd', 'o', 't'};
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, chosen_size, ours.data(), ours.size(), offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

bool set_mac_key(EVP_MAC_CTX* mac, const TlsTickets::Keys& keys) {
  std::array<char, 7> digest{"SHA256"};
  auto key = keys.mac;
  const std::array<OSSL_PARAM, 3> parameters{
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.data(), key.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  const bool is_set = EVP_MAC_CTX_set_params(mac, parameters.data()) == 1;
  OPENSSL_cleanse(key.data(), key.size());
  return is_set;
}

/// As SSL_CTX_set_tlsext_ticket_key_evp_cb(3) wants it: 1 done, 0 no such key, -1 failed.
int seal_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                EVP_MAC_CTX* mac, int is_new) {
  const auto* tickets = static_cast<const TlsTickets*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  const TlsTickets::Keys* keys = is_new ? &tickets->newest() : tickets->find(name);
  if (!keys) return 0;
  if (is_new) {
    std::copy(keys->name.begin(), keys->name.end(), name);
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
    if (EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, keys->cipher.data(), iv) != 1)
      return -1;
  } else if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, keys->cipher.data(), iv) != 1) {
    return -1;
  }
  return set_mac_key(mac, *keys) ? 1 : -1;
}

/// Nothing if there is no memory.
Openssl<SSL_CTX> new_context(TlsTickets& tickets) {
  Openssl<SSL_CTX> context(SSL_CTX_new(TLS_server_method()));
  if (!context) return nullptr;
  // Every resolver that speaks DNS over TLS has 1.3; without 1.2 go renegotiation, its ciphers and its tickets.
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // One read ends at any record: who sends key updates without end gets its turns like everybody.
  SSL_CTX_clear_mode(context.get(), SSL_MODE_AUTO_RETRY);
  // A client that ends with a FIN alone has ended all the same, and still gets its answers: DNS messages
  // carry their length, so nothing can be cut off unnoticed.
  SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 1);
  SSL_CTX_set_timeout(context.get(), static_cast<long>(TlsTickets::period.value / 1000));
  SSL_CTX_set_app_data(context.get(), &tickets);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context.get(), seal_ticket);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  return context;
}

}  // namespace

struct TlsContext::Core {
  Openssl<SSL_CTX> context;
};

TlsContext::TlsContext(const TlsTickets::Origin& tickets)
    : tickets_(tickets), core_(std::make_unique<Core>()) {}
TlsContext::~TlsContext() = default;

void TlsContext::use(std::shared_ptr<const TlsCredentials> credentials) {
  if (credentials == credentials_) return;
  Openssl<SSL_CTX> context = credentials ? new_context(tickets_) : nullptr;
  if (credentials && (!context || use_credentials(*context, credentials->parts()))) return;
  core_->context = std::move(context);
  credentials_ = std::move(credentials);
}

std::unique_ptr<TlsStream> TlsContext::accept(int descriptor, MonotonicTime now) {
  if (!core_->context) return nullptr;
  tickets_.rotate(now);
  auto core = std::make_unique<TlsStream::Core>();
  core->descriptor = descriptor;
  core->ssl.reset(SSL_new(core_->context.get()));
  BIO* bio = core->ssl ? new_socket_bio(*core) : nullptr;
  if (!bio) {
    ERR_clear_error();
    return nullptr;
  }
  SSL_set_bio(core->ssl.get(), bio, bio);
  SSL_set_accept_state(core->ssl.get());
  return std::make_unique<TlsStream>(std::move(core));
}

}  // namespace swingover::query
