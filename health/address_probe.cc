#include "health/address_probe.h"

#include <algorithm>
#include <utility>

#include "health/probe_words.h"

namespace swingover::health {

AddressProbe::AddressProbe(loop::Loop& loop, Resolver& resolver, Milliseconds timeout, Done done)
    : loop_(loop),
      resolver_(resolver),
      timeout_(timeout),
      done_(std::move(done)),
      began_(system_clock().now()),
      timer_(loop, [this] { on_time(); }) {}

AddressProbe::~AddressProbe() {
  if (lookup_) resolver_.cancel(*lookup_);
}

void AddressProbe::begin(const std::string& address) {
  if (const auto known = parse_ip_address(address)) {
    addresses_ = {*known};
    is_beginning_ = true;
    try_next();
    is_beginning_ = false;
    return;
  }
  timer_.start_once(timeout_);
  lookup_ =
      resolver_.resolve(address, [this](Resolver::Found found) { on_found(std::move(found)); });
}

void AddressProbe::on_found(Resolver::Found found) {
  lookup_.reset();
  if (found.addresses.empty()) {
    return finish({.verdict = Verdict::fail, .reason = "resolve: " + found.problem});
  }
  addresses_ = std::move(found.addresses);
  try_next();
}

// One address that stays silent must not take the time of those behind it.
void AddressProbe::try_next() {
  const IpAddress address = addresses_[next_];
  const auto ways_left = static_cast<int64_t>(addresses_.size() - next_);
  ++next_;
  const Milliseconds left = timeout_ - (system_clock().now() - began_);
  timer_.start_once(Milliseconds(std::max<int64_t>(left.value, 0) / ways_left));
  try_address(address);
}

void AddressProbe::pass() {
  finish({});
}

void AddressProbe::fail(std::string reason, Failure failure, bool looked) {
  close();
  if (next_ < addresses_.size()) return try_next();
  finish({.verdict = Verdict::fail,
          .reason = std::move(reason),
          .failure = failure,
          .looked = looked});
}

void AddressProbe::fail_errno(std::string_view what, int error) {
  fail(std::string(what) + ": " + errno_words(error), failure_of(error), !is_own_trouble(error));
}

void AddressProbe::on_time() {
  if (soon_) return finish(*std::exchange(soon_, std::nullopt));
  if (lookup_) {
    return finish(timed_out(timeout_, "resolving"));
  }
  if (!passes_in_silence() && next_ < addresses_.size()) {
    close();
    return try_next();
  }
  passes_in_silence() ? pass() : finish(timed_out(timeout_, doing()));
}

void AddressProbe::finish(Finding finding) {
  close();
  if (is_beginning_) {
    soon_ = std::move(finding);
    timer_.start_once(Milliseconds(0));
    return;
  }
  timer_.stop();
  finding.duration_nanoseconds = system_clock().now().nanoseconds - began_.nanoseconds;
  const Done done = std::move(done_);
  done(std::move(finding));
}

}  // namespace swingover::health
