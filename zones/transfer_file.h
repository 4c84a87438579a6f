#pragma once

#include <array>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "base/diagnostics.h"
#include "base/options.h"
#include "base/toml_source.h"
#include "zones/service_file.h"
#include "zones/transfer_zone.h"
#include "zones/tsig.h"

namespace swingover {

template <>
struct OptionWords<zones::TsigAlgorithm> {
  using Algorithm = zones::TsigAlgorithm;
  static constexpr std::array words{
      Word<Algorithm>{Algorithm::hmac_sha256, "hmac-sha256", "HMAC with SHA-256"},
      Word<Algorithm>{Algorithm::hmac_sha512, "hmac-sha512", "HMAC with SHA-512"},
  };
};

template <>
struct OptionWords<zones::TransferView> {
  using View = zones::TransferView;
  static constexpr std::array words{
      Word<View>{
          View::primary, "primary",
          "the pools that stand first in failover order; of the other policies all pools but "
          "the last resort"},
      Word<View>{View::all, "all", "every endpoint of every pool"},
  };
};

}  // namespace swingover

namespace swingover::zones {

/// A [[tsig_key]] as written.
struct TsigKeyOptions {
  Name name;
  TsigAlgorithm algorithm = TsigAlgorithm::hmac_sha256;
  std::string secret;
  std::string secret_file;
};

inline constexpr std::tuple tsig_key_options{
    option("name", &TsigKeyOptions::name, "what both sides call it; blind to case").required(),
    option("algorithm", &TsigKeyOptions::algorithm, "how it signs").required(),
    option("secret", &TsigKeyOptions::secret, "the shared secret in base64")
        .by_default("that of `secret_file`"),
    option(
        "secret_file", &TsigKeyOptions::secret_file,
        "a file that holds the secret in base64 and nothing else, so that the config may be seen "
        "by others")
        .by_default("none: `secret` is here"),
};

inline constexpr std::tuple secondary_options{
    option("address", &Secondary::address, PortDefault{53},
           "the server that may transfer the zone, and the port for NOTIFY")
        .required(),
    option("key", &Secondary::key, "the [[tsig_key]] that must sign its requests, and signs NOTIFY")
        .by_default("none: its address is enough"),
    option("notify", &Secondary::notify, "whether it is told of each change at once (RFC 1996)"),
};

/// The `[[tsig_key]]` tables, with secrets from files beside `config_file`. Every problem goes to `diagnostics`; none
/// of them shows a secret.
std::vector<TsigKey> parse_tsig_keys(const TomlDocument& document, const std::string& config_file,
                                     Diagnostics& diagnostics);

/// The `[[zone.secondary]]` tables of one `[[zone]]`.
std::vector<Secondary> parse_secondaries(const TomlDocument& document, const TomlValue& zone,
                                         Diagnostics& diagnostics);

}  // namespace swingover::zones
