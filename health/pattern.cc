#include "health/pattern.h"

#include <re2/re2.h>

namespace swingover::health {

namespace {

constexpr int64_t memory_max = int64_t{1} << 20;  // of the expression and its automaton

}  // namespace

Result<Pattern> Pattern::parse(std::string_view text) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(memory_max);
  Pattern pattern;
  pattern.text_ = text;
  const auto compiled = std::make_shared<const RE2>(re2::StringPiece(text), options);
  if (!compiled->ok()) return Error{ErrorCode::invalid, compiled->error()};
  pattern.compiled_ = compiled;
  return pattern;
}

bool Pattern::occurs_in(std::string_view text) const {
  return RE2::PartialMatch(re2::StringPiece(text), *compiled_);
}

}  // namespace swingover::health
