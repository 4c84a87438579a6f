#include "zones/name.h"

#include <algorithm>
#include <cstring>

namespace swingover::zones {
namespace {

constexpr size_t label_max = 63;

// Length octets are at most 63, below 'A', so a whole wire name can be folded octet by octet.
bool same_folded(const uint8_t* a, const uint8_t* b, size_t size) {
  if (std::memcmp(a, b, size) == 0) return true;
  for (size_t i = 0; i < size; ++i) {
    if (folded_octet(a[i]) != folded_octet(b[i])) return false;
  }
  return true;
}

// Where each label starts, from the left; returns how many there are without the root.
size_t label_starts(Bytes wire, std::array<uint8_t, 128>& starts) {
  size_t labels = 0;
  for (size_t at = 0; wire[at] != 0; at += 1U + wire[at]) {
    starts[labels++] = static_cast<uint8_t>(at);
  }
  return labels;
}

std::strong_ordering compare_labels(const uint8_t* a, const uint8_t* b) {
  const size_t common = std::min(a[0], b[0]);
  for (size_t i = 1; i <= common; ++i) {
    const auto order = folded_octet(a[i]) <=> folded_octet(b[i]);
    if (order != 0) return order;
  }
  return a[0] <=> b[0];
}

bool needs_escape(uint8_t octet) {
  return octet != 0 && std::strchr(".\\\"();@$", octet) != nullptr;
}

// Label after label of a presentation form, in wire form.
class WireLabels {
 public:
  const char* put(uint8_t octet) {
    if (label_size_ == label_max) return "a label has more than 63 octets";
    // One octet is kept for the root.
    if (size_ + 1 == Name::size_max) return too_long;
    if (label_size_ == 0) {
      if (size_ + 2 == Name::size_max) return too_long;
      label_at_ = size_++;
    }
    wire_[size_++] = octet;
    wire_[label_at_] = static_cast<uint8_t>(++label_size_);
    return nullptr;
  }
  const char* end_label() {
    if (label_size_ == 0) return "an empty label: two dots in a row, or a dot in front";
    label_size_ = 0;
    return nullptr;
  }
  Bytes finished() {
    wire_[size_] = 0;
    return {wire_.data(), size_ + 1};
  }

  static constexpr const char* too_long = "the name has more than 255 octets";

 private:
  std::array<uint8_t, Name::size_max> wire_{};
  size_t size_ = 0;
  size_t label_at_ = 0;
  size_t label_size_ = 0;
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The octet behind a backslash at text[at - 1]; moves `at` behind it.
const char* read_escape(std::string_view text, size_t& at, uint8_t& octet) {
  if (at == text.size()) return "a backslash at the end stands for nothing";
  if (!is_digit(text[at])) {
    octet = static_cast<uint8_t>(text[at++]);
    return nullptr;
  }
  unsigned value = 0;
  for (size_t i = 0; i < 3; ++i, ++at) {
    if (at == text.size() || !is_digit(text[at])) {
      return "a backslash before a digit needs three digits, as in \\032";
    }
    value = value * 10 + static_cast<unsigned>(text[at] - '0');
  }
  if (value > 255) return "\\DDD is one octet: at most \\255";
  octet = static_cast<uint8_t>(value);
  return nullptr;
}

Error invalid(std::string message) {
  return {ErrorCode::invalid, std::move(message)};
}

}  // namespace

bool Name::is_at_or_below(const Name& ancestor) const {
  if (labels_ < ancestor.labels_ || size_ < ancestor.size_) return false;
  const uint8_t* at = wire_.data();
  for (unsigned skip = labels_ - ancestor.labels_; skip > 0; --skip) at += 1U + *at;
  const auto left = static_cast<size_t>(wire_.data() + size_ - at);
  return left == ancestor.size_ && same_folded(at, ancestor.wire_.data(), left);
}

Name Name::parent() const {
  if (is_root()) return *this;
  Name parent;
  const size_t skip = 1U + wire_[0];
  parent.size_ = static_cast<uint8_t>(size_ - skip);
  parent.labels_ = static_cast<uint8_t>(labels_ - 1);
  std::memcpy(parent.wire_.data(), wire_.data() + skip, parent.size_);
  return parent;
}

Name Name::folded() const {
  Name copy = *this;
  for (size_t i = 0; i < size_; ++i) copy.wire_[i] = folded_octet(wire_[i]);
  return copy;
}

std::string Name::text() const {
  if (is_root()) return ".";
  std::string text;
  text.reserve(size_);
  for (size_t at = 0; wire_[at] != 0; at += 1U + wire_[at]) {
    for (size_t i = 1; i <= wire_[at]; ++i) {
      const uint8_t octet = wire_[at + i];
      if (octet <= ' ' || octet > '~') {
        text += '\\';
        text += static_cast<char>('0' + octet / 100);
        text += static_cast<char>('0' + octet / 10 % 10);
        text += static_cast<char>('0' + octet % 10);
        continue;
      }
      if (needs_escape(octet)) text += '\\';
      text += static_cast<char>(octet);
    }
    text += '.';
  }
  return text;
}

bool operator==(const Name& a, const Name& b) {
  return a.size_ == b.size_ && same_folded(a.wire_.data(), b.wire_.data(), a.size_);
}

std::strong_ordering operator<=>(const Name& a, const Name& b) {
  std::array<uint8_t, 128> a_starts;
  std::array<uint8_t, 128> b_starts;
  size_t a_left = label_starts(a.wire(), a_starts);
  size_t b_left = label_starts(b.wire(), b_starts);
  while (a_left > 0 && b_left > 0) {
    const auto order =
        compare_labels(a.wire_.data() + a_starts[--a_left], b.wire_.data() + b_starts[--b_left]);
    if (order != 0) return order;
  }
  return a_left <=> b_left;
}

Result<Name> Name::from_wire(Bytes wire) {
  Name name;
  size_t at = 0;
  size_t labels = 0;
  while (true) {
    if (at >= wire.size()) return invalid("the name ends before its root label");
    if (at >= size_max) return invalid(WireLabels::too_long);
    if (wire[at] == 0) break;
    if (wire[at] > label_max) return invalid("a label has more than 63 octets, or is a pointer");
    at += 1U + wire[at];
    ++labels;
  }
  if (at + 1 != wire.size()) return invalid("octets follow the name");
  std::memcpy(name.wire_.data(), wire.data(), wire.size());
  name.size_ = static_cast<uint8_t>(wire.size());
  name.labels_ = static_cast<uint8_t>(labels);
  return name;
}

Result<Name> Name::child(std::string_view label, const Name& parent) {
  if (label.empty()) return invalid("a label needs at least one octet");
  if (label.size() > label_max) return invalid("a label has more than 63 octets");
  if (1 + label.size() + parent.size_ > size_max) return invalid(WireLabels::too_long);
  Name name;
  name.size_ = static_cast<uint8_t>(1 + label.size() + parent.size_);
  name.labels_ = static_cast<uint8_t>(parent.labels_ + 1);
  name.wire_[0] = static_cast<uint8_t>(label.size());
  std::memcpy(&name.wire_[1], label.data(), label.size());
  std::memcpy(&name.wire_[1 + label.size()], parent.wire_.data(), parent.size_);
  return name;
}

Result<Name> parse_name(std::string_view text) {
  if (text.empty()) return invalid("an empty name; the root is written as a dot");
  if (text == ".") return Name();
  WireLabels labels;
  for (size_t at = 0; at < text.size();) {
    const char c = text[at++];
    const char* problem = nullptr;
    if (c == '.') {
      problem = labels.end_label();
    } else if (c == '\\') {
      uint8_t octet = 0;
      problem = read_escape(text, at, octet);
      if (!problem) problem = labels.put(octet);
    } else if (c <= ' ' || c > '~') {
      problem =
          "only printable ASCII stands for itself; write other octets as \\DDD, "
          "international names in their xn-- form";
    } else {
      problem = labels.put(static_cast<uint8_t>(c));
    }
    if (problem) return invalid(problem);
  }
  return Name::from_wire(labels.finished());
}

}  // namespace swingover::zones

// FNV-1a over the folded octets, then mixed so that the low bits are good. Not keyed: names that
// strangers choose are hashed elsewhere (ZoneTree).
size_t std::hash<swingover::zones::Name>::operator()(const swingover::zones::Name& name) const {
  uint64_t mixed = 0xcbf29ce484222325U;
  for (const uint8_t octet : name.wire()) {
    mixed = (mixed ^ swingover::zones::folded_octet(octet)) * 0x100000001b3U;
  }
  return mixed ^ mixed >> 32;
}
