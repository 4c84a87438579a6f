#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "zones/name.h"
#include "zones/zone_contents.h"

// Last, and cleaned up after: ldns makes macros of true and false, which C++ headers do not survive.
#include <ldns/ldns.h>
#undef false
#undef true

namespace swingover::tests {

/// Zone contents from one record a line, names relative to `apex`; read by ldns without any check of the
/// whole, so that a test can also have what a master file would not be allowed.
inline std::shared_ptr<const zones::ZoneContents> zone_text(std::string_view apex,
                                                            std::string_view text) {
  std::vector<zones::ZoneRecord> records;
  ldns_rdf* origin = ldns_dname_new_frm_str(std::string(apex).c_str());
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line(text.substr(begin, end - begin));
    begin = end + 1;
    line.erase(0, line.find_first_not_of(' '));
    if (line.empty()) continue;
    ldns_rr* record = nullptr;
    if (ldns_rr_new_frm_str(&record, line.c_str(), 3600, origin, nullptr) != LDNS_STATUS_OK) {
      throw std::runtime_error("not a record: " + line);
    }
    const ldns_rdf* owner = ldns_rr_owner(record);
    const auto name = zones::Name::from_wire({ldns_rdf_data(owner), ldns_rdf_size(owner)});
    std::vector<uint8_t> rdata;
    for (size_t i = 0; i < ldns_rr_rd_count(record); ++i) {
      const ldns_rdf* part = ldns_rr_rdf(record, i);
      rdata.insert(rdata.end(), ldns_rdf_data(part), ldns_rdf_data(part) + ldns_rdf_size(part));
    }
    records.push_back({.owner = *name,
                       .type = static_cast<uint16_t>(ldns_rr_get_type(record)),
                       .ttl = Ttl(ldns_rr_ttl(record)),
                       .rdata = std::move(rdata)});
    ldns_rr_free(record);
  }
  ldns_rdf_deep_free(origin);
  return zones::ZoneContents::make(*zones::parse_name(apex), std::move(records));
}

}  // namespace swingover::tests
