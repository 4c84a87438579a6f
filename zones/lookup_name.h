#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "zones/protocol.h"

namespace swingover::zones {

/// The secret that keys every name hash of this process, so that nobody who sends names can aim at one
/// chain of a table. Drawn once from the kernel.
struct HashKey {
  uint64_t start = 0;
  uint64_t multiplier = 1;  // odd

  static HashKey of_process();
};

/// A name made ready for lookups: lower case, with where each label starts, the hash of each suffix (that
/// is, of the name itself and all its ancestors, in one pass from the right), and where each label stands
/// in the message that is being written.
///
/// Shape  About 1.6 KiB, deliberately not initialised: one lives on the stack of a query.
/// Cost   assign() and assign_from_message(): one pass over the octets; no allocation.
class LookupName {
 public:
  static constexpr unsigned labels_max = 127;

  LookupName() {}  // NOLINT: members stay unset until assign()

  /// `wire` is one well-formed uncompressed name that stands in the message's question.
  void assign(Bytes wire, const HashKey& key);
  /// The name at `at` of a message that we wrote ourselves, pointers and all.
  void assign_from_message(const uint8_t* message, size_t at, const HashKey& key);

  const uint8_t* wire() const { return wire_.data(); }  // folded
  unsigned size() const { return size_; }
  unsigned labels() const { return labels_; }

  /// Of the ancestor with so many labels (all of them: the name itself).
  uint64_t hash(unsigned labels) const { return hashes_[labels]; }
  /// Where the ancestor with so many labels starts in wire().
  unsigned start(unsigned labels) const { return starts_[labels_ - labels]; }

  /// Where in the message the label stands that starts at `offset` of wire().
  unsigned place_at(unsigned offset) const {
    return in_question_ ? static_cast<unsigned>(header_size) + offset : place_in_answer(offset);
  }
  bool in_question() const { return in_question_; }

 private:
  void fold_and_hash(const HashKey& key);
  unsigned place_in_answer(unsigned offset) const;

  static constexpr size_t padded = 272;  // whole words may be read and written past the last octet

  uint8_t size_;
  uint8_t labels_;
  bool in_question_;
  alignas(16) std::array<uint8_t, padded> wire_;
  std::array<uint8_t, labels_max + 1> starts_;  // by label from the left; the root's last
  std::array<uint16_t, labels_max + 1> places_;
  std::array<uint64_t, labels_max + 1> hashes_;  // by labels of the ancestor
};

}  // namespace swingover::zones
