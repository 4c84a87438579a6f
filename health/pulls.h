#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/loop/timer.h"
#include "health/http_fetch.h"

namespace swingover::health {

/// A page to be read again and again. Equal ones go on when all are replaced.
struct Pull {
  std::string name;  // whose, for who gets the page
  FetchRequest request;
  Milliseconds interval{10'000};
  friend bool operator==(const Pull&, const Pull&) = default;
};

struct Pulled {
  std::string name;
  Fetched fetched;
  MonotonicTime at{};  // when the answer was there
};

/// Fetches each pull's page every interval, one at a time; the first at once, the next ones spread.
///
/// Threads  The loop's. `deliver` is called there.
class Pulls {
 public:
  using Deliver = std::function<void(Pulled)>;
  Pulls(StreamWorld& world, Deliver deliver) : world_(world), deliver_(std::move(deliver)) {}

  /// From now on exactly these.
  void replace(std::vector<Pull> pulls);

 private:
  struct Running {
    Running(Pulls& of, Pull of_pull)
        : pull(std::move(of_pull)), timer(of.world_.loop, [&of, this] { of.start(*this); }) {}
    Pull pull;
    loop::Timer timer;
    MonotonicTime began{};
    std::unique_ptr<HttpFetch> fetch;
  };
  void start(Running& running);

  StreamWorld& world_;
  Deliver deliver_;
  std::vector<std::unique_ptr<Running>> all_;
};

}  // namespace swingover::health
