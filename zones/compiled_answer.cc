#include "zones/compiled_answer.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "zones/protocol.h"

namespace swingover::zones {
namespace {

constexpr size_t message_max = 65'535;

// An RRset may stand behind a chain of CNAMEs and DNAMEs, at most some 8,900 octets of them (chain_max in
// resolve.cc), and its inner pointers must still reach. So none points farther into the block than this.
constexpr size_t inner_pointer_max = 7'000;

/// Where in RDATA the name stands whose addresses a client will want next; nothing for most types.
constexpr unsigned no_name = UINT32_MAX;
unsigned helped_name(uint16_t rrtype) {
  switch (rrtype) {
    case type::ns:
      return 0;
    case type::mx:
    case type::svcb:  // RFC 9460 section 4.1
    case type::https:
      return 2;
    case type::srv:
      return 6;
    default:
      return no_name;
  }
}

/// Octets of the uncompressed name that `wire` starts with; 0 if it starts with none.
size_t name_size(Bytes wire) {
  size_t at = 0;
  while (at < wire.size() && wire[at] != 0) {
    if (wire[at] > 63) return 0;
    at += 1U + wire[at];
  }
  return at < wire.size() && at < Name::size_max ? at + 1 : 0;
}

std::string folded(Bytes wire) {
  std::string text(reinterpret_cast<const char*>(wire.data()), wire.size());
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return text;
}

/// Suffixes already in the message, by their octets, with the pointer that names each.
class Compressor {
 public:
  Compressor(const Name& owner, CompiledRrset& out)
      : out_(out), base_(compiled_base(owner.wire().size())) {
    const std::string wire = folded(owner.wire());
    // What a wildcard is expanded to stands in the question, not the wildcard: only its parents are shared.
    size_t at = owner.is_wildcard() ? 2 : 0;
    for (; wire[at] != 0; at += 1U + static_cast<uint8_t>(wire[at]))
      known_.emplace(wire.substr(at), header_size + at);
  }

  void put(Bytes name) {
    const std::string wire = folded(name);
    size_t at = 0;
    for (; wire[at] != 0; at += 1U + static_cast<uint8_t>(wire[at])) {
      if (const auto found = known_.find(std::string_view(wire).substr(at));
          found != known_.end()) {
        put_pointer(found->second);
        return;
      }
      const size_t here = out_.block.size();
      if (here <= inner_pointer_max && base_ + here <= pointer_max)
        known_.emplace(wire.substr(at), base_ + here);
      const Bytes label = name.subspan(at, 1U + name[at]);
      out_.block.insert(out_.block.end(), label.begin(), label.end());
    }
    out_.block.push_back(0);
  }

 private:
  void put_pointer(size_t target) {
    out_.fixups.push_back(static_cast<uint16_t>(out_.block.size()));
    out_.block.push_back(static_cast<uint8_t>(0xc0 | target >> 8));
    out_.block.push_back(static_cast<uint8_t>(target));
  }

  CompiledRrset& out_;
  size_t base_;
  std::map<std::string, size_t, std::less<>> known_;
};

bool put_rdata(CompressedLayout layout, Bytes rdata, Compressor& compressor,
               std::vector<uint8_t>& block) {
  const auto put = [&block](Bytes bytes) { block.insert(block.end(), bytes.begin(), bytes.end()); };
  const size_t before = std::min<size_t>(layout.before, rdata.size());
  put(rdata.first(before));
  rdata = rdata.subspan(before);
  for (unsigned i = 0; i < layout.names; ++i) {
    const size_t size = name_size(rdata);
    if (size == 0) return false;
    compressor.put(rdata.first(size));
    rdata = rdata.subspan(size);
  }
  put(rdata);
  return true;
}

}  // namespace

CompressedLayout compressed_layout(uint16_t rrtype) {
  switch (rrtype) {
    case type::ns:
    case type::md:
    case type::mf:
    case type::cname:
    case type::mb:
    case type::mg:
    case type::mr:
    case type::ptr:
      return {0, 1};
    case type::soa:
    case type::minfo:
      return {0, 2};
    case type::mx:
      return {2, 1};
    default:
      return {};
  }
}

void CompiledRrset::clear() {
  records = 0;
  block.clear();
  fixups.clear();
  names.clear();
}

bool compile_rrset(const Name& owner, const Rrset& rrset, CompiledRrset& out) {
  out.clear();
  const CompressedLayout layout = compressed_layout(rrset.type);
  const unsigned helped = helped_name(rrset.type);
  const auto put_plain = [&out](Bytes rdata) {
    out.block.insert(out.block.end(), rdata.begin(), rdata.end());
  };
  std::optional<Compressor> compressor;
  if (layout.names > 0) compressor.emplace(owner, out);
  for (const Bytes rdata : rrset.rdatas) {
    const size_t start = out.block.size();
    out.block.resize(start + 12);
    uint8_t* fixed = &out.block[start];
    write_u16(fixed, 0xc000 | header_size);
    write_u16(fixed + 2, rrset.type);
    write_u16(fixed + 4, dns_class::in);
    write_u32(fixed + 6, rrset.ttl.value);
    if (compressor) {
      if (!put_rdata(layout, rdata, *compressor, out.block)) return false;
    } else {
      if (rrset.type == type::dname && name_size(rdata) == 0) return false;
      put_plain(rdata);
    }
    if (out.block.size() + compiled_base(owner.wire().size()) > message_max) return false;
    write_u16(&out.block[start + 10], static_cast<unsigned>(out.block.size() - start - 12));
    if (helped < rdata.size()) {
      out.names.push_back({.at = static_cast<uint16_t>(start + 12 + helped),
                           .record = out.records,
                           .in_rdata = static_cast<uint16_t>(helped),
                           .size = static_cast<uint16_t>(name_size(rdata.subspan(helped)))});
    }
    ++out.records;
  }
  return true;
}

}  // namespace swingover::zones
