#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/loop/loop.h"
#include "base/loop/timer.h"
#include "server/control/control_loop.h"
#include "server/control/http_server.h"

namespace swingover::control {

/// What GET /v1/services answers: of 50,000 services 140 MB of text, and seconds of work.
///
/// Parts    A few services are looked at in a turn of the loop, and written out on its pool; whoever else has something
///          for the control thread gets his turn in between. So each service is shown as of its own moment.
/// Waits    Answers come first: while verdicts wait to be applied or told, the listing does too, for 5 s at most.
/// Turns    One listing at a time. Who asks meanwhile shares the next one. After a reload it begins anew.
/// Threads  The control thread.
class ServicesListing : public std::enable_shared_from_this<ServicesListing> {
 public:
  static constexpr size_t services_a_part = 20;  // some 2 ms

  ServicesListing(loop::Loop& loop, const Control& control)
      : loop_(loop), control_(control), retry_(loop, [this] { do_part(); }) {}

  void answer(HttpResponder respond);

 private:
  void begin();
  void do_part();
  void end();

  loop::Loop& loop_;
  const Control& control_;
  loop::Timer retry_;
  std::vector<HttpResponder> answered_;  // by the listing that is being made
  std::vector<HttpResponder> waiting_;   // for the next one
  std::shared_ptr<std::string> text_;    // of the pool's thread while that writes
  uint64_t generation_ = 0;
  size_t listed_ = 0;
  Milliseconds waited_{0};
};

}  // namespace swingover::control
