#!/usr/bin/env bash
# What a person asks for: drain and force, on clusters, pools and endpoints; they expire, survive a restart and stand in the journal.
source "$(dirname "$0")/lib.sh"

start_backend fra 127.0.1.1
start_backend ams 127.0.2.1
start_daemon intents.toml
within 5 expect "127.0.1.1" shop.svc.example.test A

ctl drain cluster/fra --reason "kernel upgrade" --owner ada
expect "127.0.2.1" shop.svc.example.test A      # at once: acknowledged means in force
expect "127.0.1.1" fra.on.shop.svc.example.test A
ctl intents | grep -q "kernel upgrade" || fail "the drain is not listed"
ctl status | grep -q drain || fail "status does not show the drain"
ctl explain shop.svc.example.test. | grep -qi drain || fail "explain does not name the drain"
kill_daemon
restart_daemon
expect "127.0.2.1" shop.svc.example.test A      # the first answer after a restart
ctl undrain cluster/fra
expect "127.0.1.1" shop.svc.example.test A

ctl drain pool/shop.svc.example.test./fra --reason "bad deploy" --for 2s
expect "127.0.2.1" shop.svc.example.test A
within 5 expect "127.0.1.1" shop.svc.example.test A      # it expired by itself
ctl history | grep -qi expire || fail "the expiry is not in the journal"

ctl force down endpoint/shop.svc.example.test./127.0.1.1 --reason "half dead"
expect "127.0.2.1" shop.svc.example.test A
refused 1 "not drained" ctl undrain endpoint/shop.svc.example.test./127.0.1.1
ctl cancel "$(ctl --json intents | python3 -c 'import json, sys; print(json.load(sys.stdin)["intents"][0]["id"])')"
expect "127.0.1.1" shop.svc.example.test A

stop_backend fra
within 5 expect "127.0.2.1" shop.svc.example.test A
ctl force up cluster/fra --reason "the probe is broken" --for 2s
expect "127.0.1.1" shop.svc.example.test A
within 5 expect "127.0.2.1" shop.svc.example.test A

# An intent that expires while the daemon is away is gone when it is back.
ctl drain cluster/ams --reason "short" --for 1s
stop_daemon
sleep 1.2
restart_daemon
ctl intents | grep -q short && fail "an intent outlived its expiry over a restart"

# Refusals say why, and exit 1; wrong use exits 2; no daemon exits 3.
refused 1 "no cluster" ctl drain cluster/fro --reason x
refused 2 "reason" ctl drain cluster/fra
refused 2 "" ctl frobnicate
ctl history --target cluster/fra | grep -q ada || fail "the journal does not name who drained"
server=$(address_of admin)
stop_daemon
refused 3 "" "$SWINGCTL" --server "$server" status
