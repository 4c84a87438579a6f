#!/usr/bin/env bash
# Under a flood that takes all the workers have, services still swing, operators still get through, and true clients their answers.
source "$(dirname "$0")/lib.sh"

for address in 192.0.2.53/24 198.51.100.7/24 203.0.113.7/24 198.18.0.1/24; do ip address add "$address" dev lo; done
start_backend fra 127.0.1.1
start_backend ams 127.0.2.1
mkdir "$work/source"
sed 's/^listen .*/listen = ["192.0.2.53:53"]/' "$here/failover.toml" >"$work/source/flood.toml"
start_daemon "$work/source/flood.toml"
within 10 expect "127.0.1.1" shop.svc.example.test A

# Three networks flood: a static name, a service, a name that is not there.
for what in "198.51.100.7 www" "203.0.113.7 shop" "198.18.0.1 nothing"; do
  read -r from name <<<"$what"
  python3 "$support/dns_flood.py" 192.0.2.53:53 "$name.svc.example.test" --from "$from" --endless >/dev/null 2>&1 &
  pid_of[flood-$from]=$!
done
dropped() { admin_get /metrics | awk '$1 == "swingover_dropped_total{reason=\"rate_limit\"}" {print $2}'; }
more_than() { [ "$(dropped)" -gt "$1" ]; }
for from in 198.51.100.7 203.0.113.7 198.18.0.1; do within 20 says "rate limited network=${from%.*}.0/24"; done

within 30 expect "127.0.1.1" shop.svc.example.test A
stop_backend fra
within 30 expect "127.0.2.1" shop.svc.example.test A
within 10 admin_get /livez >/dev/null
ctl drain cluster/ams --reason "under a flood" >/dev/null
start_backend fra 127.0.1.1
within 30 expect "127.0.1.1" shop.svc.example.test A
ctl undrain cluster/ams >/dev/null
ctl reload >/dev/null
within 30 expect "192.0.2.80" www.svc.example.test A
expect "192.0.2.80" www.svc.example.test A +tcp

# The flood was one all the while.
so_far=$(dropped)
within 20 more_than "$((so_far + 10000))"
stop_daemon
