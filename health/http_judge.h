#pragma once

#include <string>

#include "health/http_codec.h"
#include "health/monitor_options.h"

namespace swingover::health {

/// Why `answer` is not what the monitor wants, in words; empty: it is. An answer that is not over yet is judged by its
/// status alone: a wrong one stays the reason, however the rest goes.
std::string judge_http(const HttpAnswer& answer, const MonitorOptions& monitor);

}  // namespace swingover::health
