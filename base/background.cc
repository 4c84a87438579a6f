#include "base/background.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace swingover {
namespace {

constexpr long yield_every_ns = 500'000;

// The way out of whatever the thread is at.
int yield_signal() {
  return SIGRTMIN + 4;
}
void yield(int) {
  const int before = errno;
  sched_yield();
  errno = before;
}

bool set_policy(pthread_t thread, int policy) {
  const sched_param none{};
  return pthread_setschedparam(thread, policy, &none) == 0;
}

}  // namespace

/// Makes the thread that it belongs to yield now and then. Idle priority alone is not enough: a thread that wakes
/// takes the CPU from an idle one, but where several go to sleep and wake at a time, EEVDF (Linux 6.6) may pick the
/// idle one before one that has used more than its share, and leaves it until the next tick, up to 4 ms later.
class Background::Yields {
 public:
  Yields() {
    struct sigaction action {};
    action.sa_handler = yield;
    action.sa_flags = SA_RESTART;
    sigaction(yield_signal(), &action, nullptr);
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, yield_signal());
    pthread_sigmask(SIG_UNBLOCK, &ours, nullptr);
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = yield_signal();
    event._sigev_un._tid = gettid();
    is_made_ = timer_create(CLOCK_MONOTONIC, &event, &timer_) == 0;
  }
  ~Yields() {
    if (is_made_) timer_delete(timer_);
  }
  Yields(const Yields&) = delete;
  Yields& operator=(const Yields&) = delete;

  void start() { set(yield_every_ns); }
  void stop() { set(0); }

 private:
  void set(long nanoseconds) {
    const itimerspec every{{0, nanoseconds}, {0, nanoseconds}};
    if (is_made_) timer_settime(timer_, 0, &every, nullptr);
  }

  timer_t timer_{};
  bool is_made_ = false;
};

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
  if (!is_idle_ && yields_) yields_->stop();
  return !is_idle_;
}

void Background::serve() {
  pthread_setname_np(pthread_self(), "background");
  Yields yields;
  std::unique_lock lock(mutex_);
  yields_ = &yields;
  for (;;) {
    changed_.wait(lock, [this] { return is_stopped_ || !waiting_.empty(); });
    if (is_stopped_) break;
    std::function<void()> work = std::move(waiting_.front());
    waiting_.pop_front();
    // Refused by some sandboxes: then it goes at normal priority.
    if (!is_idle_) is_idle_ = set_policy(pthread_self(), SCHED_IDLE);
    if (is_idle_) yields.start();
    lock.unlock();
    work();
    work = nullptr;  // what it holds is its own to free
    lock.lock();
    yields.stop();
  }
  yields_ = nullptr;
}

}  // namespace swingover
