// Whatever options an OPT record holds, they are read as one whole or refused, and the OPT that answers
// them is well-formed, has what must be in it, and keeps to its room.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "zones/cookie.h"
#include "zones/edns.h"
#include "zones/protocol.h"

namespace swingover::zones {
namespace {

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

bool is_inside(Bytes part, Bytes whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_read(const Edns& edns, Bytes options, OptOutcome outcome) {
  require(edns.present, "an OPT that was read is present");
  if (outcome != OptOutcome::fine) {
    require(edns.cookie.empty() && !edns.subnet.present() && !edns.nsid_asked &&
                !edns.padding_asked && edns.keepalive == Edns::Keepalive::none,
            "what is refused leaves nothing behind");
    return;
  }
  require(is_inside(edns.cookie, options) && is_inside(edns.subnet.option, options),
          "views look into the packet");
  require(edns.cookie.empty() || is_cookie_size(edns.cookie.size()), "a cookie has a legal size");
  if (!edns.subnet.present()) return;
  require(edns.subnet.source <= edns.subnet.address.bits(), "a prefix fits its address");
  require(masked(edns.subnet.address, edns.subnet.source) == edns.subnet.address,
          "bits behind the prefix are zero");
}

/// Reads the OPT back as a client would.
void check_written(Bytes record, const OptAnswer& answer) {
  require(record.size() >= 11 && read_u16(&record[9]) == record.size() - 11, "RDLENGTH is right");
  require((read_u32(&record[5]) & 0xff7fff) == 0, "version and unknown flags are 0");
  unsigned cookies = 0;
  unsigned subnets = 0;
  for (size_t at = 11; at < record.size();) {
    require(record.size() - at >= 4, "an option has a header");
    const size_t size = read_u16(&record[at + 2]);
    require(size <= record.size() - at - 4, "an option is whole");
    const Bytes data = record.subspan(at + 4, size);
    if (read_u16(&record[at]) == 10) {
      ++cookies;
      require(std::ranges::equal(data, answer.cookie), "the cookie is the answer's");
    } else if (read_u16(&record[at]) == 8) {
      ++subnets;
      require(size == answer.subnet->option.size() && data[3] == answer.subnet_scope,
              "the subnet is echoed with its scope");
    }
    at += 4 + size;
  }
  require(cookies == (answer.cookie.empty() ? 0 : 1), "a cookie is never left out");
  require(subnets == (answer.subnet ? 1 : 0), "a subnet is never left out");
}

void check(uint8_t spare, uint8_t world, Bytes options) {
  Edns edns;
  const uint32_t ttl = (world & 1) != 0 ? 0x8000 : 0;
  const OptOutcome outcome = parse_opt(1232, ttl, options, edns);
  check_read(edns, options, outcome);

  const SipKey secret{1, 2};
  const IpAddress client = *parse_ip_address((world & 2) != 0 ? "192.0.2.1" : "2001:db8::1");
  const CheckedCookie cookie = check_cookie(edns.cookie, client, 1'000'000, {&secret, 1});
  require((cookie.state == CookieState::none) == edns.cookie.empty(), "a cookie has a state");
  if (cookie.state != CookieState::none) {
    require(
        check_cookie(cookie.answer, client, 1'000'000, {&secret, 1}).state == CookieState::valid,
        "what we hand out is valid");
  }

  const std::vector<uint8_t> identity(world, 'i');
  const ExtendedError error{20, "no zone of this server"};
  OptAnswer answer;
  answer.dnssec_ok = edns.dnssec_ok;
  answer.rcode = world;
  if (cookie.state != CookieState::none) answer.cookie = cookie.answer;
  if (edns.subnet.present()) answer.subnet = &edns.subnet;
  answer.subnet_scope = spare;
  if (edns.keepalive == Edns::Keepalive::asked) answer.keepalive = 100;
  if ((world & 4) != 0) answer.error = &error;
  if (edns.nsid_asked) answer.identity = identity;
  answer.pad = edns.padding_asked;
  // Exactly the room that is said, on the heap, so that a write behind it is seen.
  std::vector<uint8_t> room(opt_size_least(answer) + 3 * size_t{spare});
  const size_t size = write_opt(room, 200, answer);
  require(size >= opt_size_least(answer) && size <= room.size(), "the OPT keeps to its room");
  check_written(Bytes(room).first(size), answer);
}

}  // namespace
}  // namespace swingover::zones

/// The first octet is the room to spare, the second what is asked for and by whom, the rest are options.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::vector<uint8_t> options(data + 2, data + size);
  swingover::zones::check(data[0], data[1], options);
  return 0;
}
