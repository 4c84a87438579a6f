#!/usr/bin/env bash
# A service leaves a cluster whose backend stops answering, and comes back when it does.
source "$(dirname "$0")/lib.sh"

start_backend fra 127.0.1.1
start_backend ams 127.0.2.1
start_daemon failover.toml

within 10 expect "127.0.1.1" shop.svc.example.test A
expect "192.0.2.80" www.svc.example.test A
expect "127.0.2.1" ams.on.shop.svc.example.test A
expect_rcode NXDOMAIN nothing.svc.example.test A
expect_rcode REFUSED example.org A

# A backend that dies: 1.2 s at worst on a machine that is not starved; bench/probe_bench measures that, here it is told.
since=$(milliseconds)
stop_backend fra
within 10 expect "127.0.2.1" shop.svc.example.test A
took=$(($(milliseconds) - since))
echo "failover took $took ms"
ctl service shop.svc.example.test | grep -q 'refused' || fail "no reason is shown"

start_backend fra 127.0.1.1
within 10 expect "127.0.1.1" shop.svc.example.test A

# One that accepts and never answers.
freeze_backend fra
within 10 expect "127.0.2.1" shop.svc.example.test A
thaw_backend fra
within 10 expect "127.0.1.1" shop.svc.example.test A

ctl history --target endpoint/shop.svc.example.test./ | grep -q '127.0.1.1' || fail "no history"
stop_daemon
