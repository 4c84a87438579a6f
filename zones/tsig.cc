#include "zones/tsig.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <string_view>

#include "zones/protocol.h"

namespace swingover::zones {
namespace {

constexpr size_t record_fixed_size = 10;  // type, class, TTL, RDLENGTH
constexpr size_t rdata_fixed_size = 16;   // time, fudge, MAC size, original id, error, other size
constexpr size_t other_time_size = 6;     // BADTIME tells the server's clock
constexpr size_t mac_size_max = 64;

using Algorithm = std::string_view;
constexpr Algorithm sha256_name("\x0bhmac-sha256\0", 13);
constexpr Algorithm sha512_name("\x0bhmac-sha512\0", 13);

Bytes wire_name(TsigAlgorithm algorithm) {
  const Algorithm name = algorithm == TsigAlgorithm::hmac_sha256 ? sha256_name : sha512_name;
  return {reinterpret_cast<const uint8_t*>(name.data()), name.size()};
}

void write_u48(uint8_t* at, uint64_t value) {
  write_u16(at, static_cast<unsigned>(value >> 32) & 0xffff);
  write_u32(at + 2, static_cast<uint32_t>(value));
}

/// Reads the name at `at` into `out` in lower case; its octets, or 0 if it is none. `at` moves behind it.
/// Pointers lead backwards only, so that it ends.
size_t read_name(Bytes packet, size_t& at, bool may_point, std::span<uint8_t, Name::size_max> out) {
  size_t from = at;
  size_t lowest = at;
  bool has_jumped = false;
  size_t size = 0;
  for (;;) {
    if (from >= packet.size()) return 0;
    const uint8_t length = packet[from];
    if (length >= 0xc0) {
      if (!may_point || packet.size() - from < 2) return 0;
      const size_t target = read_u16(&packet[from]) & pointer_max;
      if (target >= lowest) return 0;
      if (!has_jumped) at = from + 2;
      has_jumped = true;
      from = lowest = target;
      continue;
    }
    if (length > 63 || packet.size() - from < 1U + length || size + 1 + length > out.size())
      return 0;
    out[size++] = length;
    for (size_t i = 1; i <= length; ++i) out[size++] = folded_octet(packet[from + i]);
    from += 1U + length;
    if (length == 0) break;
    if (size == out.size()) return 0;
  }
  if (!has_jumped) at = from;
  return size;
}

struct FreeMac {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
using MacContext = std::unique_ptr<EVP_MAC_CTX, FreeMac>;

}  // namespace

struct TsigKey::Keyed {
  MacContext context;
};

TsigKey::TsigKey(const Name& name, TsigAlgorithm algorithm, Bytes secret)
    : name_(name.folded()), algorithm_(algorithm) {
  EVP_MAC* method = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  auto keyed = std::make_shared<Keyed>(Keyed{MacContext(EVP_MAC_CTX_new(method))});
  EVP_MAC_free(method);
  std::string digest(algorithm == TsigAlgorithm::hmac_sha256 ? "SHA256" : "SHA512");
  const std::array<OSSL_PARAM, 2> parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  // A null key would keep that of before, of which there is none: an empty one is a key too.
  static constexpr uint8_t empty = 0;
  const uint8_t* octets = secret.empty() ? &empty : secret.data();
  // What could fail here is memory, or a library without HMAC: nothing to go on with.
  if (!keyed->context ||
      EVP_MAC_init(keyed->context.get(), octets, secret.size(), parameters.data()) != 1) {
    std::abort();
  }
  keyed_ = std::move(keyed);
}

/// One MAC being made.
class Mac {
 public:
  explicit Mac(const TsigKey& key) : context_(EVP_MAC_CTX_dup(key.keyed_->context.get())) {}

  void add(Bytes octets) {
    if (context_ && !octets.empty() &&
        EVP_MAC_update(context_.get(), octets.data(), octets.size()) != 1) {
      context_.reset();
    }
  }
  void add_u16(unsigned value) {
    std::array<uint8_t, 2> octets{};
    write_u16(octets.data(), value);
    add(octets);
  }
  void add_time(uint64_t seconds, unsigned fudge) {
    std::array<uint8_t, 8> octets{};
    write_u48(octets.data(), seconds);
    write_u16(&octets[6], fudge);
    add(octets);
  }
  /// A MAC that was there before, with its length.
  void add_prior(Bytes mac) {
    add_u16(static_cast<unsigned>(mac.size()));
    add(mac);
  }
  /// Section 4.3.3: everything of the record but its MAC and original id.
  void add_variables(Bytes name, Bytes algorithm, uint64_t time, unsigned fudge, unsigned error,
                     Bytes other) {
    add(name);
    add_u16(dns_class::any);
    add(std::array<uint8_t, 4>{});  // TTL
    add(algorithm);
    add_time(time, fudge);
    add_u16(error);
    add_u16(static_cast<unsigned>(other.size()));
    add(other);
  }
  /// Its octets in `out`; none when the library failed.
  Bytes finish(std::array<uint8_t, mac_size_max>& out) {
    size_t size = 0;
    if (!context_ || EVP_MAC_final(context_.get(), out.data(), &size, out.size()) != 1) return {};
    return {out.data(), size};
  }

 private:
  MacContext context_;
};

struct Tsig::Record {
  uint64_t time = 0;
  uint16_t fudge = 0;
  uint16_t error = 0;
  Bytes mac;
  Bytes other;
};

/// The record at `at`, which runs to the end of the packet; its names go into this object.
bool Tsig::read(Bytes packet, size_t at, Record& record) {
  const size_t name_size = read_name(packet, at, true, name_);
  if (name_size == 0 || packet.size() - at < record_fixed_size) return false;
  if (read_u32(&packet[at + 4]) != 0) return false;  // section 4.2: the TTL must be 0
  at += record_fixed_size;
  const size_t algorithm_size = read_name(packet, at, false, algorithm_);
  if (algorithm_size == 0) return false;
  ByteReader reader(packet.subspan(at));
  record.time = uint64_t{reader.u16()} << 32;
  record.time |= reader.u32();
  record.fudge = reader.u16();
  record.mac = reader.take(reader.u16());
  original_id_ = reader.u16();
  record.error = reader.u16();
  record.other = reader.take(reader.u16());
  if (reader.failed() || reader.left() != 0) return false;
  name_size_ = static_cast<uint8_t>(name_size);
  algorithm_size_ = static_cast<uint8_t>(algorithm_size);
  request_time_ = record.time;
  present_ = true;
  return true;
}

uint16_t Tsig::verify_record(Bytes packet, const Query& query, std::span<const TsigKey> keys,
                             uint64_t now_seconds) {
  Record record;
  if (!read(packet, query.tsig_at, record)) return rcode::format_error;
  const Bytes name(name_.data(), name_size_);
  const auto key = std::ranges::find_if(
      keys, [name](const TsigKey& each) { return std::ranges::equal(each.name().wire(), name); });
  if (key == keys.end() ||
      !std::ranges::equal(wire_name(key->algorithm()), Bytes(algorithm_.data(), algorithm_size_))) {
    return refuse(tsig_error::bad_key);
  }
  const size_t whole = key->mac_size();
  if (record.mac.size() > whole || record.mac.size() < whole / 2) {
    present_ = false;
    return rcode::format_error;
  }
  key_ = &*key;
  if (!mac_matches(packet, query.tsig_at, record)) return refuse(tsig_error::bad_signature);
  remember_mac(record.mac);
  const uint64_t apart =
      record.time > now_seconds ? record.time - now_seconds : now_seconds - record.time;
  if (apart > record.fudge) return refuse(tsig_error::bad_time);
  return rcode::no_error;
}

uint16_t Tsig::refuse(uint16_t error) {
  error_ = error;
  return rcode::not_auth;
}

bool Tsig::mac_matches(Bytes packet, size_t at, const Record& record) const {
  Mac mac(*key_);
  if (prior_mac_size_ > 0) mac.add_prior({prior_mac_.data(), prior_mac_size_});
  // The message as it was before it was signed: its own id, and one record less.
  mac.add_u16(original_id_);
  mac.add(packet.subspan(2, 8));
  mac.add_u16(read_u16(&packet[10]) - 1U);
  mac.add(packet.subspan(header_size, at - header_size));
  mac.add_variables({name_.data(), name_size_}, {algorithm_.data(), algorithm_size_}, record.time,
                    record.fudge, record.error, record.other);
  std::array<uint8_t, mac_size_max> octets;
  const Bytes right = mac.finish(octets);
  return !right.empty() && record.mac.size() <= right.size() &&
         CRYPTO_memcmp(right.data(), record.mac.data(), record.mac.size()) == 0;
}

void Tsig::remember_mac(Bytes mac) {
  assert(mac.size() <= prior_mac_.size());
  std::ranges::copy(mac, prior_mac_.begin());
  prior_mac_size_ = static_cast<uint8_t>(mac.size());
}

size_t Tsig::record_size() const {
  const bool is_signed = key_ && error_ != tsig_error::bad_signature;
  return name_size_ + record_fixed_size + algorithm_size_ + rdata_fixed_size +
         (is_signed ? key_->mac_size() : 0) +
         (error_ == tsig_error::bad_time ? other_time_size : 0);
}

size_t Tsig::sign(uint8_t* message, size_t size, uint64_t now_seconds) {
  if (!present_) return size;
  // Section 5.2.3: BADTIME comes with the time of the request, so that it is the answer to that.
  const uint64_t time = error_ == tsig_error::bad_time ? request_time_ : now_seconds;
  std::array<uint8_t, mac_size_max> octets;
  Bytes signature;
  if (key_ && error_ != tsig_error::bad_signature) {
    std::array<uint8_t, other_time_size> other{};
    write_u48(other.data(), now_seconds);
    Mac mac(*key_);
    if (prior_mac_size_ > 0) mac.add_prior({prior_mac_.data(), prior_mac_size_});
    mac.add({message, size});
    if (is_first_) {
      mac.add_variables({name_.data(), name_size_}, {algorithm_.data(), algorithm_size_}, time,
                        fudge, error_, error_ == tsig_error::bad_time ? Bytes(other) : Bytes());
    } else {
      mac.add_time(time, fudge);
    }
    signature = mac.finish(octets);
    remember_mac(signature);
    is_first_ = false;
  }
  return append(message, size, signature, time, now_seconds);
}

size_t Tsig::append(uint8_t* message, size_t size, Bytes mac, uint64_t time, uint64_t now) {
  const bool tells_time = error_ == tsig_error::bad_time;
  uint8_t* at = message + size;
  at = std::copy_n(name_.data(), name_size_, at);
  write_u16(at, type::tsig);
  write_u16(at + 2, dns_class::any);
  write_u32(at + 4, 0);
  write_u16(at + 8, static_cast<unsigned>(algorithm_size_ + rdata_fixed_size + mac.size() +
                                          (tells_time ? other_time_size : 0)));
  at = std::copy_n(algorithm_.data(), algorithm_size_, at + record_fixed_size);
  write_u48(at, time);
  write_u16(at + 6, fudge);
  write_u16(at + 8, static_cast<unsigned>(mac.size()));
  at = std::copy(mac.begin(), mac.end(), at + 10);
  write_u16(at, read_u16(message));
  write_u16(at + 2, error_);
  write_u16(at + 4, tells_time ? other_time_size : 0);
  at += 6;
  if (tells_time) {
    write_u48(at, now);
    at += other_time_size;
  }
  write_u16(message + 10, read_u16(message + 10) + 1U);
  return static_cast<size_t>(at - message);
}

size_t Tsig::sign_request(const TsigKey& key, uint8_t* message, size_t size, uint64_t now_seconds) {
  key_ = &key;
  present_ = true;
  is_first_ = true;
  error_ = tsig_error::none;
  prior_mac_size_ = 0;
  const Bytes name = key.name().wire();
  const Bytes algorithm = wire_name(key.algorithm());
  std::ranges::copy(name, name_.begin());
  std::ranges::copy(algorithm, algorithm_.begin());
  name_size_ = static_cast<uint8_t>(name.size());
  algorithm_size_ = static_cast<uint8_t>(algorithm.size());
  return sign(message, size, now_seconds);
}

bool Tsig::verify_answer(Bytes packet, uint64_t now_seconds) {
  const size_t at = tsig_place(packet);
  Record record;
  if (at == 0 || !read(packet, at, record) || record.error != tsig_error::none) return false;
  if (!std::ranges::equal(key_->name().wire(), Bytes(name_.data(), name_size_)) ||
      !std::ranges::equal(wire_name(key_->algorithm()), Bytes(algorithm_.data(), algorithm_size_)))
    return false;
  if (record.mac.size() < key_->mac_size() / 2 || record.mac.size() > key_->mac_size())
    return false;
  const uint64_t apart =
      record.time > now_seconds ? record.time - now_seconds : now_seconds - record.time;
  return mac_matches(packet, at, record) && apart <= record.fudge;
}

}  // namespace swingover::zones
