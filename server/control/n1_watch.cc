#include "server/control/n1_watch.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "server/control/steering.h"
#include "server/control/target.h"

namespace swingover::control {

namespace {

constexpr std::string_view ourselves = "swingoverd";
constexpr int64_t rest_for_work = 10;

/// Equal inputs have the same one. Of one process only.
size_t fingerprint_of(const SteeringInputs& inputs) {
  size_t print = inputs.snapshot->generation;
  const auto add = [&](const void* octets, size_t size) {
    const std::string_view text(static_cast<const char*>(octets), size);
    print = print * 0x9e3779b97f4a7c15U + std::hash<std::string_view>{}(text);
  };
  add(inputs.demands.data(), inputs.demands.size() * sizeof(double));
  add(inputs.eligibility.data(), inputs.eligibility.size() * sizeof(zones::Eligibility));
  for (const auto& group : inputs.holders) {
    for (const SteeringInputs::Holder& holder : group) {
      add(&holder.capacity, sizeof holder.capacity);
      add(&holder.comeback, sizeof holder.comeback);
      print += holder.waits_for_person ? 1 : 0;
    }
  }
  return print;
}

}  // namespace

struct N1Watch::Work {
  SteeringInputs inputs;
  WallTime at{};
  size_t known = 0;  // fingerprint; 0: make one in any case
  MonotonicTime begun{};
  size_t fingerprint = 0;
  std::shared_ptr<N1Report> report;  // null: nothing is new

  void run(const std::atomic<bool>& is_over) {
    fingerprint = fingerprint_of(inputs);
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
