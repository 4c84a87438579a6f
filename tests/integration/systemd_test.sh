#!/usr/bin/env bash
# What systemd is told and gives: ready, reloading, stopping, watchdog, status; sockets handed over; a clean stop that finishes TCP answers.
source "$(dirname "$0")/lib.sh"

told() { grep -q -- "$1" "$work/notified" || fail "systemd was not told $1: $(tail -5 "$work/notified")"; }

start_backend fra 127.0.1.1
python3 notify_listener.py "$work/notify.sock" "$work/notified" &
pids+=($!)
within 5 test -S "$work/notify.sock"

export NOTIFY_SOCKET="$work/notify.sock" WATCHDOG_USEC=1000000
start_daemon intents.toml
within 5 told "READY=1"
within 5 told "STATUS="
within 5 told "WATCHDOG=1"
kill -HUP "$daemon_pid"
within 5 told "RELOADING=1"
within 5 metric_is swingover_generation 2
stop_daemon
within 5 told "STOPPING=1"
unset NOTIFY_SOCKET WATCHDOG_USEC

# Sockets from systemd: the daemon opens none of its own, so queries that come while it is away wait in the kernel.
rendered=$(render intents.toml)
python3 hand_over.py 127.0.0.1:53 -- "$SWINGOVERD" --config "$rendered" 2>"$work/handed.log" &
pids+=($!)
handed=$!
within 10 expect "127.0.1.1" shop.svc.example.test A
[ "$(dig +tcp +short +tries=1 @127.0.0.1 shop.svc.example.test A)" = 127.0.1.1 ] || fail "no answer over the TCP socket that was handed over"
kill -TERM $handed
stopped() { ! kill -0 $handed 2>/dev/null || fail "still there"; }
within 5 stopped
