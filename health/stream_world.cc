#include "health/stream_world.h"

#include <utility>

namespace swingover::health {

void judge_certificate(const TlsClient& tls, const MonitorOptions& monitor, Finding& finding) {
  const auto left = tls.validity_left();
  if (!left || finding.verdict == Verdict::fail) return;
  // One that has expired got here only because nobody wants it verified: see TlsClient.
  if (monitor.expiry_min.value > 0 && *left < monitor.expiry_min) {
    finding.verdict = Verdict::fail;
    finding.reason = expiry_words(*left) + ", wanted " + duration_text(monitor.expiry_min);
  } else if (*left < monitor.expiry_warning) {
    finding.warning = expiry_words(*left);
  }
}

Finding not_looked(std::string reason) {
  Finding finding{.verdict = Verdict::fail, .reason = std::move(reason)};
  finding.looked = false;
  return finding;
}

}  // namespace swingover::health
