#include "server/control/limit_log.h"

namespace swingover::control {

void LimitLog::look(const std::map<IpPrefix, uint64_t>& counts, MonotonicTime now) {
  if (lines_ == 0 || now - minute_ >= apart) {
    minute_ = now;
    lines_ = 0;
  }
  for (const auto& [prefix, count] : counts) {
    Network& network = networks_[prefix];
    network.unsaid += count >= network.seen ? count - network.seen : count;
    network.seen = count;
    const bool may_say = !network.said || now - *network.said >= apart;
    if (network.unsaid == 0 || !may_say || lines_ == lines_a_minute) continue;
    say_(prefix, network.unsaid);
    network.unsaid = 0;
    network.said = now;
    ++lines_;
  }
  // Kept for a minute after they vanished, so that one that comes and goes is not said each time.
  for (auto& [prefix, network] : networks_) {
    if (!counts.contains(prefix)) network.seen = 0;
  }
  std::erase_if(networks_, [&](const auto& entry) {
    const Network& network = entry.second;
    return network.seen == 0 && (!network.said || now - *network.said >= apart);
  });
}

}  // namespace swingover::control
