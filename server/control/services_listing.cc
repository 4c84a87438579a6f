#include "server/control/services_listing.h"

#include <utility>

#include "server/control/views.h"

namespace swingover::control {

namespace {

constexpr Milliseconds wait_each{2};
constexpr Milliseconds wait_most{5'000};

}  // namespace

void ServicesListing::answer(HttpResponder respond) {
  waiting_.push_back(std::move(respond));
  if (answered_.empty()) begin();
}

void ServicesListing::begin() {
  if (answered_.empty()) answered_ = std::exchange(waiting_, {});
  text_ = std::make_shared<std::string>("{\n  \"services\": [");
  generation_ = control_.snapshot().generation;
  listed_ = 0;
  waited_ = Milliseconds(0);
  do_part();
}

void ServicesListing::do_part() {
  if (control_.snapshot().generation != generation_) return begin();  // the places are others now
  const size_t all = control_.join().model().services.size();
  if (listed_ >= all) return end();
  if (!control_.is_all_told() && waited_ < wait_most) {
    waited_ = waited_ + wait_each;
    return retry_.start_once(wait_each);
  }
  const bool is_first = listed_ == 0;
  auto write = services_part(control_, listed_, services_a_part);
  listed_ += services_a_part;
  loop_.offload(
      [text = text_, is_first, write = std::move(write)]() mutable {
        *text += is_first ? "" : ",";
        *text += std::exchange(write, nullptr)();  // what it wrote from is freed here, too
      },
      [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->do_part();
      });
}

void ServicesListing::end() {
  *text_ += control_.join().model().services.empty() ? "]\n}\n" : "\n  ]\n}\n";
  HttpReply reply;
  reply.large_body = std::exchange(text_, nullptr);
  for (const HttpResponder& respond : std::exchange(answered_, {})) respond(reply);
  if (!waiting_.empty()) begin();
}

}  // namespace swingover::control
