// Prints the reference of the config file, from the rows that the parser reads:
//   options_reference markdown > docs/options.md
//   options_reference man      > swingover.toml.5
#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "health/monitor_file.h"
#include "server/daemon_options.h"
#include "zones/distance_file.h"
#include "zones/rule_file.h"
#include "zones/service_file.h"
#include "zones/signing_file.h"
#include "zones/steering_file.h"
#include "zones/topology_file.h"
#include "zones/transfer_file.h"

namespace swingover::server {
namespace {

struct SectionReference {
  std::string header;
  std::string about;
  std::vector<OptionDescription> options;
};

std::vector<SectionReference> all_sections() {
  using namespace zones;
  return {
      {"[server]", "The daemon itself.", describe<ServerOptions>(server_options)},
      {"[tcp]", "Connections: what a client may hold, and for how long.",
       describe<TcpOptions>(tcp_options)},
      {"[tls]",
       "DNS over TLS (RFC 7858), spoken where this section is. TLS 1.3; tickets let clients come "
       "back without a full handshake.",
       describe<TlsOptions>(tls_options)},
      {"[admin]", "Where people and programs ask the daemon.",
       describe<AdminOptions>(admin_options)},
      {"[rate_limit]",
       "How much one client network gets by UDP. Who has shown that it is there, by TCP, TLS or a "
       "DNS "
       "cookie, has no limit.",
       describe<RateLimitOptions>(rate_limit_options)},
      {"[brake]",
       "How much may go down by itself at once. Beyond it nothing more does until a person says "
       "so, "
       "or the probes agree again with what was kept. Without a bound all that fails goes down.",
       describe<BrakeOptions>(brake_options)},
      {"[self_check]",
       "What this edge asks itself by. While more than half of these targets fail, and more than "
       "half of all endpoints, it takes itself for what is wrong, and nothing goes down.",
       describe<SelfCheckOptions>(self_check_options)},
      {"[cookies]",
       "DNS cookies (RFC 7873, 9018), by which a client shows that it is where it says.",
       describe<CookieOptions>(cookie_options)},
      {"[clients]",
       "Where clients are, beside the `clients` of each [[locality]]. The longest prefix wins, "
       "wherever it stands.",
       describe<ClientsOptions>(clients_options)},
      {"[[zone]]", "A DNS zone that this server is authoritative for. Services lie inside zones.",
       describe<ZoneOptions>(zone_options)},
      {"[[zone.secondary]]",
       "A server that keeps a static copy of the zone above, and is told when it changes. What the "
       "copy holds, and how "
       "to set up such a server, is in docs/transfers.md.",
       describe<Secondary>(secondary_options)},
      {"[zone.dnssec]",
       "Has the daemon sign the zone above (DNSSEC): the line `[zone.dnssec]` alone turns it on. "
       "Its "
       "keys are in `keys` in `state_dir`; those that are there are used, and where there are none "
       "they are made.",
       describe<DnssecOptions>(dnssec_options)},
      {"[[tsig_key]]", "A secret shared with another server, which signs what they say (TSIG).",
       describe<TsigKeyOptions>(tsig_key_options)},
      {"[[region]]", "Localities close to one another.", describe<RegionOptions>(region_options)},
      {"[[locality]]", "What a cloud calls an availability zone: fails together, cheap inside.",
       describe<Locality>(locality_options)},
      {"[[distance]]",
       "What it costs to serve clients of one place from another, where nearness alone does not "
       "say it. Of several that fit, locality to locality counts first, then locality to region, "
       "region to locality, region to region.",
       describe<DistanceOptions>(distance_options)},
      {"[[cluster]]",
       "One platform in one region, over one or more localities. Its name is blind to case: the "
       "pools of a service "
       "can be asked for one by one at `CLUSTER.on.SERVICE`, whatever their health.",
       describe<ClusterOptions>(cluster_options)},
      {"[steering]",
       "How services whose pools have a capacity are steered, and what distance costs. low < "
       "target < high, and high is not above limit.",
       describe<SteeringOptions>(steering_options)},
      {"[[monitor]]",
       "How to look whether an endpoint is up. Services use monitors at each of their endpoints, "
       "clusters at each of "
       "their addresses. A monitor of the kind `tcp` has none of the keys about paths, hosts, "
       "answers and TLS.",
       describe<health::MonitorOptions>(health::monitor_options)},
      {"[[service]]",
       "A name that clients ask for. It owns the types that it answers at its name: A and AAAA, or "
       "CNAME when a pool has "
       "a target. All other types, and all other names, come from the zone file.",
       describe<Service>(service_options)},
      {"[[service.pool]]",
       "The endpoints of the service above in one cluster; a service needs one pool at least, and "
       "may have one in each "
       "cluster. Addresses and a target do not mix in a pool.",
       describe<Pool>(pool_options)},
      {"[[rule]]",
       "What must hold whatever people do: a drain, swing, weight or force that would break it is "
       "refused, unless it says `--override`; "
       "steps of plans wait. Health is never held back: when it breaks a rule, somebody is told. "
       "It "
       "needs one bound at least.",
       describe<Rule>(rule_options)},
  };
}

// ---- Markdown ----

std::string code(std::string_view text) {
  return fmt::format("`{}`", text);
}

/// A default as people would write it stands as code, one in words as words.
std::string initial_text(const OptionDescription& option) {
  if (option.needed) return "*needed*";
  const char first = option.initial.front();
  const bool is_written = first == '"' || first == '[' || option.initial == "true" ||
                          option.initial == "false" ||
                          option.initial.find_first_not_of("0123456789.") == std::string::npos;
  return is_written ? code(option.initial) : option.initial;
}

std::string markdown(const std::vector<SectionReference>& sections) {
  std::string out =
      "# The config file, key by key\n\n"
      "<!-- Made from the option rows by server/options_reference.cc; `cmake --build build/dev "
      "--target "
      "update_options_reference` makes it anew. -->\n\n"
      "The file is TOML. Unknown keys, wrong types, values out of range, names that refer to "
      "nothing and duplicates are "
      "errors,\nall of them reported in one run of `swingoverd --config FILE --check`. Durations "
      "are texts with a unit: "
      "`\"500ms\"`, `\"10s\"`,\n`\"5m\"`, `\"1h\"`, `\"90d\"`. File names are relative to the "
      "config file. DNS names are "
      "absolute, with or without the final dot.\n";
  for (const SectionReference& section : sections) {
    out += fmt::format("\n## {}\n\n{}\n\n| key | value | default | what |\n|---|---|---|---|\n",
                       code(section.header), section.about);
    for (const OptionDescription& option : section.options) {
      std::string type = option.type;
      if (!option.words.empty()) {
        type.clear();
        for (const auto& word : option.words)
          type += (type.empty() ? "" : ", ") + code("\"" + word.word + "\"");
      }
      if (!option.range.empty()) type += ", " + option.range;
      out += fmt::format("| {} | {} | {} | {} |\n", code(option.key), type, initial_text(option),
                         option.help);
    }
    for (const OptionDescription& option : section.options) {
      if (option.words.empty()) continue;
      out += fmt::format("\n{}:\n\n", code(option.key));
      for (const auto& word : option.words)
        out += fmt::format("- {}{}{}\n", code("\"" + word.word + "\""),
                           word.help.empty() ? "" : ": ", word.help);
    }
  }
  return out;
}

// ---- mdoc ----

/// Text for mdoc: no line begins with a control character, a word in back quotes stands in quotes.
std::string roff(std::string_view text) {
  std::string out;
  bool opens = true;
  for (const char c : text) {
    if (c == '`') {
      out += opens ? "\\(oq" : "\\(cq";
      opens = !opens;
    } else if (c == '\\') {
      out += "\\e";
    } else if (c == '"') {
      out += "\\(dq";
    } else {
      out += c;
    }
  }
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

/// Each sentence on a line of its own, as mdoc wants them.
std::string sentences(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool ends = text.substr(i).starts_with(". ");
    out += text[i];
    if (!ends) continue;
    out += '\n';
    ++i;
  }
  return roff(out);
}

std::string man_option(const OptionDescription& option) {
  std::string out = fmt::format(".It Ic {}\n{}.\n", option.key, roff(option.help));
  if (option.words.empty()) {
    out += fmt::format("It is {}{}.\n", roff(option.type),
                       option.range.empty() ? "" : ", " + roff(option.range));
  } else {
    out += "One of\n.Bl -tag -width active-active -compact\n";
    for (const auto& word : option.words) {
      out += fmt::format(".It Li {}\n", word.word);
      if (!word.help.empty()) out += roff(word.help) + '\n';
    }
    out += ".El\n";
  }
  return out + (option.needed ? "Needed.\n" : fmt::format("Default: {}.\n", roff(option.initial)));
}

std::string man(const std::vector<SectionReference>& sections) {
  std::string out =
      ".Dd November 22, 2026\n.Dt SWINGOVER.TOML 5\n.Os\n.Sh NAME\n.Nm swingover.toml\n"
      ".Nd config file of swingoverd\n.Sh DESCRIPTION\n"
      "The file is TOML.\nUnknown keys, wrong types, values out of range, names that refer to "
      "nothing and duplicates\n"
      "are errors, all of them reported in one run of\n.Ql swingoverd --config FILE --check .\n"
      "Durations are texts with a unit, such as \\(dq500ms\\(dq, \\(dq10s\\(dq, \\(dq5m\\(dq, "
      "\\(dq1h\\(dq or "
      "\\(dq90d\\(dq.\n"
      "File names are relative to the config file.\nDNS names are absolute, with or without the "
      "final dot.\n"
      ".Pp\nA section in single brackets stands once, one in double brackets as often as needed.\n";
  for (const SectionReference& section : sections) {
    out +=
        fmt::format(".Ss {}\n{}\n.Bl -tag -width Ds\n", section.header, sentences(section.about));
    for (const OptionDescription& option : section.options) out += man_option(option);
    out += ".El\n";
  }
  return out +
         ".Sh FILES\n.Bl -tag -width Ds -compact\n.It Pa /etc/swingover/swingover.toml\nThe file "
         "that the packaged unit "
         "reads.\n.El\n.Sh SEE ALSO\n.Xr swingctl 1 ,\n.Xr swingoverd 8\n";
}

}  // namespace

int run(std::string_view form) {
  if (form != "markdown" && form != "man") {
    std::fputs("usage: options_reference markdown|man\n", stderr);
    return 2;
  }
  const std::string text = form == "man" ? man(all_sections()) : markdown(all_sections());
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0
             ? 0
             : 1;
}

}  // namespace swingover::server

int main(int count, char** words) {
  return swingover::server::run(count == 2 ? words[1] : "");
}
