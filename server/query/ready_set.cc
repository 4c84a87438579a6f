#include "server/query/ready_set.h"

#include <utility>

namespace swingover::query {

ReadySet::ReadySet(loop::Loop& loop, std::function<void()> on_ready)
    : set_(epoll_create1(EPOLL_CLOEXEC)) {
  poll_.emplace(loop, set_.descriptor(),
                [tell = std::move(on_ready)](loop::Poll::Ready) { tell(); });
  poll_->watch({.readable = true});
}

bool ReadySet::add(int descriptor, Interest interest, void* item) {
  return control(EPOLL_CTL_ADD, descriptor, interest, item);
}

bool ReadySet::change(int descriptor, Interest interest, void* item) {
  return control(EPOLL_CTL_MOD, descriptor, interest, item);
}

void ReadySet::forget(const void* item) {
  for (int i = at_ + 1; i < count_; ++i) {
    epoll_event& event = ready_[static_cast<size_t>(i)];
    if (event.data.ptr == item) event.data.ptr = nullptr;
  }
}

bool ReadySet::control(int operation, int descriptor, Interest interest, void* item) {
  epoll_event event{};
  event.events = (interest.readable ? EPOLLIN : 0U) | (interest.writable ? EPOLLOUT : 0U);
  event.data.ptr = item;
  return epoll_ctl(set_.descriptor(), operation, descriptor, &event) == 0;
}

int ReadySet::fetch() {
  return epoll_wait(set_.descriptor(), ready_.data(), most_a_round, 0);
}

}  // namespace swingover::query
