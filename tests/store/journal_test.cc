#include "store/journal.h"

#include <catch2/catch.hpp>

#include "store/memory_store.h"

namespace swingover::store {
namespace {

constexpr WallTime noon{1'790'000'000'000};

JournalEntry entry(WallTime at, std::string target, std::string reason = "") {
  return {.at = at,
          .kind = "health",
          .target = std::move(target),
          .actor = "swingoverd",
          .before = "up",
          .after = "down",
          .reason = std::move(reason)};
}

/// A store and its journal; each entry is committed on its own.
struct Book {
  MemoryStore store;
  Journal journal = *Journal::open(store);

  void write(const JournalEntry& what) {
    Batch batch;
    journal.append(batch, what);
    REQUIRE(store.commit(batch));
  }
  void restart() { journal = *Journal::open(store); }
  std::vector<std::string> reasons(const Journal::Query& query = {}) const {
    std::vector<std::string> found;
    const auto entries = Journal::read(store, query);
    REQUIRE(entries);
    for (const JournalEntry& one : *entries) found.push_back(one.reason);
    return found;
  }
};

using Reasons = std::vector<std::string>;

/// What version 1 stores; a program that cannot read this has lost its users' history.
constexpr std::string_view stored_version_1(
    "\x01"
    "\x00\x00\x01\xa0\xc4\x4f\x4c\x00"
    "\x00\x00\x00\x06"
    "intent"
    "\x00\x00\x00\x25"
    "pool/shop.svc.example.com./fra-\xc3\xa9\0\n\"\\"
    "\x00\x00\x00\x04"
    "jane"
    "\x00\x00\x00\x00"
    "\x00\x00\x00\x05"
    "drain"
    "\x00\x00\x00\x0b"
    "maintenance",
    1 + 8 + 4 + 6 + 4 + 37 + 4 + 4 + 4 + 4 + 5 + 4 + 11);

}  // namespace

TEST_CASE("an entry reads back as it was written, whatever its texts hold", "[journal]") {
  JournalEntry odd = entry({-5}, std::string("a\0b\n", 4), std::string(70'000, '\xff'));
  odd.actor.clear();
  const auto decoded = decode_entry(encode_entry(odd));
  REQUIRE(decoded);
  CHECK(*decoded == odd);
}

TEST_CASE("an entry stored by version 1 is still read", "[journal]") {
  const auto decoded = decode_entry(stored_version_1);
  REQUIRE(decoded);
  CHECK(decoded->at.unix_milliseconds == 0x1a0c44f4c00);
  CHECK(decoded->kind == "intent");
  CHECK(decoded->target.size() == 37);
  CHECK(decoded->actor == "jane");
  CHECK(decoded->before.empty());
  CHECK(decoded->after == "drain");
  CHECK(decoded->reason == "maintenance");
  CHECK(encode_entry(*decoded) == stored_version_1);
}

TEST_CASE("an entry that was cut, grew or is of an unknown version is corrupt", "[journal]") {
  for (size_t size = 0; size < stored_version_1.size(); ++size) {
    const auto cut = decode_entry(stored_version_1.substr(0, size));
    REQUIRE_FALSE(cut);
    CHECK(cut.error().code == ErrorCode::corrupt);
  }
  CHECK_FALSE(decode_entry(std::string(stored_version_1) + "x"));
  std::string newer(stored_version_1);
  newer[0] = 9;
  CHECK(decode_entry(newer).error().message == "a journal entry of unknown version 9");
}

TEST_CASE("entries are read newest first, those of one millisecond too", "[journal]") {
  Book book;
  book.write(entry(noon, "cluster/fra", "first"));
  book.write(entry(noon, "cluster/fra", "second"));
  book.write(entry(noon + Milliseconds(1), "cluster/fra", "third"));
  CHECK(book.reasons() == Reasons{"third", "second", "first"});
  CHECK(book.reasons({.since = {}, .until = {}, .target = "", .most = 2}) ==
        Reasons{"third", "second"});
  CHECK(book.reasons({.since = {}, .until = {}, .target = "", .most = 0}).empty());
}

TEST_CASE("several entries of one batch keep their order", "[journal]") {
  Book book;
  Batch batch;
  for (const char* reason : {"first", "second", "third"}) {
    book.journal.append(batch, entry(noon, "cluster/fra", reason));
  }
  REQUIRE(book.store.commit(batch));
  CHECK(book.reasons() == Reasons{"third", "second", "first"});
}

TEST_CASE("a clock that jumps back overwrites nothing and keeps the order, over a restart too",
          "[journal]") {
  Book book;
  book.write(entry(noon, "cluster/fra", "first"));
  book.write(entry(noon + Milliseconds(-3'600'000), "cluster/fra", "second"));
  book.restart();
  book.write(entry(noon + Milliseconds(-7'200'000), "cluster/fra", "third"));
  book.write(entry({-1}, "cluster/fra", "before 1970"));
  book.restart();
  book.write(entry(noon, "cluster/fra", "fifth"));
  CHECK(book.reasons() == Reasons{"fifth", "before 1970", "third", "second", "first"});

  const auto entries = Journal::read(book.store, {});
  REQUIRE(entries);
  CHECK((*entries)[1].at.unix_milliseconds == -1);  // what the clock said is what people see
  CHECK((*entries)[2].at == noon + Milliseconds(-7'200'000));
}

TEST_CASE("a first entry of the time zero is not overwritten by the second", "[journal]") {
  Book book;
  book.write(entry({0}, "", "first"));
  book.restart();
  book.write(entry({0}, "", "second"));
  CHECK(book.reasons() == Reasons{"second", "first"});
}

TEST_CASE("entries are found by time, both ends included", "[journal]") {
  Book book;
  for (int minute = 0; minute < 5; ++minute) {
    book.write(entry(noon + Milliseconds(60'000 * minute), "cluster/fra", std::to_string(minute)));
  }
  const auto at = [](int minute) { return noon + Milliseconds(60'000 * minute); };
  CHECK(book.reasons({.since = at(3), .until = {}, .target = "", .most = 9}) == Reasons{"4", "3"});
  CHECK(book.reasons({.since = {}, .until = at(1), .target = "", .most = 9}) == Reasons{"1", "0"});
  CHECK(book.reasons({.since = at(1), .until = at(3), .target = "", .most = 9}) ==
        Reasons{"3", "2", "1"});
  CHECK(book.reasons({.since = at(1), .until = at(3), .target = "", .most = 2}) ==
        Reasons{"3", "2"});
  CHECK(book.reasons({.since = at(5), .until = {}, .target = "", .most = 9}).empty());
}

TEST_CASE("entries that follow a clock which ran ahead are found by their own time", "[journal]") {
  Book book;
  book.write(entry(noon + Milliseconds(int64_t{86'400'000} * 365), "cluster/fra", "a year ahead"));
  book.write(entry(noon, "cluster/fra", "mended"));
  CHECK(
      book.reasons({.since = noon, .until = noon + Milliseconds(1000), .target = "", .most = 9}) ==
      Reasons{"mended"});
}

TEST_CASE(
    "entries that follow a clock which ran ahead are found by their time alone, and are old in "
    "time",
    "[journal]") {
  constexpr Milliseconds minute{60'000};
  constexpr Milliseconds year{int64_t{86'400'000} * 365};
  Book book;
  book.write(entry(noon, "cluster/fra", "before"));
  book.write(entry(noon + year, "cluster/fra", "a year ahead"));
  book.write(entry(noon + minute, "cluster/fra", "mended"));
  book.restart();
  book.write(entry(noon + minute * 60, "cluster/fra", "later"));
  CHECK(book.reasons() == Reasons{"later", "mended", "a year ahead", "before"});
  CHECK(book.reasons({.since = {}, .until = noon + minute, .target = "", .most = 9}) ==
        Reasons{"mended", "before"});
  // It was written before what is too old now, whatever it says itself.
  Batch batch;
  CHECK(*Journal::prune(book.store, noon + minute * 2, 9, batch) == 3);
  REQUIRE(book.store.commit(batch));
  CHECK(book.reasons() == Reasons{"later"});
}

TEST_CASE("entries of a clock that is set back a little are all found by their time", "[journal]") {
  Book book;
  for (const int64_t seconds : {0, 200, -90, 20, 199, 230})
    book.write(entry(noon + Milliseconds(seconds * 1'000), "", std::to_string(seconds)));
  const auto until = [&](int64_t seconds) {
    return book.reasons(
        {.since = {}, .until = noon + Milliseconds(seconds * 1'000), .target = "", .most = 9});
  };
  CHECK(until(-91).empty());
  CHECK(until(-90) == Reasons{"-90"});
  CHECK(until(20) == Reasons{"20", "-90", "0"});
  CHECK(until(229) == Reasons{"199", "20", "-90", "200", "0"});
}

TEST_CASE("only entries of the kinds and targets asked for count", "[journal]") {
  Book book;
  book.write(entry(noon, "endpoint/shop.example./192.0.2.1", "shop"));
  book.write(entry(noon, "cluster/fra", "fra"));
  book.write(entry(noon, "endpoint/mail.example./192.0.2.1", "mail"));
  JournalEntry shares = entry(noon, "service/shop.example.", "shares");
  shares.kind = "shares";
  for (int i = 0; i < 10; ++i) book.write(shares);
  const auto of = [&](Journal::Query query) {
    query.most = 2;
    return book.reasons(query);
  };
  Journal::Query query;
  query.kinds = {"health", "hold"};
  CHECK(of(query) == Reasons{"mail", "fra"});
  query.targets = {"endpoint/shop.example./", "cluster/fra"};
  CHECK(of(query) == Reasons{"fra", "shop"});
  query.looked_at_most = 12;
  CHECK(of(query) == Reasons{"fra"});
}

/// Counts what is looked at.
class CountingStore : public MemoryStore {
 public:
  Status scan(Table table, std::string_view first, std::string_view last, Direction direction,
              const Visit& visit) const override {
    return MemoryStore::scan(table, first, last, direction,
                             [&](std::string_view key, std::string_view value) {
                               ++seen;
                               return visit(key, value);
                             });
  }
  mutable size_t seen = 0;
};

TEST_CASE("what was written long after the time asked for is not read", "[journal]") {
  CountingStore store;
  Journal journal = *Journal::open(store);
  Batch batch;
  for (int minute = 0; minute < 1'000; ++minute)
    journal.append(batch, entry(noon + Milliseconds(60'000 * minute), "", std::to_string(minute)));
  REQUIRE(store.commit(batch));
  store.seen = 0;
  const auto entries = Journal::read(store, {.since = {}, .until = noon, .target = "", .most = 1});
  REQUIRE(entries);
  CHECK(entries->front().reason == "0");
  CHECK(store.seen < 10);
}

TEST_CASE("entries are found by their target, or by all below a prefix that ends in a slash",
          "[journal]") {
  Book book;
  book.write(entry(noon, "pool/shop.example./fra", "fra"));
  book.write(entry(noon, "pool/shop.example./fra-2", "fra-2"));
  book.write(entry(noon, "pool/mail.example./fra", "mail"));
  book.write(entry(noon, "", "start"));
  const auto of = [&](std::string target) {
    return book.reasons({.since = {}, .until = {}, .target = std::move(target), .most = 9});
  };
  CHECK(of("pool/shop.example./fra") == Reasons{"fra"});
  CHECK(of("pool/shop.example./") == Reasons{"fra-2", "fra"});
  CHECK(of("pool/shop.example.").empty());
  CHECK(of("pool/") == Reasons{"mail", "fra-2", "fra"});
  CHECK(of("") == Reasons{"start", "mail", "fra-2", "fra"});
}

TEST_CASE("pruning erases the oldest first, in slices, and only what is older", "[journal]") {
  Book book;
  for (int i = 0; i < 7; ++i) book.write(entry(noon + Milliseconds(i), "", std::to_string(i)));
  const auto prune = [&](size_t most) {
    Batch batch;
    const auto erased = Journal::prune(book.store, noon + Milliseconds(5), most, batch);
    REQUIRE(erased);
    REQUIRE(book.store.commit(batch));
    return *erased;
  };
  CHECK(prune(0) == 0);
  CHECK(prune(3) == 3);
  CHECK(book.reasons() == Reasons{"6", "5", "4", "3"});
  CHECK(prune(3) == 2);
  CHECK(prune(3) == 0);
  CHECK(book.reasons() == Reasons{"6", "5"});
}

TEST_CASE("a damaged journal says so, at its opening and when it is read", "[journal]") {
  MemoryStore store;
  Batch batch;
  batch.put(Table::journal, "short key", "x");
  REQUIRE(store.commit(batch));
  CHECK(Journal::open(store).error().code == ErrorCode::corrupt);
  CHECK(Journal::read(store, {}).error().code == ErrorCode::corrupt);
}

}  // namespace swingover::store
