#include "zones/signing_file.h"

#include <fmt/format.h>

#include "base/toml_tables.h"

namespace swingover::zones {
namespace {

constexpr std::string_view header = "[zone.dnssec]";

/// At the first of the three that somebody wrote.
Position lifetime_at(const TomlValue& table) {
  for (const char* key : {"signature_lifetime", "signature_refresh", "signature_jitter"}) {
    if (table.find(key)) return table.position_of(key);
  }
  return table.at;
}

void check_times(const TomlValue& table, const DnssecOptions& options, Diagnostics& diagnostics) {
  const Milliseconds early = options.signature_refresh + options.signature_jitter;
  if (options.signature_lifetime > early) return;
  diagnostics.error(
      lifetime_at(table),
      fmt::format(R"("signature_lifetime" ({}) must be more than "signature_refresh" ({}) and )"
                  R"("signature_jitter" ({}) together: a signature would be due when it is made)",
                  duration_text(options.signature_lifetime),
                  duration_text(options.signature_refresh),
                  duration_text(options.signature_jitter)));
}

}  // namespace

SigningOptions DnssecOptions::signing() const {
  return {.plan = {.lifetime = signature_lifetime,
                   .skew = signature_skew,
                   .refresh = signature_refresh,
                   .jitter = signature_jitter},
          .key_ttl = key_ttl,
          .signatures_max = signatures_max};
}

std::optional<DnssecOptions> parse_dnssec(const TomlDocument& document, const TomlValue& zone,
                                          Diagnostics& diagnostics) {
  const TomlMember* member = zone.find("dnssec");
  if (!member) return std::nullopt;
  check_shape(*member, {.name = "dnssec", .repeated = false}, "zone.", diagnostics);
  if (member->value.kind != TomlValue::Kind::table) return std::nullopt;
  const TomlValue& table = member->value;
  DnssecOptions options;
  const size_t before = diagnostics.errors();
  read_options(table, dnssec_options, options, {.header = header, .complete = document.complete},
               diagnostics);
  if (diagnostics.errors() == before) check_times(table, options, diagnostics);
  if (zone.find("secondary")) {
    diagnostics.error(
        table.at,
        "a signed zone cannot be transferred yet: a secondary would serve it without signatures, "
        "and validators would refuse that; remove [zone.dnssec], or the [[zone.secondary]] tables");
  }
  return options;
}

}  // namespace swingover::zones
