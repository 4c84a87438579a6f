#include "base/loop/ready_set.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>

namespace swingover::loop {

namespace {

constexpr int events_max = 256;  // a turn; what is left keeps the set readable

uint64_t ticket_of(uint32_t slot, uint32_t generation) {
  return uint64_t{generation} << 32 | slot;
}

}  // namespace

ReadySet::ReadySet(Loop& loop)
    : set_(epoll_create1(EPOLL_CLOEXEC)), poll_(loop, set_, [this](Poll::Ready) { on_events(); }) {
  if (set_ >= 0) poll_.watch({.readable = true});
}

ReadySet::~ReadySet() {
  poll_.stop();
  if (set_ >= 0) close(set_);
}

ReadySet::Ticket ReadySet::add(int descriptor, User& user) {
  if (free_.empty()) {
    free_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const uint32_t place = free_.back();
  Slot& slot = slots_[place];
  const Ticket ticket = ticket_of(place, slot.generation + 1);
  epoll_event wanted{};
  wanted.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  wanted.data.u64 = ticket;
  if (epoll_ctl(set_, EPOLL_CTL_ADD, descriptor, &wanted) != 0) return 0;
  free_.pop_back();
  ++slot.generation;
  slot.user = &user;
  return ticket;
}

void ReadySet::remove(Ticket ticket) {
  const auto place = static_cast<uint32_t>(ticket);
  slots_[place].user = nullptr;
  free_.push_back(place);
}

void ReadySet::on_events() {
  std::array<epoll_event, events_max> events;
  const int count = epoll_wait(set_, events.data(), events_max, 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    // Copied: its user may add others, which moves the slots.
    const Slot slot = slots_[static_cast<uint32_t>(event.data.u64)];
    if (!slot.user || slot.generation != static_cast<uint32_t>(event.data.u64 >> 32)) continue;
    slot.user->on_ready({.readable = (event.events & EPOLLIN) != 0,
                         .writable = (event.events & EPOLLOUT) != 0,
                         .ended = (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0});
  }
}

}  // namespace swingover::loop
