#include "store/store.h"

#include <catch2/catch.hpp>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "store/format.h"
#include "store/memory_store.h"
#include "store/rocks_store.h"
#include "tests/support/temporary_folder.h"

namespace swingover::store {
namespace {

/// Both stores keep one contract, so each case below runs on both.
struct OnRocks {
  tests::TemporaryFolder folder;
  std::unique_ptr<Store> store;
  OnRocks() {
    auto opened = open_rocks_store(folder.path());
    REQUIRE(opened);
    store = *std::move(opened);
  }
};
struct InMemory {
  std::unique_ptr<Store> store = std::make_unique<MemoryStore>();
};

Revision commit(Store& store, const Batch& batch) {
  const auto revision = store.commit(batch);
  REQUIRE(revision);
  return *revision;
}

std::vector<std::string> keys(const Store& store, std::string_view first, std::string_view last,
                              Direction direction) {
  std::vector<std::string> found;
  const auto scanned = store.scan(Table::state, first, last, direction,
                                  [&](std::string_view key, std::string_view value) {
                                    CHECK(value == "value of " + std::string(key));
                                    found.emplace_back(key);
                                    return true;
                                  });
  REQUIRE(scanned);
  return found;
}

using Keys = std::vector<std::string>;

}  // namespace

TEST_CASE("every table has a name of its own", "[store]") {
  std::set<std::string_view> names;
  for (size_t i = 0; i < tables; ++i) names.insert(name(static_cast<Table>(i)));
  CHECK(names.size() == tables);
  CHECK(name(Table::state) == "state");  // on disk: these two may never change
  CHECK(name(Table::meta) == "meta");
}

TEMPLATE_TEST_CASE("what a batch put is there, what it erased is not, in its order", "[store]",
                   OnRocks, InMemory) {
  TestType on;
  Store& store = *on.store;
  Batch batch;
  CHECK(batch.empty());
  batch.put(Table::state, "a", "1");
  batch.put(Table::journal, "a", "of another table");
  batch.put(Table::state, "b", "2");
  batch.put(Table::state, "a", "3");
  batch.erase(Table::state, "b");
  batch.erase(Table::state, "never there");
  commit(store, batch);

  CHECK(*store.get(Table::state, "a") == "3");
  CHECK(*store.get(Table::journal, "a") == "of another table");
  CHECK(*store.get(Table::state, "b") == std::nullopt);
}

TEMPLATE_TEST_CASE("keys and values are bytes of any kind and length", "[store]", OnRocks,
                   InMemory) {
  TestType on;
  Store& store = *on.store;
  const std::string odd("\0\xff\n", 3);
  const std::string large(300'000, 'x');
  Batch batch;
  batch.put(Table::keys, odd, "");
  batch.put(Table::keys, odd + odd, large);
  commit(store, batch);
  CHECK(*store.get(Table::keys, odd) == "");
  CHECK(*store.get(Table::keys, odd + odd) == large);
}

TEMPLATE_TEST_CASE("the revision grows by one with every commit, an empty one too", "[store]",
                   OnRocks, InMemory) {
  TestType on;
  Store& store = *on.store;
  const Revision before = store.revision();
  CHECK(commit(store, Batch()) == before + 1);
  Batch batch;
  batch.put(Table::meta, std::string(revision_key), "nobody else sets it");
  CHECK(commit(store, batch) == before + 2);
  CHECK(store.revision() == before + 2);
  CHECK(decode_number(store.get(Table::meta, revision_key)->value()) == before + 2);
}

TEMPLATE_TEST_CASE("a scan gives the keys from first to before last, both ways", "[store]", OnRocks,
                   InMemory) {
  TestType on;
  Store& store = *on.store;
  Batch batch;
  for (const char* key : {"a", "b", "ba", "c", "d"}) {
    batch.put(Table::state, key, "value of " + std::string(key));
  }
  commit(store, batch);

  CHECK(keys(store, "", "", Direction::ascending) == Keys{"a", "b", "ba", "c", "d"});
  CHECK(keys(store, "", "", Direction::descending) == Keys{"d", "c", "ba", "b", "a"});
  CHECK(keys(store, "b", "c", Direction::ascending) == Keys{"b", "ba"});
  CHECK(keys(store, "b", "c", Direction::descending) == Keys{"ba", "b"});
  CHECK(keys(store, "bb", "", Direction::descending) == Keys{"d", "c"});
  CHECK(keys(store, "", "b", Direction::descending) == Keys{"a"});
  CHECK(keys(store, "e", "", Direction::ascending).empty());
  CHECK(keys(store, "c", "b", Direction::ascending).empty());
  CHECK(keys(store, "c", "b", Direction::descending).empty());

  std::string only;
  const auto stopped = store.scan(Table::state, "", "", Direction::descending,
                                  [&](std::string_view key, std::string_view) {
                                    only += key;
                                    return false;
                                  });
  CHECK(stopped);
  CHECK(only == "d");
}

TEST_CASE("a memory store that is told to fail changes nothing until it is told otherwise",
          "[store]") {
  MemoryStore store;
  Batch batch;
  batch.put(Table::state, "a", "1");
  store.fail_commits(Error{ErrorCode::unavailable, "no space left"});
  const auto failed = store.commit(batch);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == ErrorCode::unavailable);
  CHECK(store.revision() == 0);
  CHECK(*store.get(Table::state, "a") == std::nullopt);

  store.fail_commits(std::nullopt);
  CHECK(commit(store, batch) == 1);
}

}  // namespace swingover::store
