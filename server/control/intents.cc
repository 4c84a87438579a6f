#include "server/control/intents.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace swingover::control {

namespace {

constexpr size_t text_size_max = 1'000;

std::optional<IntentKind> kind_of(std::string_view text) {
  for (const IntentKind kind : {IntentKind::drain, IntentKind::force_up, IntentKind::force_down}) {
    if (word(kind) == text) return kind;
  }
  return std::nullopt;
}

Status check_text(std::string_view field, std::string_view text) {
  const std::string name(field);
  if (trimmed(text).empty()) return Error{ErrorCode::invalid, name + ": needed, and not blank"};
  if (text.size() > text_size_max) {
    return Error{ErrorCode::invalid, name + ": at most 1000 octets"};
  }
  return Done{};
}

Result<IntentKind> check_kind(const std::string& text) {
  if (const auto kind = kind_of(text)) return *kind;
  return Error{ErrorCode::invalid,
               "kind: one of drain, force_up, force_down, not \"" + text + "\""};
}

}  // namespace

std::string_view word(IntentKind kind) {
  switch (kind) {
    case IntentKind::drain:
      return "drain";
    case IntentKind::force_up:
      return "force_up";
    case IntentKind::force_down:
      return "force_down";
  }
  return "";
}

bool is_kind_of_steering(std::string_view kind) {
  return kind == "pin" || kind == "weight" || kind == "freeze";
}

Result<WallTime> parse_when(std::string_view text, WallTime now, bool forward) {
  if (const auto time = parse_rfc3339(text)) return *time;
  const auto duration = parse_duration(text);
  if (!duration) {
    return Error{ErrorCode::invalid, "\"" + std::string(text) +
                                         "\" is neither a time such as 2026-11-22T08:00:00Z nor a "
                                         "duration such as 2h"};
  }
  return forward ? now + *duration : now + Milliseconds(-duration->value);
}

Result<Intents::Prepared> Intents::prepare(const IntentRequest& request, const zones::Model& model,
                                           WallTime now) {
  const Result<IntentKind> kind = check_kind(request.kind);
  if (!kind) return kind.error();
  if (Status owner = check_text("owner", request.owner); !owner) return owner.error();
  if (Status reason = check_text("reason", request.reason); !reason) return reason.error();
  const Result<Target> target = parse_target(request.target);
  if (!target) return target.error("target");
  if (const auto found = find_target(model, *target); !found) return found.error("target");
  if (target->kind == Target::Kind::service && *kind == IntentKind::drain) {
    return Error{ErrorCode::invalid,
                 "target: a service as a whole has nowhere to go; drain its pools instead"};
  }

  Prepared prepared;
  prepared.intent = {{}, *kind, target->text(), request.owner, request.reason, now, {}};
  if (!request.expires.empty()) {
    const Result<WallTime> expires = parse_when(request.expires, now, true);
    if (!expires) return expires.error("expires");
    if (*expires <= now) return Error{ErrorCode::invalid, "expires: lies in the past"};
    prepared.intent.expires = *expires;
  }
  if (const Intent* there = of_target(prepared.intent.target)) {
    if (there->kind != *kind) {
      return Error{ErrorCode::conflict, there->target + " has the intent " + there->id + " (" +
                                            std::string(word(there->kind)) + " by " + there->owner +
                                            "); take it back first"};
    }
    prepared.replaces = *there;
  }
  do {
    static constexpr std::string_view digits = "0123456789abcdef";
    prepared.intent.id.clear();
    for (uint64_t bits = random_.next(), i = 0; i < 8; ++i, bits >>= 4) {
      prepared.intent.id += digits[bits & 15];
    }
  } while (find(prepared.intent.id));
  return prepared;
}

void Intents::put(const Intent& intent) {
  by_target_.insert_or_assign(intent.target, intent);
}

std::optional<Intent> Intents::erase(std::string_view id) {
  const auto found = std::find_if(by_target_.begin(), by_target_.end(),
                                  [&](const auto& entry) { return entry.second.id == id; });
  if (found == by_target_.end()) return std::nullopt;
  Intent intent = std::move(found->second);
  by_target_.erase(found);
  return intent;
}

std::vector<Intent> Intents::expire(WallTime now) {
  std::vector<Intent> expired;
  for (auto at = by_target_.begin(); at != by_target_.end();) {
    if (at->second.expires && *at->second.expires <= now) {
      expired.push_back(std::move(at->second));
      at = by_target_.erase(at);
    } else {
      ++at;
    }
  }
  return expired;
}

std::optional<WallTime> Intents::next_expiry() const {
  std::optional<WallTime> next;
  for (const auto& [target, intent] : by_target_) {
    if (intent.expires && (!next || *intent.expires < *next)) next = intent.expires;
  }
  return next;
}

const Intent* Intents::find(std::string_view id) const {
  for (const auto& [target, intent] : by_target_) {
    if (intent.id == id) return &intent;
  }
  return nullptr;
}

const Intent* Intents::of_target(const std::string& target) const {
  const auto found = by_target_.find(target);
  return found == by_target_.end() ? nullptr : &found->second;
}

std::vector<const Intent*> Intents::list() const {
  std::vector<const Intent*> all;
  for (const auto& [target, intent] : by_target_) all.push_back(&intent);
  std::stable_sort(all.begin(), all.end(),
                   [](const Intent* a, const Intent* b) { return a->created < b->created; });
  return all;
}

}  // namespace swingover::control
