#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace swingover {

/// The newest immutable T, written by one control thread and read by many workers.
///
/// Shape      publish() replaces the whole T; nothing reachable from a published T ever changes.
/// Threads    publish() and reclaim(): the control thread. A Reader: the one worker that made it.
/// Cost       Reader::current() is one acquire load, plus one mutex after a publish; no allocation.
/// Ownership  The control thread destroys old values, in reclaim(), so no worker pays for that.
/// Limits     An idle worker keeps its old value alive: have it call current() on a slow timer.
template <class T>
class Published {
 public:
  explicit Published(std::shared_ptr<const T> first) : current_(std::move(first)) {}

  void publish(std::shared_ptr<const T> next) {
    std::lock_guard lock(mutex_);
    retired_.push_back(std::exchange(current_, std::move(next)));
    generation_.fetch_add(1, std::memory_order_release);
  }

  /// Destroys the retired values that nobody else holds; returns how many are still held.
  size_t reclaim() {
    return reclaim([](std::shared_ptr<const T>) {});
  }
  /// The same, but gives each to `destroy`, for values that take long: it may do so on another thread.
  template <class Destroy>
  size_t reclaim(Destroy destroy) {
    const auto free = std::partition(retired_.begin(), retired_.end(),
                                     [](const auto& value) { return value.use_count() > 1; });
    for (auto at = free; at != retired_.end(); ++at) destroy(std::move(*at));
    retired_.erase(free, retired_.end());
    return retired_.size();
  }

  class Reader {
   public:
    explicit Reader(const Published& source) : source_(source) { refresh(); }

    /// The newest value; the reference is good until this Reader's next current().
    const T& current() {
      if (source_.generation_.load(std::memory_order_acquire) != generation_) refresh();
      return *value_;
    }
    /// What current() gave last, for a use that goes on behind its next call. The control thread frees it all the
    /// same, once nobody holds it.
    std::shared_ptr<const T> hold() const { return value_; }

   private:
    void refresh() {
      std::lock_guard lock(source_.mutex_);
      generation_ = source_.generation_.load(std::memory_order_relaxed);
      value_ = source_.current_;
    }

    const Published& source_;
    uint64_t generation_ = 0;
    std::shared_ptr<const T> value_;
  };

 private:
  mutable std::mutex mutex_;
  std::atomic<uint64_t> generation_{0};
  std::shared_ptr<const T> current_;               // guarded by mutex_
  std::vector<std::shared_ptr<const T>> retired_;  // control thread only
};

}  // namespace swingover
