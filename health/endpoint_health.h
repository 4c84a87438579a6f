#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "health/health.h"
#include "health/health_rules.h"
#include "health/stored_state.h"

namespace swingover::health {

enum class Transition : uint8_t {
  unchanged,  // the verdict agrees with what was known
  pending,    // it disagrees, and others must confirm it
  changed,    // health() or hold() is another than before
};

/// Verdicts of one endpoint to its health, and to what keeps it out although it is up. Pure: an event and its time
/// in, a transition out. No clock, no allocation.
///
/// Down      `fall` failures in a row; or `fall_hard` hard ones in a row; or `flaky_fall` failures among the last
///           `flaky_window` verdicts, so that a target that fails every second probe does not pass for healthy
///           for ever. One that has come up starts with a window of passes. The window never asks for fewer
///           failures than `fall`, nor does `fall_hard` ask for more.
/// Up        `rise` passes in a row.
/// Start     With a stored state that state holds, and verdicts that disagree need as many as ever. With none the
///           first verdict decides alone: a likely answer now beats a certain one a minute on.
/// Silence   lose_sight(): no verdict came for too long. Health is then unknown until a verdict agrees with what
///           was known, or as many as ever disagree: one lost probe after a silence brings nothing down.
/// Quick     While is_confirming(), the next probe comes after pace() rather than the interval: a change is under
///           way, or nothing is known.
///
/// Holds     What people and time have to say before an up target may come back; see Hold.
///   resume    with `resumes_by_hand`: from going down, the first time too, until resume().
///   flapping  Each fall from up adds 1,000 to a penalty that halves every `flap_half_life`. From `flap_suppress`
///             on the target is held, until the penalty has sunk to `flap_reuse`, `flap_hold_max` after its last
///             fall at the latest. (As RFC 2439 damps routes. Verdicts count, never single probes.)
///   settling  It was down, and has not passed for `hold_up` without a failure yet.
///   The strongest shows: resume, then flapping, then settling. A hold may begin while the target is down.
/// Time      Holds end in tick(), which is due at hold_ends(); calling it early or late harms nothing.
/// Memory    160 bytes.
class EndpointHealth {
 public:
  /// `now` and `wall` are one instant: they carry the stored penalty over.
  explicit EndpointHealth(const HealthRules& rules, const StoredState& stored = {},
                          MonotonicTime now = {}, WallTime wall = {});

  Transition apply(Verdict verdict, Failure failure, MonotonicTime seen);
  Transition lose_sight();
  Transition tick(MonotonicTime now);
  /// A person lets it come back: every hold ends, the penalty is forgotten.
  Transition resume(MonotonicTime now);

  Health health() const { return is_out_of_sight_ ? Health::unknown : known_; }
  Hold hold() const { return hold_; }
  /// When all holds have ended, if it passes until then; nothing: no hold, or a person has to end it.
  std::optional<MonotonicTime> hold_ends() const;
  bool is_confirming() const;
  /// How many verdicts in a row, from here, would change the health; at least 1.
  uint32_t still_needed() const;
  /// From one probe to the next while is_confirming().
  Milliseconds pace() const { return hard_ > 0 ? rules_.confirm_hard : rules_.confirm; }
  /// How soon health or hold may be another: the verdicts still needed at their pace, or what is left of a hold.
  /// 0: settled, nothing speaks of a change.
  Milliseconds until_change(MonotonicTime now) const;
  double penalty(MonotonicTime now) const;
  /// What a restart, or a changed monitor, goes on with. An unknown health is stored as such.
  StoredState stored(MonotonicTime now, WallTime wall) const;
  /// When the first failure of the current or latest run of failures was seen.
  MonotonicTime first_failure() const { return first_failure_; }

 private:
  void count(Verdict verdict, Failure failure, MonotonicTime seen);
  void go_down(MonotonicTime now);
  void go_up(MonotonicTime now);
  Transition settle(Health before, MonotonicTime now);
  void hold_for_flaps(MonotonicTime now);
  bool is_flaky() const;
  uint32_t flaky_needed() const;

  HealthRules rules_;
  Health known_;
  bool is_out_of_sight_ = false;
  Hold hold_ = Hold::none;
  bool needs_person_ = false;

  uint32_t passes_ = 0;  // in a row, up to now
  uint32_t fails_ = 0;
  uint32_t hard_ = 0;
  uint64_t history_ = 0;  // the newest verdict is bit 0; failures are 1

  double penalty_ = 0;  // at penalty_at_
  MonotonicTime penalty_at_{};
  std::optional<MonotonicTime> flapping_until_;
  std::optional<MonotonicTime> settled_at_;
  MonotonicTime first_failure_{};
};

}  // namespace swingover::health
