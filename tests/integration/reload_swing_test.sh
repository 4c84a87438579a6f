#!/usr/bin/env bash
# A long reload holds up neither queries nor swings: what a probe finds while a large zone is being read is answered at once,
# and the new generation begins with it.
source "$(dirname "$0")/lib.sh"

names=200000
zone_of() {
  printf '@ SOA ns hostmaster %s 3600 600 1209600 60\n@ NS ns\nns A 127.0.0.1\n' "$1"
  seq -f 'host-%.0f A 10.0.0.1' "$names"
  echo "told TXT $1"
}
failover="from=fra to=ams cause=failover"
line_of() { grep -nF -m 1 -- "$1" "$(log_of)" | cut -d: -f1; }

start_backend fra 127.0.1.1
start_backend ams 127.0.2.1
cp "$here/intents.toml" "$work/large.toml"
printf '[[zone]]\nname = "large.test."\nfile = "large.zone"\n' >>"$work/large.toml"
zone_of 1 | sed '1i $TTL 60' >"$work/large.zone"
start_daemon "$work/large.toml"
within 5 expect "127.0.1.1" shop.svc.example.test A
within 5 says "first state known"
expect '"1"' told.large.test TXT
zone_of 2 | sed '1i $TTL 60' >"$work/edge/next"
mv "$work/edge/next" "$work/edge/large.zone"

mkfifo "$work/until"
# A reload takes the time that nobody else wants: beside a program that wants all of its CPU, it takes until that ends.
cpu=$(taskset -cp $$ | sed 's/.*: //; s/[,-].*//')
taskset -acp "$cpu" "${pid_of[edge]}" >/dev/null
python3 "$support/dns_client.py" steady 127.0.0.1:53 shop.svc.example.test --seconds 90 >"$work/steady" <"$work/until" &
steady=$!
exec 7>"$work/until"
timeout 20 taskset -c "$cpu" bash -c 'while :; do :; done' &
busy=$!

# The swing must not come before the one that is to see it.
is_asked() { [ "$(admin_get /metrics | awk '/^swingover_queries_total/ {n += $2} END {print n + 0}')" -gt 100 ] || fail "nobody asks yet"; }
within 20 is_asked

reload_daemon
within 5 says "reloading"
stop_backend fra
within 10 says "$failover"
within 1 expect "127.0.2.1" shop.svc.example.test A
kill "$busy"
within 40 says "reloaded"
swung=$(line_of "$failover")
[ "$(line_of reloading)" -lt "$swung" ] && [ "$swung" -lt "$(line_of reloaded)" ] || fail "it did not swing while it reloaded"

# The new generation knows what was found under the old one.
expect '"2"' told.large.test TXT
metric_is swingover_generation 2
for _ in 1 2 3 4 5; do expect "127.0.2.1" shop.svc.example.test A; done
exec 7>&-
wait "$steady" || fail "queries were lost: $(cat "$work/steady")"
[ "$(jq_number asked "$work/steady")" -gt 100 ] || fail "hardly anything was asked: $(cat "$work/steady")"
grep -qF '"127.0.1.1": ' "$work/steady" && grep -qF '"127.0.2.1": ' "$work/steady" || fail "not seen to swing: $(cat "$work/steady")"
[ "$(grep -oE '": [0-9]+' "$work/steady" | wc -l)" = 4 ] || fail "more than two answers: $(cat "$work/steady")"
stop_daemon
