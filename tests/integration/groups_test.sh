#!/usr/bin/env bash
# A cluster that reports itself, a calculated monitor, one that only observes, and a pool that is down as a whole.
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
