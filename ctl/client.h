#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace swingover::ctl {

/// Where a daemon's admin address is.
struct ServerAddress {
  std::string base_url;   // http://127.0.0.1:8053, without a slash at the end
  std::string unix_path;  // set: HTTP over this socket
  std::string text;       // as a person wrote it, for messages
};

/// "127.0.0.1:8053", "[::1]:8053", "edge-fra-1:8053", "http://…", "unix:/run/swingover/admin.sock"; a
/// missing port is 8053.
Result<ServerAddress> parse_server_address(std::string_view text);

/// What the daemon answered: any HTTP status.
struct Reply {
  long status = 0;
  std::string body;
  bool ok() const { return status >= 200 && status < 300; }
};

/// One daemon's admin address over HTTP.
///
/// Errors   `unavailable`: nobody could be reached, or the answer broke off; `system`: the answer is
///          larger than 64 MiB. An HTTP status is not an error here.
/// Limits   2 s to connect, 60 s for the whole call (a reload of many zones takes some); proxies of the
///          environment are ignored, redirects are not followed.
/// Threads  One.
class Client {
 public:
  explicit Client(ServerAddress server);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  const ServerAddress& server() const { return server_; }

  /// `path` starts with "/" and is already escaped.
  Result<Reply> get(const std::string& path);
  Result<Reply> post(const std::string& path, const std::string& json);
  Result<Reply> remove(const std::string& path);

 private:
  struct Handle;
  Result<Reply> call(const char* method, const std::string& path, const std::string* body);

  ServerAddress server_;
  std::unique_ptr<Handle> handle_;
};

/// `text` as one part of a path or query, RFC 3986 section 2.3: all but unreserved bytes as %XX.
std::string url_escaped(std::string_view text);

}  // namespace swingover::ctl
