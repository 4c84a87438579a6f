#include "base/background.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <utility>

namespace swingover {
namespace {

constexpr int niceness = 15;

bool set_nice(pid_t thread, int nice) {
  return setpriority(PRIO_PROCESS, static_cast<id_t>(thread), nice) == 0;
}

}  // namespace

Background::Background() {
  // Signals are the control thread's.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { serve(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Background::~Background() {
  {
    std::lock_guard lock(mutex_);
    is_stopped_ = true;
    waiting_.clear();
  }
  hurry();
  changed_.notify_all();
  thread_.join();
}

void Background::run(std::function<void()> work) {
  {
    std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(work));
  }
  changed_.notify_all();
}

bool Background::hurry() {
  std::lock_guard lock(mutex_);
  if (is_nice_) is_nice_ = !set_nice(id_, 0);
  return !is_nice_;
}

void Background::serve() {
  pthread_setname_np(pthread_self(), "background");
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return is_stopped_ || !waiting_.empty(); });
    if (is_stopped_) return;
    std::function<void()> work = std::move(waiting_.front());
    waiting_.pop_front();
    id_ = gettid();
    // Refused by some sandboxes: then it goes at normal priority.
    if (!is_nice_) is_nice_ = set_nice(id_, niceness);
    lock.unlock();
    work();
    work = nullptr;  // what it holds is its own to free
    lock.lock();
  }
}

}  // namespace swingover
