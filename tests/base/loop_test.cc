#include "base/loop/loop.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <csignal>
#include <memory>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/loop/poll.h"
#include "base/loop/signal.h"
#include "base/loop/timer.h"

namespace swingover::loop {
namespace {

struct SocketPair {
  int mine = -1;
  int theirs = -1;
  SocketPair() {
    int both[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, both) == 0);
    mine = both[0];
    theirs = both[1];
  }
  ~SocketPair() {
    close(mine);
    close_theirs();
  }
  void close_theirs() {
    if (theirs >= 0) close(theirs);
    theirs = -1;
  }
};

}  // namespace

TEST_CASE("a loop with nothing to wait for ends by itself", "[loop]") {
  Loop loop;
  loop.run();
  bool ran = false;
  loop.post([&] { ran = true; });
  loop.run();
  CHECK(ran);
}

TEST_CASE("tasks posted by one thread run in their order on the loop's thread", "[loop]") {
  Loop loop;
  Timer keeps_waiting(loop, [] {});
  keeps_waiting.start_once(Milliseconds(60'000));
  std::vector<int> order;
  std::thread::id ran_on;
  std::thread poster([&] {
    for (int i = 0; i < 1000; ++i) loop.post([&, i] { order.push_back(i); });
    loop.post([&] { ran_on = std::this_thread::get_id(); });
    loop.post([&] { loop.stop(); });
  });
  loop.run();
  poster.join();
  CHECK(ran_on == std::this_thread::get_id());
  REQUIRE(order.size() == 1000);
  CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("a stop that comes before run() is not lost", "[loop]") {
  Loop loop;
  Timer endless(loop, [] {});
  endless.start_repeating(Milliseconds(1000));
  loop.stop();
  loop.run();

  int ticks = 0;  // and it ends one run only
  Timer counting(loop, [&] {
    if (++ticks == 3) loop.stop();
  });
  counting.start_repeating(Milliseconds(1));
  loop.run();
  CHECK(ticks >= 3);
}

TEST_CASE("a task that posts itself again does not keep the timers from running", "[loop]") {
  Loop loop;
  bool ticked = false;
  Timer timer(loop, [&] { ticked = true; });
  timer.start_once(Milliseconds(5));
  std::function<void()> again = [&] { loop.post(again); };
  loop.post(again);
  CHECK(loop.run_until([&] { return ticked; }, 5000));
}

TEST_CASE("tasks that never ran are destroyed with the loop, and may own its objects", "[loop]") {
  auto kept = std::make_shared<int>(1);
  {
    Loop loop;
    auto timer = std::make_shared<Timer>(loop, [] {});
    timer->start_repeating(Milliseconds(1));
    loop.post([timer, kept] {});
    timer.reset();
  }
  CHECK(kept.use_count() == 1);
}

TEST_CASE("run_until gives up after its time, and sees what other threads do", "[loop]") {
  Loop loop;
  CHECK_FALSE(loop.run_until([] { return false; }, 20));

  std::atomic<bool> flag{false};
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    flag = true;
  });
  CHECK(loop.run_until([&] { return flag.load(); }, 5000));
  other.join();
}

TEST_CASE("offloaded work runs on another thread and is done on the loop's", "[loop]") {
  Loop loop;
  std::thread::id worked_on;
  std::thread::id done_on;
  loop.offload([&] { worked_on = std::this_thread::get_id(); },
               [&] { done_on = std::this_thread::get_id(); });
  loop.run();  // work under way is something to wait for
  CHECK(done_on == std::this_thread::get_id());
  CHECK(worked_on != done_on);
}

TEST_CASE("a loop that is destroyed waits for work under way and tells nobody", "[loop]") {
  std::atomic<bool> worked{false};
  std::atomic<bool> told{false};
  {
    Loop loop;
    loop.offload(
        [&] {
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
          worked = true;
        },
        [&] { told = true; });
  }
  CHECK(worked);
  CHECK_FALSE(told);
}

TEST_CASE("a timer ticks once, or again and again until it is stopped", "[timer]") {
  Loop loop;
  int once = 0;
  int repeated = 0;
  Timer single(loop, [&] { ++once; });
  Timer repeating(loop, [&] { ++repeated; });
  single.start_once(Milliseconds(1));
  repeating.start_repeating(Milliseconds(1));
  CHECK(single.is_active());
  CHECK(loop.run_until([&] { return repeated >= 5; }, 5000));
  CHECK(once == 1);
  CHECK_FALSE(single.is_active());

  repeating.stop();
  CHECK_FALSE(repeating.is_active());
  const int seen = repeated;
  CHECK_FALSE(loop.run_until([&] { return repeated > seen; }, 20));
}

TEST_CASE("a timer that is started in a long turn still waits its whole delay", "[timer]") {
  Loop loop;
  MonotonicTime started{};
  MonotonicTime ticked{};
  Timer delayed(loop, [&] { ticked = system_clock().now(); });
  loop.post([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    started = system_clock().now();
    delayed.start_once(Milliseconds(20));
  });
  loop.run();
  CHECK((ticked - started).value >= 18);
}

TEST_CASE("a timer without delay that starts itself again leaves time for others", "[timer]") {
  Loop loop;
  bool other = false;
  std::unique_ptr<Timer> eager;
  eager = std::make_unique<Timer>(loop, [&] { eager->start_once(Milliseconds(0)); });
  eager->start_once(Milliseconds(0));
  loop.post([&] { loop.post([&] { other = true; }); });
  CHECK(loop.run_until([&] { return other; }, 5000));
}

TEST_CASE("a timer may destroy itself while it ticks, and a destroyed one never ticks", "[timer]") {
  Loop loop;
  bool ticked = false;
  auto witness = std::make_shared<int>(7);
  int seen = 0;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(loop, [&, witness] {
    timer.reset();
    seen = *witness;  // what the callback holds is still there
    ticked = true;
  });
  timer->start_repeating(Milliseconds(1));
  auto never = std::make_unique<Timer>(loop, [] { FAIL("a destroyed timer ticked"); });
  never->start_once(Milliseconds(1));
  never.reset();
  loop.run();
  CHECK(ticked);
  CHECK(seen == 7);
  CHECK(witness.use_count() == 1);
}

TEST_CASE("a descriptor is reported readable for as long as it is", "[poll]") {
  Loop loop;
  const SocketPair sockets;
  int calls = 0;
  Poll poll(loop, sockets.mine, [&](Poll::Ready ready) {
    CHECK(ready.readable);
    CHECK_FALSE(ready.failed);
    if (++calls < 3) return;  // nothing was read: it must be told again
    char byte = 0;
    CHECK(read(sockets.mine, &byte, 1) == 1);
  });
  poll.watch({.readable = true});
  REQUIRE(write(sockets.theirs, "x", 1) == 1);
  CHECK(loop.run_until([&] { return calls == 3; }, 5000));
  CHECK_FALSE(loop.run_until([&] { return calls > 3; }, 20));
}

TEST_CASE("interest in nothing, or stop(), ends the calls", "[poll]") {
  Loop loop;
  const SocketPair sockets;
  int calls = 0;
  Poll poll(loop, sockets.mine, [&](Poll::Ready ready) {
    CHECK(ready.writable);
    ++calls;
  });
  poll.watch({.writable = true});
  CHECK(loop.run_until([&] { return calls > 0; }, 5000));

  SECTION("interest in nothing") {
    poll.watch({});
  }
  SECTION("stop()") {
    poll.stop();
  }
  const int seen = calls;
  CHECK_FALSE(loop.run_until([&] { return calls > seen; }, 20));
}

TEST_CASE("a peer that went away makes a descriptor readable, to its end", "[poll]") {
  Loop loop;
  SocketPair sockets;
  ssize_t got = -1;
  Poll poll(loop, sockets.mine, [&](Poll::Ready) {
    char byte = 0;
    got = read(sockets.mine, &byte, 1);
  });
  poll.watch({.readable = true});
  sockets.close_theirs();
  CHECK(loop.run_until([&] { return got >= 0; }, 5000));
  CHECK(got == 0);
}

TEST_CASE("an error is reported again until it is taken, and the watch goes on", "[poll]") {
  Loop loop;
  int both[2];
  REQUIRE(pipe2(both, O_NONBLOCK) == 0);
  close(both[0]);  // a pipe that nobody reads is in error for good
  int failures = 0;
  Poll poll(loop, both[1], [&](Poll::Ready ready) {
    CHECK(ready.failed);
    CHECK(ready.writable);
    ++failures;
  });
  poll.watch({.writable = true});
  CHECK(loop.run_until([&] { return failures >= 3; }, 5000));
  poll.stop();
  close(both[1]);
}

TEST_CASE("a descriptor that the kernel cannot watch fails, and not inside watch()", "[poll]") {
  Loop loop;
  const int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  REQUIRE(file >= 0);
  bool failed = false;
  auto poll = std::make_unique<Poll>(loop, file, [&](Poll::Ready ready) { failed = ready.failed; });
  poll->watch({.readable = true});
  CHECK_FALSE(failed);
  CHECK(loop.run_until([&] { return failed; }, 5000));

  failed = false;
  poll->watch({.readable = true});
  poll.reset();
  loop.run();
  CHECK_FALSE(failed);
  close(file);
}

TEST_CASE("a poll may destroy itself while it is called", "[poll]") {
  Loop loop;
  const SocketPair sockets;
  std::unique_ptr<Poll> poll;
  auto witness = std::make_shared<int>(7);
  int seen = 0;
  poll = std::make_unique<Poll>(loop, sockets.mine, [&, witness](Poll::Ready) {
    poll.reset();
    seen = *witness;
  });
  poll->watch({.writable = true});
  loop.run();
  CHECK(seen == 7);
  CHECK(witness.use_count() == 1);
}

TEST_CASE("a signal arrives as an event, on the loop's thread, as often as it is raised",
          "[signal]") {
  Loop loop;
  int caught = 0;
  Signal signal(loop, SIGUSR1, [&] { ++caught; });
  raise(SIGUSR1);
  CHECK(caught == 0);
  CHECK(loop.run_until([&] { return caught == 1; }, 5000));
  raise(SIGUSR1);
  CHECK(loop.run_until([&] { return caught == 2; }, 5000));
}

TEST_CASE("a signal that cannot be watched is said, and harmless", "[signal]") {
  Loop loop;
  Signal signal(loop, SIGKILL, [] { FAIL("SIGKILL cannot arrive"); });
  CHECK_FALSE(loop.run_until([] { return false; }, 5));
}

}  // namespace swingover::loop
