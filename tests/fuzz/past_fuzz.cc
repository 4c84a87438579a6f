// The log of states as a damaged disk, another version or a clock that jumped leaves it: an instant of it is found or refused
// in words, what is found is a state that answers can come from, and a daemon starts on it and prunes it. An input is
// records of the store, one after the other; see next_record().

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/loop/loop.h"
#include "server/control/past.h"
#include "server/control/records.h"
#include "server/control/state_log.h"
#include "store/memory_store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/served.h"

namespace {

using namespace swingover;
using namespace swingover::control;
using store::Table;

constexpr int64_t first_instant = 1'790'000'000'000;
constexpr std::string_view files_name = "files/1";  // that cycles may name

void demand(bool promise) {
  if (!promise) std::abort();
}

/// Two clusters, a service within their capacities and one that is not.
std::shared_ptr<const zones::Model> make_model() {
  auto model = std::make_shared<zones::Model>();
  model->topology = tests::two_clusters();
  for (const char* name : {"shop.k.", "mail.k."}) {
    model->services.push_back(tests::service_of(
        name,
        {tests::pool_of("fra", {"192.0.2.1", "192.0.2.2"}), tests::pool_of("ams", {"192.0.2.3"})}));
  }
  model->services[0].policy = zones::Policy::local;
  for (zones::Pool& pool : model->services[0].pools) {
    pool.capacity = 100;
    pool.has_own_capacity = true;
  }
  zones::number(model->services);
  return model;
}

std::shared_ptr<const zones::Snapshot> make_snapshot(uint64_t generation) {
  static const std::shared_ptr<const zones::Model> model = make_model();
  return zones::build_snapshot(model, {.generation = generation, .pick_secret = 7});
}

/// One octet says where it goes: c, r and j with a place in the log, as two octets of milliseconds and one of sequence, or
/// the list of files. Two octets of size, and the record.
bool next_record(ByteReader& reader, store::Batch& batch) {
  static constexpr char tables[] = {record_table, cycle_table, clock_table};
  const uint8_t kind = reader.u8();
  StateKey key{static_cast<uint64_t>(first_instant), 0};
  if (kind % 4 < 3) {
    key.milliseconds += reader.u16();
    key.sequence = reader.u8();
  }
  const Bytes bytes = reader.take(std::min<size_t>(reader.u16(), reader.left()));
  if (reader.failed()) return false;
  const std::string value(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (kind % 4 < 3) {
    batch.put(Table::past, state_key(tables[kind % 4], key), value);
  } else {
    batch.put(Table::config, std::string(files_name), value);
  }
  return true;
}

void check_values(const zones::Snapshot& snapshot) {
  for (uint32_t i = 0; i < snapshot.counts.endpoints; ++i)
    demand(snapshot.eligibility->get(EndpointId(i)) <= zones::Eligibility::eligible);
  std::vector<uint16_t> row(snapshot.shares->pools(ServiceId(0)));
  for (size_t i = 0; i < snapshot.shares->rows(); ++i) {
    snapshot.shares->read(ServiceId(0), i, row);
    for (const uint16_t share : row) demand(share <= zones::ShareRows::whole);
  }
}

void check_instants(const store::Store& store) {
  Past past(store, [](const PastTexts& texts, const StateCycle& cycle) -> Result<PastGeneration> {
    (void)texts.read("/zone");
    return PastGeneration{make_snapshot(cycle.generation), {}};
  });
  // Forth, back, and again: what was read before must not be in the way.
  for (const int64_t offset : {0, 1, 5, 200, 70'000, 100, 3, -1, 2}) {
    const WallTime at{first_instant + offset};
    const auto instant = past.seek(at);
    if (!instant) {
      demand(!instant.error().message.empty());
      continue;
    }
    demand(instant->at == at);
    check_values(past.snapshot());
  }
}

/// What a daemon that starts on this reads of it, and later to prune it.
void check_run(const store::Store& store) {
  static loop::Loop loop;
  static store::MemoryStore written;
  static StoreWriter writer(loop, written, *store::Journal::open(written), {});
  static const tests::ManualClock clock;
  StateLog log(clock, writer, "1", [](const auto& work, const auto& done) { work(), done(); });
  const Status opened = log.open(store);
  demand(opened || !opened.error().message.empty());
  for (const int64_t before : {0, 3, 70'000}) {
    const auto old = StateLog::find_old(store, WallTime{first_instant + before}, 3);
    demand(!old || old->records.size() <= 3);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  store::MemoryStore store;
  store::Batch batch;
  batch.put(Table::config, std::string(files_name),
            encode_files({"/etc/x.toml", "config", {{"/zone", 5, 6, KeptFile::Form::kept}}}));
  batch.put(Table::config, "config", encode_config({WallTime{}, "text"}));
  ByteReader reader(Bytes(data, size));
  while (reader.left() > 0 && next_record(reader, batch)) {
  }
  demand(static_cast<bool>(store.commit(batch)));
  check_instants(store);
  check_run(store);
  return 0;
}
