#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/time_key.h"
#include "zones/snapshot.h"

namespace swingover::control {

// What answers came from, instant by instant, as the store keeps it: tables past and config. Like records.h: a version
// byte first, whatever is read that no encoder writes is corrupt. Numbers are of variable length (LEB128).

/// A place in the log of states. Its time is that of the record, or of the newest before it where the clock went back a
/// little; where it went back far an epoch begins.
using StateKey = store::TimeKey;

/// Of these places of one generation, the values as workers read them. Absolute: to apply them twice is to apply them
/// once.
struct StateValues {
  template <class Value>
  struct Run {
    uint32_t first = 0;
    uint32_t count = 0;
    Value value{};
    friend bool operator==(const Run&, const Run&) = default;
  };
  struct Rows {
    uint32_t service = 0;
    uint32_t pools = 0;            // at least one
    std::vector<uint16_t> shares;  // [row × pools + pool]
    friend bool operator==(const Rows&, const Rows&) = default;
  };
  std::vector<Run<uint8_t>> endpoints;  // Eligibility, and stored_bit
  std::vector<Run<uint32_t>> changes;   // of services: ChangeTimes
  std::vector<Rows> rows;               // of steered services
  static constexpr uint8_t stored_bit = 0x80;

  bool empty() const { return endpoints.empty() && changes.empty() && rows.empty(); }
  friend bool operator==(const StateValues&, const StateValues&) = default;
};

/// One step of the log. Between `from` and `to` workers may have read either; before, what was; after, what is.
struct StateRecord {
  enum class Kind : uint8_t {
    begin,   // a generation is in force: its values, all of them
    change,  // some are others
    part,    // some as they are, told again: see StateCycle
    clock,   // it was set: it showed `from`, then `to`
    end,     // nothing is known from here to the next begin
    lost,    // the daemon ended here or later, unseen: the next record is of another run
  };
  Kind kind = Kind::change;
  WallTime from{};
  WallTime to{};
  StateValues values{};
  std::string words{};  // of an end
  friend bool operator==(const StateRecord&, const StateRecord&) = default;
};

/// Where all values stand that held at some place of the log, and what they are the values of: whoever wants to know of a
/// later instant begins to read at `first`.
struct StateCycle {
  StateKey first{};
  uint64_t generation = 0;
  std::string files;         // key of table config: a FileList
  uint64_t pick_secret = 0;  // of that process: what sticky clients hang on
  std::string version;       // of the program
  uint32_t services = 0;     // how many of each: a program that reads the config otherwise notices
  uint32_t endpoints = 0;
  uint32_t rows = 0;  // of shares, of each steered service
  std::vector<std::pair<std::string, zones::SerialState>> serials{};  // by zone
  friend bool operator==(const StateCycle&, const StateCycle&) = default;
};

/// A file that answers were made of.
struct KeptFile {
  enum class Form : uint8_t {
    kept,     // table config, content_key()
    missing,  // it could not be read
    large,    // more than a file may have to be kept
    no_room,  // all files together
  };
  std::string path;
  uint64_t size = 0;
  uint64_t hash = 0;
  Form form = Form::kept;
  std::string content_key() const;
  friend bool operator==(const KeptFile&, const KeptFile&) = default;
};

/// The texts that a generation was made of.
struct FileList {
  std::string config_path;
  std::string config_hash;  // key of table config: a ConfigRecord, without the secrets
  std::vector<KeptFile> files;
  friend bool operator==(const FileList&, const FileList&) = default;
};

std::string encode_state(const StateRecord& record);
std::string encode_cycle(const StateCycle& record);
std::string encode_files(const FileList& record);
/// Errors: corrupt.
Result<StateRecord> decode_state(std::string_view bytes);
Result<StateCycle> decode_cycle(std::string_view bytes);
Result<FileList> decode_files(std::string_view bytes);

/// Key of table config, named by what it holds.
std::string files_key(std::string_view encoded);

// Keys of table past: of each record, of each cycle (under the key of the record that completes it), and of each
// record of the clock once more, since these are few.
inline constexpr char record_table = 'r';
inline constexpr char cycle_table = 'c';
inline constexpr char clock_table = 'j';
std::string state_key(char table, StateKey key);
std::optional<StateKey> parse_state_key(std::string_view key);
inline constexpr std::string_view content_prefix = "file/";
inline constexpr std::string_view content_prefix_end = "file0";
inline constexpr std::string_view files_prefix = "files/";
inline constexpr std::string_view files_prefix_end = "files0";
/// Table meta: until when all that was so is stored, as a big-endian number of milliseconds.
inline constexpr std::string_view alive_key = "alive";

}  // namespace swingover::control
