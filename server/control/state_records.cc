#include "server/control/state_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>

#include "base/bytes.h"
#include "base/files.h"

namespace swingover::control {

namespace {

constexpr uint8_t version = 1;
// Of all services in a record: ten times as many as 100,000 services of 50 localities and 8 pools have; a few damaged octets
// must not fill the memory.
constexpr uint64_t shares_max = uint64_t{1} << 28;

class Writer {
 public:
  Writer() { bytes_.push_back(static_cast<char>(version)); }
  Writer& number(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<char>(value | 0x80));
    bytes_.push_back(static_cast<char>(value));
    return *this;
  }
  Writer& time(WallTime value) { return number(static_cast<uint64_t>(value.unix_milliseconds)); }
  Writer& text(std::string_view value) {
    number(value.size());
    bytes_.append(value);
    return *this;
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes)
      : reader_({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}),
        good_(reader_.u8() == version) {}

  uint64_t number(uint64_t most = std::numeric_limits<uint64_t>::max()) {
    uint64_t value = 0;
    unsigned shift = 0;
    for (;; shift += 7) {
      const uint8_t byte = reader_.u8();
      if (shift == 63 && byte > 1) return fail();
      value |= uint64_t{byte & 0x7fU} << shift;
      if (byte == 0 && shift > 0) return fail();  // there is a shorter form
      if (byte < 0x80) break;
    }
    return value <= most ? value : fail();
  }
  uint32_t small() { return static_cast<uint32_t>(number(UINT32_MAX)); }
  WallTime time() { return {static_cast<int64_t>(number())}; }
  std::string text() {
    const Bytes bytes = reader_.take(number(reader_.left()));
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  /// How many follow, of which each takes an octet at least.
  size_t count() { return number(reader_.left()); }
  bool is_good() const { return good_ && !reader_.failed(); }
  bool is_whole() const { return is_good() && reader_.left() == 0; }
  uint64_t fail() {
    good_ = false;
    reader_.rest();
    return 0;
  }

 private:
  ByteReader reader_;
  bool good_;
};

Error corrupt(std::string_view what) {
  return {ErrorCode::corrupt,
          "a stored " + std::string(what) + " is not in a form that this version knows"};
}

template <class Value>
void write_runs(Writer& writer, const std::vector<StateValues::Run<Value>>& runs) {
  writer.number(runs.size());
  uint32_t end = 0;
  for (const auto& run : runs) {  // ascending: distances are short
    writer.number(run.first - end).number(run.count).number(run.value);
    end = run.first + run.count;
  }
}

template <class Value>
void read_runs(Reader& reader, std::vector<StateValues::Run<Value>>& runs) {
  uint64_t end = 0;
  for (size_t left = reader.count(); left > 0 && reader.is_good(); --left) {
    StateValues::Run<Value> run;
    const uint64_t first = end + reader.small();
    run.count = reader.small();
    run.value = static_cast<Value>(reader.number(std::numeric_limits<Value>::max()));
    end = first + run.count;
    if (end > UINT32_MAX) reader.fail();
    run.first = static_cast<uint32_t>(first);
    runs.push_back(run);
  }
}

/// Equal rows that follow one another once: most localities of a service have the same.
void write_rows(Writer& writer, const StateValues::Rows& rows) {
  writer.number(rows.service).number(rows.pools).number(rows.shares.size() / rows.pools);
  const auto row = [&](size_t at) { return std::span(rows.shares).subspan(at, rows.pools); };
  for (size_t i = 0; i < rows.shares.size();) {
    size_t next = i + rows.pools;
    while (next < rows.shares.size() && std::ranges::equal(row(next), row(i))) next += rows.pools;
    writer.number((next - i) / rows.pools);
    for (const uint16_t share : row(i)) writer.number(share);
    i = next;
  }
}

/// `room`: of shares.
void read_rows(Reader& reader, StateValues::Rows& rows, uint64_t room) {
  rows.service = reader.small();
  rows.pools = static_cast<uint32_t>(reader.number(zones::service_parts_max));
  if (rows.pools == 0) reader.fail();
  if (!reader.is_good()) return;
  std::vector<uint16_t> row(rows.pools);
  for (uint64_t left = reader.number(room / rows.pools); left > 0 && reader.is_good();) {
    const uint64_t same = reader.number(left);
    for (uint16_t& share : row)
      share = static_cast<uint16_t>(reader.number(zones::ShareRows::whole));
    const auto before = std::span(rows.shares).last(std::min(rows.shares.size(), row.size()));
    if (same == 0 || std::ranges::equal(before, row)) reader.fail();
    if (!reader.is_good()) return;
    for (uint64_t i = 0; i < same; ++i)
      rows.shares.insert(rows.shares.end(), row.begin(), row.end());
    left -= same;
  }
}

}  // namespace

std::string KeptFile::content_key() const {
  return fmt::format("{}{:016x}-{}", content_prefix, hash, size);
}

std::string encode_state(const StateRecord& record) {
  Writer writer;
  writer.number(static_cast<uint8_t>(record.kind)).time(record.from).time(record.to);
  write_runs(writer, record.values.endpoints);
  write_runs(writer, record.values.changes);
  writer.number(record.values.rows.size());
  for (const StateValues::Rows& rows : record.values.rows) write_rows(writer, rows);
  return writer.text(record.words).take();
}

Result<StateRecord> decode_state(std::string_view bytes) {
  Reader reader(bytes);
  StateRecord record;
  record.kind =
      static_cast<StateRecord::Kind>(reader.number(static_cast<uint8_t>(StateRecord::Kind::lost)));
  record.from = reader.time();
  record.to = reader.time();
  read_runs(reader, record.values.endpoints);
  read_runs(reader, record.values.changes);
  uint64_t room = shares_max;
  for (size_t left = reader.count(); left > 0 && reader.is_good(); --left) {
    read_rows(reader, record.values.rows.emplace_back(), room);
    room -= record.values.rows.back().shares.size();
  }
  record.words = reader.text();
  if (!reader.is_whole()) return corrupt("state");
  return record;
}

std::string encode_cycle(const StateCycle& record) {
  Writer writer;
  writer.number(record.first.milliseconds | uint64_t{record.first.epoch} << store::time_bits)
      .number(record.first.sequence)
      .number(record.generation)
      .text(record.files)
      .number(record.pick_secret)
      .text(record.version)
      .number(record.services)
      .number(record.endpoints)
      .number(record.rows)
      .number(record.serials.size());
  for (const auto& [zone, state] : record.serials) {
    writer.text(zone).number(state.serial).number(state.digest.low).number(state.digest.high);
  }
  return writer.take();
}

Result<StateCycle> decode_cycle(std::string_view bytes) {
  Reader reader(bytes);
  StateCycle record;
  const uint64_t time = reader.number();
  record.first.milliseconds = time & store::time_max;
  record.first.epoch = static_cast<uint16_t>(time >> store::time_bits);
  record.first.sequence = reader.small();
  record.generation = reader.number();
  record.files = reader.text();
  record.pick_secret = reader.number();
  record.version = reader.text();
  record.services = reader.small();
  record.endpoints = reader.small();
  record.rows = reader.small();
  for (size_t left = reader.count(); left > 0 && reader.is_good(); --left) {
    auto& [zone, state] = record.serials.emplace_back();
    zone = reader.text();
    state.serial = reader.small();
    state.digest.low = reader.number();
    state.digest.high = reader.number();
  }
  if (!reader.is_whole()) return corrupt("cycle of states");
  return record;
}

std::string encode_files(const FileList& record) {
  Writer writer;
  writer.text(record.config_path).text(record.config_hash).number(record.files.size());
  for (const KeptFile& file : record.files) {
    writer.text(file.path).number(file.size).number(file.hash).number(
        static_cast<uint8_t>(file.form));
  }
  return writer.take();
}

Result<FileList> decode_files(std::string_view bytes) {
  Reader reader(bytes);
  FileList record;
  record.config_path = reader.text();
  record.config_hash = reader.text();
  for (size_t left = reader.count(); left > 0 && reader.is_good(); --left) {
    KeptFile& file = record.files.emplace_back();
    file.path = reader.text();
    file.size = reader.number();
    file.hash = reader.number();
    file.form =
        static_cast<KeptFile::Form>(reader.number(static_cast<uint8_t>(KeptFile::Form::no_room)));
  }
  if (!reader.is_whole()) return corrupt("list of files");
  return record;
}

std::string files_key(std::string_view encoded) {
  return fmt::format("{}{:016x}-{}", files_prefix, content_hash(encoded), encoded.size());
}

std::string state_key(char table, StateKey key) {
  return store::encode_key(key, {&table, 1});
}

std::optional<StateKey> parse_state_key(std::string_view key) {
  return store::decode_key(key, key.substr(0, 1));
}

}  // namespace swingover::control
