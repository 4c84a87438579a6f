// Planned swings as the control thread drives them: what an intent asks of shares, and what goes on by itself.

#include <utility>

#include "server/control/control_loop.h"
#include "server/control/target.h"

namespace swingover::control {

/// Of services whose answers may move, the TTL goes down at once.
void Control::follow_intents() {
  planned_swings_.follow(intents_, snapshot_);
  for (const uint32_t service : planned_swings_.touched()) touch(service);
}

void Control::try_intent(const IntentRequest& request,
                         std::function<void(Result<IntentTried>)> done) {
  Result<Intents::Prepared> prepared =
      intents_.prepare(request, *setup_.model, environment_.clock.wall());
  if (!prepared) return done(prepared.error());
  planned_swings_.dry_run(prepared->intent,
                          [intent = prepared->intent, against = objections(prepared->intent, true),
                           done = std::move(done)](std::vector<PlannedSwings::Step> steps) {
                            done(IntentTried{intent, std::move(steps), against});
                          });
}

/// Health and capacity decide over steps only once they are known.
void Control::tick_swings() {
  if (!is_first_state_known_) return;
  // A step that a restart would not know of is taken back by it, all at once.
  const std::string why_not = brake_.is_engaged()                    ? "the brake is engaged"
                              : !environment_.writer.state().healthy ? "the store cannot be written"
                                                                     : "";
  const std::vector<PlannedSwings::Change> changes = planned_swings_.tick(
      {.why_not = why_not,
       .is_busy =
           [this](const std::string& target) { return intents_on_their_way_.contains(target); },
       .left = [this](const Intent& intent) { return count_answers_left(intent); },
       .objections = [this](const Intent& intent,
                            double part) { return objections_to_step(intent, part); }});
  if (changes.empty()) return;
  Tick tick = new_tick("intent");
  for (const PlannedSwings::Change& change : changes) {
    tick.batch.put(store::Table::state, intent_key(change.intent.id), encode_intent(change.intent));
    tick.told.entries.push_back(change.entry);
    tick.told.lines.push_back(change.line);
    intents_.put(change.intent);
  }
  intents_changed(tick);
}

/// Whether the target has a plan that waits for a person; then `done` hears of it once that is stored.
bool Control::resume_swing(const ResumeRequest& request, const std::string& target,
                           const std::function<void(Result<Resumed>)>& done) {
  const auto change = planned_swings_.resumed(target, request.owner);
  if (!change) return false;
  if (!intents_on_their_way_.insert(target).second) {
    done(Error{ErrorCode::conflict,
               "another intent for " + target + " is being stored right now; try again"});
    return true;
  }
  const std::string key = intent_key(change->intent.id);
  store::Batch batch;
  store::Batch undo;
  batch.put(store::Table::state, key, encode_intent(change->intent));
  undo.put(store::Table::state, key, encode_intent(*intents_.find(change->intent.id)));
  Entries entries{change->entry};
  entries.back().reason = request.reason;
  environment_.writer.commit(std::move(batch), std::move(entries), std::move(undo),
                             [this, target, owner = request.owner, done](const Status& stored) {
                               intents_on_their_way_.erase(target);
                               if (!stored) return done(stored.error());
                               // Health may have broken the plan, or a reload taken it away, while it was being stored.
                               if (const auto resumed = planned_swings_.resume(target, owner)) {
                                 Tick tick = new_tick("intent");
                                 tick.told.lines.push_back(resumed->line);
                                 intents_.put(resumed->intent);
                                 intents_changed(tick);
                               }
                               done(Resumed{.plans = 1});
                             });
  return true;
}

}  // namespace swingover::control
