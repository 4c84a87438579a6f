#include "health/watch.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/log.h"

namespace swingover::health {

namespace {

constexpr int opens_a_turn = 20;
constexpr Milliseconds turn{20};
constexpr Milliseconds wait_for_room{10'000};
constexpr Milliseconds pause_after_failure{5'000};
constexpr Milliseconds renewable_least{10'000};
constexpr Milliseconds look_again{3'600'000};

uint16_t port_of(const MonitorOptions& monitor) {
  if (monitor.port != 0) return monitor.port;
  return monitor.kind == MonitorKind::https ? 443 : 80;
}

void set_option(int socket, int level, int name, int value) {
  // One that this kernel does not have makes a silent host be found later, by its probes.
  (void)setsockopt(socket, level, name, &value, sizeof value);
}

/// A host that vanished is found within a quarter of the interval and three seconds, by two keep-alives.
void find_silence(int socket, Milliseconds interval) {
  const Milliseconds idle = keep_alive_after(interval);
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(idle.value / 1000));
  set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 1);
  set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT,
             static_cast<int>((idle + keep_alive_answer).value));
}

uint64_t tag(Watch::Slot slot, uint32_t generation) {
  return uint64_t{generation} << 32 | slot;
}

}  // namespace

Watch::Watch(loop::Loop& loop, const Clock& clock, Options options, OnAlarm on_alarm)
    : clock_(clock),
      options_(options),
      on_alarm_(std::move(on_alarm)),
      timer_(loop, [this] { tick(); }) {
  if (options_.open_max == 0) return;
  ready_set_ = epoll_create1(EPOLL_CLOEXEC);
  if (ready_set_ < 0) {
    log_warning("nothing can be watched: no ready set");
    options_.open_max = 0;
    return;
  }
  poll_.emplace(loop, ready_set_, [this](loop::Poll::Ready) { on_ready(); });
  poll_->watch({.readable = true});
}

Watch::~Watch() {
  for (auto& [slot, entry] : entries_) enter(entry, WatchState::off);
  poll_.reset();
  if (ready_set_ >= 0) ::close(ready_set_);
}

void Watch::add(Slot slot, const Check& check) {
  const auto address = parse_ip_address(check.address);
  if (!address) return;  // each look at a name may find another address: its probes do
  Entry& entry = entries_[slot];
  entry.monitor = check.monitor;
  entry.address = *address;
  entry.port = port_of(*check.monitor);
}

void Watch::remove(Slot slot) {
  const auto found = entries_.find(slot);
  if (found == entries_.end()) return;
  enter(found->second, WatchState::off);
  entries_.erase(found);
}

WatchState Watch::state(Slot slot) const {
  const auto found = entries_.find(slot);
  return found == entries_.end() ? WatchState::off : found->second.state;
}

void Watch::settled(Slot slot, bool is_up) {
  const auto found = entries_.find(slot);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  if (!is_up) {
    entry.has_ended = false;
    entry.habit.forget();
    entry.is_told = false;
    return enter(entry, WatchState::off);
  }
  if (std::exchange(entry.has_ended, false)) return learn(slot, entry);
  if (entry.state == WatchState::off) plan(slot, entry, WatchState::waiting, Milliseconds(0));
}

/// The backend lives, and ended its connection all the same.
void Watch::learn(Slot slot, Entry& entry) {
  entry.habit.ended(entry.age);
  const auto idle = entry.habit.idle_time();
  if (!idle) return plan(slot, entry, WatchState::waiting, entry.habit.pause());
  const bool is_renewed = *idle >= renewable_least;
  if (!std::exchange(entry.is_told, true)) {
    log_info(is_renewed ? "watch renews its connection in time: the backend closes idle ones"
                        : "watch ended: the backend closes idle connections",
             {{"monitor", entry.monitor->name},
              {"address", entry.address.text()},
              {"after", duration_text(*idle)}});
  }
  if (is_renewed) return plan(slot, entry, WatchState::waiting, entry.habit.pause());
  plan(slot, entry, WatchState::habit, look_again);
}

void Watch::tick() {
  int opened = 0;
  const int64_t now = clock_.now().nanoseconds;
  while (!due_.empty() && due_.top().at <= now && opened < opens_a_turn) {
    const Due due = due_.top();
    due_.pop();
    const auto found = entries_.find(due.slot);
    if (found == entries_.end()) continue;
    Entry& entry = found->second;
    if (entry.due != due.at || entry.generation != due.generation) continue;
    if (entry.state == WatchState::connecting) {  // for too long: its probes will know why
      plan(due.slot, entry, WatchState::waiting, pause_after_failure);
      continue;
    }
    if (entry.state == WatchState::habit) entry.habit.forget();
    open(due.slot, entry);
    ++opened;
  }
  arm();
}

void Watch::open(Slot slot, Entry& entry) {
  enter(entry, WatchState::waiting);
  if (open_ >= options_.open_max) return plan(slot, entry, WatchState::waiting, wait_for_room);
  sockaddr_storage to{};
  const unsigned size = to_sockaddr(entry.address, entry.port, to);
  entry.socket = ::socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (entry.socket < 0) return plan(slot, entry, WatchState::waiting, wait_for_room);
  ++open_;
  find_silence(entry.socket, entry.monitor->interval);
  const bool is_begun =
      ::connect(entry.socket, reinterpret_cast<const sockaddr*>(&to), size) == 0 ||
      errno == EINPROGRESS;
  if (!is_begun) return plan(slot, entry, WatchState::waiting, pause_after_failure);
  plan(slot, entry, WatchState::connecting, entry.monitor->timeout);
  epoll_event wanted{};
  wanted.events = EPOLLOUT | EPOLLRDHUP;
  wanted.data.u64 = tag(slot, entry.generation);
  if (epoll_ctl(ready_set_, EPOLL_CTL_ADD, entry.socket, &wanted) == 0) return;
  plan(slot, entry, WatchState::waiting, wait_for_room);
}

void Watch::on_ready() {
  std::array<epoll_event, 256> events;
  const int count =
      epoll_wait(ready_set_, events.data(), static_cast<int>(events.size()), 0);  // more: next turn
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    const auto slot = static_cast<Slot>(event.data.u64);
    const auto found = entries_.find(slot);
    if (found == entries_.end() || tag(slot, found->second.generation) != event.data.u64) continue;
    Entry& entry = found->second;
    const bool has_ended = (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if (entry.state == WatchState::connected) {
      if (has_ended) end(slot, entry);
    } else if (has_ended) {
      plan(slot, entry, WatchState::waiting, pause_after_failure);
    } else {
      became_connected(slot, entry);
    }
  }
}

void Watch::became_connected(Slot slot, Entry& entry) {
  epoll_event wanted{};
  wanted.events = EPOLLRDHUP;  // and what is always told: an error, a reset
  wanted.data.u64 = tag(slot, entry.generation);
  if (epoll_ctl(ready_set_, EPOLL_CTL_MOD, entry.socket, &wanted) != 0) {
    return plan(slot, entry, WatchState::waiting, wait_for_room);
  }
  enter(entry, WatchState::connected);
  entry.since = clock_.now();
  entry.due = never;
  const auto idle = entry.habit.idle_time();
  if (idle) expect(slot, entry, Milliseconds(idle->value * 3 / 4));
}

void Watch::end(Slot slot, Entry& entry) {
  entry.age = clock_.now() - entry.since;
  entry.has_ended = true;
  ++counters_.alarms;
  enter(entry, WatchState::waiting);  // for what the probes say
  entry.due = never;
  on_alarm_(slot);
}

/// Into `state` for so long; what was open is closed, unless it is just being connected.
void Watch::plan(Slot slot, Entry& entry, WatchState state, Milliseconds wait) {
  enter(entry, state);
  entry.generation = ++last_generation_;
  expect(slot, entry, wait);
}

void Watch::expect(Slot slot, Entry& entry, Milliseconds wait) {
  entry.due = (clock_.now() + wait).nanoseconds;
  due_.push({entry.due, slot, entry.generation});
  arm();
}

void Watch::enter(Entry& entry, WatchState state) {
  if (entry.state == WatchState::connected) --counters_.connected;
  if (entry.state == WatchState::habit) --counters_.habits;
  entry.state = state;
  if (state == WatchState::connected) ++counters_.connected;
  if (state == WatchState::habit) ++counters_.habits;
  if (state == WatchState::connected || state == WatchState::connecting) return;
  entry.due = never;
  if (entry.socket < 0) return;
  ::close(std::exchange(entry.socket, -1));  // and out of the ready set
  --open_;
}

void Watch::arm() {
  if (due_.empty()) return timer_.stop();
  timer_.start_once(std::max(MonotonicTime{due_.top().at} - clock_.now(), turn));
}

}  // namespace swingover::health
