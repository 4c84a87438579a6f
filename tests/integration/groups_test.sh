#!/usr/bin/env bash
# A cluster that reports itself, a calculated monitor, one that only observes, and a pool that is down as a whole; then
# monitors that vote, and how many of a pool, of a family and of a cluster must be healthy.
source "$(dirname "$0")/lib.sh"

beat() { timeout 5 "$SWINGCTL" --server "$(address_of admin)" push beat "$@" --cluster fra >/dev/null; }
service_says() { ctl service shop.svc.example.test. | tr -s ' \n' ' ' | grep -qF -- "$1" || fail "the service does not say: $1"; }
# Somebody in fra reports each half second until $work/silent is there.
heart() {
  while [ ! -e "$work/silent" ]; do
    beat up --load 412.5 2>/dev/null || true
    sleep 0.5
  done
}

# verdict MONITOR up|down ADDRESS...: and waits until the daemon has seen that.
verdict() {
  local monitor=$1 health=$2 address
  shift 2
  for address in "$@"; do
    echo "$health" >"$work/fresh"
    mv "$work/fresh" "$work/edge/verdicts/$monitor.$address"
  done
  [ ! -e "$(log_of)" ] || for address in "$@"; do within 10 is_seen "$monitor" "$address" "$health"; done
}
is_seen() {
  local services
  services=$(admin_get /v1/services)
  python3 -c '
import json, sys
seen = [check["health"] for service in json.loads(sys.argv[4])["services"] for pool in service["pools"]
        for endpoint in pool["endpoints"] for check in endpoint["checks"]
        if check["monitor"] == sys.argv[1] and check["address"] == sys.argv[2]]
sys.exit(seen != [sys.argv[3]])' "$@" "$services"
}
says_of() { # SERVICE WORDS
  admin_get "/v1/services/$1.svc.example.test." | grep -qF -- "$2" || fail "$1 does not say: $2: $(ctl service "$1.svc.example.test.")"
}

mkdir -p "$work/edge/verdicts"
for monitor in a b c d; do verdict $monitor up 127.0.1.11 127.0.2.11; done
verdict seen down 127.0.1.11 127.0.2.11
verdict own up 127.0.1.2{1..3} fd00:9::2{1,2} 127.0.2.21 127.0.1.3{1..3} fd00:9::3{1,2} 127.0.2.31 fd00:9:2::31 \
  127.0.3.{1..4} 127.0.2.4{1,3}

for address in 127.0.1.1 127.0.1.2 127.0.2.1; do
  start_backend "web-$address" "$address" 8080
  start_backend "db-$address" "$address" 5432
done
start_daemon groups.toml
heart &
pid_of[heart]=$!
# Nothing listens at the port that `cache` observes, and that never counts.
within 10 expect "127.0.1.1 127.0.1.2" shop.svc.example.test A
admin_get /metrics | grep -q '^swingover_reported_load{monitor="beat",from="cluster/fra"} 412.5' || fail "the load is not shown"

# What is calculated of web and db at one endpoint fails, the pool has one of two left, and is down as a whole.
stop_backend db-127.0.1.2
within 10 expect "127.0.2.1" shop.svc.example.test A
admin_get /v1/services/shop.svc.example.test. | grep -qF '1 of 2 endpoints up, min_healthy 2' || fail "no word of the floor"
admin_get /v1/services/shop.svc.example.test. | grep -qF '1 of 2 up, needs all; db is down' || fail "no word of the child"
start_backend db-127.0.1.2 127.0.1.2 5432
within 10 expect "127.0.1.1 127.0.1.2" shop.svc.example.test A

# The cluster says that it is down; then it says nothing, and a restart believes neither more nor less.
touch "$work/silent"
wait "${pid_of[heart]}"
unset "pid_of[heart]"
beat down --reason "rack work"
expect "127.0.2.1" shop.svc.example.test A
admin_get /v1/push | grep -qF 'it reports itself down: rack work' || fail "no word of the report"
beat up
expect "127.0.1.1 127.0.1.2" shop.svc.example.test A
stop_daemon
restart_daemon
expect "127.0.1.1 127.0.1.2" shop.svc.example.test A
within 10 expect "127.0.2.1" shop.svc.example.test A
admin_get /v1/push | grep -q 'no heartbeat for [0-9]*s, wanted one each 3s' || fail "no word of the silence"
beat up
within 5 expect "127.0.1.1 127.0.1.2" shop.svc.example.test A

status=0
beat sideways 2>"$work/told" || status=$?
[ "$status" = 1 ] || fail "a report of no health was taken"

# Votes: half of four is not more than half; and what only observes is down all the time, shown, and never counts.
at_votes() { expect "$1" votes.svc.example.test A; }
within 10 at_votes 127.0.1.11
is_seen seen 127.0.1.11 down || fail "what observes is not shown"
verdict a down 127.0.1.11
verdict b down 127.0.1.11
at_votes 127.0.1.11
verdict c down 127.0.1.11
within 10 at_votes 127.0.2.11
says_of votes "3 of 4 votes down: monitor a at 127.0.1.11"
verdict b up 127.0.1.11
within 10 at_votes 127.0.1.11

# A pool needs three of five, and four to come back.
at_floor() { expect "$1" floor.svc.example.test A; }
within 10 at_floor "127.0.1.21 127.0.1.22 127.0.1.23"
verdict own down 127.0.1.21 fd00:9::21
within 10 at_floor "127.0.1.22 127.0.1.23"
verdict own down fd00:9::22
within 10 at_floor 127.0.2.21
says_of floor "2 of 5 endpoints up, min_healthy 50%"
verdict own up fd00:9::22
says_of floor "3 of 5 endpoints up, min_healthy_up 80%"
at_floor 127.0.2.21
verdict own up 127.0.1.21
within 10 at_floor "127.0.1.21 127.0.1.22 127.0.1.23"
expect fd00:9::22 floor.svc.example.test AAAA

# Either family of a pool takes all of it along.
at_families() { expect "$1" families.svc.example.test A && expect "$2" families.svc.example.test AAAA; }
within 10 at_families "127.0.1.31 127.0.1.32 127.0.1.33" "fd00:9::31 fd00:9::32"
verdict own down 127.0.1.31 fd00:9::31
within 10 at_families "127.0.1.32 127.0.1.33" fd00:9::32
verdict own down fd00:9::32
within 10 at_families 127.0.2.31 fd00:9:2::31
says_of families "0 of 2 IPv6 endpoints up, min_healthy_ipv6 1"
verdict own up fd00:9::32
within 10 at_families "127.0.1.32 127.0.1.33" fd00:9::32
verdict own down 127.0.1.32
within 10 at_families 127.0.2.31 fd00:9:2::31
says_of families "1 of 3 IPv4 endpoints up, min_healthy_ipv4 60%"

# A cluster needs three of its four endpoints, of all services.
at_waw() { expect "$1" one.svc.example.test A && expect "$2" two.svc.example.test A; }
within 10 at_waw "127.0.3.1 127.0.3.2" "127.0.3.3 127.0.3.4"
verdict own down 127.0.3.1
within 10 at_waw 127.0.3.2 "127.0.3.3 127.0.3.4"
verdict own down 127.0.3.3
within 10 at_waw 127.0.2.41 127.0.2.43
admin_get /v1/status | grep -qF "2 of 4 endpoints up, min_healthy 75%" || fail "the cluster does not say why"
verdict own up 127.0.3.1
within 10 at_waw "127.0.3.1 127.0.3.2" 127.0.3.4
