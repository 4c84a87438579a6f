#include "health/http_probe.h"

#include <sys/resource.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/ip.h"
#include "base/text.h"
#include "health/grpc_health.h"
#include "health/http1.h"
#include "health/http2.h"
#include "health/http_judge.h"
#include "health/probe_words.h"
#include "health/stream.h"
#include "health/url.h"

namespace swingover::health {

struct HttpProbes::Core {
  explicit Core(StreamWorld& w) : world(w) {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) kept_max = static_cast<size_t>(limit.rlim_cur / 4);
  }
  StreamWorld& world;
  size_t kept = 0;  // idle connections
  size_t kept_max = 0;
};

namespace {

// Then connecting is proved again, and the certificate seen: it may be about to expire.
constexpr Milliseconds kept_life{300'000};

bool is_redirect(uint16_t status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool wants_http2(const MonitorOptions& monitor) {
  return monitor.kind == MonitorKind::grpc || monitor.http_version == HttpVersion::two;
}

/// On loopback people mean this host, and redirects may lead to it.
bool is_near(const std::string& address) {
  const auto known = parse_ip_address(address);
  return known && known->unmapped().is_loopback();
}

std::string_view method_word(HttpMethod method) {
  switch (method) {
    case HttpMethod::get:
      return "GET";
    case HttpMethod::head:
      return "HEAD";
    case HttpMethod::post:
      return "POST";
    case HttpMethod::options:
      return "OPTIONS";
  }
  return "GET";
}

/// A stream and what is spoken on it.
struct Connection {
  Connection(StreamWorld& world, const Stream::To& to, std::unique_ptr<TlsClient> tls,
             bool is_http2, Stream::User& user)
      : stream(world, to, std::move(tls), user) {
    if (is_http2) {
      codec = std::make_unique<Http2>();
    } else {
      codec = std::make_unique<Http1>();
    }
  }
  void flush() {
    const std::string octets = codec->take_output();
    if (!octets.empty()) stream.send(octets);
  }
  MonotonicTime made = system_clock().now();
  std::unique_ptr<HttpCodec> codec;
  std::string warning;  // of its certificate
  Stream stream;
};

/// What one check's probes share; watches the connection that is kept between them.
class HttpTarget final : public Target, private Stream::User {
 public:
  HttpTarget(HttpProbes::Core& core, const Check& check);
  ~HttpTarget() override { drop(); }
  std::unique_ptr<Probe> start(Probe::Done done) override;

  HttpProbes::Core& core() const { return core_; }
  const MonitorOptions& monitor() const { return *monitor_; }
  const std::string& address() const { return address_; }
  Url url() const;
  HttpRequest request() const;
  /// The client's end of TLS to `host`; null: not_looked() says why.
  std::unique_ptr<TlsClient> tls_to(const std::string& host);
  const std::string& tls_problem() const { return tls_->problem(); }

  void keep(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> take_kept();

 private:
  void on_open() override {}
  void on_data(std::string_view octets) override;
  void on_end(const Stream::End&) override { drop(); }
  void drop() {
    if (kept_) --core_.kept;
    kept_.reset();
  }

  HttpProbes::Core& core_;
  std::shared_ptr<const MonitorOptions> monitor_;
  std::string address_;
  std::string host_;
  std::shared_ptr<TlsContext> tls_;
  std::unique_ptr<Connection> kept_;
};

class HttpProbe final : public Probe, private Stream::User {
 public:
  HttpProbe(HttpTarget& target, std::unique_ptr<TlsClient> tls, Done done)
      : target_(target),
        done_(std::move(done)),
        began_(system_clock().now()),
        url_(target.url()),
        request_(target.request()) {
    connect(std::move(tls));
  }
  HttpProbe(HttpTarget& target, std::unique_ptr<Connection> kept, Done done)
      : target_(target),
        done_(std::move(done)),
        began_(system_clock().now()),
        url_(target.url()),
        request_(target.request()),
        connection_(std::move(kept)),
        is_reused_(true) {
    connection_->stream.lend(*this, monitor().timeout);
    ask();
  }

 private:
  const MonitorOptions& monitor() const { return target_.monitor(); }

  void connect(std::unique_ptr<TlsClient> tls);
  void connect_again();
  void ask();
  void on_open() override;
  void on_data(std::string_view octets) override;
  void on_end(const Stream::End& end) override;
  void on_answer();
  bool follow_redirect(const HttpAnswer& answer);
  std::string_view doing() const;
  void fail(std::string reason) { finish({.verdict = Verdict::fail, .reason = std::move(reason)}); }
  void finish(Finding finding);

  HttpTarget& target_;
  Done done_;
  MonotonicTime began_;
  Url url_;
  HttpRequest request_;
  std::unique_ptr<Connection> connection_;
  bool is_reused_ = false;
  uint32_t redirects_ = 0;
};

HttpTarget::HttpTarget(HttpProbes::Core& core, const Check& check)
    : core_(core),
      monitor_(check.monitor),
      address_(check.address),
      host_(check.host.empty() ? check.address : check.host) {
  const bool may_redirect = monitor_->redirects > 0;
  if (url().secure || may_redirect) {
    tls_ = core.world.tls.of({monitor_->tls_verify, monitor_->tls_ca_file});
  }
}

Url HttpTarget::url() const {
  const bool secure = monitor_->kind == MonitorKind::https ||
                      (monitor_->kind == MonitorKind::grpc && monitor_->tls);
  const uint16_t port = monitor_->port != 0 ? monitor_->port : secure ? 443 : 80;
  return {.secure = secure, .host = host_, .port = port, .path = monitor_->path};
}

HttpRequest HttpTarget::request() const {
  HttpRequest request;
  if (monitor_->kind == MonitorKind::grpc) {
    request = grpc_health_request(monitor_->grpc_service);
  } else {
    request.method = method_word(monitor_->method);
    request.path = monitor_->path;
    request.body = monitor_->body;
    for (const HttpHeader& header : monitor_->headers) {
      request.headers.emplace_back(header.name, header.value);
    }
  }
  request.scheme = url().secure ? "https" : "http";
  request.authority = bracketed(host_);
  request.keep_alive = monitor_->keep_alive;
  return request;
}

std::unique_ptr<TlsClient> HttpTarget::tls_to(const std::string& host) {
  return tls_->connect(host, wants_http2(*monitor_) ? "h2" : "http/1.1", system_clock().now());
}

std::unique_ptr<Probe> HttpTarget::start(Probe::Done done) {
  if (auto kept = take_kept()) {
    return std::make_unique<HttpProbe>(*this, std::move(kept), std::move(done));
  }
  std::unique_ptr<TlsClient> tls;
  if (url().secure) {
    tls = tls_to(host_);
    if (!tls) return ended_probe(core_.world.loop, not_looked(tls_problem()), std::move(done));
  }
  return std::make_unique<HttpProbe>(*this, std::move(tls), std::move(done));
}

void HttpTarget::keep(std::unique_ptr<Connection> connection) {
  const bool is_old = system_clock().now() - connection->made >= kept_life;
  if (kept_ || is_old || core_.kept >= core_.kept_max) return;
  ++core_.kept;
  kept_ = std::move(connection);
  kept_->stream.lend(*this, std::nullopt);
}

std::unique_ptr<Connection> HttpTarget::take_kept() {
  if (kept_) --core_.kept;
  return std::move(kept_);
}

// A server that is not asked has nothing to say but HTTP/2's pings and goodbyes.
void HttpTarget::on_data(std::string_view octets) {
  kept_->codec->receive(octets);
  if (!kept_->codec->answer().reusable) return drop();
  kept_->flush();
}

void HttpProbe::connect(std::unique_ptr<TlsClient> tls) {
  const Milliseconds left = monitor().timeout - (system_clock().now() - began_);
  const bool is_same_host = redirects_ == 0 || lower(url_.host) == lower(target_.url().host);
  connection_ = std::make_unique<Connection>(
      target_.core().world,
      Stream::To{.address = is_same_host ? target_.address() : url_.host,
                 .port = url_.port,
                 .timeout = std::max(left, Milliseconds(1)),
                 .is_outside = !is_same_host && !is_near(target_.address())},
      std::move(tls), wants_http2(monitor()), static_cast<Stream::User&>(*this));
}

void HttpProbe::connect_again() {
  std::unique_ptr<TlsClient> tls;
  if (url_.secure) {
    tls = target_.tls_to(url_.host);
    if (!tls) return finish(not_looked(target_.tls_problem()));
  }
  connect(std::move(tls));
}

void HttpProbe::on_open() {
  if (const TlsClient* tls = connection_->stream.tls()) {
    Finding finding;
    judge_certificate(*tls, monitor(), finding);
    if (finding.verdict == Verdict::fail) return finish(std::move(finding));
    connection_->warning = std::move(finding.warning);
    if (wants_http2(monitor()) && tls->protocol() != "h2") {
      return fail("tls: the other end does not agree on HTTP/2");
    }
  }
  ask();
}

void HttpProbe::ask() {
  const bool looks_at_body = !monitor().expect_body.empty() ||
                             !monitor().expect_body_regex.empty() ||
                             monitor().kind == MonitorKind::grpc;
  connection_->codec->ask(request_, looks_at_body);
  connection_->flush();
}

void HttpProbe::on_data(std::string_view octets) {
  connection_->codec->receive(octets);
  if (connection_->codec->answer().is_over()) return on_answer();
  connection_->flush();
}

void HttpProbe::on_end(const Stream::End& end) {
  HttpCodec& codec = *connection_->codec;
  const bool is_open = end.doing.empty() && codec.answer().heard != HttpAnswer::Heard::broken;
  if (std::exchange(is_reused_, false) && end.how != Stream::End::How::timed_out &&
      codec.answer().heard == HttpAnswer::Heard::nothing) {
    return connect_again();  // it had gone stale: servers close what is idle
  }
  if (is_open && end.how == Stream::End::How::closed) {
    codec.end();
    return on_answer();
  }
  Finding finding = finding_of(end, monitor().timeout, doing());
  if (codec.answer().heard == HttpAnswer::Heard::headers && monitor().kind != MonitorKind::grpc) {
    const std::string wrong = judge_http(codec.answer(), monitor());
    if (!wrong.empty()) finding = {.verdict = Verdict::fail, .reason = wrong};
  }
  finish(std::move(finding));
}

void HttpProbe::on_answer() {
  const HttpAnswer& answer = connection_->codec->answer();
  if (answer.heard != HttpAnswer::Heard::broken && is_redirect(answer.status) &&
      monitor().redirects > 0 && !answer.location.empty()) {
    if (follow_redirect(answer)) return connect_again();
    return;
  }
  const bool is_grpc = monitor().kind == MonitorKind::grpc;
  std::string reason;
  if (is_grpc) {
    reason = answer.problem.empty() ? judge_grpc_health(answer) : answer.problem;
  } else {
    if (answer.status >= 200) reason = judge_http(answer, monitor());
    if (reason.empty()) reason = answer.problem;
  }
  Finding finding{.verdict = reason.empty() ? Verdict::pass : Verdict::fail,
                  .reason = std::move(reason)};
  if (finding.verdict == Verdict::pass) finding.warning = connection_->warning;
  if (answer.reusable && redirects_ == 0) target_.keep(std::move(connection_));
  finish(std::move(finding));
}

/// Makes the next request; false: it has told why there is none.
bool HttpProbe::follow_redirect(const HttpAnswer& answer) {
  if (++redirects_ > monitor().redirects) {
    fail("more than " + std::to_string(monitor().redirects) + " redirects");
    return false;
  }
  auto next = follow(url_, answer.location);
  if (!next) {
    fail(next.error().message);
    return false;
  }
  // RFC 9110 section 15.4: after these a POST goes on as a GET.
  const bool keeps_method = answer.status == 307 || answer.status == 308;
  if (!keeps_method && request_.method == "POST") {
    request_.method = "GET";
    request_.body.clear();
  }
  // Tokens and cookies are for the host that people wrote them for, and not for the clear.
  if (lower(next->host) != lower(url_.host) || (url_.secure && !next->secure)) {
    request_.headers.clear();
  }
  url_ = *std::move(next);
  request_.path = url_.path;
  request_.scheme = url_.secure ? "https" : "http";
  request_.authority = url_.authority();
  return true;
}

std::string_view HttpProbe::doing() const {
  switch (connection_->codec->answer().heard) {
    case HttpAnswer::Heard::nothing:
      return "waiting for the status";
    case HttpAnswer::Heard::status:
      return "reading the headers";
    default:
      return "reading the body";
  }
}

void HttpProbe::finish(Finding finding) {
  connection_.reset();
  finding.duration_nanoseconds = system_clock().now().nanoseconds - began_.nanoseconds;
  const Done done = std::move(done_);  // may destroy this
  done(std::move(finding));
}

}  // namespace

HttpProbes::HttpProbes(StreamWorld& world) : core_(std::make_unique<Core>(world)) {}

HttpProbes::~HttpProbes() = default;

std::unique_ptr<Target> HttpProbes::make_target(const Check& check) {
  return std::make_unique<HttpTarget>(*core_, check);
}

}  // namespace swingover::health
