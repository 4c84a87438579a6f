#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <vector>

#include "server/query/tls_credentials.h"
#include "server/query/tls_stream.h"

/// OpenSSL's objects behind the classes of the tls_* units, which alone include this.
namespace swingover::query {

struct OpensslFree {
  void operator()(SSL_CTX* p) const { SSL_CTX_free(p); }
  void operator()(SSL* p) const { SSL_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
};
template <class T>
using Openssl = std::unique_ptr<T, OpensslFree>;

struct TlsCredentials::Parts {
  Openssl<X509> certificate;
  std::vector<Openssl<X509>> chain;  // behind it, as in the file
  Openssl<EVP_PKEY> key;
};

struct TlsStream::Core {
  int descriptor = -1;
  bool is_at_end = false;  // the socket has no more, ever
  bool reads_by_writing = false;
  bool has_failed = false;
  Openssl<SSL> ssl;  // last: it reads the fields above through its BIO
};

/// Gives the context the certificate, its chain and key; what OpenSSL has against them, or nothing.
const char* use_credentials(SSL_CTX& context, const TlsCredentials::Parts& parts);
/// A BIO on the core's descriptor that raises no signal.
BIO* new_socket_bio(TlsStream::Core& core);
/// What the newest OpenSSL error of this thread says; the queue is empty afterwards.
const char* openssl_reason();

}  // namespace swingover::query
