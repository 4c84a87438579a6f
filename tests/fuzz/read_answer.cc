#include "tests/fuzz/read_answer.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace swingover::tests {
namespace {

constexpr uint16_t type_opt = 41;
constexpr uint16_t type_tsig = 250;

unsigned u16(Bytes message, size_t at) {
  require(at + 2 <= message.size(), "a number is whole");
  return static_cast<unsigned>(message[at] << 8 | message[at + 1]);
}

/// Reads the name at `at`, and sets `at` behind it.
void read_name(Bytes message, size_t& at, WireName& name) {
  name.size = 0;
  size_t from = at;
  size_t front = at;  // a pointer leads before the part that it ends
  bool jumped = false;
  for (;;) {
    require(from < message.size(), "a name ends inside the message");
    const uint8_t length = message[from];
    if (length >= 0xc0) {
      const size_t target = u16(message, from) & 0x3fffU;
      require(target < front, "a pointer leads backwards");
      require(target >= 12, "a pointer leads behind the header");
      if (!jumped) at = from + 2;
      jumped = true;
      from = front = target;
      continue;
    }
    require(length <= 63, "a label has at most 63 octets");
    require(name.size + 1U + length <= name.octets.size(), "a name has at most 255 octets");
    require(from + length < message.size(), "a label is whole");
    for (unsigned i = 0; i <= length; ++i) {
      const uint8_t octet = message[from + i];
      name.octets[name.size++] = octet >= 'A' && octet <= 'Z' ? octet + 32 : octet;
    }
    from += 1U + length;
    if (length == 0) break;
  }
  if (!jumped) at = from;
}

struct Hash {
  uint64_t value = 0x9e3779b97f4a7c15U;
  void add(const uint8_t* octets, size_t size) {
    for (; size >= 8; size -= 8, octets += 8) {
      uint64_t word = 0;
      std::memcpy(&word, octets, 8);
      mix(word);
    }
    uint64_t rest = size + 1;
    for (size_t i = 0; i < size; ++i) rest = rest << 8 | octets[i];
    mix(rest);
  }
  void mix(uint64_t word) {
    value = (value ^ word) * 0xd6e8feb86659fd93U;
    value ^= value >> 32;
  }
};

/// Octets in front of the names of RDATA that may be compressed, and how many names (RFC 3597 section 4).
struct Layout {
  unsigned before = 0;
  unsigned names = 0;
};
Layout layout_of(uint16_t type) {
  switch (type) {
    case 2:   // NS
    case 5:   // CNAME
    case 12:  // PTR
    case 39:  // DNAME
      return {0, 1};
    case 6:  // SOA
      return {0, 2};
    case 15:  // MX
      return {2, 1};
    default:
      return {};
  }
}

uint64_t hash_data(Bytes message, size_t at, size_t end, ReadRecord& record) {
  Hash hash{record.set_hash};
  const Layout layout = layout_of(record.type);
  require(at + layout.before <= end, "data is as long as its type needs");
  hash.add(message.data() + at, layout.before);
  at += layout.before;
  for (unsigned i = 0; i < layout.names; ++i) {
    read_name(message, at, record.target);
    require(at <= end, "a name of the data ends inside it");
    hash.add(record.target.octets.data(), record.target.size);
  }
  hash.add(message.data() + at, end - at);
  return hash.value;
}

}  // namespace

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

bool WireName::operator==(const WireName& other) const {
  return size == other.size && std::memcmp(octets.data(), other.octets.data(), size) == 0;
}

bool WireName::is_at_or_below(const WireName& other) const {
  unsigned at = 0;
  while (size - at > other.size) at += 1U + octets[at];
  return size - at == other.size &&
         std::memcmp(octets.data() + at, other.octets.data(), other.size) == 0;
}

void ReadAnswer::read(Bytes message) {
  records.clear();
  opts = tsigs = 0;
  edns_version = 0;
  extended_rcode = 0;
  require(message.size() >= 12, "an answer has a header");
  flags = static_cast<uint16_t>(u16(message, 2));
  size_t at = 12;
  const unsigned questions = u16(message, 4);
  require(questions <= 1, "there is one question at most");
  has_question = questions == 1;
  if (has_question) {
    const size_t begin = at;
    read_name(message, at, question);
    require(at - begin == question.size, "the question is not compressed");
    qtype = static_cast<uint16_t>(u16(message, at));
    qclass = static_cast<uint16_t>(u16(message, at + 2));
    at += 4;
  }
  for (unsigned section = 0; section < 3; ++section) {
    for (unsigned left = u16(message, 6 + 2 * section); left > 0; --left) {
      require(tsigs == 0, "TSIG is the last record");
      ReadRecord& record = records.emplace_back();
      record.section = section;
      read_name(message, at, record.owner);
      record.type = static_cast<uint16_t>(u16(message, at));
      record.record_class = static_cast<uint16_t>(u16(message, at + 2));
      record.ttl = static_cast<uint32_t>(u16(message, at + 4) << 16 | u16(message, at + 6));
      const size_t end = at + 10 + u16(message, at + 8);
      require(end <= message.size(), "a record is whole");
      at += 10;
      if (record.type == type_opt || record.type == type_tsig) {
        require(section == 2, "OPT and TSIG stand in the additional section");
        if (record.type == type_opt) {
          require(record.owner.size == 1, "OPT stands at the root");
          edns_version = static_cast<uint8_t>(record.ttl >> 16);
          extended_rcode = static_cast<uint16_t>(record.ttl >> 24 << 4);
        }
        ++(record.type == type_opt ? opts : tsigs);
        records.pop_back();
      } else {
        Hash hash;
        hash.add(record.owner.octets.data(), record.owner.size);
        hash.mix(static_cast<uint64_t>(record.type) << 16 | record.record_class);
        record.set_hash = hash.value;
        record.data_hash = hash_data(message, at, end, record);
      }
      at = end;
    }
  }
  require(at == message.size(), "the message ends with its last record");
}

}  // namespace swingover::tests
