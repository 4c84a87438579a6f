#!/usr/bin/env bash
# Answers are kept for less time while a change is near: while a backend fails its first probes, while a hold runs, before
# a drain ends, while a report is late. With nothing in sight they have the whole TTL.
source "$(dirname "$0")/lib.sh"

# answered ADDRESS OP SECONDS [SERVICE]: it is answered with this address, and a TTL of which OP SECONDS is true.
answered() {
  local got
  got=$(raw_ask "${4:-shop}.svc.example.test" A +noall +answer | awk '{print $5, $2}')
  [ "${got% *}" = "$1" ] || fail "answered '$got', wanted the address $1"
  [ "${got#* }" "$2" "$3" ] || fail "answered '$got', wanted a TTL $2 $3"
}

start_backend fra 127.0.1.1
start_backend ams 127.0.2.1
start_daemon ttl.toml
within 10 answered 127.0.1.1 -eq 300

# The first failures: still in the answers, for a moment only.
freeze_backend fra
within 10 answered 127.0.1.1 -lt 10
ctl explain shop.svc.example.test | grep -q "may go down" || fail "explain does not say what bounds the TTL"
ctl service shop.svc.example.test >"$work/told"
grep -q "of 300s" "$work/told" || fail "service does not show the TTL in force"
within 10 answered 127.0.2.1 -eq 300

# It is well again, and held: everybody knows when it may come back.
thaw_backend fra
within 10 answered 127.0.2.1 -lt 10
within 15 answered 127.0.1.1 -eq 300

# A drain that ends.
ctl drain cluster/fra --reason "kernel upgrade" --for 250s
answered 127.0.2.1 -le 250
ctl explain shop.svc.example.test | grep -q "kernel upgrade, which ends in" || fail "explain does not name the drain"
ctl undrain cluster/fra
answered 127.0.1.1 -eq 300

# Who reports: in time, then late, then not at all, then again.
beat() { ctl push beat up --address 127.0.1.9 >/dev/null; }
beat
answered 127.0.1.9 -eq 300 told
for _ in 1 2 3; do
  stays 2 answered 127.0.1.9 -eq 300 told
  beat
done
within 8 answered 127.0.1.9 -le 5 told
ctl explain told.svc.example.test | grep -q "monitor beat may go down" || fail "explain does not name the report that is late"
within 9 answered 127.0.2.9 -eq 300 told
beat
answered 127.0.1.9 -eq 300 told
