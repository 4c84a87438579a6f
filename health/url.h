#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace swingover::health {

/// An http or https URL, taken apart.
struct Url {
  bool secure = false;
  std::string host;  // a name, or an address without brackets
  uint16_t port = 80;
  std::string path = "/";  // with its query

  /// As in a Host header: the port only where it is not the scheme's own.
  std::string authority() const;
  friend bool operator==(const Url&, const Url&) = default;
};

/// Where `location`, absolute or relative (RFC 3986 section 5), leads from `base`. An error says in words where it
/// leads that a probe does not follow to: another scheme, a user's name, what is no URL.
Result<Url> follow(const Url& base, std::string_view location);

/// "[2001:db8::1]" for addresses with colons, else `host` itself.
std::string bracketed(const std::string& host);

}  // namespace swingover::health
