#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace swingover::zones {

/// ASCII capitals in lower case, every other octet as it is (RFC 4343).
constexpr uint8_t folded_octet(uint8_t octet) {
  return octet >= 'A' && octet <= 'Z' ? static_cast<uint8_t>(octet | 0x20) : octet;
}

/// A DNS name in uncompressed wire form (RFC 1035 section 3.1): at most 255 octets, labels of at
/// most 63, any octet in a label. A value of fixed size; keeps the case it was given.
///
/// Compares and hashes blind to the case of ASCII letters (RFC 4343), orders canonically (RFC 4034
/// section 6.1): parents before children, labels from the right.
class Name {
 public:
  static constexpr size_t size_max = 255;

  Name() = default;  // the root

  Bytes wire() const { return {wire_.data(), size_}; }
  size_t labels() const { return labels_; }  // without the root
  bool is_root() const { return size_ == 1; }
  bool is_wildcard() const { return size_ > 2 && wire_[0] == 1 && wire_[1] == '*'; }
  bool is_at_or_below(const Name& ancestor) const;
  /// Without its first label; the root's parent is the root.
  Name parent() const;
  /// The name with ASCII letters in lower case.
  Name folded() const;
  /// Presentation form with the final dot; octets outside printable ASCII as \DDD, special ones escaped.
  std::string text() const;

  friend bool operator==(const Name& a, const Name& b);
  friend std::strong_ordering operator<=>(const Name& a, const Name& b);

  /// From wire octets that form exactly one uncompressed name.
  static Result<Name> from_wire(Bytes wire);
  /// `label` in front of `parent`; invalid when that is too long or empty.
  static Result<Name> child(std::string_view label, const Name& parent);

 private:
  uint8_t size_ = 1;
  uint8_t labels_ = 0;
  std::array<uint8_t, size_max> wire_{};
};

/// Presentation form (RFC 1035 section 5.1, with \DDD and \X); a missing final dot is forgiven: every
/// name in a config file is absolute. The error says which rule the text breaks.
Result<Name> parse_name(std::string_view text);

}  // namespace swingover::zones

template <>
struct std::hash<swingover::zones::Name> {
  size_t operator()(const swingover::zones::Name& name) const;
};
