#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "health/check_details.h"
#include "server/control/control_loop.h"
#include "server/control/http_server.h"
#include "store/journal.h"

namespace swingover::control {

// What the admin address shows, as JSON text; docs/admin-api.md has the shapes. Octets that are not UTF-8
// become U+FFFD: names and reasons may hold anything. Control thread.

/// What the probe thread knows of checks, by their places, ascending; those that it does not know are not among them.
using CheckDetailsList = std::span<const health::CheckDetails>;

/// `details` of the clusters' checks, as far as they are known.
std::string status_json(const Control& control, CheckDetailsList details = {});
/// Of the `count` services from the place `first` on: looked at now, and written out by a call of what is returned, on any
/// thread, once. The text is what stands between the brackets of {"services": […]}.
std::function<std::string()> services_part(const Control& control, size_t first, size_t count);
/// Of one service of the model; `details` of its checks, as far as they are known.
std::string service_json(const Control& control, const zones::Service& service,
                         CheckDetailsList details = {});
std::string intents_json(const Control& control);
std::string intent_json(const Control& control, const Intent& intent,
                        const std::optional<Intent>& replaced = std::nullopt);
std::string history_json(const std::vector<store::JournalEntry>& entries);
std::string reload_json(const Control::ReloadResult& result);

/// What push monitors were told last.
std::string pushes_json(const Control& control);
/// Reads the body of POST /v1/push. Errors: invalid, saying which member is wrong.
Result<PushReport> parse_push_report(std::string_view body);

std::string brake_json(const Control& control);
/// Reads the body of POST /v1/brake. Errors: invalid, saying which member is wrong.
Result<Control::BrakeRequest> parse_brake_request(std::string_view body);
std::string resumed_json(const std::string& target, const Control::Resumed& resumed);
/// Reads the body of POST /v1/resume. Errors: invalid, saying which member is wrong.
Result<Control::ResumeRequest> parse_resume_request(std::string_view body);

/// Reads the body of POST /v1/intents. Errors: invalid, saying which member is wrong.
Result<IntentRequest> parse_intent_request(std::string_view body);

}  // namespace swingover::control
