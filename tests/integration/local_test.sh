#!/usr/bin/env bash
# Policy local: each client gets the cluster of its locality, then of its region, then any; when its own dies, the next nearest.
source "$(dirname "$0")/lib.sh"

# from SOURCE WANTED: what a client with this address is answered.
from() { expect "$2" shop.svc.example.test A -b "$1"; }

start_backend fra 127.0.1.1
start_backend ber 127.0.2.1
start_backend nyc 127.0.3.1
start_daemon local.toml
all_near() { from 127.0.21.7 127.0.1.1 && from 127.0.22.7 127.0.2.1 && from 127.0.23.7 127.0.3.1; }
within 10 all_near
from 127.0.99.7 127.0.1.1 # no known locality: by priority
ctl explain shop.svc.example.test. --client 127.0.22.7 | grep -q ber-a || fail "explain does not name the client's locality"

stop_backend ber
within 10 from 127.0.22.7 127.0.1.1 # the same region first
from 127.0.23.7 127.0.3.1
stop_backend fra
within 10 from 127.0.22.7 127.0.3.1
from 127.0.21.7 127.0.3.1

start_backend ber 127.0.2.1
within 10 from 127.0.22.7 127.0.2.1
from 127.0.21.7 127.0.2.1
stop_daemon
