#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"

namespace swingover::query {

/// A certificate, the chain behind it and its private key, read and checked. Immutable; any thread.
class TlsCredentials {
 public:
  struct Parts;
  explicit TlsCredentials(std::unique_ptr<Parts> parts);
  ~TlsCredentials();
  TlsCredentials(const TlsCredentials&) = delete;
  TlsCredentials& operator=(const TlsCredentials&) = delete;

  const Parts& parts() const { return *parts_; }

 private:
  std::unique_ptr<Parts> parts_;
};

/// What is wrong with one of the two files.
struct TlsProblem {
  enum class In { certificate, key };
  In in;
  bool is_error = true;  // else a warning: it can be used
  std::string message;
};

struct LoadedTls {
  std::shared_ptr<const TlsCredentials> credentials;  // none if there is any error
  std::vector<TlsProblem> problems;
};

/// Reads PEM files: the certificate first and its chain behind it; a key without a pass phrase.
/// A certificate that has run out, or has not begun, is a warning: refusing to serve would be worse.
LoadedTls load_tls(const std::string& certificate_file, const std::string& key_file, WallTime now);

}  // namespace swingover::query
