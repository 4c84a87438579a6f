#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

struct sockaddr;
struct sockaddr_storage;

namespace swingover {

/// An IPv4 or IPv6 address. Value type, no allocation; usable on the hot path.
/// An IPv4-mapped IPv6 address (::ffff:a.b.c.d) is kept as given; see unmapped().
class IpAddress {
 public:
  constexpr IpAddress() = default;  // 0.0.0.0
  static IpAddress v4(std::array<uint8_t, 4> bytes);
  static IpAddress v6(std::array<uint8_t, 16> bytes);

  bool is_v4() const { return v4_; }
  Bytes bytes() const { return {bytes_.data(), v4_ ? 4U : 16U}; }
  unsigned bits() const { return v4_ ? 32 : 128; }
  bool is_any() const;         // 0.0.0.0 or ::
  bool is_loopback() const;    // 127.0.0.0/8 or ::1
  IpAddress unmapped() const;  // ::ffff:192.0.2.1 -> 192.0.2.1, else itself

  std::string text() const;  // RFC 5952
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  bool v4_ = true;
  std::array<uint8_t, 16> bytes_{};
};

/// An address and how many leading bits count; the bits behind them are zero.
struct IpPrefix {
  IpAddress address;
  unsigned length = 0;

  bool contains(const IpAddress& a) const;
  std::string text() const;  // 192.0.2.0/24
  friend auto operator<=>(const IpPrefix&, const IpPrefix&) = default;
};

/// An address and a port, or a Unix socket path ("unix:/run/x.sock"), as one writes it for `listen`.
struct SocketAddress {
  IpAddress address;
  uint16_t port = 0;
  std::string unix_path;  // set: everything else is unused

  bool is_unix() const { return !unix_path.empty(); }
  std::string text() const;  // 127.0.0.1:53, [::1]:53, unix:/run/x.sock
  friend auto operator<=>(const SocketAddress&, const SocketAddress&) = default;
};

Result<IpAddress> parse_ip_address(std::string_view text);
/// "192.0.2.0/24"; a bare address is a prefix of full length; bits behind the prefix are an error.
Result<IpPrefix> parse_ip_prefix(std::string_view text);
/// "127.0.0.1:53", "[::1]:53", "unix:/path". A missing port takes `port_default`, if it is not 0.
Result<SocketAddress> parse_socket_address(std::string_view text, uint16_t port_default = 0);

/// `address` with all but its first `length` bits cleared. Cheap; hot path.
IpAddress masked(const IpAddress& address, unsigned length);

/// To and from the kernel's form; the returned length goes to bind(), connect(), sendto().
unsigned to_sockaddr(const IpAddress& address, uint16_t port, sockaddr_storage& out);
/// 0.0.0.0 port 0 for families that are not IP.
SocketAddress from_sockaddr(const sockaddr& from);

}  // namespace swingover
