#!/usr/bin/env bash
# A service of services: it stays with the inner one while anything of that is up, leaves it when all of it is down or
# drained, comes back, and says why.
source "$(dirname "$0")/lib.sh"

east="east.svc.example.test."
west="west.svc.example.test."
all_down() { raw_ask shop.svc.example.test A | grep -qF 'EDE: 0 (Other): (all endpoints down)' || fail "no word of it"; }
start_backend fra 127.0.1.1
start_backend lon 127.0.3.1
start_backend ams 127.0.2.1
start_daemon nested.toml

within 10 expect "127.0.1.1 $east" shop.svc.example.test A

# The inner service fails over by itself; the outer one need not know.
stop_backend fra
within 10 expect "127.0.3.1 $east" shop.svc.example.test A

# Nothing of it is left: the outer one leaves it, though the inner name itself still answers (when_all_down).
stop_backend lon
within 10 expect "127.0.2.1 $west" shop.svc.example.test A
expect "127.0.1.1" east.svc.example.test A
ctl service shop.svc.example.test | grep -q "service $east has nothing left that is up" || fail "no reason is shown"
ctl explain shop.svc.example.test. | grep -q "has nothing left that is up" || fail "explain gives no reason"
says 'service=shop.svc.example.test. cluster=fra endpoint=east.svc.example.test. from=up to=down'

start_backend lon 127.0.3.1
within 10 expect "127.0.3.1 $east" shop.svc.example.test A

# What people drain inside is gone outside too, at once, and so after a restart.
ctl drain "pool/$east/lon" --reason "the east moves house" --owner ada
expect "127.0.2.1 $west" shop.svc.example.test A
kill_daemon
restart_daemon
expect "127.0.2.1 $west" shop.svc.example.test A
ctl undrain "pool/$east/lon"
within 10 expect "127.0.3.1 $east" shop.svc.example.test A

# Everything is down: the outer one answers all the same, and so does what is inside.
stop_backend lon
stop_backend ams
within 10 all_down
stop_daemon
