#include "server/control/http_server.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop/poll.h"
#include "base/loop/timer.h"
#include "base/text.h"

namespace swingover::control {

namespace {

constexpr size_t header_room = size_t{20} * 1024;  // libmicrohttpd's pool: headers of 16 KiB fit
constexpr unsigned idle_seconds = 15;

/// One request from its first line to the end of its reply.
struct Exchange {
  MHD_Connection* connection = nullptr;  // null once libmicrohttpd has let go of it
  std::string target;                    // as sent: path and query
  HttpRequest request;
  bool is_started = false;
  bool is_dispatched = false;
  bool is_suspended = false;
  bool is_too_large = false;
  std::optional<HttpReply> reply;
  // A resumed connection goes on in the next turn of its daemon; with an epoll descriptor of our own
  // nothing else would bring that turn about.
  // Empty at the end, when the server takes that turn itself.
  std::function<void()> wake;

  void answer(HttpReply given) {
    if (reply) return;
    reply = std::move(given);
    if (!is_suspended || !connection) return;
    is_suspended = false;
    MHD_resume_connection(connection);
    if (wake) wake();
  }
};

/// Whoever holds the last copy of a responder without having used it has lost the request.
struct Ticket {
  explicit Ticket(std::shared_ptr<Exchange> of) : exchange(std::move(of)) {}
  ~Ticket() { exchange->answer(http_error(500, "system", "the request was dropped")); }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;

  std::shared_ptr<Exchange> exchange;
};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Percent-decoded; an escape that is none stays as it is.
std::string decoded(std::string_view text, bool is_query) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += is_query && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

void read_target(HttpRequest& request, std::string_view target) {
  const size_t mark = target.find('?');
  request.path = decoded(target.substr(0, mark), false);
  if (mark == std::string_view::npos) return;
  for (const std::string_view pair : split(target.substr(mark + 1), '&')) {
    const size_t equals = pair.find('=');
    std::string name = decoded(pair.substr(0, equals), true);
    if (name.empty()) continue;
    request.arguments.emplace(std::move(name), equals == std::string_view::npos
                                                   ? std::string()
                                                   : decoded(pair.substr(equals + 1), true));
  }
}

std::string_view header(MHD_Connection* connection, const char* name) {
  const char* value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
  return value ? std::string_view(value) : std::string_view();
}

/// One connection, from its acceptance to its end.
struct Peer {
  int descriptor = -1;
  std::optional<MonotonicTime>
      since;  // its request arrives, or its reply leaves; none: it waits for us
};

/// A name that whoever owns it can point at any address, also at this one, and then the page that came by it is
/// of this origin in the browser's eyes. An address or localhost means what it says; a name of one label is
/// nobody's in the public DNS.
bool is_name_of_somebody(std::string_view host) {
  if (host.starts_with('[')) return false;
  host = host.substr(0, host.rfind(':'));
  if (host.ends_with('.')) host.remove_suffix(1);
  return host.find('.') != std::string_view::npos && !host.ends_with(".localhost") &&
         !parse_ip_address(host);
}

int descriptor_of(MHD_Connection* connection) {
  return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

bool came_over_loopback(MHD_Connection* connection) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* local = reinterpret_cast<sockaddr*>(&storage);
  if (getsockname(descriptor_of(connection), local, &size) != 0) return false;
  if (storage.ss_family != AF_INET && storage.ss_family != AF_INET6) return false;
  return from_sockaddr(*local).address.unmapped().is_loopback();
}

/// A browser names the page that asks when it changes something, and often not when it only reads.
bool is_rebound(MHD_Connection* connection) {
  if (!is_name_of_somebody(header(connection, "Host"))) return false;
  return !header(connection, "Origin").empty() || came_over_loopback(connection);
}

/// A browser names the page that asks; only a page that this very address served may.
bool is_cross_origin(MHD_Connection* connection) {
  const std::string_view origin = header(connection, "Origin");
  if (origin.empty()) return header(connection, "Sec-Fetch-Site") == "cross-site";
  return origin != "http://" + std::string(header(connection, "Host"));
}

std::string peer_of(MHD_Connection* connection) {
  const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  if (!info || !info->client_addr) return {};
  const int family = info->client_addr->sa_family;
  if (family != AF_INET && family != AF_INET6) return {};
  return from_sockaddr(*info->client_addr).address.unmapped().text();
}

/// A body of 100 MB would take this thread 50 ms to copy.
MHD_Response* make_response(const HttpReply& reply) {
  using Body = std::shared_ptr<const std::string>;
  if (!reply.large_body) {
    return MHD_create_response_from_buffer(reply.body.size(), const_cast<char*>(reply.body.data()),
                                           MHD_RESPMEM_MUST_COPY);
  }
  auto* const body = new Body(reply.large_body);
  MHD_Response* const response = MHD_create_response_from_buffer_with_free_callback_cls(
      (*body)->size(), const_cast<char*>((*body)->data()),
      [](void* held) { delete static_cast<Body*>(held); }, body);
  if (!response) delete body;
  return response;
}

MHD_Result send_reply(MHD_Connection* connection, const HttpReply& reply) {
  MHD_Response* response = make_response(reply);
  if (!response) return MHD_NO;
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply.content_type.c_str());
  MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
  MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
  if (!reply.allow.empty()) {
    MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, reply.allow.c_str());
  }
  const MHD_Result result = MHD_queue_response(connection, reply.status, response);
  MHD_destroy_response(response);
  return result;
}

/// What can be said of a request before its body is read.
std::optional<HttpReply> refusal(MHD_Connection* connection) {
  const auto length = parse_number(header(connection, "Content-Length"));
  if (length && *length > HttpServer::body_size_max) {
    return http_error(413, "too_large", "a body may have at most 1048576 octets");
  }
  if (is_cross_origin(connection)) {
    return http_error(403, "cross_origin", "a page of another origin may not use this address");
  }
  if (is_rebound(connection)) {
    return http_error(403, "cross_origin",
                      "a host name may mean a page of others: ask by address, or for localhost");
  }
  return std::nullopt;
}

Error system_error(std::string_view doing) {
  return {ErrorCode::system, std::string(doing) + ": " + std::strerror(errno)};
}

/// Removes the socket that a dead process left; one that answers is somebody's.
Status clear_stale_socket(const sockaddr_un& address) {
  struct stat found {};
  if (lstat(address.sun_path, &found) != 0) return Done{};
  if (!S_ISSOCK(found.st_mode)) {
    return Error{ErrorCode::conflict, std::string(address.sun_path) + " is there and no socket"};
  }
  const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return system_error("making a socket");
  const bool is_alive =
      connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
      errno == EAGAIN;
  close(probe);
  if (is_alive) {
    return Error{ErrorCode::conflict, std::string(address.sun_path) + " is in use"};
  }
  unlink(address.sun_path);
  return Done{};
}

Status bind_socket(int descriptor, const SocketAddress& address) {
  if (!address.is_unix()) {
    const int on = 1;
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (!address.address.is_v4()) {
      setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    sockaddr_storage storage{};
    const unsigned size = to_sockaddr(address.address, address.port, storage);
    if (bind(descriptor, reinterpret_cast<sockaddr*>(&storage), size) != 0) {
      return system_error("binding");
    }
    return Done{};
  }
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  if (address.unix_path.size() >= sizeof local.sun_path) {
    return Error{ErrorCode::invalid, "the path of a Unix socket has at most 107 octets"};
  }
  std::memcpy(local.sun_path, address.unix_path.data(), address.unix_path.size());
  if (Status cleared = clear_stale_socket(local); !cleared) return cleared;
  if (bind(descriptor, reinterpret_cast<sockaddr*>(&local), sizeof local) != 0) {
    return system_error("binding");
  }
  if (chmod(local.sun_path, 0660) != 0) return system_error("setting the mode");
  return Done{};
}

Result<int> listening_socket(const SocketAddress& address) {
  const int family = address.is_unix() ? AF_UNIX : address.address.is_v4() ? AF_INET : AF_INET6;
  const int descriptor = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return system_error("making a socket");
  Status bound = bind_socket(descriptor, address);
  if (bound && listen(descriptor, 128) != 0) bound = system_error("listening");
  if (bound) return descriptor;
  close(descriptor);
  return bound.error();
}

SocketAddress bound_address(int descriptor, const SocketAddress& asked) {
  if (asked.is_unix()) return asked;
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return asked;
  return from_sockaddr(reinterpret_cast<const sockaddr&>(storage));
}

}  // namespace

class HttpServer::Core {
 public:
  Core(loop::Loop& loop, Handler handler, Limits limits)
      : loop_(loop),
        handler_(std::move(handler)),
        limits_(limits),
        sweep_(loop, [this] { end_overdue(); }) {}
  ~Core();

  Status add(int descriptor, const SocketAddress& asked, bool is_ours);

  std::vector<SocketAddress> addresses;

  MHD_Result on_request(MHD_Connection* connection, const char* method, const char* data,
                        size_t* size, const std::shared_ptr<Exchange>& exchange);
  void forget(const std::shared_ptr<Exchange>& exchange) {
    watch_time(exchange->connection, system_clock().now());  // for its next request
    exchange->connection = nullptr;
    open_.erase(exchange);
  }
  void on_connected(MHD_Connection* connection) {
    peers_[connection] = {descriptor_of(connection), system_clock().now()};
    if (!sweep_.is_active()) sweep_.start_repeating(sweep_every());
  }
  void on_disconnected(MHD_Connection* connection) { peers_.erase(connection); }
  void watch_time(MHD_Connection* connection, std::optional<MonotonicTime> since) {
    const auto peer = peers_.find(connection);
    if (peer != peers_.end()) peer->second.since = since;
  }
  void remember(const std::shared_ptr<Exchange>& exchange) {
    exchange->wake = [this] {
      for (const auto& listener : listeners_) listener->turn_soon();
    };
    open_.insert(exchange);
  }

 private:
  struct Listener {
    MHD_Daemon* daemon = nullptr;
    std::string unix_path;  // to remove at the end
    std::unique_ptr<loop::Poll> poll;
    std::unique_ptr<loop::Timer> timer;

    void turn_soon() {
      if (timer) timer->start_once(Milliseconds(0));
    }

    void turn() {
      const auto open_before =
          MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections;
      MHD_run(daemon);
      // A daemon that is full, or for which the process had no descriptor left, does not watch its listening
      // socket until a connection has ended, and begins to again at the start of a turn only.
      if (open_before > 0) MHD_run(daemon);
      MHD_UNSIGNED_LONG_LONG wait = 0;
      if (MHD_get_timeout(daemon, &wait) == MHD_YES) {
        timer->start_once(Milliseconds(static_cast<int64_t>(std::min<uint64_t>(wait, 60'000))));
      } else {
        timer->stop();
      }
    }
  };

  Milliseconds sweep_every() const {
    return Milliseconds(std::max<int64_t>(limits_.within.value / 8, 1));
  }
  void end_overdue();

  loop::Loop& loop_;
  Handler handler_;
  const Limits limits_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::map<MHD_Connection*, Peer> peers_;
  loop::Timer sweep_;
  std::set<std::shared_ptr<Exchange>> open_;
  bool is_ending_ = false;
};

namespace {

void* on_target(void* cls, const char* target, MHD_Connection* connection) {
  auto* exchange = new std::shared_ptr<Exchange>(std::make_shared<Exchange>());
  (*exchange)->connection = connection;
  (*exchange)->target = target;
  static_cast<HttpServer::Core*>(cls)->remember(*exchange);
  return exchange;
}

MHD_Result on_call(void* cls, MHD_Connection* connection, const char* /*url*/, const char* method,
                   const char* /*version*/, const char* data, size_t* size, void** state) {
  const auto exchange = *static_cast<std::shared_ptr<Exchange>*>(*state);
  return static_cast<HttpServer::Core*>(cls)->on_request(connection, method, data, size, exchange);
}

void on_completed(void* cls, MHD_Connection* /*connection*/, void** state,
                  MHD_RequestTerminationCode /*how*/) {
  auto* exchange = static_cast<std::shared_ptr<Exchange>*>(*state);
  if (!exchange) return;
  static_cast<HttpServer::Core*>(cls)->forget(*exchange);
  delete exchange;
  *state = nullptr;
}

void on_connection(void* cls, MHD_Connection* connection, void** /*context*/,
                   MHD_ConnectionNotificationCode what) {
  auto* core = static_cast<HttpServer::Core*>(cls);
  if (what == MHD_CONNECTION_NOTIFY_STARTED) {
    core->on_connected(connection);
  } else {
    core->on_disconnected(connection);
  }
}

HttpReply stopping() {
  return http_error(503, "unavailable", "the daemon is stopping");
}

/// The target is decoded by us, once, with its length: an escaped NUL must not end a name.
size_t leave_escaped(void* /*cls*/, MHD_Connection* /*connection*/, char* text) {
  return std::strlen(text);
}

}  // namespace

Status HttpServer::Core::add(int descriptor, const SocketAddress& asked, bool is_ours) {
  auto listener = std::make_unique<Listener>();
  listener->daemon = MHD_start_daemon(
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, nullptr, nullptr, &on_call, this,
      MHD_OPTION_LISTEN_SOCKET, descriptor, MHD_OPTION_CONNECTION_MEMORY_LIMIT, header_room,
      MHD_OPTION_CONNECTION_LIMIT, limits_.connections_max, MHD_OPTION_CONNECTION_TIMEOUT,
      idle_seconds, MHD_OPTION_NOTIFY_CONNECTION, &on_connection, this, MHD_OPTION_URI_LOG_CALLBACK,
      &on_target, this, MHD_OPTION_UNESCAPE_CALLBACK, &leave_escaped, nullptr,
      MHD_OPTION_NOTIFY_COMPLETED, &on_completed, this, MHD_OPTION_END);
  if (!listener->daemon) {
    close(descriptor);
    return Error{ErrorCode::system, "libmicrohttpd does not start"};
  }
  if (is_ours) listener->unix_path = asked.unix_path;
  addresses.push_back(bound_address(descriptor, asked));

  Listener* turned = listener.get();
  const int epoll = MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
  listener->timer = std::make_unique<loop::Timer>(loop_, [turned] { turned->turn(); });
  listener->poll =
      std::make_unique<loop::Poll>(loop_, epoll, [turned](loop::Poll::Ready) { turned->turn(); });
  listener->poll->watch({.readable = true});
  listeners_.push_back(std::move(listener));
  return Done{};
}

/// libmicrohttpd ends a connection without any progress; one octet now and then would hold its place for ever.
void HttpServer::Core::end_overdue() {
  if (peers_.empty()) sweep_.stop();
  const MonotonicTime now = system_clock().now();
  for (auto& [connection, peer] : peers_) {
    if (!peer.since || now - *peer.since < limits_.within) continue;
    shutdown(peer.descriptor, SHUT_RDWR);  // libmicrohttpd notices, and closes it
    peer.since.reset();
  }
}

HttpServer::Core::~Core() {
  is_ending_ = true;
  for (const auto& exchange : std::set(open_)) {
    exchange->wake = nullptr;
    if (exchange->is_suspended) {
      exchange->answer(stopping());
    }
  }
  for (const auto& listener : listeners_) {
    listener->poll.reset();
    listener->timer.reset();
    MHD_run(listener->daemon);  // resumes what waited, and sends it its reply
    MHD_run(listener->daemon);
    MHD_stop_daemon(listener->daemon);
    if (!listener->unix_path.empty()) unlink(listener->unix_path.c_str());
  }
}

MHD_Result HttpServer::Core::on_request(MHD_Connection* connection, const char* method,
                                        const char* data, size_t* size,
                                        const std::shared_ptr<Exchange>& exchange) {
  if (!exchange->is_started) {
    exchange->is_started = true;
    exchange->request.method = std::strcmp(method, "HEAD") == 0 ? "GET" : method;
    exchange->request.client = peer_of(connection);
    read_target(exchange->request, exchange->target);
    // The last turns may still bring one in, which must not wait: nobody would be there to answer.
    if (is_ending_) return send_reply(connection, stopping());
    if (const auto refused = refusal(connection)) return send_reply(connection, *refused);
    return MHD_YES;
  }
  if (*size > 0) {
    std::string& body = exchange->request.body;
    if (body.size() + *size > body_size_max) exchange->is_too_large = true;
    if (!exchange->is_too_large) body.append(data, *size);
    *size = 0;
    return MHD_YES;
  }
  if (!exchange->is_dispatched) {
    exchange->is_dispatched = true;
    if (is_ending_) return send_reply(connection, stopping());
    if (exchange->is_too_large) {
      return send_reply(connection,
                        http_error(413, "too_large", "a body may have at most 1048576 octets"));
    }
    const auto ticket = std::make_shared<Ticket>(exchange);
    handler_(exchange->request,
             [ticket](HttpReply reply) { ticket->exchange->answer(std::move(reply)); });
  }
  if (exchange->reply) {
    watch_time(connection, system_clock().now());
    return send_reply(connection, *exchange->reply);
  }
  watch_time(connection, std::nullopt);
  exchange->is_suspended = true;
  MHD_suspend_connection(connection);
  return MHD_YES;
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(loop::Loop& loop,
                                                      const std::vector<SocketAddress>& listen,
                                                      const std::vector<Handed>& handed,
                                                      Handler handler, Limits limits) {
  auto core = std::make_unique<Core>(loop, std::move(handler), limits);
  for (const SocketAddress& address : listen) {
    const std::string doing = "the admin address " + address.text();
    const auto given = std::find_if(handed.begin(), handed.end(),
                                    [&](const Handed& h) { return h.address == address; });
    int descriptor = given == handed.end() ? -1 : given->descriptor;
    if (descriptor < 0) {
      const Result<int> made = listening_socket(address);
      if (!made) return made.error(doing);
      descriptor = *made;
    }
    const Status added = core->add(descriptor, address, given == handed.end());
    if (!added) return added.error(doing);
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(core)));
}

HttpServer::HttpServer(std::unique_ptr<Core> core) : core_(std::move(core)) {}
HttpServer::~HttpServer() = default;

const std::vector<SocketAddress>& HttpServer::addresses() const {
  return core_->addresses;
}

}  // namespace swingover::control
