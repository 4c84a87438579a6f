#include "health/http_probe.h"

#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "base/loop/poll.h"
#include "base/loop/timer.h"
#include "base/version.h"
#include "health/probe_words.h"

namespace swingover::health {

namespace {

constexpr Milliseconds session_life{300'000};
constexpr size_t idle_handles_max = 256;  // some 20 KiB each

using Share = std::shared_ptr<CURLSH>;

struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, ListFree>;

List append(List list, const std::string& line) {
  if (curl_slist* longer = curl_slist_append(list.get(), line.c_str())) {
    (void)list.release();
    list.reset(longer);
  }
  return list;
}

/// How far an answer has come; what a timeout was waiting for.
enum class Heard : uint8_t { nothing, connection, status, headers };

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : '[' + host + ']';
}

std::string text_of(const std::vector<StatusRange>& ranges) {
  std::string text;
  for (const StatusRange& range : ranges) {
    if (!text.empty()) text += ", ";
    text += std::to_string(range.first);
    if (range.last != range.first) text += '-' + std::to_string(range.last);
  }
  return text;
}

class HttpProbe;

/// One easy handle and what a transfer leaves in it; used again and again.
struct Transfer {
  CURL* easy = nullptr;
  HttpProbe* probe = nullptr;
  Share share;
  const MonitorOptions* monitor = nullptr;
  MonotonicTime began{};
  Heard heard = Heard::nothing;
  size_t header_bytes = 0;
  size_t body_bytes = 0;
  std::string body;      // only when it is searched
  int socket_error = 0;  // of socket(), which curl itself does not tell
  std::array<char, CURL_ERROR_SIZE> words{};
};

size_t on_header(char* data, size_t, size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(data, size);
  if (line.starts_with("HTTP/")) {
    transfer.heard = Heard::status;
  } else if (line == "\r\n" || line == "\n") {
    long status = 0;
    curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200) transfer.heard = Heard::headers;
  }
  transfer.header_bytes += size;
  return transfer.header_bytes > HttpProbes::headers_max ? CURL_WRITEFUNC_ERROR : size;
}

size_t on_body(char* data, size_t, size_t size, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const size_t taken = std::min(size, HttpProbes::body_max - transfer.body_bytes);
  transfer.body_bytes += taken;
  if (!transfer.monitor->expect_body.empty()) transfer.body.append(data, taken);
  return transfer.body_bytes < HttpProbes::body_max ? size : CURL_WRITEFUNC_ERROR;
}

/// Called when the TCP connection stands and the handshake begins.
CURLcode on_handshake(CURL*, void*, void* user) {
  static_cast<Transfer*>(user)->heard = Heard::connection;
  return CURLE_OK;
}

curl_socket_t on_open_socket(void* user, curlsocktype, curl_sockaddr* address) {
  const int made = ::socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                            address->protocol);
  if (made < 0) static_cast<Transfer*>(user)->socket_error = errno;
  return made < 0 ? CURL_SOCKET_BAD : made;
}

/// "SSL certificate problem: certificate has expired" -> "certificate has expired".
std::string without_prefix(std::string_view words) {
  for (const std::string_view prefix :
       {"SSL certificate problem: ", "SSL: ", "OpenSSL SSL_connect: ", "Recv failure: ",
        "Send failure: "}) {
    if (words.starts_with(prefix)) words.remove_prefix(prefix.size());
  }
  if (const size_t at = words.find(" in connection to "); at != words.npos) {
    words = words.substr(0, at);
  }
  std::string text(words);
  if (text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a' && text[1] <= 'z') {
    text[0] = static_cast<char>(text[0] + ('a' - 'A'));
  }
  return text;
}

/// What the transfer was doing when it ended.
std::string_view doing(const Transfer& transfer) {
  if (transfer.heard == Heard::headers) return "reading the body";
  if (transfer.heard == Heard::status) return "reading the headers";
  curl_off_t resolved = 0;
  curl_off_t connected = 0;  // over https that is the end of the handshake
  curl_easy_getinfo(transfer.easy, CURLINFO_NAMELOOKUP_TIME_T, &resolved);
  curl_easy_getinfo(transfer.easy, CURLINFO_CONNECT_TIME_T, &connected);
  if (resolved == 0) return "resolving";
  if (connected == 0) {
    return transfer.heard == Heard::connection ? "shaking hands over TLS" : "connecting";
  }
  return "waiting for the status";
}

struct Judgement {
  std::string reason;  // empty: a pass
  bool looked = true;
};

Judgement judge_failed(const Transfer& transfer, CURLcode code) {
  const std::string words =
      without_prefix(transfer.words[0] ? transfer.words.data() : curl_easy_strerror(code));
  long os_error = transfer.socket_error;
  if (os_error == 0) curl_easy_getinfo(transfer.easy, CURLINFO_OS_ERRNO, &os_error);
  const int error = static_cast<int>(os_error);
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return {timeout_words(transfer.monitor->timeout, doing(transfer))};
    case CURLE_COULDNT_RESOLVE_HOST:
      return {"resolve: " + words};
    case CURLE_COULDNT_CONNECT:
      if (transfer.socket_error != 0) {
        return {"socket: " + errno_words(error), !is_own_trouble(error)};
      }
      return {"connect: " + (error ? errno_words(error) : words), !is_own_trouble(error)};
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
      return {"certificate: " + words};
    case CURLE_SSL_CACERT_BADFILE:
      return {"tls_ca_file " + transfer.monitor->tls_ca_file + " cannot be read as certificates",
              false};
    case CURLE_SSL_CONNECT_ERROR:
      return {"tls: " + words};
    case CURLE_GOT_NOTHING:
      return {"closed by the other end without an answer"};
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
      return {words + " while " + std::string(doing(transfer))};
    case CURLE_PARTIAL_FILE:
      return {"closed by the other end before the end of the body"};
    case CURLE_WRITE_ERROR:
      return {"headers of more than 64 KiB"};
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
      return {"not an HTTP answer: " + words};
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
      return {"out of memory", false};
    default:
      return {words};
  }
}

Judgement judge(const Transfer& transfer, CURLcode code) {
  const MonitorOptions& monitor = *transfer.monitor;
  const bool is_whole = code == CURLE_OK || transfer.body_bytes >= HttpProbes::body_max;
  // A status that is wrong stays the reason, however the rest went.
  if (transfer.heard == Heard::headers) {
    long status = 0;
    curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    bool wanted = false;
    for (const StatusRange& range : monitor.expect_status) {
      wanted = wanted || (status >= range.first && status <= range.last);
    }
    if (!wanted) {
      return {"status " + std::to_string(status) + ", wanted " + text_of(monitor.expect_status)};
    }
  }
  if (!is_whole) return judge_failed(transfer, code);
  if (transfer.heard != Heard::headers) return {"not an HTTP answer"};
  if (transfer.body.find(monitor.expect_body) == std::string::npos) {
    return {"body lacks \"" + monitor.expect_body + "\"" +
            (transfer.body_bytes >= HttpProbes::body_max ? " in its first 64 KiB" : "")};
  }
  return {};
}

}  // namespace

/// The multi handle on the loop, and the easy handles that nobody uses now.
class HttpProbes::Core {
 public:
  explicit Core(loop::Loop& loop);
  ~Core();

  loop::Loop& loop() { return loop_; }
  Transfer* take();
  bool start(Transfer& transfer);
  void release(Transfer* transfer);  // also ends a transfer that is under way

 private:
  static int on_socket(CURL*, curl_socket_t socket, int what, void* user, void* assigned);
  static int on_timer(CURLM*, long milliseconds, void* user);
  void act(curl_socket_t socket, int ready);
  void kick_soon();
  void tell_ended();

  loop::Loop& loop_;
  loop::Timer timer_;
  CURLM* multi_ = nullptr;
  bool wants_kick_ = false;  // curl asked to be called at once
  bool kick_posted_ = false;
  std::vector<Transfer*> idle_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

namespace {

/// What one check's probes share.
class HttpTarget : public Target {
 public:
  HttpTarget(HttpProbes::Core& core, const Check& check);
  std::unique_ptr<Probe> start(Probe::Done done) override;
  const std::shared_ptr<const MonitorOptions>& monitor() const { return monitor_; }
  void prepare(Transfer& transfer);

 private:
  Share sessions();

  HttpProbes::Core& core_;
  std::shared_ptr<const MonitorOptions> monitor_;
  std::string url_;
  List headers_;
  List connect_to_;
  Share share_;
  MonotonicTime share_made_{};
};

class HttpProbe : public Probe {
 public:
  HttpProbe(HttpProbes::Core& core, Transfer& transfer, Done done)
      : core_(core), transfer_(&transfer), done_(std::move(done)) {
    transfer.probe = this;
  }
  ~HttpProbe() override {
    if (transfer_) core_.release(transfer_);
  }

  void end(CURLcode code) {
    const auto [reason, looked] = judge(*transfer_, code);
    const int64_t took = system_clock().now().nanoseconds - transfer_->began.nanoseconds;
    core_.release(std::exchange(transfer_, nullptr));
    const Done done = std::move(done_);  // may destroy this
    done({.verdict = reason.empty() ? Verdict::pass : Verdict::fail,
          .reason = reason,
          .duration_nanoseconds = took,
          .looked = looked});
  }

 private:
  HttpProbes::Core& core_;
  Transfer* transfer_;
  Done done_;
};

HttpTarget::HttpTarget(HttpProbes::Core& core, const Check& check)
    : core_(core), monitor_(check.monitor) {
  const bool secure = monitor_->kind == MonitorKind::https;
  const int port = monitor_->port != 0 ? monitor_->port : secure ? 443 : 80;
  const std::string host = check.host.empty() ? check.address : check.host;
  url_ = (secure ? "https://" : "http://") + bracketed(host) + ':' + std::to_string(port) +
         (monitor_->path.starts_with('/') ? "" : "/") + monitor_->path;
  headers_ = append(std::move(headers_), "Host: " + bracketed(host));
  headers_ = append(std::move(headers_), "Connection: close");
  connect_to_ = append({}, "::" + bracketed(check.address) + ':' + std::to_string(port));
}

std::unique_ptr<Probe> HttpTarget::start(Probe::Done done) {
  Transfer* transfer = core_.take();
  if (transfer) {
    prepare(*transfer);
    if (core_.start(*transfer))
      return std::make_unique<HttpProbe>(core_, *transfer, std::move(done));
    core_.release(transfer);
  }
  Finding finding{.verdict = Verdict::fail, .reason = "out of memory", .duration_nanoseconds = 0};
  finding.looked = false;
  return ended_probe(core_.loop(), std::move(finding), std::move(done));
}

void HttpTarget::prepare(Transfer& transfer) {
  transfer.monitor = monitor_.get();
  transfer.began = system_clock().now();
  transfer.heard = Heard::nothing;
  transfer.header_bytes = transfer.body_bytes = 0;
  transfer.body.clear();
  transfer.socket_error = 0;
  transfer.words[0] = 0;

  CURL* easy = transfer.easy;
  curl_easy_setopt(easy, CURLOPT_URL, url_.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
  curl_easy_setopt(easy, CURLOPT_CONNECT_TO, connect_to_.get());
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                   static_cast<long>(std::max<int64_t>(monitor_->timeout.value, 1)));
  if (monitor_->kind != MonitorKind::https) return;
  transfer.share = sessions();
  curl_easy_setopt(easy, CURLOPT_SHARE, transfer.share.get());
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, monitor_->tls_verify ? 1L : 0L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, monitor_->tls_verify ? 2L : 0L);
  // A CA file of the monitor's own is the only one that counts; and curl keeps no parsed CA certificates
  // from probe to probe where a CA folder is set as well.
  const auto* built_in = curl_version_info(CURLVERSION_NOW);
  const char* file =
      monitor_->tls_ca_file.empty() ? built_in->cainfo : monitor_->tls_ca_file.c_str();
  curl_easy_setopt(easy, CURLOPT_CAINFO, file);
  curl_easy_setopt(easy, CURLOPT_CAPATH, file ? nullptr : built_in->capath);
}

// A resumed session shows no certificate: one that has expired would pass for as long as
// sessions lead to sessions. So they are forgotten now and then.
Share HttpTarget::sessions() {
  const MonotonicTime now = system_clock().now();
  if (!share_ || now - share_made_ >= session_life) {
    share_ = Share(curl_share_init(), [](CURLSH* share) { curl_share_cleanup(share); });
    share_made_ = now;
    curl_share_setopt(share_.get(), CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  }
  return share_;
}

}  // namespace

HttpProbes::Core::Core(loop::Loop& loop)
    : loop_(loop), timer_(loop, [this] { act(CURL_SOCKET_TIMEOUT, 0); }) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  multi_ = curl_multi_init();
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Core::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Core::on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
}

HttpProbes::Core::~Core() {
  for (Transfer* transfer : idle_) {
    curl_easy_cleanup(transfer->easy);
    delete transfer;
  }
  curl_multi_cleanup(multi_);
}

Transfer* HttpProbes::Core::take() {
  if (!idle_.empty()) {
    Transfer* transfer = idle_.back();
    idle_.pop_back();
    return transfer;
  }
  CURL* easy = curl_easy_init();
  if (!easy) return nullptr;
  auto* transfer = new Transfer;
  transfer->easy = easy;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &on_open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, &on_handshake);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, transfer);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->words.data());
  curl_easy_setopt(easy, CURLOPT_USERAGENT, (std::string("swingover/") + version).c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");  // none, whatever the environment says
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // a lookup that hangs must not hang the cancel
  curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 60L);
  return transfer;
}

bool HttpProbes::Core::start(Transfer& transfer) {
  return curl_multi_add_handle(multi_, transfer.easy) == CURLM_OK;
}

void HttpProbes::Core::release(Transfer* transfer) {
  curl_multi_remove_handle(multi_, transfer->easy);
  if (transfer->share) {
    curl_easy_setopt(transfer->easy, CURLOPT_SHARE, nullptr);
    transfer->share.reset();
  }
  transfer->probe = nullptr;
  transfer->monitor = nullptr;
  if (idle_.size() < idle_handles_max) {
    std::string().swap(transfer->body);
    idle_.push_back(transfer);
    return;
  }
  curl_easy_cleanup(transfer->easy);
  delete transfer;
}

int HttpProbes::Core::on_socket(CURL*, curl_socket_t socket, int what, void* user, void* assigned) {
  auto& core = *static_cast<Core*>(user);
  auto* poll = static_cast<loop::Poll*>(assigned);
  if (what == CURL_POLL_REMOVE) {
    delete poll;
    curl_multi_assign(core.multi_, socket, nullptr);
    return 0;
  }
  if (!poll) {
    poll = new loop::Poll(core.loop_, socket, [&core, socket](loop::Poll::Ready ready) {
      core.act(socket, (ready.readable ? CURL_CSELECT_IN : 0) |
                           (ready.writable ? CURL_CSELECT_OUT : 0) |
                           (ready.failed ? CURL_CSELECT_ERR : 0));
    });
    curl_multi_assign(core.multi_, socket, poll);
  }
  poll->watch({.readable = (what & CURL_POLL_IN) != 0, .writable = (what & CURL_POLL_OUT) != 0});
  return 0;
}

int HttpProbes::Core::on_timer(CURLM*, long milliseconds, void* user) {
  auto& core = *static_cast<Core*>(user);
  core.wants_kick_ = milliseconds == 0;
  if (milliseconds > 0) {
    core.timer_.start_once(Milliseconds(milliseconds));
  } else {
    core.timer_.stop();
  }
  if (core.wants_kick_) core.kick_soon();
  return 0;
}

// curl must not be called from its own callback, and a verdict not told within start().
void HttpProbes::Core::kick_soon() {
  if (std::exchange(kick_posted_, true)) return;
  loop_.post([this, alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    kick_posted_ = false;
    if (wants_kick_) act(CURL_SOCKET_TIMEOUT, 0);
  });
}

void HttpProbes::Core::act(curl_socket_t socket, int ready) {
  int running = 0;
  if (socket == CURL_SOCKET_TIMEOUT) wants_kick_ = false;
  curl_multi_socket_action(multi_, socket, ready, &running);
  tell_ended();
}

// One message at a time: what is told may cancel other probes, and their messages with them.
void HttpProbes::Core::tell_ended() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    Transfer* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    transfer->probe->end(code);
  }
}

HttpProbes::HttpProbes(loop::Loop& loop) : core_(std::make_unique<Core>(loop)) {}

HttpProbes::~HttpProbes() = default;

std::unique_ptr<Target> HttpProbes::make_target(const Check& check) {
  return std::make_unique<HttpTarget>(*core_, check);
}

}  // namespace swingover::health
