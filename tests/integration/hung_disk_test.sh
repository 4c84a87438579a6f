#!/usr/bin/env bash
# A disk that gives no answer: answers and swings go on, intents are refused in time, and a stop takes 5 s at most.
source "$(dirname "$0")/lib.sh"
: "${HANGING_DISK:?is not set: the path of the library that makes fsync hang}"
export HANGING_DISK_WHILE=$work/hang ASAN_OPTIONS=verify_asan_link_order=0

start_backend fra 127.0.1.1
start_backend ams 127.0.2.1
LD_PRELOAD=$HANGING_DISK start_daemon intents.toml
within 5 expect "127.0.1.1" shop.svc.example.test A
ctl drain cluster/ams --reason "before the disk hangs"

touch "$HANGING_DISK_WHILE"
since=$(milliseconds)
! ctl drain pool/shop.svc.example.test./fra --reason "no answer" >"$work/told" 2>&1 || fail "taken by a disk that hangs"
[ $(($(milliseconds) - since)) -le 8000 ] || fail "the refusal took longer than 8 s"
grep -q "has not answered" "$work/told" || fail "the refusal does not say why: $(cat "$work/told")"
expect "127.0.1.1" shop.svc.example.test A
metric_is swingover_store_healthy 0
says "the disk does not answer"

# It answers again: nothing of what was refused is left, and the store is well without anybody's doing.
rm "$HANGING_DISK_WHILE"
within 10 admin_get /readyz >/dev/null
stays 1 expect "127.0.1.1" shop.svc.example.test A
kill_daemon
LD_PRELOAD=$HANGING_DISK restart_daemon
expect "127.0.1.1" shop.svc.example.test A
[ "$(ctl --json intents | grep -c '"id"')" = 1 ] || fail "not the one intent that was taken"

touch "$HANGING_DISK_WHILE"
! ctl undrain cluster/ams >/dev/null 2>&1 || fail "taken by a disk that hangs"
stop_daemon # within 5 s
