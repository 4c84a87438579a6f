#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "zones/zone_signing.h"

// Last, and cleaned up after: ldns makes macros of true and false, which C++ headers do not survive.
#include <ldns/ldns.h>
#undef false
#undef true

namespace swingover::tests {

struct LdnsFree {
  void operator()(ldns_pkt* packet) const { ldns_pkt_free(packet); }
  void operator()(ldns_rr_list* list) const { ldns_rr_list_deep_free(list); }
};

/// Looks at signed answers as ldns does, which knows nothing of us: every RRSIG must be that of its set by a key of its
/// zone, and every set that is the zone's own must have one.
class Validator {
 public:
  void trust(const zones::Name& apex, const zones::ZoneSigning& signing) {
    keys_.emplace_back(ldns_rr_list_new());
    for (const auto* signer : {&signing.zone, &signing.keys}) {
      for (size_t i = 0; i < signer->keys(); ++i)
        ldns_rr_list_push_rr(keys_.back().get(), record_of(apex, signer->key(i).dnskey_rdata()));
    }
  }

  /// What is wrong, a line each: "signature: …", "unsigned: …".
  std::vector<std::string> problems(Bytes wire, uint32_t now_seconds) const {
    ldns_pkt* parsed = nullptr;
    if (ldns_wire2pkt(&parsed, wire.data(), wire.size()) != LDNS_STATUS_OK) return {"unreadable"};
    const std::unique_ptr<ldns_pkt, LdnsFree> packet(parsed);
    std::vector<std::string> out;
    look_at(ldns_pkt_answer(parsed), now_seconds, out);
    look_at(ldns_pkt_authority(parsed), now_seconds, out);
    look_at(ldns_pkt_additional(parsed), now_seconds, out);
    return out;
  }

 private:
  static ldns_rr* record_of(const zones::Name& apex, Bytes rdata) {
    std::vector<uint8_t> wire(apex.wire().begin(), apex.wire().end());
    for (const unsigned octet : {0U, 48U, 0U, 1U, 0U, 0U, 14U, 16U})
      wire.push_back(static_cast<uint8_t>(octet));
    wire.push_back(static_cast<uint8_t>(rdata.size() >> 8));
    wire.push_back(static_cast<uint8_t>(rdata.size()));
    wire.insert(wire.end(), rdata.begin(), rdata.end());
    ldns_rr* record = nullptr;
    size_t at = 0;
    ldns_wire2rr(&record, wire.data(), wire.size(), &at, LDNS_SECTION_ANSWER);
    return record;
  }

  static std::string text_of(const ldns_rr* record) {
    char* text = ldns_rr2str(record);
    std::string out(text);
    LDNS_FREE(text);
    while (!out.empty() && out.back() == '\n') out.pop_back();
    return out;
  }

  void look_at(const ldns_rr_list* section, uint32_t now, std::vector<std::string>& out) const {
    const size_t count = ldns_rr_list_rr_count(section);
    for (size_t i = 0; i < count; ++i) {
      ldns_rr* record = ldns_rr_list_rr(section, i);
      if (ldns_rr_get_type(record) == LDNS_RR_TYPE_RRSIG) {
        check_signature(section, record, now, out);
      } else if (!has_signature(section, record)) {
        out.push_back("unsigned: " + text_of(record));
      }
    }
  }

  static bool covers(const ldns_rr* signature, const ldns_rr* record) {
    return ldns_rr_get_type(signature) == LDNS_RR_TYPE_RRSIG &&
           ldns_rdf2rr_type(ldns_rr_rrsig_typecovered(signature)) == ldns_rr_get_type(record) &&
           ldns_dname_compare(ldns_rr_owner(signature), ldns_rr_owner(record)) == 0;
  }
  static bool has_signature(const ldns_rr_list* section, const ldns_rr* record) {
    for (size_t i = 0; i < ldns_rr_list_rr_count(section); ++i) {
      if (covers(ldns_rr_list_rr(section, i), record)) return true;
    }
    return false;
  }

  void check_signature(const ldns_rr_list* section, ldns_rr* signature, uint32_t now,
                       std::vector<std::string>& out) const {
    ldns_rr_list* const set = ldns_rr_list_new();
    for (size_t i = 0; i < ldns_rr_list_rr_count(section); ++i) {
      ldns_rr* record = ldns_rr_list_rr(section, i);
      if (!covers(signature, record)) continue;
      ldns_rr_list_push_rr(set, record);
      if (ldns_rr_ttl(record) != ldns_rr_ttl(signature))
        out.push_back("signature: another TTL than " + text_of(record));
      if (ldns_rr_ttl(record) > ldns_rdf2native_int32(ldns_rr_rrsig_origttl(signature)))
        out.push_back("signature: a longer TTL than the zone's: " + text_of(record));
    }
    bool is_good = false;
    for (const auto& keys : keys_) {
      ldns_rr_list* const signatures = ldns_rr_list_new();
      ldns_rr_list_push_rr(signatures, signature);
      ldns_rr_list* const good = ldns_rr_list_new();
      is_good =
          is_good || ldns_verify_time(set, signatures, keys.get(), now, good) == LDNS_STATUS_OK;
      ldns_rr_list_free(good);
      ldns_rr_list_free(signatures);
    }
    if (!is_good) out.push_back("signature: " + text_of(signature));
    ldns_rr_list_free(set);
  }

  std::vector<std::unique_ptr<ldns_rr_list, LdnsFree>> keys_;
};

}  // namespace swingover::tests
