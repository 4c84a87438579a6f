#include "store/time_key.h"

#include <catch2/catch.hpp>

#include "store/memory_store.h"

namespace swingover::store {
namespace {

constexpr WallTime noon{1'790'000'000'000};

WallTime minutes(int64_t count) {
  return noon + Milliseconds(60'000 * count);
}

}  // namespace

TEST_CASE("keys sort as the records were written, whatever the clock did", "[time_key]") {
  TimeKey newest{};
  std::string before;
  for (const int64_t minute : {0, 0, 1, -3, 2, 525'600, 525'601, 2, 3, 9, -100, 5}) {
    newest = next_key(newest, minutes(minute));
    const std::string bytes = encode_key(newest, "r");
    CHECK(before < bytes);
    CHECK(decode_key(bytes, "r") == newest);
    // A record's place is never before its time, and not long after it.
    CHECK(newest.milliseconds >= key_time(minutes(minute)));
    CHECK(newest.milliseconds <= key_time(minutes(minute) + epoch_step));
    before = bytes;
  }
  CHECK(newest.epoch == 2);
  CHECK(key_time({-5}) == 0);
}

TEST_CASE("a key of a store that knew of no epochs is of the first", "[time_key]") {
  using std::string_view_literals::operator""sv;
  CHECK(decode_key("\x00\x00\x01\xa0\xc4\x4f\x4c\x00\x00\x00\x00\x07"sv) ==
        TimeKey{0x1a0c44f4c00, 7, 0});
  CHECK_FALSE(decode_key("\x00\x00\x01\xa0\xc4\x4f\x4c\x00\x00\x00\x00"sv));
  CHECK_FALSE(decode_key(encode_key({}, "r"), "c"));
}

TEST_CASE("the last epochs and sequences go on in order", "[time_key]") {
  CHECK(next_key({1'000'000, 0, 65'535}, {5}) == TimeKey{1'000'000, 1, 65'535});
  CHECK(next_key({9, 4'294'967'295, 0}, {9}) == TimeKey{10, 0, 0});
}

TEST_CASE("what was written before an instant is found, in an older epoch too", "[time_key]") {
  MemoryStore store;
  const auto newest = [&](WallTime then) {
    const auto found = newest_before(store, Table::past, "c", then);
    REQUIRE(found);
    return *found ? (*found)->value : "nothing";
  };
  CHECK(newest(minutes(1)) == "nothing");
  Batch batch;
  batch.put(Table::past, encode_key({key_time(noon), 0, 0}, "c"), "first");
  batch.put(Table::past, encode_key({key_time(minutes(525'600)), 0, 0}, "c"), "ahead");
  batch.put(Table::past, encode_key({key_time(minutes(5)), 0, 1}, "c"), "mended");
  batch.put(Table::past, encode_key({key_time(minutes(1)), 0, 7}, "r"), "of another kind");
  REQUIRE(store.commit(batch));
  CHECK(newest(noon) == "nothing");
  CHECK(newest(minutes(1)) == "first");
  CHECK(newest(minutes(5)) == "first");
  CHECK(newest(minutes(6)) == "mended");
  batch = {};
  batch.put(Table::past, "c?", "damaged");
  REQUIRE(store.commit(batch));
  CHECK(newest_before(store, Table::past, "c", noon).error().code == ErrorCode::corrupt);
}

}  // namespace swingover::store
