#include "zones/dnssec/signatures.h"

#include <catch2/catch.hpp>

#include <set>

#include "tests/support/manual_clock.h"

namespace swingover::dnssec::tests {
namespace {

using swingover::tests::ManualClock;

constexpr Milliseconds day(86'400'000);
const SignaturePlan plan{
    .lifetime = day * 14, .skew = Milliseconds(3'600'000), .refresh = day * 5, .jitter = day};

}  // namespace

TEST_CASE("a signature begins before now and is due days before it ends", "[signatures]") {
  ManualClock clock;
  Random random(1);
  const WallTime now = clock.wall();
  const SignatureTimes times = signature_times(now, plan, random);
  CHECK(now - times.inception == plan.skew);
  CHECK(times.expiration - now == plan.lifetime);
  CHECK(times.expiration - times.refresh >= plan.refresh);
  CHECK(times.expiration - times.refresh <= plan.refresh + plan.jitter);
  CHECK(times.validity() ==
        Validity{.inception = 1'790'000'000 - 3600, .expiration = 1'790'000'000 + 14 * 86'400});
}

TEST_CASE("a signature is good, then due, then expired", "[signatures]") {
  ManualClock clock;
  Random random(1);
  const SignatureTimes times = signature_times(clock.wall(), plan, random);
  CHECK(state_at(times, clock.wall()) == SignatureState::good);
  clock.advance(times.refresh - clock.wall() - Milliseconds(1));
  CHECK(state_at(times, clock.wall()) == SignatureState::good);
  clock.advance(Milliseconds(1));
  CHECK(state_at(times, clock.wall()) == SignatureState::due);
  clock.advance(times.expiration - clock.wall() - Milliseconds(1));
  CHECK(state_at(times, clock.wall()) == SignatureState::due);
  CHECK(holds_at(times.validity(), rrsig_seconds(clock.wall())));
  clock.advance(Milliseconds(1));
  CHECK(state_at(times, clock.wall()) == SignatureState::expired);
  clock.advance(Milliseconds(1000));
  CHECK_FALSE(holds_at(times.validity(), rrsig_seconds(clock.wall())));
}

TEST_CASE("a clock that goes back behind the inception makes a signature too early",
          "[signatures]") {
  ManualClock clock;
  Random random(1);
  const SignatureTimes times = signature_times(clock.wall(), plan, random);
  clock.jump_wall(plan.skew * -1);
  CHECK(state_at(times, clock.wall()) == SignatureState::good);
  clock.jump_wall(Milliseconds(-1));
  CHECK(state_at(times, clock.wall()) == SignatureState::early);
}

TEST_CASE("a thousand signatures made at once are not due at once", "[signatures]") {
  ManualClock clock;
  Random random(2);
  std::set<int64_t> hours;
  for (int i = 0; i < 1000; ++i) {
    const SignatureTimes times = signature_times(clock.wall(), plan, random);
    hours.insert((times.expiration - times.refresh).value / 3'600'000);
  }
  CHECK(hours.size() >= 24);
  CHECK(*hours.begin() >= 5 * 24);
  CHECK(*hours.rbegin() <= 6 * 24);
}

TEST_CASE("a plan without jitter is due exactly then", "[signatures]") {
  Random random(1);
  SignaturePlan strict = plan;
  strict.jitter = Milliseconds(0);
  const SignatureTimes times = signature_times(WallTime{0}, strict, random);
  CHECK(times.expiration - times.refresh == strict.refresh);
}

TEST_CASE("times in a signature wrap in the year 2106, and still compare", "[signatures]") {
  const Validity over{.inception = 0xffff'ff00, .expiration = 0x0000'0100};
  CHECK(holds_at(over, 0xffff'ff00));
  CHECK(holds_at(over, 0));
  CHECK(holds_at(over, 0x100));
  CHECK_FALSE(holds_at(over, 0xffff'feff));
  CHECK_FALSE(holds_at(over, 0x101));
  CHECK(rrsig_seconds(WallTime{4'294'967'296'000}) == 0);
}

}  // namespace swingover::dnssec::tests
