#include "health/resolver.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace swingover::health {

/// What a lookup's thread may still touch when the resolver and its loop are gone.
struct Resolver::Shared {
  std::mutex mutex;
  loop::Loop* loop = nullptr;    // guarded by mutex; null once the resolver is gone
  Resolver* resolver = nullptr;  // the loop's thread only
};

namespace {

Resolver::Found look_up(const std::string& name) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  Resolver::Found found;
  if (const int error = getaddrinfo(name.c_str(), nullptr, &hints, &list); error != 0) {
    found.problem = gai_strerror(error);
    return found;
  }
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
    const IpAddress address = from_sockaddr(*at->ai_addr).address;
    if (std::ranges::find(found.addresses, address) == found.addresses.end()) {
      found.addresses.push_back(address);
    }
  }
  freeaddrinfo(list);
  if (found.addresses.empty()) found.problem = "no address";
  return found;
}

}  // namespace

Resolver::Resolver(loop::Loop& loop) : shared_(std::make_shared<Shared>()) {
  shared_->loop = &loop;
  shared_->resolver = this;
}

Resolver::~Resolver() {
  const std::lock_guard lock(shared_->mutex);
  shared_->loop = nullptr;
  shared_->resolver = nullptr;
}

Resolver::Lookup Resolver::resolve(const std::string& name, Done done) {
  pending_.emplace(++last_, std::move(done));
  queue_.push_back({last_, name});
  start_some();
  return last_;
}

void Resolver::cancel(Lookup lookup) {
  pending_.erase(lookup);
  std::erase_if(queue_, [lookup](const Wanted& wanted) { return wanted.lookup == lookup; });
}

void Resolver::start_some() {
  while (running_ < lookups_max && !queue_.empty()) {
    const Wanted wanted = std::move(queue_.front());
    queue_.pop_front();
    const auto work = [shared = shared_, wanted] {
      Found found = look_up(wanted.name);
      const std::lock_guard lock(shared->mutex);
      if (!shared->loop) return;
      shared->loop->post([shared, lookup = wanted.lookup, found = std::move(found)] {
        if (shared->resolver) shared->resolver->finish(lookup, found);
      });
    };
    try {
      std::thread(work).detach();
      ++running_;
    } catch (const std::system_error&) {  // no thread to be had: the probe's timeout will say so
      queue_.push_front(wanted);
      return;
    }
  }
}

void Resolver::finish(Lookup lookup, Found found) {
  --running_;
  start_some();
  const auto at = pending_.find(lookup);
  if (at == pending_.end()) return;  // cancelled
  const Done done = std::move(at->second);
  pending_.erase(at);
  done(std::move(found));
}

}  // namespace swingover::health
