#include "zones/geo_database.h"

#include <fmt/format.h>
#include <maxminddb.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <memory>
#include <unordered_map>
#include <utility>

namespace swingover::zones {
namespace {

Error damaged(std::string_view how) {
  return {ErrorCode::invalid, fmt::format("the database is damaged: {}", how)};
}

/// The library opens names and maps what it finds there; memory with a name of its own cannot be cut short by whoever
/// writes the file, which would end the process.
class Database {
 public:
  Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() {
    if (is_open_) MMDB_close(&mmdb_);
    if (descriptor_ >= 0) close(descriptor_);
  }

  Status open(std::string_view content) {
    descriptor_ = memfd_create("mmdb", MFD_CLOEXEC);
    if (descriptor_ < 0) return Error{ErrorCode::system, "no memory file to read the database in"};
    while (!content.empty()) {
      const ssize_t written = write(descriptor_, content.data(), content.size());
      if (written <= 0) return Error{ErrorCode::system, "no memory to read the database in"};
      content.remove_prefix(static_cast<size_t>(written));
    }
    const std::string name = "/proc/self/fd/" + std::to_string(descriptor_);
    const int opened = MMDB_open(name.c_str(), MMDB_MODE_MMAP, &mmdb_);
    if (opened == MMDB_FILE_OPEN_ERROR || opened == MMDB_IO_ERROR)
      return Error{ErrorCode::system, "the database cannot be mapped"};
    if (opened != MMDB_SUCCESS)
      return Error{ErrorCode::invalid, "not a MaxMind database, or a damaged one"};
    is_open_ = true;
    return Done{};
  }

  const MMDB_s& get() const { return mmdb_; }

 private:
  MMDB_s mmdb_{};
  bool is_open_ = false;
  int descriptor_ = -1;
};

using Path = std::initializer_list<const char*>;

/// False: the record is damaged. Without data: it has no such key.
bool value_at(MMDB_entry_s entry, Path path, uint32_t type, MMDB_entry_data_s& out) {
  std::array<const char*, 4> keys{};
  std::copy(path.begin(), path.end(), keys.begin());
  const int status = MMDB_aget_value(&entry, &out, keys.data());
  if (status == MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR) out.has_data = false;
  if (status != MMDB_SUCCESS && status != MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR) return false;
  if (out.has_data && out.type != type) out.has_data = false;
  return true;
}

bool read_text(const MMDB_entry_s& entry, Path path, std::string& out) {
  MMDB_entry_data_s data{};
  if (!value_at(entry, path, MMDB_DATA_TYPE_UTF8_STRING, data)) return false;
  constexpr uint32_t code_size_max = 8;
  if (data.has_data && data.data_size <= code_size_max)
    out.assign(data.utf8_string, data.data_size);
  return true;
}

bool read_facts(const MMDB_entry_s& entry, GeoFacts& facts) {
  MMDB_entry_data_s data{};
  if (!value_at(entry, {"autonomous_system_number"}, MMDB_DATA_TYPE_UINT32, data)) return false;
  if (data.has_data) facts.asn = data.uint32;
  std::string part;
  if (!read_text(entry, {"country", "iso_code"}, facts.country)) return false;
  if (!read_text(entry, {"subdivisions", "0", "iso_code"}, part)) return false;
  if (!facts.country.empty() && !part.empty()) facts.subdivision = facts.country + '-' + part;
  MMDB_entry_data_s up{};
  MMDB_entry_data_s along{};
  if (!value_at(entry, {"location", "latitude"}, MMDB_DATA_TYPE_DOUBLE, up)) return false;
  if (!value_at(entry, {"location", "longitude"}, MMDB_DATA_TYPE_DOUBLE, along)) return false;
  if (up.has_data && along.has_data && std::abs(up.double_value) <= 90 &&
      std::abs(along.double_value) <= 180) {
    facts.coordinates = {up.double_value, along.double_value};
  }
  return true;
}

/// A record of a node: another node, an entry, or nothing.
struct Branch {
  uint64_t value = 0;
  uint8_t type = MMDB_RECORD_TYPE_EMPTY;
  MMDB_entry_s entry{};
};

class Compiler {
 public:
  Compiler(const MMDB_s& mmdb, const Geography& geography) : mmdb_(mmdb), geography_(geography) {}

  Result<GeoMap> compile() {
    const uint16_t version = mmdb_.metadata.ip_version;
    if (version != 4 && version != 6) return damaged("it is for neither IPv4 nor IPv6");
    const uint64_t nodes = mmdb_.metadata.node_count;
    // Whatever a damaged tree says of its nodes, this ends: a sound one visits each of them once for each family.
    visits_left_ = 2 * nodes + 1024;
    std::array<uint8_t, 16> address{};
    const Branch root{.value = 0, .type = MMDB_RECORD_TYPE_SEARCH_NODE};
    if (nodes == 0) return damaged("it has no nodes");
    if (version == 4) {
      walk(root, address, 0, 32);
    } else {
      is_v6_ = true;
      Branch v4 = root;
      for (unsigned depth = 0; depth < mapping_bits && is_node(v4); ++depth) {
        const auto sides = branches(v4);
        v4 = sides.first;
      }
      v4_start_ = is_node(v4) ? v4.value : no_node;
      is_v6_ = false;
      walk(v4, address, 0, 32);
      is_v6_ = true;
      walk(root, address, 0, 128);
    }
    if (!problem_.empty()) return damaged(problem_);
    return std::move(builder_).build();
  }

 private:
  static constexpr unsigned mapping_bits = 96;
  static constexpr uint64_t no_node = UINT64_MAX;

  static bool is_node(const Branch& branch) { return branch.type == MMDB_RECORD_TYPE_SEARCH_NODE; }

  std::pair<Branch, Branch> branches(const Branch& at) {
    MMDB_search_node_s node{};
    const int status = visits_left_ == 0 || at.value >= mmdb_.metadata.node_count
                           ? MMDB_CORRUPT_SEARCH_TREE_ERROR
                           : MMDB_read_node(&mmdb_, static_cast<uint32_t>(at.value), &node);
    if (status != MMDB_SUCCESS || node.left_record_type == MMDB_RECORD_TYPE_INVALID ||
        node.right_record_type == MMDB_RECORD_TYPE_INVALID) {
      problem_ = "its search tree leads nowhere";
      return {};
    }
    --visits_left_;
    return {{node.left_record, node.left_record_type, node.left_record_entry},
            {node.right_record, node.right_record_type, node.right_record_entry}};
  }

  /// In the order of addresses. `address` holds the bits so far; it is as it was afterwards.
  void walk(const Branch& branch, std::array<uint8_t, 16>& address, unsigned depth,
            unsigned depth_max) {
    if (!problem_.empty() || branch.type == MMDB_RECORD_TYPE_EMPTY) return;
    if (branch.type == MMDB_RECORD_TYPE_DATA) return add(branch.entry, address, depth);
    if (is_v6_ && branch.value == v4_start_) return;  // and its aliases
    if (depth == depth_max) {
      problem_ = "its search tree is deeper than addresses are long";
      return;
    }
    const auto sides = branches(branch);
    walk(sides.first, address, depth + 1, depth_max);
    const auto bit = static_cast<uint8_t>(0x80U >> depth % 8);
    address[depth / 8] |= bit;
    walk(sides.second, address, depth + 1, depth_max);
    address[depth / 8] &= static_cast<uint8_t>(~bit);
  }

  void add(const MMDB_entry_s& entry, const std::array<uint8_t, 16>& address, unsigned depth) {
    const auto [known, is_new] = decisions_.try_emplace(entry.offset);
    if (is_new) {
      GeoFacts facts;
      if (!read_facts(entry, facts)) {
        problem_ = "one of its records cannot be read";
        return;
      }
      known->second = geography_.decide(facts);
    }
    if (known->second.is_empty()) return;
    const IpAddress first = is_v6_
                                ? IpAddress::v6(address)
                                : IpAddress::v4({address[0], address[1], address[2], address[3]});
    builder_.add({first, depth}, known->second);
  }

  const MMDB_s& mmdb_;
  const Geography& geography_;
  bool is_v6_ = false;
  uint64_t v4_start_ = no_node;
  uint64_t visits_left_ = 0;
  std::string problem_;
  std::unordered_map<uint32_t, GeoDecision>
      decisions_;  // by the record's place: many networks share one
  GeoMap::Builder builder_;
};

}  // namespace

Result<GeoMap> compile_geo_database(std::string_view content, const Geography& geography) {
  Database database;
  if (Status opened = database.open(content); !opened) return opened.error();
  return Compiler(database.get(), geography).compile();
}

}  // namespace swingover::zones
