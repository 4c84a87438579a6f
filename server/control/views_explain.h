#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "server/control/past.h"
#include "zones/explain.h"

namespace swingover::control {

/// What somebody wants to have explained.
struct Question {
  zones::Name name;
  uint16_t type = 0;
  IpAddress client;
  WallTime at{};  // of one about the past
};

/// Reads what a question is made of; empty: its default. Errors: invalid, saying which member is wrong.
Result<Question> parse_question(const std::string& name, const std::string& type,
                                const std::string& client);
/// When it was. Errors: invalid; what is to come nobody explains.
Result<WallTime> parse_past(const std::string& at, WallTime now);

/// Many questions at once: POST /v1/explain.
struct PastQuestions {
  static constexpr size_t most = 1'000;
  std::vector<Question> questions;
  bool with_steps = false;
};
/// Errors: invalid, saying which question is wrong.
Result<PastQuestions> parse_past_questions(std::string_view body, WallTime now);

/// What GET /v1/explain answers. `then`: of the past.
std::string explain_json(const zones::Explanation& explanation, const Question& question,
                         uint64_t generation, const Past::Instant* then = nullptr);

/// Explains it. Reads the disk: off the control thread. Errors: of Past::seek(); conflict, the zone file is not there any
/// more.
Result<std::string> past_json(Past& past, const store::Store& store, const Question& question);
/// Explains them all, each or an error in its place, whatever their order. Likewise.
std::string past_list_json(Past& past, const PastQuestions& asked);

}  // namespace swingover::control
