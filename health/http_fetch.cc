#include "health/http_fetch.h"

#include <utility>

namespace swingover::health {

namespace {

// Beside the body: headers, the sizes of chunks, and what TLS adds.
constexpr size_t octets_beside_body = size_t{1} << 20;

HttpRequest request_for(const Url& url) {
  HttpRequest request;
  request.scheme = url.secure ? "https" : "http";
  request.authority = url.authority();
  request.path = url.path;
  request.headers = {{"Accept", "text/plain;version=0.0.4, application/json, */*;q=0.1"}};
  request.answer_max = HttpFetch::body_max + 1;
  return request;
}

}  // namespace

HttpFetch::HttpFetch(StreamWorld& world, const FetchRequest& request, Done done)
    : loop_(world.loop), request_(request), done_(std::move(done)), began_(system_clock().now()) {
  std::unique_ptr<TlsClient> tls;
  if (request_.url.secure) {
    tls_ = world.tls.of(request_.tls);
    tls = tls_->connect(request_.url.host, "http/1.1", began_);
    if (!tls) {
      loop_.post([this, alive = std::weak_ptr(alive_), problem = tls_->problem()] {
        if (!alive.expired()) finish({.problem = problem, .body = {}});
      });
      return;
    }
  }
  stream_ = std::make_unique<Stream>(world,
                                     Stream::To{.address = request_.url.host,
                                                .port = request_.url.port,
                                                .timeout = request_.timeout,
                                                .octets_max = body_max + octets_beside_body},
                                     std::move(tls), static_cast<Stream::User&>(*this));
}

void HttpFetch::on_open() {
  codec_.ask(request_for(request_.url), true);
  stream_->send(codec_.take_output());
}

void HttpFetch::on_data(std::string_view octets) {
  codec_.receive(octets);
  if (codec_.answer().is_over()) on_answer();
}

void HttpFetch::on_end(const Stream::End& end) {
  if (end.doing.empty() && end.how == Stream::End::How::closed) {
    codec_.end();
    return on_answer();
  }
  const bool has_headers = codec_.answer().heard >= HttpAnswer::Heard::headers;
  finish({.problem = finding_of(end, request_.timeout,
                                has_headers ? "reading the body" : "waiting for the status")
                         .reason,
          .body = {}});
}

void HttpFetch::on_answer() {
  const HttpAnswer& answer = codec_.answer();
  Fetched fetched;
  if (answer.heard == HttpAnswer::Heard::broken) {
    fetched.problem = answer.problem;
  } else if (answer.status != 200) {
    fetched.problem = "status " + std::to_string(answer.status) + ", wanted 200";
  } else if (answer.body.size() > body_max) {
    fetched.problem = "the body has more than 4 MiB";
  } else {
    fetched.body = answer.body;
  }
  finish(std::move(fetched));
}

void HttpFetch::finish(Fetched fetched) {
  stream_.reset();
  fetched.took = system_clock().now() - began_;
  const Done done = std::move(done_);  // may destroy this
  done(std::move(fetched));
}

}  // namespace swingover::health
