#!/usr/bin/env bash
# One endpoint may go down within a minute: the second stays in answers until somebody says so, over reload and restart.
# And an edge whose own target fails with most of everything evicts nothing.
source "$(dirname "$0")/lib.sh"

start_backend gateway 127.0.9.1 53
for i in 1 2 3 4; do start_backend "web$i" "127.0.1.$i"; done
all="127.0.1.1 127.0.1.2 127.0.1.3 127.0.1.4"
start_daemon brake.toml
within 10 expect "$all" shop.svc.example.test A
metric_is swingover_brake_engaged 0

stop_backend web1
within 10 expect "127.0.1.2 127.0.1.3 127.0.1.4" shop.svc.example.test A
stop_backend web2
within 10 metric_is swingover_brake_engaged 1
expect "127.0.1.2 127.0.1.3 127.0.1.4" shop.svc.example.test A
says "brake engaged"
ctl brake | grep -q "kept by brake: endpoint/shop.svc.example.test./127.0.1.2" || fail "the brake does not say what it keeps"
admin_get /v1/services/shop.svc.example.test. | grep -qF "held by the brake; the probes say: monitor web at 127.0.1.2" || fail "no word of the probes"
ctl history | grep -q "2 of 4 endpoints would be down within 1m, brake 1" || fail "the brake is not in the history"

reload_daemon
within 10 says "reloaded generation=2"
expect "127.0.1.2 127.0.1.3 127.0.1.4" shop.svc.example.test A
kill_daemon
restart_daemon
expect "127.0.1.2 127.0.1.3 127.0.1.4" shop.svc.example.test A
metric_is swingover_brake_engaged 1
stays 1 expect "127.0.1.2 127.0.1.3 127.0.1.4" shop.svc.example.test A

# Its probes agree again, and the brake is free.
start_backend web2 127.0.1.2
within 10 metric_is swingover_brake_engaged 0
stop_backend web2
within 10 expect "127.0.1.3 127.0.1.4" shop.svc.example.test A
stop_backend web3
within 10 metric_is swingover_brake_engaged 1
ctl brake release --reason "they burn" >/dev/null
expect "127.0.1.4" shop.svc.example.test A
metric_is swingover_brake_engaged 0
status=0
ctl brake release --reason again >"$work/told" 2>&1 || status=$?
[ "$status" = 1 ] || fail "a brake that keeps nothing was released"

# All back; then the gateway and everything else is away at once: this edge is what is wrong.
for i in 1 2 3; do start_backend "web$i" "127.0.1.$i"; done
within 10 expect "$all" shop.svc.example.test A
stop_backend gateway
stop_backend web1
stop_backend web2
stop_backend web3
within 10 metric_is swingover_self_doubt 1
within 10 expect "$all" shop.svc.example.test A
start_backend gateway 127.0.9.1 53
for i in 1 2 3; do start_backend "web$i" "127.0.1.$i"; done
within 15 metric_is swingover_self_doubt 0
expect "$all" shop.svc.example.test A
