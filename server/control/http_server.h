#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ip.h"
#include "base/loop/loop.h"
#include "base/result.h"
#include "base/units.h"

namespace swingover::control {

/// One request, whole: its body has been read.
struct HttpRequest {
  std::string method;  // GET POST DELETE; a HEAD is a GET whose body is not sent
  std::string path;    // percent-decoded, without the query; any octets
  std::map<std::string, std::string> arguments;  // of the query, decoded; the first of equal names
  std::string body;
  std::string client;  // the peer's address, empty on a Unix socket

  /// The argument's text, or empty.
  std::string argument(const std::string& name) const {
    const auto found = arguments.find(name);
    return found == arguments.end() ? std::string() : found->second;
  }
};

struct HttpReply {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::shared_ptr<const std::string> large_body{};  // instead of `body`; sent from where it is
  std::string allow;                                // of a 405: the methods that this path knows
};

/// Sends the reply to one request; to be called once, on the loop's thread, now or later. A request
/// whose responder is dropped without a call is answered 500. Safe after the server is gone.
using HttpResponder = std::function<void(HttpReply)>;

/// HTTP/1.1 on the control loop: libmicrohttpd, its epoll descriptor watched by the loop.
///
/// Threads  The loop's. No call blocks.
/// Limits   Headers 16 KiB (431), bodies 1 MiB (413), 256 connections an address, 15 s without progress, 30 s
///          for a request to arrive and as many for its reply to leave: peers that say nothing, or say it octet
///          by octet, give their places back.
/// Browsers A request from a web page of another origin is refused (403), and so is one by a host name that
///          anybody could point here (DNS rebinding): no page in an operator's browser drives or reads
///          the daemon. Addresses, localhost and names of one label are fine.
/// Sockets  TCP, and Unix sockets of mode 0660; a Unix path left behind by a dead process is taken over.
class HttpServer {
 public:
  struct Handed {  // a listening socket that systemd opened
    int descriptor = -1;
    SocketAddress address;
  };
  using Handler = std::function<void(const HttpRequest&, HttpResponder)>;

  static constexpr size_t body_size_max = size_t{1} << 20;

  struct Limits {
    unsigned connections_max = 256;  // of one address; more wait to be accepted
    Milliseconds within{30'000};     // a request to arrive; a reply to leave
  };

  /// Binds and listens; the error names the address. A handed socket is used for the address equal to its own.
  static Result<std::unique_ptr<HttpServer>> start(loop::Loop& loop,
                                                   const std::vector<SocketAddress>& listen,
                                                   const std::vector<Handed>& handed,
                                                   Handler handler, Limits limits);
  static Result<std::unique_ptr<HttpServer>> start(loop::Loop& loop,
                                                   const std::vector<SocketAddress>& listen,
                                                   const std::vector<Handed>& handed,
                                                   Handler handler) {
    return start(loop, listen, handed, std::move(handler), Limits());
  }
  /// Requests that still wait for their reply are answered 503; connections are closed.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// As bound, ports resolved, in the order of `listen`.
  const std::vector<SocketAddress>& addresses() const;

  class Core;  // of http_server.cc

 private:
  explicit HttpServer(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

/// `{"error":{"code":…,"message":…}}`; `code` must be plain ASCII, `message` may hold anything.
HttpReply http_error(unsigned status, std::string_view code, std::string_view message);

}  // namespace swingover::control
