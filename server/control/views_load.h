#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/control/load_board.h"

namespace swingover::control {

/// Reads the body of POST /v1/load: one report, or a list of them. Any thread; about 5 µs a report. Errors: invalid,
/// saying which member of which report is wrong.
Result<std::vector<LoadReport>> parse_load_reports(std::string_view body);

/// What POST /v1/load answers.
std::string load_taken_json(const LoadBoard::Outcome& outcome);

/// What GET /v1/load answers: copied now, some 50 ns a load, and written out by a call of what is returned, on any
/// thread. `only`: of this service alone.
std::function<std::string()> loads_json(const LoadBoard& board,
                                        std::shared_ptr<const zones::Model> model,
                                        LoadBoard::Now now, std::optional<ServiceId> only = {});

/// The load at a JSON pointer (RFC 6901) in a text: one number, without a service, or an object of services and numbers.
/// Any thread. Errors: invalid, in words.
Result<std::vector<std::pair<std::string, double>>> loads_at(std::string_view json,
                                                             const std::string& pointer);

}  // namespace swingover::control
