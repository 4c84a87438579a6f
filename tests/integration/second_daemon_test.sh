#!/usr/bin/env bash
# A second daemon on the same state directory is refused with a clear line, and the first goes on.
source "$(dirname "$0")/lib.sh"

start_backend fra 127.0.1.1
start_daemon intents.toml
within 5 expect "127.0.1.1" shop.svc.example.test A

sed "s,127.0.0.1:53,127.0.0.2:53," "$(config_of)" >"$work/edge/second.toml"
printf '[admin]\nlisten = ["127.0.0.2:8053"]\n' >>"$work/edge/second.toml"
status=0
timeout 10 "$SWINGOVERD" --config "$work/edge/second.toml" 2>"$work/told" || status=$?
[ $status = 1 ] || fail "exit $status, wanted 1"
grep -q "$work/edge/state" "$work/told" && grep -qi "another swingoverd" "$work/told" ||
  fail "it does not say which directory and why: $(cat "$work/told")"
expect "127.0.1.1" shop.svc.example.test A
