#include "health/check_details.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "health/monitor_file.h"

namespace swingover::health {

namespace {

/// "0.3 ms", "12 ms", "1.5 s": as exact as people want it.
std::string took_text(int64_t nanoseconds) {
  std::array<char, 48> out{};
  const double milliseconds = static_cast<double>(nanoseconds) / 1e6;
  if (milliseconds < 10) {
    std::snprintf(out.data(), out.size(), "%.1f ms", milliseconds);
  } else if (milliseconds < 1000) {
    std::snprintf(out.data(), out.size(), "%.0f ms", milliseconds);
  } else {
    std::snprintf(out.data(), out.size(), "%.1f s", milliseconds / 1000);
  }
  return out.data();
}

/// As people write it in the config file.
std::string_view kind_word(MonitorKind kind) {
  const auto& words = OptionWords<MonitorKind>::words;
  return std::ranges::find(words, kind, &Word<MonitorKind>::value)->word;
}

}  // namespace

std::string verdict_words(MonitorKind kind, const PastVerdict& past) {
  const std::string took = took_text(past.duration_nanoseconds);
  const std::string what(kind_word(kind));
  if (!past.looked) return what + ": could not look: " + past.reason;
  if (past.verdict == Verdict::pass) return what + ": passed in " + took;
  return what + ": " + (past.reason.empty() ? "failed" : past.reason) + ", after " + took;
}

void VerdictRing::add(const Finding& finding, WallTime at) {
  Item& item = items_[count_ % kept];
  // Round and round: only the place and whether the ring is full matter.
  count_ = count_ + 1 == 2 * kept ? static_cast<uint32_t>(kept) : count_ + 1;
  item.at = at;
  item.microseconds = static_cast<uint32_t>(
      std::clamp<int64_t>(finding.duration_nanoseconds / 1000, 0, UINT32_MAX));
  item.verdict = finding.verdict;
  item.looked = finding.looked;
  if (finding.reason.empty()) {
    item.reason.reset();
  } else if (!item.reason || *item.reason != finding.reason) {
    item.reason = std::make_unique<const std::string>(finding.reason);
  }
}

std::vector<PastVerdict> VerdictRing::newest_first() const {
  std::vector<PastVerdict> all;
  const size_t filled = std::min<size_t>(count_, kept);
  for (size_t i = 1; i <= filled; ++i) {
    const Item& item = items_[(count_ + kept - i) % kept];
    all.push_back({item.at, int64_t{item.microseconds} * 1000, item.verdict, item.looked,
                   item.reason ? *item.reason : std::string()});
  }
  return all;
}

}  // namespace swingover::health
