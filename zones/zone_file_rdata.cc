#include "zones/zone_file_rdata.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "base/text.h"
#include "zones/dnssec/denial.h"
#include "zones/protocol.h"
#include "zones/zone_file_field.h"

namespace swingover::zones {
namespace {

constexpr size_t rdata_max = 65535;

uint8_t hex_value(char c) {
  return static_cast<uint8_t>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
}

struct FreeRdf {
  void operator()(ldns_rdf* rdf) const { ldns_rdf_deep_free(rdf); }
};
struct FreeRecord {
  void operator()(ldns_rr* record) const { ldns_rr_free(record); }
};
using Rdf = std::unique_ptr<ldns_rdf, FreeRdf>;
using Record = std::unique_ptr<ldns_rr, FreeRecord>;

Bytes octets_of(const ldns_rdf* rdf) {
  return {ldns_rdf_data(rdf), ldns_rdf_size(rdf)};
}

class RdataEncoder {
 public:
  RdataEncoder(uint16_t type, std::span<const MasterToken> words, Position end, const Name& origin,
               Diagnostics& diagnostics, std::vector<uint8_t>& out)
      : type_(type),
        words_(words),
        end_(end),
        origin_(origin),
        diagnostics_(diagnostics),
        out_(out),
        start_(out.size()) {}

  bool encode() {
    const bool generic = !words_.empty() && !words_[0].quoted && words_[0].text == "\\#";
    if (!(generic ? encode_generic() : encode_fields())) {
      out_.resize(start_);
      return false;
    }
    return true;
  }

 private:
  bool encode_generic();
  bool is_data_of_type(Bytes rdata) const;
  bool encode_fields();
  bool encode_field(ldns_rdf_type field, bool last);
  bool put_name(const MasterToken& word);
  bool put_number(const MasterToken& word, size_t octets);
  bool put_period(const MasterToken& word);
  bool put_bitmap();
  bool put_type(const MasterToken& word);
  bool put_by_ldns(ldns_rdf_type field, const MasterToken& first, bool last);
  bool check_joined(ldns_rdf_type field, const MasterToken& first,
                    std::span<const MasterToken> words);
  bool check_written(ldns_rdf_type field, const MasterToken& first, size_t from);
  bool numbers(std::span<const MasterToken> words, std::initializer_list<uint64_t> most);

  bool error(Position at, std::string message) {
    diagnostics_.error(at, std::move(message));
    return false;
  }
  void put(Bytes octets) { out_.insert(out_.end(), octets.begin(), octets.end()); }
  void put_number(uint64_t value, size_t octets) {
    while (octets-- > 0) out_.push_back(static_cast<uint8_t>(value >> 8 * octets));
  }

  const uint16_t type_;
  const std::span<const MasterToken> words_;
  const Position end_;
  const Name& origin_;
  Diagnostics& diagnostics_;
  std::vector<uint8_t>& out_;
  const size_t start_;
  size_t next_ = 0;      // the first word not yet read
  std::string scratch_;  // ldns wants it to end in NUL
};

// RFC 3597 section 5. Data of a type that ldns knows must have that type's form, names uncompressed.
bool RdataEncoder::encode_generic() {
  const auto size = words_.size() > 1 ? number_up_to(words_[1].text, rdata_max) : std::nullopt;
  if (!size) {
    return error(words_.size() > 1 ? words_[1].at : end_,
                 "\\# needs a length of 0 to 65535 octets behind it");
  }
  size_t digits = 0;
  for (const MasterToken& word : words_.subspan(2)) {
    for (const char c : word.text) {
      if (word.quoted || !is_hex_digit(c)) return error(word.at, field_help(LDNS_RDF_TYPE_HEX));
      if (digits++ % 2 == 0) {
        out_.push_back(static_cast<uint8_t>(hex_value(c) << 4));
      } else {
        out_.back() = static_cast<uint8_t>(out_.back() | hex_value(c));
      }
    }
  }
  if (digits != 2 * *size) {
    return error(words_[1].at, "the length says " + std::to_string(*size) + " octets, but " +
                                   std::to_string(digits) + " hexadecimal digits follow");
  }
  if (is_data_of_type({out_.data() + start_, *size})) return true;
  return error(words_[0].at,
               "these octets are not the data of a record of type " + type_text(type_));
}

bool RdataEncoder::is_data_of_type(Bytes rdata) const {
  const ldns_rr_descriptor* form = ldns_rr_descript(type_);
  if (!form->_name || type_ == LDNS_RR_TYPE_NULL) return true;
  std::vector<uint8_t> wire{static_cast<uint8_t>(rdata.size() >> 8),
                            static_cast<uint8_t>(rdata.size())};
  wire.insert(wire.end(), rdata.begin(), rdata.end());
  const Record record(ldns_rr_new());
  ldns_rr_set_type(record.get(), static_cast<ldns_rr_type>(type_));
  size_t at = 0;
  if (ldns_wire2rdf(record.get(), wire.data(), wire.size(), &at) != LDNS_STATUS_OK) return false;
  if (ldns_rr_rd_count(record.get()) < ldns_rr_descriptor_minimum(form)) return false;
  // What comes back must be what went in: a compressed name, or octets left over, would differ.
  std::vector<uint8_t> again;
  for (size_t i = 0; i < ldns_rr_rd_count(record.get()); ++i) {
    const Bytes field = octets_of(ldns_rr_rdf(record.get(), i));
    if (ldns_rr_descriptor_field_type(form, i) == LDNS_RDF_TYPE_DNAME && !Name::from_wire(field))
      return false;
    again.insert(again.end(), field.begin(), field.end());
  }
  return std::ranges::equal(again, rdata);
}

bool RdataEncoder::encode_fields() {
  const ldns_rr_descriptor* form = ldns_rr_descript(type_);
  if (!form->_name || type_ == LDNS_RR_TYPE_NULL) {
    return error(
        words_.empty() ? end_ : words_[0].at,
        "the data of " + type_text(type_) + " has no text form: write \\# LENGTH HEX (RFC 3597)");
  }
  const size_t least = ldns_rr_descriptor_minimum(form);
  const size_t most = ldns_rr_descriptor_maximum(form);
  size_t fields = 0;
  for (; fields < most && next_ < words_.size(); ++fields) {
    if (!encode_field(ldns_rr_descriptor_field_type(form, fields), fields + 1 == most))
      return false;
  }
  if (next_ < words_.size()) {
    return error(words_[next_].at, "a record of type " + type_text(type_) + " ends before this");
  }
  // Only what is allowed to be empty may be left out: an empty NSEC bitmap, no service parameters.
  const bool may_end_early =
      fields + 1 == least &&
      (ldns_rr_descriptor_field_type(form, fields) == LDNS_RDF_TYPE_NSEC ||
       ldns_rr_descriptor_field_type(form, fields) == LDNS_RDF_TYPE_SVCPARAMS);
  if (fields < least && !may_end_early) {
    return error(end_, "a record of type " + type_text(type_) + " needs " + std::to_string(least) +
                           (least == 1 ? " field" : " fields") + ", here are " +
                           std::to_string(fields));
  }
  if (out_.size() - start_ > rdata_max)
    return error(words_[0].at, "the data has more than 65535 octets");
  return true;
}

bool RdataEncoder::encode_field(ldns_rdf_type field, bool last) {
  const MasterToken& word = words_[next_];
  const bool is_text = field == LDNS_RDF_TYPE_STR || field == LDNS_RDF_TYPE_LONG_STR;
  if (word.quoted && !is_text && field != LDNS_RDF_TYPE_TAG) {
    return error(word.at, "only strings are quoted, and this field is none");
  }
  if (field == LDNS_RDF_TYPE_NSEC) return put_bitmap();
  ++next_;
  switch (field) {
    case LDNS_RDF_TYPE_DNAME:
      return put_name(word);
    case LDNS_RDF_TYPE_INT8:
      return put_number(word, 1);
    case LDNS_RDF_TYPE_INT16:
      return put_number(word, 2);
    case LDNS_RDF_TYPE_INT32:
      return put_number(word, 4);
    case LDNS_RDF_TYPE_PERIOD:
      return put_period(word);
    case LDNS_RDF_TYPE_TYPE:
      return put_type(word);
    default:
      return put_by_ldns(field, word, last);
  }
}

bool RdataEncoder::put_name(const MasterToken& word) {
  const auto name = parse_relative_name(word.text, origin_);
  if (!name) return error(word.at, name.error().message);
  put(name->wire());
  return true;
}

bool RdataEncoder::put_number(const MasterToken& word, size_t octets) {
  const uint64_t most = (uint64_t{1} << 8 * octets) - 1;
  const auto value = number_up_to(word.text, most);
  if (!value) return error(word.at, "not a number from 0 to " + std::to_string(most));
  put_number(*value, octets);
  return true;
}

bool RdataEncoder::put_period(const MasterToken& word) {
  const auto seconds = parse_ttl(word.text);
  if (!seconds) return error(word.at, seconds.error().message);
  put_number(*seconds, 4);
  return true;
}

bool RdataEncoder::put_type(const MasterToken& word) {
  const uint16_t type = parse_type(word.text);
  if (type == 0) return error(word.at, "no record type of this name; others are written TYPE123");
  put_number(type, 2);
  return true;
}

bool RdataEncoder::put_bitmap() {
  std::vector<uint16_t> types;
  for (; next_ < words_.size(); ++next_) {
    const uint16_t type = words_[next_].quoted ? uint16_t{0} : parse_type(words_[next_].text);
    if (type == 0)
      return error(words_[next_].at, "no record type of this name; others are written TYPE123");
    types.push_back(type);
  }
  std::ranges::sort(types);
  std::array<uint8_t, dnssec::type_bitmap_size_max> room;
  ByteWriter bitmap(room);
  dnssec::write_type_bitmap(types, bitmap);
  put(bitmap.written());
  return true;
}

bool RdataEncoder::put_by_ldns(ldns_rdf_type field, const MasterToken& first, bool last) {
  const size_t from = out_.size();
  scratch_.assign(first.text);
  // A HIP record's first field is three words, servers follow; others take all words to the end.
  const size_t words = field == LDNS_RDF_TYPE_HIP      ? std::min<size_t>(2, words_.size() - next_)
                       : last && takes_the_rest(field) ? words_.size() - next_
                                                       : 0;
  const bool joined = field == LDNS_RDF_TYPE_B64 || field == LDNS_RDF_TYPE_HEX;
  const auto rest = words_.subspan(next_, words);
  next_ += words;
  for (const MasterToken& word : rest) {
    if (word.quoted) return error(word.at, "only strings are quoted, and this field is none");
    if (!joined) scratch_ += ' ';
    scratch_ += word.text;
  }
  if (scratch_.size() > 2 * rdata_max || (!joined && scratch_.size() > rdata_max - 64)) {
    return error(first.at, "the data has more than 65535 octets");
  }
  if (!is_safe_field(field, scratch_)) return error(first.at, field_help(field));
  if (!check_joined(field, first, words_.subspan(next_ - words - 1, words + 1))) return false;
  ldns_rdf* made = ldns_rdf_new_frm_str(field, scratch_.c_str());
  const Rdf rdf(made);
  if (!rdf) return error(first.at, field_help(field));
  put(octets_of(rdf.get()));
  return check_written(field, first, from);
}

bool RdataEncoder::numbers(std::span<const MasterToken> words,
                           std::initializer_list<uint64_t> most) {
  size_t i = 0;
  for (const uint64_t limit : most) {
    if (i == words.size())
      return error(end_, "a number from 0 to " + std::to_string(limit) + " is missing");
    if (!number_up_to(words[i].text, limit)) {
      return error(words[i].at, "not a number from 0 to " + std::to_string(limit));
    }
    ++i;
  }
  return true;
}

// Fields of several words: what ldns would misread in them, word by word.
bool RdataEncoder::check_joined(ldns_rdf_type field, const MasterToken& first,
                                std::span<const MasterToken> words) {
  if (field == LDNS_RDF_TYPE_HIP) {
    if (!numbers(words, {255})) return false;
    const bool is_hit = words.size() == 3 && words[1].text.size() % 2 == 0 &&
                        words[1].text.size() <= 510 &&
                        std::ranges::all_of(words[1].text, is_hex_digit);
    return is_hit || error(first.at, field_help(field));
  }
  if (field == LDNS_RDF_TYPE_IPSECKEY || field == LDNS_RDF_TYPE_AMTRELAY) {
    const bool is_key = field == LDNS_RDF_TYPE_IPSECKEY;
    if (!(is_key ? numbers(words, {255, 3, 255}) : numbers(words, {255, 1, 3}))) return false;
    if (words.size() != (is_key ? 5 : 4)) return error(first.at, field_help(field));
    // ldns leaks the gateway when the key behind it is wrong.
    const std::string key(words.back().text);
    if (is_key && !Rdf(ldns_rdf_new_frm_str(LDNS_RDF_TYPE_B64, key.c_str()))) {
      return error(words.back().at, field_help(LDNS_RDF_TYPE_B64));
    }
    if (*parse_number(words[is_key ? 1 : 2].text) != 3) return true;
    const auto gateway = parse_relative_name(words[3].text, origin_);
    if (!gateway) return error(words[3].at, gateway.error().message);
    scratch_.clear();  // the same with an absolute name
    for (size_t i = 0; i < words.size(); ++i) {
      scratch_ += (i > 0 ? " " : "") + (i == 3 ? gateway->text() : std::string(words[i].text));
    }
    return true;
  }
  if (field == LDNS_RDF_TYPE_WKS) {
    for (const MasterToken& word : words.subspan(1)) {
      if (!number_up_to(word.text, 65535))
        return error(word.at, "not a port number from 0 to 65535");
    }
    return true;
  }
  if (field != LDNS_RDF_TYPE_SVCPARAMS) return true;
  for (const MasterToken& word : words) {
    std::string_view value = word.text.substr(std::min(word.text.find('=') + 1, word.text.size()));
    if (value.starts_with('"'))
      value = value.substr(1, value.size() - std::min<size_t>(2, value.size()));
    if (word.text.starts_with("port=") && !number_up_to(value, 65535)) {
      return error(word.at, "not a port number from 0 to 65535");
    }
    if (!word.text.starts_with("ipv6hint=")) continue;
    for (const std::string_view address : split(value, ',')) {
      if (address.size() > 45) return error(word.at, field_help(LDNS_RDF_TYPE_AAAA));
    }
  }
  return true;
}

// What ldns wrote from `from` on, where it may have written what is not so.
bool RdataEncoder::check_written(ldns_rdf_type field, const MasterToken& first, size_t from) {
  ByteReader octets({out_.data() + from, out_.size() - from});
  if (field == LDNS_RDF_TYPE_NSEC3_NEXT_OWNER) {
    out_[from] = static_cast<uint8_t>(out_.size() - from - 1);  // ldns counts padding
  } else if (field == LDNS_RDF_TYPE_SVCPARAMS) {
    for (int last_key = -1; octets.left() > 0;) {
      const int key = octets.u16();
      octets.take(octets.u16());
      if (octets.failed() || key <= last_key) return error(first.at, field_help(field));
      last_key = key;
    }
  } else if (field == LDNS_RDF_TYPE_LOC) {
    octets.u32();
    const int64_t latitude = int64_t{octets.u32()} - (int64_t{1} << 31);
    const int64_t longitude = int64_t{octets.u32()} - (int64_t{1} << 31);
    if (std::abs(latitude) > int64_t{90} * 3'600'000 ||
        std::abs(longitude) > int64_t{180} * 3'600'000) {
      return error(first.at, field_help(field));
    }
  }
  return true;
}

bool is_plain_in_name(char c) {
  return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_' || c == '*' ||
         (c >= 'A' && c <= 'Z');
}

// The types of nearly all records, so that ldns need not compare each with all that it knows.
uint16_t frequent_type(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, uint16_t>, 8> types{
      {{"A", type::a},
       {"AAAA", type::aaaa},
       {"CNAME", type::cname},
       {"NS", type::ns},
       {"MX", type::mx},
       {"PTR", type::ptr},
       {"SRV", type::srv},
       {"SOA", type::soa}}};
  for (const auto& [word, number] : types) {
    if (text == word) return number;
  }
  return 0;
}

// Four numbers from 0 to 255 without leading zeros; false for anything else, nothing appended then.
bool append_ipv4(std::string_view text, std::vector<uint8_t>& out) {
  std::array<uint8_t, 4> octets;
  size_t at = 0;
  for (size_t i = 0; i < octets.size(); ++i) {
    if (i > 0 && (at == text.size() || text[at++] != '.')) return false;
    unsigned value = 0;
    const size_t start = at;
    for (; at < text.size() && is_digit(text[at]) && at - start < 3; ++at)
      value = value * 10 + static_cast<unsigned>(text[at] - '0');
    if (at == start || value > 255 || (at - start > 1 && text[start] == '0')) return false;
    octets[i] = static_cast<uint8_t>(value);
  }
  if (at != text.size()) return false;
  out.insert(out.end(), octets.begin(), octets.end());
  return true;
}

bool append_ipv6(std::string_view text, std::vector<uint8_t>& out) {
  std::array<char, INET6_ADDRSTRLEN> word{};
  std::array<uint8_t, 16> octets;
  if (text.size() >= word.size()) return false;
  std::ranges::copy(text, word.begin());
  if (inet_pton(AF_INET6, word.data(), octets.data()) != 1) return false;
  out.insert(out.end(), octets.begin(), octets.end());
  return true;
}

bool append_plain_name(std::string_view text, const Name& origin, std::vector<uint8_t>& out) {
  std::array<uint8_t, Name::size_max> wire;
  const Bytes name = read_plain_name(text, origin, wire);
  out.insert(out.end(), name.begin(), name.end());
  return !name.empty();
}

// The data of nearly all records, without ldns; false, nothing appended, for what is not of its plain form.
bool encode_frequent(uint16_t type, std::span<const MasterToken> words, const Name& origin,
                     std::vector<uint8_t>& out) {
  if (words.empty() || words[0].quoted) return false;
  const std::string_view first = words[0].text;
  switch (type) {
    case type::a:
      return words.size() == 1 && append_ipv4(first, out);
    case type::aaaa:
      return words.size() == 1 && append_ipv6(first, out);
    case type::ns:
    case type::cname:
    case type::ptr:
      return words.size() == 1 && append_plain_name(first, origin, out);
    case type::mx: {
      const auto preference = read_seconds(first);
      if (words.size() != 2 || words[1].quoted || !preference || *preference > 65535) return false;
      out.push_back(static_cast<uint8_t>(*preference >> 8));
      out.push_back(static_cast<uint8_t>(*preference));
      if (append_plain_name(words[1].text, origin, out)) return true;
      out.resize(out.size() - 2);
      return false;
    }
    default:
      return false;
  }
}

}  // namespace

uint16_t parse_type(std::string_view text) {
  if (const uint16_t type = frequent_type(text)) return type;
  if (text.size() > 4 && (text[0] | 0x20) == 't' && lower(text.substr(0, 4)) == "type") {
    return static_cast<uint16_t>(number_up_to(text.substr(4), 65535).value_or(0));
  }
  std::array<char, 16> word{};
  if (text.size() >= word.size()) return 0;  // no mnemonic is as long
  std::ranges::copy(text, word.begin());
  return static_cast<uint16_t>(ldns_get_rr_type_by_name(word.data()));
}

std::string type_text(uint16_t type) {
  const ldns_rr_descriptor* form = ldns_rr_descript(type);
  return form->_name ? form->_name : "TYPE" + std::to_string(type);
}

Result<Name> parse_relative_name(std::string_view text, const Name& origin) {
  if (text == "@") return origin;
  auto name = parse_name(text);
  if (!name) return name;
  // The last dot ends the name only if no backslash makes it part of a label.
  size_t backslashes = 0;
  while (backslashes + 1 < text.size() && text[text.size() - 2 - backslashes] == '\\')
    ++backslashes;
  if (text.ends_with('.') && backslashes % 2 == 0) return name;
  const size_t front = name->wire().size() - 1;
  std::array<uint8_t, 2 * Name::size_max> wire;
  std::ranges::copy(name->wire().first(front), wire.begin());
  std::ranges::copy(origin.wire(), wire.begin() + static_cast<std::ptrdiff_t>(front));
  auto whole = Name::from_wire({wire.data(), front + origin.wire().size()});
  if (whole) return whole;
  return Error{ErrorCode::invalid,
               "the name has more than 255 octets with its origin " + origin.text()};
}

Bytes read_plain_name(std::string_view text, const Name& origin,
                      std::span<uint8_t, Name::size_max> out) {
  const Bytes behind = origin.wire();
  size_t label_at = 0;
  size_t at = 1;
  if (text.empty() || text.size() + 1 + behind.size() > out.size()) return {};
  for (const char c : text) {
    if (c == '.') {
      if (at == label_at + 1) return {};
      out[label_at] = static_cast<uint8_t>(at - label_at - 1);
      label_at = at++;
    } else if (is_plain_in_name(c)) {
      out[at++] = static_cast<uint8_t>(c);
      if (at - label_at > 64) return {};
    } else {
      return {};
    }
  }
  if (at == label_at + 1) {  // it ended in a dot: absolute
    out[label_at] = 0;
    return out.first(at);
  }
  out[label_at] = static_cast<uint8_t>(at - label_at - 1);
  std::ranges::copy(behind, out.begin() + static_cast<std::ptrdiff_t>(at));
  return out.first(at + behind.size());
}

bool encode_rdata(uint16_t type, std::span<const MasterToken> words, Position end,
                  const Name& origin, Diagnostics& diagnostics, std::vector<uint8_t>& out) {
  if (encode_frequent(type, words, origin, out)) return true;
  return RdataEncoder(type, words, end, origin, diagnostics, out).encode();
}

}  // namespace swingover::zones
