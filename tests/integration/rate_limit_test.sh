#!/usr/bin/env bash
# One client network floods: it is limited, its true clients come by TCP or with a cookie, and nobody else notices.
source "$(dirname "$0")/lib.sh"

for address in 192.0.2.53/24 198.51.100.7/24 198.51.100.8/24 203.0.113.1/24 198.18.0.1/24; do
  ip address add "$address" dev lo
done
for address in 2001:db8::53 2001:db8:7:100::1 2001:db8:7:1ff::1 2001:db8:7:200::1; do
  ip address add "$address/128" dev lo nodad
done

server=192.0.2.53:53
name=www.svc.example.test
flood() { timeout 60 python3 "$support/dns_flood.py" "$server" "$name" "$@" >"$work/told" || fail "dns_flood.py $*"; }
# told CONDITION: a Python expression over what the flood was told.
told() { python3 -c 'import json, sys; t = json.load(open(sys.argv[1])); sys.exit(not eval(sys.argv[2], t))' "$work/told" "$1" || fail "not so: $1: $(cat "$work/told")"; }
metric() { admin_get /metrics | awk -v name="$1" '$1 == name {print $2}'; }
# A try that the flood's queue lost is told in a comment, and made again.
from() { dig +tries=5 +time=1 +short -b "$@" "@${server%:*}" "$name" A | sed '/^;/d'; }
same() { [ "$1" = "$2" ] || fail "wanted '$2', got '$1'"; }

start_daemon rate_limit.toml

# Below the limit nothing happens; over it a network gets its rate, and of the rest one in two is told to come by TCP.
flood --from 198.51.100.7 --count 20
told 'whole == 20'
flood --from 198.51.100.7 --count 3000
told 'whole <= 20 * (2 + seconds)'
told '0.4 < truncated / (asked - whole) < 0.6'
told 'lost > 0 and other == 0 and badcookie == 0'
dropped=$(metric 'swingover_dropped_total{reason="rate_limit"}')
slipped=$(metric swingover_responses_slipped_total)
python3 -c "import json; t = json.load(open('$work/told')); assert $dropped >= t['lost'] and $slipped >= t['truncated']" ||
  fail "the metrics say $dropped dropped, $slipped slipped: $(cat "$work/told")"
within 20 says "rate limited network=198.51.100.0/24 responses="

# While it goes on: a neighbour in the network by TCP or with a cookie, and everybody else.
python3 "$support/dns_flood.py" "$server" "$name" --from 198.51.100.7 --endless >/dev/null 2>&1 &
pid_of[flood]=$!
more_than() { [ "$(metric swingover_responses_slipped_total)" -gt "$1" ]; }
within 10 more_than "$((slipped + 1000))"
for _ in 1 2 3 4 5; do
  same "$(from 198.51.100.8 +tcp)" 192.0.2.80
  same "$(from 203.0.113.1 +notcp +ignore)" 192.0.2.80
done
stop_backend flood
flood --from 198.51.100.8 --count 500 --cookie
told 'whole == 500'
flood --from 198.51.100.8 --count 500 --client-cookie
told 'badcookie > 100 and truncated == 0'

# Exempt networks have no limit; a /56 is one client, the next one another.
flood --from 198.18.0.1 --count 500
told 'whole == 500'
server="[2001:db8::53]:53"
flood --from 2001:db8:7:100::1 --count 500
told 'whole <= 20 * (2 + seconds)'
flood --from 2001:db8:7:1ff::1 --count 500
told 'whole <= 20 * (1 + seconds) + 20'
flood --from 2001:db8:7:200::1 --count 20
told 'whole == 20'
server=192.0.2.53:53

# A reload changes it, without forgetting who is who.
sed -i 's/^responses_per_second.*/responses_per_second = 0/' "$(config_of)"
ctl reload >/dev/null
flood --from 198.51.100.7 --count 500
told 'whole == 500'
sed -i 's/^responses_per_second.*/responses_per_second = 5\nslip = 0/; s/"198.18.0.0\/15"/"198.51.100.0\/25"/' "$(config_of)"
ctl reload >/dev/null
flood --from 198.18.0.1 --count 500
told 'whole <= 5 * (2 + seconds) and truncated == 0'
flood --from 198.51.100.7 --count 500
told 'whole == 500'
stop_daemon
