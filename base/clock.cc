#include "base/clock.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "base/text.h"

namespace swingover {
namespace {

class SystemClock final : public Clock {
 public:
  MonotonicTime now() const override {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return {t.tv_sec * 1'000'000'000 + t.tv_nsec};
  }
  WallTime wall() const override {
    timespec t{};
    clock_gettime(CLOCK_REALTIME, &t);
    return {t.tv_sec * 1'000 + t.tv_nsec / 1'000'000};
  }
};

// Two digits at `at`, or -1.
int two_digits(std::string_view text, size_t at) {
  const auto number = parse_number(text.substr(at, 2));
  return number && text[at] != '+' ? static_cast<int>(*number) : -1;
}

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

std::string rfc3339(WallTime time) {
  // RFC 3339 has four digits for the year; a clock beyond them is wrong anyway.
  constexpr WallTime first{-62'135'596'800'000};
  constexpr WallTime last{253'402'300'799'999};
  const int64_t whole = std::clamp(time, first, last).unix_milliseconds;
  const int64_t milliseconds = (whole % 1000 + 1000) % 1000;
  const time_t seconds = (whole - milliseconds) / 1000;
  tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 96> text{};
  const int size =
      std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                    parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                    parts.tm_min, parts.tm_sec, static_cast<int>(milliseconds));
  return {text.data(), static_cast<size_t>(size)};
}

Result<WallTime> parse_rfc3339(std::string_view text) {
  const Error problem{ErrorCode::invalid, "not a time such as 2026-11-22T08:00:00Z"};
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' ||
      (text[10] != 'T' && text[10] != 't') || text[13] != ':' || text[16] != ':' ||
      (text.back() != 'Z' && text.back() != 'z')) {
    return problem;
  }
  const auto year = parse_number(text.substr(0, 4));
  const int month = two_digits(text, 5);
  const int day = two_digits(text, 8);
  const int hour = two_digits(text, 11);
  const int minute = two_digits(text, 14);
  const int second = two_digits(text, 17);
  if (!year || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 ||
      minute < 0 || minute > 59 || second < 0 || second > 60) {
    return problem;
  }
  int64_t milliseconds = 0;
  if (const std::string_view fraction = text.substr(19, text.size() - 20); !fraction.empty()) {
    const auto digits = parse_number(fraction.substr(1));
    if (fraction[0] != '.' || fraction.size() < 2 || fraction.size() > 10 || !digits)
      return problem;
    milliseconds =
        static_cast<int64_t>(*parse_number((std::string(fraction.substr(1)) + "00").substr(0, 3)));
  }
  tm parts{};
  parts.tm_year = static_cast<int>(*year) - 1900;
  parts.tm_mon = month - 1;
  parts.tm_mday = day;
  parts.tm_hour = hour;
  parts.tm_min = minute;
  parts.tm_sec = second;
  const time_t seconds = timegm(&parts);
  if (parts.tm_mday != day || parts.tm_mon != month - 1) return problem;  // February 30
  return WallTime{seconds * 1000 + milliseconds};
}

}  // namespace swingover
