#!/usr/bin/env bash
# Where clients are: by the config, a map file and a database, by their subnet and else by their resolver; files that
# change are read anew by themselves, broken ones change nothing; what is fenced in is answered to nobody outside.
source "$(dirname "$0")/lib.sh"
: "${MAKE_MMDB:?is not set: the path of make_mmdb}"

shop=shop.svc.example.test fra=127.0.1.1 par=127.0.2.1 nyc=127.0.3.1
from() { expect "$2" "$shop" A -b "$1"; }
subnet() { expect "$2" "$shop" A -b 127.0.99.7 "+subnet=$1"; }
scope() { raw_ask "$shop" A -b "${2:-127.0.99.7}" "+subnet=${1%/*}" | grep -qF "CLIENT-SUBNET: $1" || fail "the scope is not $1"; }
replace() { cat >"$work/edge/new" && mv "$work/edge/new" "$work/edge/$1"; }

mkdir -p "$work/edge"
replace clients.map <<'END'
# map
127.0.22.0/24 par-a
198.51.100.0/24 nyc-a  ; an office
2001:db8:7::/48 fra-a
END
"$MAKE_MMDB" <<'END' | replace city.mmdb
203.0.113.0/24 country=FR at=45.76,4.84
203.0.114.0/24 asn=64500 country=FR
203.0.116.0/22 country=JP at=35.68,139.69
198.51.100.0/23 country=FR
127.0.24.0/24 country=FR
END
start_daemon client_maps.toml

from 127.0.21.7 $fra # the config
from 127.0.22.7 $par # the map
from 127.0.24.7 $par # the database
from 127.0.99.7 $nyc # nobody: by priority
subnet 198.51.100.0/24 $nyc # the map goes before the database,
subnet 198.51.101.0/24 $par
subnet 2001:db8:7::/56 $fra
subnet 203.0.113.0/24 $par
subnet 203.0.114.0/24 $nyc # and the ASN before the country
subnet 203.0.117.0/24 $fra # Tokyo is nearest to Frankfurt
scope 198.51.100.0/24/24
scope 203.0.118.0/24/22
scope 2001:db8:7::/56/48
# An unknown subnet leaves the resolver, for as far as nothing is known.
expect $par "$shop" A -b 127.0.22.7 +subnet=192.0.2.0/24
scope 192.0.2.0/24/6 127.0.22.7
ctl explain $shop. --client 127.0.21.7 | grep -q "near the client's locality" || fail "explain does not tell what is near"

# Fences: outside of the region there is nothing, or the rest.
expect $fra health-data.svc.example.test A -b 127.0.21.7
for client in 127.0.22.7 127.0.99.7; do
  expect "" health-data.svc.example.test A -b "$client"
  expect $nyc mail.svc.example.test A -b "$client"
done
raw_ask health-data.svc.example.test A -b 127.0.99.7 | grep -q 'EDE: 18 (Prohibited)' || fail "no word on why"
expect $fra mail.svc.example.test A -b 127.0.21.7
ctl drain cluster/fra --reason drill >/dev/null
expect $fra health-data.svc.example.test A -b 127.0.21.7 # drained, and still the only one allowed
expect "" health-data.svc.example.test A -b 127.0.22.7
ctl undrain cluster/fra --reason done >/dev/null

# A map that another is renamed over, and one that is rewritten where it is.
replace clients.map <<<'127.0.22.0/24 nyc-a'
within 10 from 127.0.22.7 $nyc
subnet 198.51.100.0/24 $par # the map lists it no more
echo '127.0.22.0/24 par-a' >"$work/edge/clients.map"
within 10 from 127.0.22.7 $par
metric_is swingover_reload_failures_total 0

# Broken ones change nothing.
replace clients.map <<<'127.0.22.0/24 oslo-a'
within 10 says 'clients.map:1:15: error'
within 5 metric_is swingover_reload_failures_total 1
from 127.0.22.7 $par
stays 3 metric_is swingover_reload_failures_total 1
refused 1 'no [[locality]] is named "oslo-a"' "$SWINGOVERD" --config "$(config_of)" --check
replace clients.map <<<'127.0.22.0/24 par-a'
head -c 200 "$work/edge/city.mmdb" | replace city.mmdb
within 10 says 'not a MaxMind database'
subnet 203.0.113.0/24 $par
"$MAKE_MMDB" <<<'203.0.113.0/24 country=JP at=40.7,-74.0' | replace city.mmdb
within 10 subnet 203.0.113.0/24 $nyc

# A start with a broken map answers without it.
stop_daemon
echo 'x' >"$work/edge/clients.map"
restart_daemon
says 'client networks did not load'
from 127.0.21.7 $fra
from 127.0.22.7 $nyc
stop_daemon
