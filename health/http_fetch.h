#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/units.h"
#include "health/http1.h"
#include "health/stream.h"
#include "health/stream_world.h"
#include "health/tls_client.h"
#include "health/url.h"

namespace swingover::health {

/// A page that somebody wants to read, not a probe that judges.
struct FetchRequest {
  Url url;
  Milliseconds timeout{5'000};
  TlsContext::Settings tls{};
  friend bool operator==(const FetchRequest&, const FetchRequest&) = default;
};

/// What came of it: a body, or a problem in words ("connect: connection refused", "status 503, wanted 200").
struct Fetched {
  std::string problem;
  std::string body;
  Milliseconds took{0};
};

/// One GET over HTTP/1.1 on a new connection, with TLS as https monitors have it. No redirect is followed.
///
/// Done      Called once, on a later turn of the loop; may destroy the fetch. Destroying it before cancels.
/// Bound     A body of more than `body_max` is a problem, and all must be over within the timeout.
/// Threads   The loop's.
class HttpFetch final : private Stream::User {
 public:
  static constexpr size_t body_max = size_t{4} << 20;
  using Done = std::function<void(Fetched)>;

  HttpFetch(StreamWorld& world, const FetchRequest& request, Done done);
  HttpFetch(const HttpFetch&) = delete;
  HttpFetch& operator=(const HttpFetch&) = delete;

 private:
  void on_open() override;
  void on_data(std::string_view octets) override;
  void on_end(const Stream::End& end) override;
  void on_answer();
  void finish(Fetched fetched);

  loop::Loop& loop_;
  FetchRequest request_;
  Done done_;
  MonotonicTime began_;
  std::shared_ptr<TlsContext> tls_;
  Http1 codec_;
  std::unique_ptr<Stream> stream_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace swingover::health
