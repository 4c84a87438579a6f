#include "server/query/tls_credentials.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <ctime>
#include <filesystem>
#include <utility>

#include "base/file.h"
#include "server/query/tls_core.h"

namespace swingover::query {
namespace {

constexpr size_t pem_size_max = size_t{1} << 20;
constexpr int64_t warn_before_ms = 14LL * 24 * 3600 * 1000;

/// Nobody is asked: a daemon has no terminal.
int no_pass_phrase(char*, int, int, void*) {
  return -1;
}

Openssl<BIO> memory_bio(const std::string& text) {
  return Openssl<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Result<std::string> read_pem(const std::string& file) {
  std::error_code ignored;  // a device or a pipe would be read for ever
  if (!std::filesystem::is_regular_file(file, ignored))
    return Error{ErrorCode::not_found, "there is no file " + file};
  return read_file(file, pem_size_max);
}

bool read_certificates(const std::string& pem, TlsCredentials::Parts& parts) {
  const Openssl<BIO> bio = memory_bio(pem);
  parts.certificate.reset(PEM_read_bio_X509(bio.get(), nullptr, no_pass_phrase, nullptr));
  if (!parts.certificate) return false;
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, no_pass_phrase, nullptr))
    parts.chain.emplace_back(next);
  const unsigned long last = ERR_peek_last_error();
  const bool at_end =
      ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
  if (at_end) ERR_clear_error();
  return at_end;
}

/// What of its time the certificate is outside of; nothing if all is well.
std::string time_warning(const X509& certificate, WallTime now) {
  const auto is_before = [](const ASN1_TIME* time, int64_t unix_milliseconds) {
    const time_t at = unix_milliseconds / 1000;
    return ASN1_TIME_cmp_time_t(time, at) < 0;
  };
  const ASN1_TIME* end = X509_get0_notAfter(&certificate);
  std::array<char, 64> text{};
  const Openssl<BIO> bio(BIO_new(BIO_s_mem()));
  ASN1_TIME_print(bio.get(), end);
  const int size = BIO_read(bio.get(), text.data(), static_cast<int>(text.size()));
  const std::string when(text.data(), static_cast<size_t>(size > 0 ? size : 0));
  if (is_before(end, now.unix_milliseconds)) return "expired on " + when;
  if (is_before(end, now.unix_milliseconds + warn_before_ms)) return "expires on " + when;
  if (!is_before(X509_get0_notBefore(&certificate), now.unix_milliseconds + 1000))
    return "is not valid yet";
  return {};
}

}  // namespace

TlsCredentials::TlsCredentials(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TlsCredentials::~TlsCredentials() = default;

const char* openssl_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason ? reason : "unknown error";
}

const char* use_credentials(SSL_CTX& context, const TlsCredentials::Parts& parts) {
  ERR_clear_error();
  if (SSL_CTX_use_certificate(&context, parts.certificate.get()) != 1) return openssl_reason();
  for (const Openssl<X509>& each : parts.chain) {
    if (SSL_CTX_add1_chain_cert(&context, each.get()) != 1) return openssl_reason();
  }
  if (SSL_CTX_use_PrivateKey(&context, parts.key.get()) != 1) return openssl_reason();
  return nullptr;
}

LoadedTls load_tls(const std::string& certificate_file, const std::string& key_file, WallTime now) {
  using In = TlsProblem::In;
  LoadedTls loaded;
  const auto error = [&loaded](In in, std::string message) {
    loaded.problems.push_back({in, true, std::move(message)});
  };
  ERR_clear_error();
  auto parts = std::make_unique<TlsCredentials::Parts>();
  const auto certificate_pem = read_pem(certificate_file);
  if (!certificate_pem) {
    error(In::certificate, certificate_pem.error().message);
  } else if (!read_certificates(*certificate_pem, *parts)) {
    parts->certificate.reset();
    const std::string reason = openssl_reason();
    error(In::certificate, reason == "no start line"
                               ? certificate_file + " holds no certificate in PEM form"
                               : certificate_file + ": a certificate cannot be read: " + reason);
  }
  const auto key_pem = read_pem(key_file);
  if (!key_pem) {
    error(In::key, key_pem.error().message);
  } else {
    const Openssl<BIO> bio = memory_bio(*key_pem);
    parts->key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_pass_phrase, nullptr));
    if (!parts->key) {
      ERR_clear_error();
      const bool is_locked = key_pem->find("ENCRYPTED") != std::string::npos;
      error(In::key, is_locked ? key_file + " has a pass phrase, and nobody could be asked for it"
                               : key_file + " holds no private key in PEM form");
    }
  }
  if (!parts->certificate || !parts->key) return loaded;

  if (X509_check_private_key(parts->certificate.get(), parts->key.get()) != 1) {
    ERR_clear_error();
    error(In::key, key_file + " is not the key of the certificate in " + certificate_file);
    return loaded;
  }
  const Openssl<SSL_CTX> trial(SSL_CTX_new(TLS_server_method()));
  const char* refusal = trial ? use_credentials(*trial, *parts) : openssl_reason();
  if (refusal) {
    error(In::certificate, certificate_file + " cannot be used: " + refusal);
    return loaded;
  }
  if (const std::string warning = time_warning(*parts->certificate, now); !warning.empty()) {
    loaded.problems.push_back(
        {In::certificate, false, "the certificate in " + certificate_file + " " + warning});
  }
  loaded.credentials = std::make_shared<const TlsCredentials>(std::move(parts));
  return loaded;
}

}  // namespace swingover::query
