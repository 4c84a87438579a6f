#!/usr/bin/env bash
# A full disk: answers and swings go on, intents are refused, readiness, a metric and the log say so; writes resume by themselves.
source "$(dirname "$0")/lib.sh"

mkdir -p "$work/edge/state"
mount -t tmpfs -o size=24m tmpfs "$work/edge/state" # gone with the story's mount namespace
full=$work/edge/state/filler
# endpoint_is HEALTH ADDRESS: as the admin address shows it.
endpoint_is() { ctl --json service shop.svc.example.test. | python3 -c '
import json, sys
told = json.load(sys.stdin)
found = [e["health"] for p in told["pools"] for e in p["endpoints"] if e["address"] == sys.argv[2]]
sys.exit(found != [sys.argv[1]])' "$@" || fail "$2 is not $1"; }
fill() { dd if=/dev/zero of="$full" bs=4k oflag=append conv=notrunc >/dev/null 2>&1 || true; }

start_backend fra 127.0.1.1
start_backend ams 127.0.2.1
start_daemon intents.toml
within 5 expect "127.0.1.1" shop.svc.example.test A
ctl drain pool/shop.svc.example.test./fra --reason "before the disk is full"
expect "127.0.2.1" shop.svc.example.test A
within 5 admin_get /readyz >/dev/null

# What fits into the log's preallocated room is still taken; then intents are refused, in bounded time, and are not in force.
fill
python3 "$here/until_refused.py" "$(address_of admin)" endpoint/shop.svc.example.test./127.0.1.1 60 >"$work/told" ||
  fail "the disk is full and every intent was taken"
grep -q '"status": 50[37]' "$work/told" && grep -qiE "store|disk|space" "$work/told" || fail "the refusal does not say why: $(cat "$work/told")"
fill
! ctl drain cluster/ams --reason "no room" >"$work/told" 2>&1 || fail "taken without room"
grep -qiE "store|disk|space" "$work/told" || fail "the refusal does not say why: $(cat "$work/told")"
expect "127.0.2.1" shop.svc.example.test A
! admin_get /readyz >"$work/told" || fail "/readyz is 200 with a full disk"
grep -qi "store" "$work/told" || fail "/readyz does not say why: $(cat "$work/told")"
metric_is swingover_store_healthy 0
says "No space left"

# Answers swing although nothing can be stored: ams dies, and drained fra stays out, so when_all_down decides: all that is not drained.
stop_backend ams
within 5 endpoint_is down 127.0.2.1
expect "127.0.2.1" shop.svc.example.test A
start_backend ams 127.0.2.1
within 10 endpoint_is up 127.0.2.1
stop_backend fra
within 5 endpoint_is down 127.0.1.1

# Room again: writes resume without a restart, and what was learnt meanwhile is stored.
rm "$full"
within 30 admin_get /readyz >/dev/null
metric_is swingover_store_healthy 1
ctl undrain pool/shop.svc.example.test./fra
expect "127.0.2.1" shop.svc.example.test A
kill_daemon
restart_daemon
expect "127.0.2.1" shop.svc.example.test A # fra was down in what is stored
