#!/usr/bin/env bash
# What systemd is told and gives: ready, reloading, stopping, watchdog, status; sockets handed over; a clean stop that finishes TCP answers.
source "$(dirname "$0")/lib.sh"

told() { grep -q -- "$1" "$work/notified" || fail "systemd was not told $1: $(tail -5 "$work/notified")"; }

start_backend fra 127.0.1.1
python3 "$here/notify_listener.py" "$work/notify.sock" "$work/notified" &
pid_of[listener]=$!
within 5 test -S "$work/notify.sock"

export NOTIFY_SOCKET="$work/notify.sock" WATCHDOG_USEC=1000000
start_daemon intents.toml
within 5 told "READY=1"
within 5 told "STATUS="
within 5 told "WATCHDOG=1"
reload_daemon
within 5 told "RELOADING=1"
within 5 metric_is swingover_generation 2
stop_daemon
within 5 told "STOPPING=1"
unset NOTIFY_SOCKET WATCHDOG_USEC

# Sockets from systemd: the daemon opens none of its own, so queries that come while it is away wait in the kernel.
python3 "$here/hand_over.py" 127.0.0.1:53 -- "$SWINGOVERD" --config "$(config_of)" 2>"$work/handed.log" &
pid_of[handed]=$!
handed=$!
asked() { [ "$(dig +short +tries=1 +time=1 @127.0.0.1 shop.svc.example.test A "$@")" = 127.0.1.1 ] || fail "no answer $*"; }
within 10 asked
asked +tcp
kill -TERM $handed
status=0
wait $handed || status=$?
unset "pid_of[handed]"
[ $status = 0 ] || fail "it stopped with $status: $(cat "$work/handed.log")"

# Where the sockets and the config name different addresses, the log says which are served.
python3 "$here/hand_over.py" 127.0.0.9:53 -- "$SWINGOVERD" --config "$(config_of)" 2>"$work/handed.log" &
pid_of[elsewhere]=$!
logged() { grep -q -- "$1" "$work/handed.log" || fail "the log does not say $1: $(cat "$work/handed.log")"; }
within 10 logged 'handed socket matches no \[server\] listen: it is served all the same.* address=127.0.0.9:53 kind=udp'
logged '\[server\] listen is not served: systemd hands over other sockets.* address=127.0.0.1:53'
within 10 logged 'ready udp=127.0.0.9:53'
end_process elsewhere TERM
