#include "health/url.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>
#include <vector>

#include "base/ip.h"
#include "base/text.h"

namespace swingover::health {

namespace {

constexpr size_t url_max = 8192;

Error refused(std::string_view location, std::string_view why) {
  constexpr size_t shown_max = 60;
  std::string shown(location.substr(0, shown_max));
  std::ranges::replace_if(
      shown, [](unsigned char c) { return c < ' ' || c >= 0x7f; }, '?');
  return {ErrorCode::invalid, "redirected to \"" + shown + "\", " + std::string(why)};
}

/// "ftp" of "ftp://…"; nothing for a relative reference.
std::optional<std::string> scheme_of(std::string_view location) {
  const size_t end = location.find_first_of(":/?#");
  if (end == location.npos || location[end] != ':' || end == 0) return std::nullopt;
  return lower(location.substr(0, end));
}

std::string without_dot_segments(std::string_view path) {
  std::vector<std::string> kept;
  const auto segments = split(path.substr(1), '/');
  for (size_t i = 0; i < segments.size(); ++i) {
    const bool is_last = i + 1 == segments.size();
    const bool is_dots = segments[i] == "." || segments[i] == "..";
    if (segments[i] == ".." && !kept.empty()) kept.pop_back();
    if (!is_dots) {
      kept.emplace_back(segments[i]);
    } else if (is_last) {
      kept.emplace_back();
    }
  }
  return '/' + joined(kept, "/");
}

bool is_name(std::string_view host) {
  return !host.empty() && std::ranges::all_of(host, [](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) || c == '.' || c == '-' || c == '_');
  });
}

/// "host", "host:81", "[2001:db8::1]:81" into `url`; false: none of these.
bool read_authority(std::string_view text, Url& url) {
  std::string_view host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == text.npos) return false;
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else if (const size_t colon = text.rfind(':'); colon != text.npos) {
    host = text.substr(0, colon);
    port = text.substr(colon);
  }
  const bool is_address = text.starts_with('[');
  if (is_address ? !parse_ip_address(host) || host.find(':') == host.npos : !is_name(host))
    return false;
  url.host = host;
  url.port = url.secure ? 443 : 80;
  if (port.empty() || port == ":") return true;
  const auto number = port[0] == ':' ? parse_number(port.substr(1)) : std::nullopt;
  if (!number || *number == 0 || *number > 65535) return false;
  url.port = static_cast<uint16_t>(*number);
  return true;
}

std::string merged(const std::string& base, std::string_view reference) {
  const std::string_view path = std::string_view(base).substr(0, base.find('?'));
  if (reference.empty()) return base;
  if (reference[0] == '?') return std::string(path) + std::string(reference);
  const std::string_view folder =
      reference[0] == '/' ? std::string_view() : path.substr(0, path.rfind('/') + 1);
  const std::string whole = std::string(folder) + std::string(reference);
  const size_t query = std::min(whole.find('?'), whole.size());
  return without_dot_segments(whole.substr(0, query)) + whole.substr(query);
}

}  // namespace

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : '[' + host + ']';
}

std::string Url::authority() const {
  const bool is_usual = port == (secure ? 443 : 80);
  return bracketed(host) + (is_usual ? "" : ':' + std::to_string(port));
}

Result<Url> follow(const Url& base, std::string_view location) {
  const std::string_view whole = location;
  location = location.substr(0, location.find('#'));
  const bool is_clean =
      std::ranges::all_of(location, [](unsigned char c) { return c > ' ' && c < 0x7f; });
  if (!is_clean || location.size() > url_max) return refused(whole, "which is no URL");
  Url url = base;
  if (const auto scheme = scheme_of(location)) {
    if (*scheme != "http" && *scheme != "https") {
      return refused(whole, "which is neither http nor https");
    }
    url.secure = *scheme == "https";
    location.remove_prefix(scheme->size() + 1);
    if (!location.starts_with("//")) return refused(whole, "which is no URL");
  }
  if (location.starts_with("//")) {
    location.remove_prefix(2);
    const std::string_view authority = location.substr(0, location.find_first_of("/?"));
    if (authority.find('@') != authority.npos) return refused(whole, "which names a user");
    if (!read_authority(authority, url)) return refused(whole, "which is no URL");
    location.remove_prefix(authority.size());
    url.path = "/";
  }
  url.path = merged(url.path, location);
  return url;
}

}  // namespace swingover::health
