#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/loop/loop.h"
#include "base/units.h"
#include "health/dns_message.h"
#include "health/probe.h"
#include "health/resolver.h"

namespace swingover::health {

struct DnsTargetOptions {
  std::string address;  // or a name, resolved afresh by each probe
  uint16_t port = 53;
  DnsQuestion question;
  std::vector<DnsRcode> expect_rcode{DnsRcode::noerror};
  std::string expect_answer;  // see is_data(); empty: not looked at
  Milliseconds timeout{1000};
};

/// Asks one question over UDP, and again over TCP when the answer is truncated.
///
/// Judges   The answer's rcode must be one of those expected, and `expect_answer` the data of one of its answer records.
/// Forgery  Port and id are random, and each probe has its own; what comes from elsewhere, or answers another question,
///          is ignored.
/// Refusal  ICMP unreachable, a TCP connection refused or reset: hard failures.
/// Cost     One descriptor a probe. `loop` and `resolver` outlive the target.
std::unique_ptr<Target> make_dns_target(loop::Loop& loop, Resolver& resolver,
                                        DnsTargetOptions options);

}  // namespace swingover::health
