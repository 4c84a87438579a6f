#include "base/background.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <utility>

namespace swingover {
namespace {

bool set_policy(pthread_t thread, int policy) {
  const sched_param none{};
  return pthread_setschedparam(thread, policy, &none) == 0;
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
  if (is_idle_) is_idle_ = !set_policy(thread_.native_handle(), SCHED_OTHER);
  return !is_idle_;
}

void Background::serve() {
  pthread_setname_np(pthread_self(), "background");
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return is_stopped_ || !waiting_.empty(); });
    if (is_stopped_) return;
    std::function<void()> work = std::move(waiting_.front());
    waiting_.pop_front();
    // Refused by some sandboxes: then it goes at normal priority.
    if (!is_idle_) is_idle_ = set_policy(pthread_self(), SCHED_IDLE);
    lock.unlock();
    work();
    work = nullptr;  // what it holds is its own to free
    lock.lock();
  }
}

}  // namespace swingover
