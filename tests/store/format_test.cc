#include "store/format.h"

#include <array>
#include <catch2/catch.hpp>

#include "store/memory_store.h"

namespace swingover::store {
namespace {

uint64_t format_of(const Store& store) {
  return decode_number(store.get(Table::meta, format_key)->value()).value();
}

/// A store as a program of format 0 would have left it: its keys have no prefix yet.
void write_format_0(Store& store) {
  Batch batch;
  batch.put(Table::meta, std::string(format_key), encode_number(0));
  batch.put(Table::state, "shop", "up");
  batch.put(Table::state, "mail", "down");
  REQUIRE(store.commit(batch));
}

Status give_prefix(const Store& store, Batch& batch) {
  return store.scan(Table::state, "", "", Direction::ascending,
                    [&](std::string_view key, std::string_view value) {
                      batch.erase(Table::state, std::string(key));
                      batch.put(Table::state, "endpoint/" + std::string(key), std::string(value));
                      return true;
                    });
}

Status give_version(const Store& store, Batch& batch) {
  return store.scan(Table::state, "", "", Direction::ascending,
                    [&](std::string_view key, std::string_view value) {
                      batch.put(Table::state, std::string(key), "v2 " + std::string(value));
                      return true;
                    });
}

Status fail(const Store&, Batch& batch) {
  batch.erase(Table::state, "shop");
  return Error{ErrorCode::corrupt, "a row of the wrong length"};
}

}  // namespace

TEST_CASE("numbers of the meta table are eight bytes, the highest first", "[format]") {
  CHECK(encode_number(0x0102030405060708) == "\x01\x02\x03\x04\x05\x06\x07\x08");
  CHECK(decode_number(encode_number(UINT64_MAX)) == UINT64_MAX);
  CHECK(decode_number("1") == std::nullopt);
  CHECK(decode_number("123456789") == std::nullopt);
}

TEST_CASE("a new store gets the current format, and is left alone from then on", "[format]") {
  MemoryStore store;
  REQUIRE(bring_up_to_date(store));
  CHECK(format_of(store) == current_format);
  const Revision revision = store.revision();
  REQUIRE(bring_up_to_date(store));
  CHECK(store.revision() == revision);
}

TEST_CASE("an old store is brought up step by step, each in a commit of its own", "[format]") {
  MemoryStore store;
  write_format_0(store);
  const std::array<FormatStep, 2> steps{{{1, give_version}, {0, give_prefix}}};
  REQUIRE(bring_up_to_date(store, 2, steps));
  CHECK(format_of(store) == 2);
  CHECK(*store.get(Table::state, "endpoint/shop") == "v2 up");
  CHECK(*store.get(Table::state, "endpoint/mail") == "v2 down");
  CHECK(*store.get(Table::state, "shop") == std::nullopt);
  CHECK(store.revision() == 3);
}

TEST_CASE("a step that fails changes nothing, and the next start begins with it", "[format]") {
  MemoryStore store;
  write_format_0(store);
  const std::array<FormatStep, 2> broken{{{0, give_prefix}, {1, fail}}};
  const auto failed = bring_up_to_date(store, 2, broken);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message == "upgrading the store from format 1: a row of the wrong length");
  CHECK(format_of(store) == 1);
  CHECK(*store.get(Table::state, "endpoint/shop") == "up");

  const std::array<FormatStep, 2> mended{{{0, fail}, {1, give_version}}};
  REQUIRE(bring_up_to_date(store, 2, mended));
  CHECK(*store.get(Table::state, "endpoint/shop") == "v2 up");
}

TEST_CASE("a store that is newer than the program is refused with both numbers", "[format]") {
  MemoryStore store;
  REQUIRE(bring_up_to_date(store, 7, {}));
  const auto refused = bring_up_to_date(store);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::conflict);
  CHECK_THAT(refused.error().message,
             Catch::Contains("has format 7 and this program writes format 1"));
  CHECK(format_of(store) == 7);
}

TEST_CASE("a store that is too old for the program is refused and left as it is", "[format]") {
  MemoryStore store;
  write_format_0(store);
  const auto refused = bring_up_to_date(store);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::conflict);
  CHECK(format_of(store) == 0);
}

TEST_CASE("rows without a format number, or with a damaged one, are corrupt", "[format]") {
  MemoryStore store;
  Batch batch;
  batch.put(Table::state, "shop", "up");
  SECTION("none") {}
  SECTION("damaged") {
    batch.put(Table::meta, std::string(format_key), "one");
  }
  REQUIRE(store.commit(batch));
  const auto refused = bring_up_to_date(store);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::corrupt);
}

}  // namespace swingover::store
