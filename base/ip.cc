#include "base/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"

namespace swingover {

IpAddress IpAddress::v4(std::array<uint8_t, 4> bytes) {
  IpAddress address;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

IpAddress IpAddress::v6(std::array<uint8_t, 16> bytes) {
  IpAddress address;
  address.v4_ = false;
  address.bytes_ = bytes;
  return address;
}

bool IpAddress::is_any() const {
  return std::all_of(bytes_.begin(), bytes_.end(), [](uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_loopback() const {
  if (v4_) return bytes_[0] == 127;
  const bool zeros =
      std::all_of(bytes_.begin(), bytes_.end() - 1, [](uint8_t byte) { return byte == 0; });
  return zeros && bytes_[15] == 1;
}

IpAddress IpAddress::unmapped() const {
  static constexpr std::array<uint8_t, 12> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (v4_ || !std::equal(mapped.begin(), mapped.end(), bytes_.begin())) return *this;
  return v4({bytes_[12], bytes_[13], bytes_[14], bytes_[15]});
}

std::string IpAddress::text() const {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(v4_ ? AF_INET : AF_INET6, bytes_.data(), text, sizeof text);
  return text;
}

bool IpPrefix::contains(const IpAddress& a) const {
  return a.is_v4() == address.is_v4() && masked(a, length) == address;
}

std::string IpPrefix::text() const {
  return address.text() + '/' + std::to_string(length);
}

std::string SocketAddress::text() const {
  if (is_unix()) return "unix:" + unix_path;
  const std::string host = address.is_v4() ? address.text() : '[' + address.text() + ']';
  return host + ':' + std::to_string(port);
}

Result<IpAddress> parse_ip_address(std::string_view text) {
  const std::string copy(
      text);  // inet_pton needs the final zero; an embedded one must not end it early
  std::array<uint8_t, 16> bytes{};
  if (copy.find('\0') == std::string::npos) {
    if (inet_pton(AF_INET, copy.c_str(), bytes.data()) == 1) {
      return IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]});
    }
    if (inet_pton(AF_INET6, copy.c_str(), bytes.data()) == 1) return IpAddress::v6(bytes);
  }
  return Error{ErrorCode::invalid, "not an address such as 192.0.2.1 or 2001:db8::1"};
}

Result<IpPrefix> parse_ip_prefix(std::string_view text) {
  const size_t slash = text.find('/');
  const auto address = parse_ip_address(text.substr(0, slash));
  if (!address)
    return Error{ErrorCode::invalid, "not an address prefix such as 192.0.2.0/24 or 2001:db8::/32"};
  if (slash == std::string_view::npos) return IpPrefix{*address, address->bits()};
  const auto length = parse_number(text.substr(slash + 1));
  if (!length || *length > address->bits()) {
    return Error{ErrorCode::invalid,
                 "a prefix length is a number from 0 to " + std::to_string(address->bits())};
  }
  const IpPrefix prefix{masked(*address, static_cast<unsigned>(*length)),
                        static_cast<unsigned>(*length)};
  if (prefix.address != *address) {
    return Error{ErrorCode::invalid,
                 "the address has bits behind the prefix length; write " + prefix.text()};
  }
  return prefix;
}

Result<SocketAddress> parse_socket_address(std::string_view text, uint16_t port_default) {
  SocketAddress result;
  if (text.starts_with("unix:")) {
    result.unix_path = text.substr(5);
    // The kernel's limit of sun_path with its final zero (unix(7)).
    if (result.unix_path.empty() || result.unix_path.size() > 107 || result.unix_path[0] != '/') {
      return Error{ErrorCode::invalid,
                   "a Unix socket is written unix:/absolute/path, of at most 107 bytes"};
    }
    return result;
  }
  const Error problem{ErrorCode::invalid,
                      "not an address and port such as 127.0.0.1:53 or [::1]:53"};
  std::string_view host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return problem;
    host = text.substr(1, close - 1);
    port = text.substr(close + 1);
    if (!port.empty() && !port.starts_with(':')) return problem;
  } else if (const size_t colon = text.find(':');
             colon != std::string_view::npos && text.rfind(':') == colon) {
    host = text.substr(0, colon);
    port = text.substr(colon);
  }
  const auto address = parse_ip_address(host);
  if (!address || (text.starts_with('[') && address->is_v4())) return problem;
  result.address = *address;
  result.port = port_default;
  if (port.empty() && port_default == 0) return problem;
  if (!port.empty()) {
    const auto number = parse_number(port.substr(1));
    if (!number || *number > 65535)
      return Error{ErrorCode::invalid, "a port is a number from 0 to 65535"};
    result.port = static_cast<uint16_t>(*number);
  }
  return result;
}

IpAddress masked(const IpAddress& address, unsigned length) {
  std::array<uint8_t, 16> bytes{};
  const Bytes from = address.bytes();
  for (size_t i = 0; i < from.size(); ++i) {
    const unsigned before = static_cast<unsigned>(i) * 8;
    const unsigned kept = length <= before ? 0 : std::min(length - before, 8U);
    bytes[i] = static_cast<uint8_t>(from[i] & (0xff00U >> kept));
  }
  if (address.is_v4()) return IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]});
  return IpAddress::v6(bytes);
}

unsigned to_sockaddr(const IpAddress& address, uint16_t port, sockaddr_storage& out) {
  std::memset(&out, 0, sizeof out);
  if (address.is_v4()) {
    auto& to = reinterpret_cast<sockaddr_in&>(out);
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    std::memcpy(&to.sin_addr, address.bytes().data(), 4);
    return sizeof to;
  }
  auto& to = reinterpret_cast<sockaddr_in6&>(out);
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(port);
  std::memcpy(&to.sin6_addr, address.bytes().data(), 16);
  return sizeof to;
}

SocketAddress from_sockaddr(const sockaddr& from) {
  SocketAddress result;
  if (from.sa_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(from);
    std::array<uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &in.sin_addr, 4);
    result.address = IpAddress::v4(bytes);
    result.port = ntohs(in.sin_port);
  } else if (from.sa_family == AF_INET6) {
    const auto& in6 = reinterpret_cast<const sockaddr_in6&>(from);
    std::array<uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &in6.sin6_addr, 16);
    result.address = IpAddress::v6(bytes);
    result.port = ntohs(in6.sin6_port);
  }
  return result;
}

}  // namespace swingover
