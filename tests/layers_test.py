#!/usr/bin/env python3
"""Every #include between folders must be one that this table allows."""

import pathlib
import re
import sys

NAMES = {"zones/master_file", "zones/name", "zones/protocol"}  # units of zones/ that the folders below it know too
ZONES = {*NAMES, "zones/dnssec", "zones/steering", "zones"}
MAY_INCLUDE = {  # a folder, or one unit of it that is a layer of its own
    "base": set(),
    "base/loop": {"base"},
    "store": {"base"},
    **dict.fromkeys(NAMES, {"base"}),
    "zones/dnssec": {"base", *NAMES},
    "zones/steering": {"base"},
    "zones": {"base", *ZONES},
    "health": {"base", "base/loop"},
    "ctl": {"base", "base/loop", "zones/steering"},
    "server/query": {"base", "base/loop", *ZONES},
    "server/dnssec": {"base", "zones/dnssec", *NAMES},
    "server/control": {"base", "base/loop", "store", *ZONES, "health", "ctl"},
    "server": {"base", "base/loop", "store", *ZONES, "health", "ctl", "server/query", "server/dnssec", "server/control"},
}
ONLY_IN = {  # a third-party header, and the one place that may know it
    "uv.h": "base/loop/",
    "spdlog/": "base/log",
    "toml++/": "base/toml_source",
    "curl/": "ctl/client",
    "nghttp2/": "health/http2",
    "re2/": "health/pattern",
    "microhttpd.h": "server/control/http_server",
    "CLI/": ("ctl/swingctl", "server/main"),
    "systemd/": "server/systemd",
    "rocksdb/": "store/rocks_store",
    "ldns/": "zones/zone_file",
    "maxminddb.h": "zones/geo_database",
    # Four uses that share nothing: what seals a client's stream, a probe's, what signs a message, and a record.
    "openssl/": ("server/query/tls_", "health/tls_client", "zones/tsig", "zones/dnssec/evp"),
    "prometheus/": "server/control/metrics",
    # JSON has two ends: what the admin interface shows, and swingctl, which reads it.
    "nlohmann/": ("server/control/views", "ctl/views", "ctl/commands", "ctl/plan"),
}
INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]')


def layer(path):
    return max((name for name in MAY_INCLUDE if path.startswith((name + "/", name + "."))), key=len, default=None)


def problems(root):
    for file in sorted(p for p in root.rglob("*") if p.suffix in (".h", ".cc")):
        here = file.relative_to(root).as_posix()
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if not (found := INCLUDE.match(line)) or not (mine := layer(here)):
                continue
            theirs = layer(found[1])
            if theirs and theirs != mine and theirs not in MAY_INCLUDE[mine]:
                yield f"{here}:{number}: error: {mine} may not include {theirs}"
            for header, place in ONLY_IN.items():
                if found[1].startswith(header) and layer(here) and not here.startswith(place):
                    yield f"{here}:{number}: error: <{header}> belongs in {place}"


found = list(problems(pathlib.Path(sys.argv[1])))
print(*found, sep="\n")
sys.exit(bool(found))
