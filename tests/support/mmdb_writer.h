#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ip.h"
#include "zones/geography.h"

namespace swingover::tests {

/// Makes small databases as the MaxMind DB File Format Specification 2.0 describes them, so that tests need none that
/// somebody else made. The longest prefix wins, whatever the order.
class MmdbWriter {
 public:
  enum class Aliases : bool { none, of_ipv4 };  // 6to4 and IPv4-mapped lead to the IPv4 tree

  explicit MmdbWriter(unsigned ip_version = 6, unsigned record_size = 28)
      : ip_version_(ip_version), record_size_(record_size) {}

  void add(const IpPrefix& prefix, const zones::GeoFacts& facts) {
    entries_.push_back({prefix, place_of(record_of(facts))});
  }

  std::string finish(Aliases aliases = Aliases::none) {
    nodes_ = {{empty, empty}};
    std::ranges::stable_sort(entries_, {}, [](const Entry& e) { return e.prefix.length; });
    for (const Entry& entry : entries_) insert(entry);
    if (aliases == Aliases::of_ipv4) alias_ipv4();
    std::string out;
    for (const Node& node : nodes_) put_node(out, node);
    return out + std::string(16, '\0') + data_ + "\xab\xcd\xefMaxMind.com" + metadata();
  }

  // ---- encodings ----

  static std::string text(std::string_view value) {
    return control(2, value.size()) + std::string(value);
  }
  static std::string number(unsigned type, uint64_t value, unsigned size) {
    std::string out = control(type, size);
    for (unsigned i = size; i-- > 0;) out += static_cast<char>(value >> 8 * i & 0xff);
    return out;
  }
  static std::string real(double value) { return number(3, std::bit_cast<uint64_t>(value), 8); }
  using Members = std::vector<std::pair<std::string, std::string>>;
  static std::string map(const Members& members) {
    std::string out = control(7, members.size());
    for (const auto& [key, value] : members) out += text(key) + value;
    return out;
  }
  static std::string list(const std::vector<std::string>& items) {
    std::string out = control(11, items.size());
    for (const std::string& item : items) out += item;
    return out;
  }

 private:
  static constexpr int64_t empty = -1;
  struct Node {
    int64_t left;
    int64_t right;
  };
  struct Entry {
    IpPrefix prefix;
    int64_t record;  // below `empty`: its place in the data, from -2 downwards
  };

  static std::string control(unsigned type, size_t size) {
    const auto first = static_cast<unsigned>(std::min<size_t>(size, 29));
    std::string out(1, static_cast<char>((type < 8 ? type << 5 : 0U) | first));
    if (type >= 8) out += static_cast<char>(type - 7);
    if (size >= 29) out += static_cast<char>(size - 29);
    return out;
  }

  static std::string record_of(const zones::GeoFacts& facts) {
    Members members;
    if (facts.asn != 0) members.emplace_back("autonomous_system_number", number(6, facts.asn, 4));
    if (!facts.country.empty())
      members.emplace_back("country", map({{"iso_code", text(facts.country)}}));
    if (facts.coordinates) {
      members.emplace_back("location", map({{"latitude", real(facts.coordinates->latitude)},
                                            {"longitude", real(facts.coordinates->longitude)}}));
    }
    if (!facts.subdivision.empty()) {
      members.emplace_back("subdivisions",
                           list({map({{"iso_code", text(facts.subdivision.substr(3))}})}));
    }
    return map(members);
  }

  int64_t place_of(const std::string& record) {
    const auto at = static_cast<int64_t>(data_.size());
    data_ += record;
    return -2 - at;
  }

  static bool bit(const IpPrefix& prefix, unsigned depth, bool in_v6) {
    if (in_v6 && prefix.address.is_v4()) {
      if (depth < 96) return false;
      depth -= 96;
    }
    return (prefix.address.bytes()[depth / 8] >> (7 - depth % 8) & 1) != 0;
  }

  int64_t& side(size_t node, bool right) { return right ? nodes_[node].right : nodes_[node].left; }

  void insert(const Entry& entry) {
    const bool in_v6 = ip_version_ == 6;
    const unsigned length = entry.prefix.length + (in_v6 && entry.prefix.address.is_v4() ? 96 : 0);
    size_t node = 0;
    for (unsigned depth = 0; depth + 1 < length; ++depth) {
      const bool right = bit(entry.prefix, depth, in_v6);
      int64_t next = side(node, right);
      if (next < 0) {  // what was there goes down both sides
        nodes_.push_back({next, next});
        next = static_cast<int64_t>(nodes_.size()) - 1;
        side(node, right) = next;
      }
      node = static_cast<size_t>(next);
    }
    if (length == 0) {
      nodes_[0] = {entry.record, entry.record};
    } else {
      side(node, bit(entry.prefix, length - 1, in_v6)) = entry.record;
    }
  }

  void alias_ipv4() {
    int64_t v4 = 0;
    for (unsigned depth = 0; depth < 96 && v4 >= 0; ++depth)
      v4 = side(static_cast<size_t>(v4), false);
    for (const std::string_view prefix : {"2002::/16", "::ffff:0:0/96"})
      insert({*parse_ip_prefix(prefix), v4});
  }

  void put_node(std::string& out, const Node& node) const {
    const auto value = [&](int64_t record) {
      const uint64_t count = nodes_.size();
      if (record >= 0) return static_cast<uint64_t>(record);
      return record == empty ? count : count + 16 + static_cast<uint64_t>(-2 - record);
    };
    const uint64_t left = value(node.left);
    const uint64_t right = value(node.right);
    const auto put = [&](uint64_t v, unsigned bits) {
      for (unsigned i = bits; i > 0; i -= 8) out += static_cast<char>(v >> (i - 8) & 0xff);
    };
    if (record_size_ != 28) {
      put(left, record_size_);
      put(right, record_size_);
    } else {
      put(left & 0xffffff, 24);
      out += static_cast<char>((left >> 24 & 15) << 4 | (right >> 24 & 15));
      put(right & 0xffffff, 24);
    }
  }

  std::string metadata() const {
    return map({{"binary_format_major_version", number(5, 2, 2)},
                {"binary_format_minor_version", number(5, 0, 2)},
                {"build_epoch", number(9, 1'700'000'000, 8)},
                {"database_type", text("Test-City")},
                {"description", map({{"en", text("made by a test")}})},
                {"ip_version", number(5, ip_version_, 2)},
                {"languages", list({text("en")})},
                {"node_count", number(6, nodes_.size(), 4)},
                {"record_size", number(5, record_size_, 2)}});
  }

  unsigned ip_version_;
  unsigned record_size_;
  std::vector<Entry> entries_;
  std::string data_;
  std::vector<Node> nodes_;
};

}  // namespace swingover::tests
