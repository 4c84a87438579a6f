#include "zones/zone_file_field.h"

#include <algorithm>

#include "base/text.h"

namespace swingover::zones {

bool is_safe_field(ldns_rdf_type field, const std::string& text) {
  const auto all = [&](auto test) { return std::ranges::all_of(text, test); };
  switch (field) {
    case LDNS_RDF_TYPE_HEX:
      return text.size() % 2 == 0 && all(is_hex_digit);
    case LDNS_RDF_TYPE_NSEC3_SALT:
      return text == "-" || (text.size() <= 510 && !text.empty());
    case LDNS_RDF_TYPE_NSEC3_NEXT_OWNER:
      return !text.empty() && text.size() <= 255;
    case LDNS_RDF_TYPE_TIME:
      return number_up_to(text, text.size() == 14 ? UINT64_MAX : UINT32_MAX).has_value();
    case LDNS_RDF_TYPE_ALG:
    case LDNS_RDF_TYPE_CERTIFICATE_USAGE:
    case LDNS_RDF_TYPE_SELECTOR:
    case LDNS_RDF_TYPE_MATCHING_TYPE:
      return !is_digit(text[0]) || number_up_to(text, 255);
    case LDNS_RDF_TYPE_CERT_ALG:
      // ldns leaks what it reads as 0, also behind a sign: a name begins with a letter.
      return is_digit(text[0]) ? number_up_to(text, 65535).value_or(0) > 0
                               : (text[0] | 0x20) >= 'a' && (text[0] | 0x20) <= 'z';
    case LDNS_RDF_TYPE_TAG:
      return !text.empty();
    case LDNS_RDF_TYPE_EUI48:
    case LDNS_RDF_TYPE_EUI64: {
      if (text.size() != (field == LDNS_RDF_TYPE_EUI48 ? 17U : 23U)) return false;
      for (size_t i = 0; i < text.size(); ++i) {
        if (i % 3 == 2 ? text[i] != '-' : !is_hex_digit(text[i])) return false;
      }
      return true;
    }
    case LDNS_RDF_TYPE_ILNP64:
      return all([](char c) { return is_hex_digit(c) || c == ':'; });
    case LDNS_RDF_TYPE_APL: {
      const size_t slash = text.find('/');
      const bool is_v6 = text.starts_with("2:") || text.starts_with("!2:");
      const bool is_v4 = text.starts_with("1:") || text.starts_with("!1:");
      return slash != text.npos && (is_v4 || is_v6) &&
             number_up_to(std::string_view(text).substr(slash + 1), is_v6 ? 128 : 32);
    }
    case LDNS_RDF_TYPE_NSAP:
      return text.size() >= 4 &&
             all([](char c) { return is_hex_digit(c) || c == '.' || c == 'x'; }) &&
             std::ranges::count(text, 'x') == 1;
    case LDNS_RDF_TYPE_ATMA:
      return all([](char c) { return is_hex_digit(c) || c == '.'; });
    default:
      return true;
  }
}

bool takes_the_rest(ldns_rdf_type field) {
  switch (field) {
    case LDNS_RDF_TYPE_B64:
    case LDNS_RDF_TYPE_HEX:
    case LDNS_RDF_TYPE_NSEC:
    case LDNS_RDF_TYPE_LOC:
    case LDNS_RDF_TYPE_WKS:
    case LDNS_RDF_TYPE_IPSECKEY:
    case LDNS_RDF_TYPE_AMTRELAY:
    case LDNS_RDF_TYPE_SVCPARAMS:
      return true;
    default:
      return false;
  }
}

const char* field_help(ldns_rdf_type field) {
  switch (field) {
    case LDNS_RDF_TYPE_A:
      return "not an IPv4 address such as 192.0.2.1";
    case LDNS_RDF_TYPE_AAAA:
      return "not an IPv6 address such as 2001:db8::1";
    case LDNS_RDF_TYPE_STR:
      return "not a string of at most 255 octets with valid escapes";
    case LDNS_RDF_TYPE_LONG_STR:
      return "not a string with valid escapes";
    case LDNS_RDF_TYPE_B64:
      return "not base64";
    case LDNS_RDF_TYPE_HEX:
      return "not an even number of hexadecimal digits";
    case LDNS_RDF_TYPE_TIME:
      return "not a time such as 20260131120000, nor seconds since 1970";
    case LDNS_RDF_TYPE_ALG:
      return "not an algorithm: a number to 255, or a name such as ECDSAP256SHA256";
    case LDNS_RDF_TYPE_CERT_ALG:
      return "not a certificate type: a number, or a name such as PKIX";
    case LDNS_RDF_TYPE_CERTIFICATE_USAGE:
      return "not a certificate usage: 0 to 255, or such as DANE-EE";
    case LDNS_RDF_TYPE_SELECTOR:
      return "not a selector: 0 to 255, Cert or SPKI";
    case LDNS_RDF_TYPE_MATCHING_TYPE:
      return "not a matching type: 0 to 255, or such as SHA2-256";
    case LDNS_RDF_TYPE_NSEC3_SALT:
      return "not a salt: - or at most 255 octets in hexadecimal";
    case LDNS_RDF_TYPE_NSEC3_NEXT_OWNER:
      return "not a hash in base32hex";
    case LDNS_RDF_TYPE_LOC:
      return "not a place such as 52 22 23 N 4 53 32 E -2m";
    case LDNS_RDF_TYPE_APL:
      return "not an address prefix such as 1:192.0.2.0/24 or !2:2001:db8::/32";
    case LDNS_RDF_TYPE_TAG:
      return "not a tag: letters and digits";
    case LDNS_RDF_TYPE_EUI48:
      return "not an EUI-48 such as 00-00-5e-00-53-2a";
    case LDNS_RDF_TYPE_EUI64:
      return "not an EUI-64 such as 00-00-5e-ef-10-00-00-2a";
    case LDNS_RDF_TYPE_ILNP64:
      return "not 64 bits such as 0014:4fff:ff20:ee64";
    case LDNS_RDF_TYPE_NSAP:
      return "not an NSAP address such as 0x47.0005";
    case LDNS_RDF_TYPE_HIP:
      return "not ALGORITHM HIT KEY as in RFC 8005";
    case LDNS_RDF_TYPE_IPSECKEY:
      return "not PRECEDENCE TYPE ALGORITHM GATEWAY KEY as in RFC 4025";
    case LDNS_RDF_TYPE_AMTRELAY:
      return "not PRECEDENCE D TYPE RELAY as in RFC 8777";
    case LDNS_RDF_TYPE_WKS:
      return "not a protocol and its services";
    case LDNS_RDF_TYPE_SVCPARAMS:
      return "not service parameters such as alpn=h2 port=8443, each once";
    default:
      return "not what this field takes";
  }
}

std::optional<uint64_t> number_up_to(std::string_view text, uint64_t most) {
  const auto value = parse_number(text);
  return value && *value <= most ? value : std::nullopt;
}

}  // namespace swingover::zones
