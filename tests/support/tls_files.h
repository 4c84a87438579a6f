#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

namespace swingover::tests {

/// A self-signed certificate for ns.example.test and its key, written as PEM files.
struct TlsFiles {
  std::string certificate;
  std::string key;

  struct Valid {
    long from_seconds = -3600;
    long until_seconds = 90L * 24 * 3600;
  };
  TlsFiles(const std::string& folder, const std::string& name, Valid valid)
      : certificate(folder + "/" + name + ".crt"), key(folder + "/" + name + ".key") {
    const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> pair(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const std::unique_ptr<X509, void (*)(X509*)> x509(X509_new(), X509_free);
    if (!pair || !x509) throw std::runtime_error("no memory for a certificate");
    X509_set_version(x509.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509.get()), valid.from_seconds);
    X509_gmtime_adj(X509_getm_notAfter(x509.get()), valid.until_seconds);
    X509_set_pubkey(x509.get(), pair.get());
    X509_NAME* subject = X509_get_subject_name(x509.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(x509.get(), subject);
    X509_sign(x509.get(), pair.get(), EVP_sha256());
    write(certificate, [&](std::FILE* file) { return PEM_write_X509(file, x509.get()); });
    write(key, [&](std::FILE* file) {
      return PEM_write_PrivateKey(file, pair.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    using std::filesystem::perms;
    std::filesystem::permissions(key, perms::owner_read | perms::owner_write);
  }
  TlsFiles(const std::string& folder, const std::string& name) : TlsFiles(folder, name, Valid{}) {}

 private:
  template <class Write>
  static void write(const std::string& path, Write write) {
    std::FILE* file = std::fopen(path.c_str(), "w");
    if (!file) throw std::runtime_error("cannot write " + path);
    const bool is_written = write(file) == 1;
    if (std::fclose(file) != 0 || !is_written) throw std::runtime_error("cannot write " + path);
  }
};

}  // namespace swingover::tests
