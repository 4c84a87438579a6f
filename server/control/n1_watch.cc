#include "server/control/n1_watch.h"

#include <algorithm>
#include <string_view>
#include <type_traits>
#include <utility>

#include "server/control/steering.h"
#include "server/control/target.h"

namespace swingover::control {

namespace {

constexpr std::string_view ourselves = "swingoverd";
constexpr int64_t rest_for_work = 10;

/// Equal inputs have the same one. Of one process only.
class Fingerprint {
 public:
  explicit Fingerprint(const SteeringInputs& inputs) : print_(inputs.snapshot->generation) {
    add_all(inputs.demands);
    add_all(inputs.eligibility);
    add_bits(inputs.flapping);
    for (const auto& needed : inputs.needed) add_bits(needed);
    for (const auto& group : inputs.holders) {
      for (const SteeringInputs::Holder& holder : group) {
        add(holder.nominal);
        add(holder.heard);
        add(holder.comeback);
        add(holder.used);
        add(holder.waits_for_person);
      }
    }
    for (const auto& group : inputs.returning) {
      add(group.size());
      for (const ReturningPool& one : group) {
        add(one.member);
        add(one.pool);
        add(one.factor);
        add(one.waits_for_person);
      }
    }
    add_plans(inputs.plans);
    add_frozen(inputs);
  }
  size_t value() const { return print_; }

 private:
  void add_octets(const void* octets, size_t size) {
    const std::string_view text(static_cast<const char*>(octets), size);
    print_ = print_ * 0x9e3779b97f4a7c15U + std::hash<std::string_view>{}(text);
  }
  template <class Value>
  void add(const Value& value) {
    static_assert(std::is_arithmetic_v<Value>);
    add_octets(&value, sizeof value);
  }
  template <class Value>
  void add_all(const std::vector<Value>& values) {
    add_octets(values.data(), values.size() * sizeof(Value));
  }
  void add_bits(const std::vector<bool>& bits) {
    print_ = print_ * 0x9e3779b97f4a7c15U + std::hash<std::vector<bool>>{}(bits);
  }
  /// Frozen services keep their shares, whatever happens.
  void add_frozen(const SteeringInputs& inputs) {
    for (const zones::Service& service : inputs.snapshot->model->services) {
      if (!inputs.plans.is_frozen(service.id)) continue;
      std::vector<uint16_t> shares(service.pools.size(), 0);
      for (size_t row = 0; row < inputs.rows; ++row) {
        if (inputs.snapshot->shares->read(service.id, row, shares)) add_all(shares);
      }
    }
  }
  void add_plans(const SharePlans& plans) {
    for (const auto& [group, cuts] : plans.cuts) {
      add(group);
      for (const SharePlans::Cut& cut : cuts) {
        add(cut.holder);
        add(cut.moved);
      }
    }
    for (const auto& [service, moves] : plans.moves) {
      add(service);
      for (const SharePlans::Move& move : moves) {
        add(move.from);
        add(move.to);
        add(move.moved);
      }
    }
    for (const auto& [group, weights] : plans.weights) {
      add(group);
      for (const auto& [holder, factor] : weights) {
        add(holder);
        add(factor);
      }
    }
    add_bits(plans.frozen);
  }

  size_t print_;
};

}  // namespace

struct N1Watch::Work {
  SteeringInputs inputs;
  WallTime at{};
  size_t known = 0;  // fingerprint; 0: make one in any case
  MonotonicTime begun{};
  size_t fingerprint = 0;
  std::shared_ptr<N1Report> report;  // null: nothing is new

  void run(const std::atomic<bool>& is_over) {
    fingerprint = Fingerprint(inputs).value();
    if (fingerprint != known) {
      WhatIf what_if(std::exchange(inputs, {}));
      auto made = std::make_shared<N1Report>(n1_report(what_if, 1, [&] { return is_over.load(); }));
      made->at = at;
      report = std::move(made);
    }
    inputs = {};  // here: to free it takes long
  }
};

void N1Watch::tick() {
  const MonotonicTime now = environment_.clock.now();
  if (is_running_ || now < next_ || !environment_.steering.is_idle()) return;
  next_ = now + every;
  auto work = std::make_shared<Work>();
  work->inputs = environment_.steering.inputs();
  if (work->inputs.is_empty()) {
    report_.reset();
    fingerprint_ = 0;
    return;
  }
  work->at = environment_.clock.wall();
  work->known = now - reported_ < at_least_every ? fingerprint_ : 0;
  work->begun = now;
  is_running_ = true;
  environment_.offload([work, is_over = is_over_] { work->run(*is_over); },
                       [this, work, is_over = is_over_] {
                         if (!*is_over) take(*work);
                       });
}

void N1Watch::take(const Work& work) {
  is_running_ = false;
  const MonotonicTime now = environment_.clock.now();
  const Milliseconds took = now - work.begun;
  const Milliseconds rest(took.value * rest_for_work);
  next_ = now + std::clamp(rest, every, at_least_every);
  if (!work.report || !work.report->is_complete) return;
  reported_ = now;
  fingerprint_ = work.fingerprint;
  work.report->took = took;
  report_ = work.report;

  std::map<std::string, std::string> overflows;
  for (const N1Report::Case& one : report_->cases) {
    if (one.homeless() > steering::least_amount)
      overflows.emplace(report_->model->topology.clusters[one.down.front().value].name, one.words);
  }
  Told told;
  const auto tell = [&](const std::string& cluster, bool begins, const std::string& words) {
    told.entries.push_back({environment_.clock.wall(), "n1", cluster_target(cluster),
                            std::string(ourselves), begins ? "fits" : "overflows",
                            begins ? "overflows" : "fits", words});
    told.lines.push_back({begins ? LogLevel::warning : LogLevel::info,
                          begins ? "the death of a cluster would be too much"
                                 : "the death of a cluster would be carried again",
                          {{"cluster", cluster}, {"reason", words}}});
  };
  for (const auto& [cluster, words] : overflows) {
    if (!overflows_.contains(cluster)) tell(cluster, true, words);
  }
  for (const auto& [cluster, words] : overflows_) {
    if (!overflows.contains(cluster))
      tell(cluster, false, "if it were down, no cluster would be above its limit");
  }
  overflows_ = std::move(overflows);
  if (!told.entries.empty()) environment_.tell(std::move(told));
}

}  // namespace swingover::control
