#include "server/query/tls_tickets.h"

#include <catch2/catch.hpp>

namespace swingover::tests {
namespace {

using query::TlsTickets;

const MonotonicTime start{7'000'000'000};

MonotonicTime after(int periods) {
  return start + TlsTickets::period * periods;
}

TEST_CASE("workers of one process have the same ticket keys at the same time", "[tls_tickets]") {
  const TlsTickets::Origin origin{TlsTickets::new_secret(), start};
  TlsTickets first(origin);
  TlsTickets second(origin);
  CHECK(first.newest().name == second.newest().name);
  CHECK(first.newest().cipher == second.newest().cipher);
  first.rotate(after(1));
  first.rotate(after(3));
  second.rotate(after(3));
  CHECK(first.newest().name == second.newest().name);
  CHECK(first.newest().mac == second.newest().mac);
}

TEST_CASE("a ticket is good in its period and the next, and never after", "[tls_tickets]") {
  TlsTickets tickets({TlsTickets::new_secret(), start});
  const TlsTickets::Keys sealed_with = tickets.newest();
  tickets.rotate(after(1) + Milliseconds(-1));
  CHECK(tickets.newest().name == sealed_with.name);
  tickets.rotate(after(1));
  CHECK(tickets.newest().name != sealed_with.name);
  REQUIRE(tickets.find(sealed_with.name.data()));
  CHECK(tickets.find(sealed_with.name.data())->cipher == sealed_with.cipher);
  tickets.rotate(after(2));
  CHECK_FALSE(tickets.find(sealed_with.name.data()));
  CHECK(tickets.find(tickets.newest().name.data()) == &tickets.newest());
}

TEST_CASE("another process opens none of our tickets", "[tls_tickets]") {
  const TlsTickets ours({TlsTickets::new_secret(), start});
  const TlsTickets theirs({TlsTickets::new_secret(), start});
  CHECK_FALSE(theirs.find(ours.newest().name.data()));
  const TlsTickets::Keys zero;
  CHECK_FALSE(ours.find(zero.name.data()));
}

}  // namespace
}  // namespace swingover::tests
