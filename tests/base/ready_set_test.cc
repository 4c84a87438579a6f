#include "base/loop/ready_set.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <functional>
#include <utility>

using namespace swingover::loop;

namespace {

struct Pair {
  Pair() { REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) == 0); }
  ~Pair() {
    close_mine();
    close_theirs();
  }
  void close_mine() {
    if (ends[0] >= 0) close(std::exchange(ends[0], -1));
  }
  void close_theirs() {
    if (ends[1] >= 0) close(std::exchange(ends[1], -1));
  }
  void say() { REQUIRE(write(ends[1], "x", 1) == 1); }
  std::array<int, 2> ends{};
};

struct Listener : ReadySet::User {
  void on_ready(ReadySet::Ready r) override {
    ++times;
    ready = r;
    if (then) then();
  }
  int times = 0;
  ReadySet::Ready ready;
  std::function<void()> then;
};

}  // namespace

TEST_CASE("a ready set tells each change once", "[ready_set]") {
  Loop loop;
  ReadySet set(loop);
  Pair pair;
  Listener listener;
  const auto ticket = set.add(pair.ends[0], listener);
  REQUIRE(ticket != 0);
  CHECK(listener.times == 0);
  REQUIRE(loop.run_until([&] { return listener.times == 1; }, 3000));
  CHECK(listener.ready.writable);
  CHECK_FALSE(listener.ready.readable);
  loop.run_until([] { return false; }, 20);
  CHECK(listener.times == 1);  // still writable, which is no news

  pair.say();
  REQUIRE(loop.run_until([&] { return listener.ready.readable; }, 3000));
  CHECK_FALSE(listener.ready.ended);
  pair.close_theirs();
  REQUIRE(loop.run_until([&] { return listener.ready.ended; }, 3000));
  set.remove(ticket);
}

TEST_CASE("who was removed hears no more, and not what was meant for another", "[ready_set]") {
  Loop loop;
  ReadySet set(loop);
  Pair one;
  Pair two;
  Pair three;
  Listener first;
  Listener second;
  Listener third;
  ReadySet::Ticket first_ticket = set.add(one.ends[0], first);
  ReadySet::Ticket second_ticket = set.add(two.ends[0], second);
  // Whichever is told first removes the other, whose place goes to a third that is told nothing of it.
  ReadySet::Ticket third_ticket = 0;
  const auto replace = [&](Pair& pair, ReadySet::Ticket& ticket) {
    set.remove(std::exchange(ticket, 0));
    pair.close_mine();
    third_ticket = set.add(three.ends[0], third);
  };
  first.then = [&] {
    if (!third_ticket) replace(two, second_ticket);
  };
  second.then = [&] {
    if (!third_ticket) replace(one, first_ticket);
  };
  REQUIRE(loop.run_until([&] { return third.times > 0; }, 3000));
  CHECK(first.times + second.times == 1);
  CHECK(third.times == 1);
  for (const auto ticket : {first_ticket, second_ticket, third_ticket}) {
    if (ticket) set.remove(ticket);
  }
}

TEST_CASE("a ready set serves more descriptors than fit into a turn", "[ready_set]") {
  Loop loop;
  ReadySet set(loop);
  std::vector<std::unique_ptr<Pair>> pairs;
  std::vector<std::unique_ptr<Listener>> listeners;
  for (int i = 0; i < 300; ++i) {
    pairs.push_back(std::make_unique<Pair>());
    listeners.push_back(std::make_unique<Listener>());
    REQUIRE(set.add(pairs.back()->ends[0], *listeners.back()) != 0);
  }
  const auto all_heard = [&] {
    for (const auto& listener : listeners) {
      if (listener->times == 0) return false;
    }
    return true;
  };
  CHECK(loop.run_until(all_heard, 3000));
}

TEST_CASE("what the kernel cannot watch has no ticket", "[ready_set]") {
  Loop loop;
  ReadySet set(loop);
  Listener listener;
  const int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  CHECK(set.add(file, listener) == 0);
  close(file);
}
