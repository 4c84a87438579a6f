#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/ip.h"
#include "base/loop/loop.h"

namespace swingover::health {

/// Names to addresses by the system's resolver (getaddrinfo), off the loop.
///
/// Threads  Lookups run on threads of their own, `lookups_max` at once; the rest wait. Those that hang
///          for as long as the system's resolver likes hold up neither the loop nor its end: the
///          destructor lets them go. All calls and callbacks on the loop's thread.
/// Cache    None: a probe of a name proves that the name resolves.
class Resolver {
 public:
  static constexpr unsigned lookups_max = 32;
  struct Found {
    std::vector<IpAddress> addresses;
    std::string problem;  // in words, when there is none
  };
  using Done = std::function<void(Found)>;
  using Lookup = uint64_t;

  explicit Resolver(loop::Loop& loop);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  Lookup resolve(const std::string& name, Done done);
  void cancel(Lookup lookup);  // its `done` is not called

 private:
  struct Shared;
  struct Wanted {
    Lookup lookup;
    std::string name;
  };
  void start_some();
  void finish(Lookup lookup, Found found);

  std::shared_ptr<Shared> shared_;
  std::unordered_map<Lookup, Done> pending_;
  std::deque<Wanted> queue_;
  unsigned running_ = 0;
  Lookup last_ = 0;
};

}  // namespace swingover::health
