#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/control/control_loop.h"
#include "store/memory_store.h"
#include "tests/server/control/small_world.h"
#include "tests/support/manual_clock.h"

namespace swingover::tests {

using control::Control;
using control::IntentRequest;
using control::Loaded;
using control::Remembered;
using control::StoreWriter;

inline constexpr int patience = 5'000;

/// One life of the daemon's decisions on a store that outlives it; the probes are told by hand.
struct Life {
  explicit Life(store::MemoryStore& on_store, ManualClock& by_clock, SmallWorld of_world = {})
      : store(on_store),
        clock(by_clock),
        world(std::move(of_world)),
        writer(loop, store, *store::Journal::open(store), {}),
        control(environment()) {
    Remembered remembered = *control::restore(store);
    const uint64_t generation = remembered.generation.generation + 1;
    control.start(world.setup(generation), std::move(remembered));
  }
  ~Life() { writer.flush(Milliseconds(patience)); }

  Control::Environment environment() {
    return {.loop = loop,
            .clock = clock,
            .store = store,
            .writer = writer,
            .replace_checks =
                [this](std::vector<health::Check> given) {
                  checks = std::move(given);
                  return ++epoch;
                },
            .publish = [this](auto snapshot) { published.push_back(std::move(snapshot)); },
            .load =
                [this](uint64_t generation, const zones::Snapshot*) {
                  if (!refusal.empty()) return Loaded{std::nullopt, refusal};
                  return Loaded{world.setup(generation), ""};
                },
            .on_reload = [this](bool is_reloading) { reloading.push_back(is_reloading); },
            .offload = world.offloads_at_once
                           ? [](const std::function<void()>& work,
                                const std::function<void()>& done) { work(), done(); }
                           : std::function<void(std::function<void()>, std::function<void()>)>(),
            .resume_checks = [this](std::vector<uint32_t> places) { resumed = std::move(places); },
            .identity = "edge",
            .version = "1",
            .seed = 1,
            .housekeeping_every = world.housekeeping_every};
  }

  void verdict(const std::string& address, health::Health health, uint64_t of_epoch = 0,
               health::Hold hold = health::Hold::none,
               health::Failure failure = health::Failure::soft) {
    health::CheckUpdate update;
    update.epoch = of_epoch == 0 ? epoch : of_epoch;
    while (checks.at(update.check).address != address) ++update.check;
    update.health = health;
    update.hold = hold;
    update.changed = true;
    update.verdict = health == health::Health::up ? health::Verdict::pass : health::Verdict::fail;
    update.reason = health == health::Health::up ? "" : "connect: refused";
    update.failure = failure;
    update.first_failure = clock.now();
    update.at = clock.wall();
    if (health == health::Health::down) clock.advance(Milliseconds(300));
    control.on_updates({update});
  }
  void times_out(const std::string& address) {
    verdict(address, health::Health::down, 0, health::Hold::none, health::Failure::silent);
  }
  void all_up() {
    verdict("192.0.2.1", health::Health::up);
    verdict("198.51.100.1", health::Health::up);
  }
  zones::Eligibility fra() const { return control.snapshot().eligibility->get(EndpointId(0)); }

  Result<Control::IntentSet> set(const IntentRequest& request) {
    std::optional<Result<Control::IntentSet>> result;
    control.set_intent(request, [&](auto given) { result = std::move(given); });
    loop.run_until([&] { return result.has_value(); }, patience);
    return *result;
  }
  Control::ReloadResult reload() {
    std::optional<Control::ReloadResult> result;
    control.reload([&](const auto& given) { result = given; });
    loop.run_until([&] { return result.has_value(); }, patience);
    return *result;
  }
  std::vector<store::JournalEntry> history(const std::string& target) {
    writer.flush(Milliseconds(patience));
    store::Journal::Query query;
    query.target = target;
    return *store::Journal::read(store, query);
  }

  store::MemoryStore& store;
  ManualClock& clock;
  SmallWorld world;
  loop::Loop loop;
  StoreWriter writer;
  std::vector<health::Check> checks;
  uint64_t epoch = 0;
  std::vector<uint32_t> resumed;
  std::vector<std::shared_ptr<const zones::Snapshot>> published;
  std::string refusal;
  std::vector<bool> reloading;
  Control control;
};

}  // namespace swingover::tests
