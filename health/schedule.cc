#include "health/schedule.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "base/random.h"

namespace swingover::health {

namespace {

constexpr int64_t first_look_spacing = 200'000;     // nanoseconds: 5,000 a second
constexpr int64_t early_look_spacing = 1'000'000;   // 1,000 a second
constexpr int64_t early_looks_saved = 200'000'000;  // 200 at once
constexpr int64_t gap_least = 400'000'000;          // advance() is promised every 100 ms

// Two beats are 0.94 * (1 - 0.382 * 0.06) = 0.918 or 0.94 * (1 + 0.618 * 0.06) = 0.975 intervals apart:
// the golden ratio's steps through the jitter's range.
constexpr double period_share = 0.94;
constexpr double jitter_share = 0.06;  // of the period, from first to last

// The two-dimensional low-discrepancy sequence on the plastic number, and the golden ratio for the
// step from beat to beat: irrational to one another, so that beats never fall into step.
constexpr double phase_step = 0.7548776662466927;
constexpr double jitter_step = 0.5698402909980532;
constexpr double beat_step = 0.6180339887498949;

double fraction(double x) {
  return x - std::floor(x);
}

}  // namespace

Schedule::Schedule(Options options) : options_(options) {}

Milliseconds Schedule::advance(MonotonicTime now) {
  const Milliseconds gap = last_seen_ ? now - *last_seen_ : Milliseconds(0);
  if (last_seen_ && now < *last_seen_) return Milliseconds(0);
  last_seen_ = now;
  if (gap.value * 1'000'000 < gap_least) return Milliseconds(0);
  stood_still_ += gap.value * 1'000'000;
  ++counters_.gaps;
  return gap;
}

void Schedule::add(Slot slot, Milliseconds interval, MonotonicTime now) {
  if (items_.size() <= slot) items_.resize(slot + 1);
  if (items_[slot].place != Place::none) leave(slot);
  const uint64_t member = members_[interval.value]++;
  Random random(options_.seed ^ static_cast<uint64_t>(interval.value));
  Item& item = items_[slot];
  item.period = static_cast<int64_t>(static_cast<double>(interval.value) * 1e6 * period_share);
  item.period = std::max<int64_t>(item.period, 1'000'000);
  item.phase = fraction(random.unit() + static_cast<double>(member) * phase_step);
  item.jitter = fraction(random.unit() + static_cast<double>(member) * jitter_step);
  item.is_patient = false;

  next_first_look_ = std::max(next_first_look_ + first_look_spacing, local(now));
  set_due(slot, next_first_look_);
}

void Schedule::remove(Slot slot) {
  leave(slot);
}

void Schedule::look_at(Slot slot, MonotonicTime when) {
  const Place place = items_[slot].place;
  if (place == Place::urgent_queue || place == Place::patient_queue) return;
  set_due(slot, local(when));
}

void Schedule::look_by(Slot slot, MonotonicTime when) {
  const Item& item = items_[slot];
  if (item.place != Place::heap || local(when) < item.due) look_at(slot, when);
}

void Schedule::look_on_beat(Slot slot, MonotonicTime now) {
  const Place place = items_[slot].place;
  if (place == Place::urgent_queue || place == Place::patient_queue) return;
  set_due(slot, next_beat(items_[slot], local(now)));
}

void Schedule::look_early(Slot slot, MonotonicTime when, MonotonicTime now) {
  const Item& item = items_[slot];
  if (item.place != Place::heap || local(when) >= item.due) return;
  const int64_t paid = std::max(early_looks_paid_, local(now) - early_looks_saved);
  if (paid >= local(now)) return;
  early_looks_paid_ = paid + early_look_spacing;
  set_due(slot, local(when));
}

void Schedule::set_patient(Slot slot, bool patient) {
  items_[slot].is_patient = patient;
}

std::optional<Schedule::Slot> Schedule::take(MonotonicTime now) {
  collect_due(local(now));
  if (running_ >= options_.running_max) return std::nullopt;
  std::optional<Slot> slot = pop(urgent_, Place::urgent_queue);
  if (!slot) slot = pop(patient_, Place::patient_queue);
  if (!slot) return std::nullopt;
  ++running_;
  ++counters_.started;
  taken_due_ = items_[*slot].due;
  set_due(*slot, next_beat(items_[*slot], local(now)));
  return slot;
}

void Schedule::finished() {
  assert(running_ > 0);
  --running_;
}

std::optional<MonotonicTime> Schedule::next_due() const {
  if (heap_.empty()) return std::nullopt;
  return MonotonicTime{items_[heap_.front()].due + stood_still_};
}

std::optional<MonotonicTime> Schedule::due(Slot slot) const {
  if (slot >= items_.size() || items_[slot].place != Place::heap) return std::nullopt;
  return MonotonicTime{items_[slot].due + stood_still_};
}

// What is due leaves the heap for the queues; it counts as delayed when it finds no room there.
void Schedule::collect_due(int64_t now) {
  while (!heap_.empty() && items_[heap_.front()].due <= now) {
    const Slot slot = heap_.front();
    leave(slot);
    Item& item = items_[slot];
    item.place = item.is_patient ? Place::patient_queue : Place::urgent_queue;
    (item.is_patient ? patient_ : urgent_).push_back({slot, item.ticket});
    if (running_ + waiting_ >= options_.running_max) ++counters_.delayed;
    ++waiting_;
  }
}

std::optional<Schedule::Slot> Schedule::pop(std::deque<Waiting>& queue, Place place) {
  while (!queue.empty()) {
    const Waiting first = queue.front();
    queue.pop_front();
    const Item& item = items_[first.slot];
    if (item.place != place || item.ticket != first.ticket) continue;
    leave(first.slot);
    return first.slot;
  }
  return std::nullopt;
}

// Beat k of a slot is at (k + phase + its jitter) periods.
int64_t Schedule::next_beat(const Item& item, int64_t after) const {
  const auto period = static_cast<double>(item.period);
  int64_t k = after / item.period - 2;
  for (;; ++k) {
    const double jitter = fraction(item.jitter + static_cast<double>(k) * beat_step) - 0.5;
    const int64_t at =
        k * item.period + static_cast<int64_t>((item.phase + jitter * jitter_share) * period);
    if (at > after) return at;
  }
}

void Schedule::set_due(Slot slot, int64_t due) {
  Item& item = items_[slot];
  item.due = due;
  if (item.at == nowhere) {
    item.at = static_cast<uint32_t>(heap_.size());
    item.place = Place::heap;
    heap_.push_back(slot);
  }
  sift_up(item.at);
  sift_down(items_[slot].at);
}

// Out of the heap, and out of the queues by its ticket.
void Schedule::leave(Slot slot) {
  Item& item = items_[slot];
  if (item.place == Place::urgent_queue || item.place == Place::patient_queue) --waiting_;
  item.place = Place::none;
  ++item.ticket;
  if (item.at == nowhere) return;
  const size_t hole = item.at;
  item.at = nowhere;
  const Slot last = heap_.back();
  heap_.pop_back();
  if (last == slot) return;
  heap_[hole] = last;
  items_[last].at = static_cast<uint32_t>(hole);
  sift_up(hole);
  sift_down(items_[last].at);
}

bool Schedule::before(Slot a, Slot b) const {
  return items_[a].due < items_[b].due;
}

void Schedule::sift_up(size_t at) {
  while (at > 0 && before(heap_[at], heap_[(at - 1) / 2])) {
    const size_t parent = (at - 1) / 2;
    std::swap(heap_[at], heap_[parent]);
    items_[heap_[at]].at = static_cast<uint32_t>(at);
    items_[heap_[parent]].at = static_cast<uint32_t>(parent);
    at = parent;
  }
}

void Schedule::sift_down(size_t at) {
  for (;;) {
    size_t least = at;
    for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < heap_.size(); ++child) {
      if (before(heap_[child], heap_[least])) least = child;
    }
    if (least == at) return;
    std::swap(heap_[at], heap_[least]);
    items_[heap_[at]].at = static_cast<uint32_t>(at);
    items_[heap_[least]].at = static_cast<uint32_t>(least);
    at = least;
  }
}

}  // namespace swingover::health
