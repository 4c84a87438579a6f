#include <catch2/catch.hpp>

#include "store/journal.h"
#include "tests/server/control/control_life.h"

namespace swingover::tests {
namespace {

std::vector<store::JournalEntry> load_entries(Life& life) {
  life.writer.flush(Milliseconds(patience));
  store::Journal::Query query;
  query.target = "cluster/fra";
  query.most = 100;
  auto entries = *store::Journal::read(life.store, query);
  std::erase_if(entries, [](const store::JournalEntry& entry) { return entry.kind != "load"; });
  return entries;  // newest first
}

}  // namespace

TEST_CASE("a cluster that stops reporting, and begins again, is in the history", "[control_load]") {
  store::MemoryStore store;
  ManualClock clock;
  Life life(store, clock);
  const control::LoadReport report{
      .cluster = "fra", .service = "shop.svc.example.test.", .load = 5};
  REQUIRE(life.control.report_loads(std::span(&report, 1)));
  clock.advance(Milliseconds(26'000));
  life.loop.run_until([&] { return load_entries(life).size() == 2; }, patience);
  REQUIRE(life.control.report_loads(std::span(&report, 1)));

  const auto entries = load_entries(life);
  REQUIRE(entries.size() == 3);
  CHECK(entries[2].before == "none");
  CHECK(entries[2].after == "fresh");
  CHECK(entries[1].after == "frozen");
  CHECK(entries[1].reason == "no load reported for 26s");
  CHECK(entries[1].actor == "swingoverd");
  CHECK(entries[0].before == "frozen");
  CHECK(entries[0].after == "fresh");
}

TEST_CASE("a reload keeps loads, a restart begins without", "[control_load]") {
  store::MemoryStore store;
  ManualClock clock;
  const control::LoadReport report{
      .cluster = "fra", .service = "shop.svc.example.test.", .load = 5};
  {
    Life life(store, clock);
    REQUIRE(life.control.report_loads(std::span(&report, 1)));
    bool is_over = false;
    life.control.reload([&](const auto&) { is_over = true; });
    life.loop.run_until([&] { return is_over; }, patience);
    REQUIRE(is_over);
    CHECK(life.control.loads().fresh(ServiceId(0), clock.now()).size() == 1);
  }
  Life next(store, clock);
  CHECK(next.control.loads().state(ServiceId(0), clock.now()) == control::LoadBoard::State::none);
}

}  // namespace swingover::tests
