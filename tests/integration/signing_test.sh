#!/usr/bin/env bash
# A zone is signed by one line: its key is made once and kept, its DS is there to paste, a validator that has it is content,
# and what is private of the key is in its own file alone.
source "$(dirname "$0")/lib.sh"

keys=$work/edge/state/keys
signed() { ! ask svc.example.test DNSKEY | grep -qv '^257 3 13 ' && [ -n "$(ask svc.example.test DNSKEY)" ]; }
validates() {
  delv @127.0.0.1 -a "$work/anchor" +root=svc.example.test "$@" 2>&1 | grep -q '^; fully validated' ||
    fail "a validator does not accept $*"
}

start_daemon signing.toml
expect "" svc.example.test DNSKEY
refused 1 "is not signed" ctl dnssec ds svc.example.test
[ ! -e "$keys" ] || fail "keys were made for a zone that is not signed"
"$SWINGOVERD" --check --config "$(config_of)" >/dev/null

sed -i '/^file/a [zone.dnssec]' "$(config_of)"
"$SWINGOVERD" --check --config "$(config_of)" >/dev/null
[ ! -e "$keys" ] || fail "a check made keys"
ctl reload
signed || fail "the zone has no DNSKEY"
says "key made zone=svc.example.test."
[ "$(stat -c %a "$keys" "$keys"/*.private | tr '\n' ' ')" = "700 600 " ] || fail "others may see the key"

# What is to be pasted is what BIND makes of the key's file.
ds=$(ctl dnssec ds svc.example.test)
[ "$ds" = "$(dnssec-dsfromkey -2 "$keys"/*.key)" ] || fail "not the DS of the key: $ds"
ctl dnssec status | grep -q 'ECDSAP256SHA256  csk   everything' || fail "the key is not shown"
refused 1 "no zone of this name" ctl dnssec ds shop.svc.example.test
awk '{ printf "trust-anchors { %s static-ds %s %s %s \"%s\"; };\n", $1, $4, $5, $6, $7 }' <<<"$ds" >"$work/anchor"
validates svc.example.test SOA
validates shop.svc.example.test A
validates svc.example.test CDS

# The same key after a restart and after a crash.
stop_daemon
restart_daemon
[ "$(ctl dnssec ds svc.example.test)" = "$ds" ] || fail "another key after a restart"
kill_daemon
restart_daemon
[ "$(ctl dnssec ds svc.example.test)" = "$ds" ] || fail "another key after a crash"
validates shop.svc.example.test A

# A reload with keys that cannot be used changes nothing; a start answers SERVFAIL, never without signatures.
mv "$keys" "$keys.away"
refused 1 "its keys are gone" ctl reload
rmdir "$keys"
mv "$keys.away" "$keys"
chmod 755 "$keys"
refused 1 "others may enter it" ctl reload
validates shop.svc.example.test A
stop_daemon
restart_daemon
expect_rcode SERVFAIL shop.svc.example.test A
ctl dnssec status | grep -q "others may enter it" || fail "what is wrong is not shown"
refused 1 "has no key to point at" ctl dnssec ds svc.example.test
chmod 700 "$keys"
ctl reload
validates shop.svc.example.test A

# Nothing private is anywhere else: not in logs, the store, the history, the status or the metrics.
private=$(sed -n 's/^PrivateKey: //p' "$keys"/*.private)
[ -n "$private" ] || fail "the key's file has no private part"
admin_get /v1/dnssec >"$work/edge/dnssec"
admin_get /v1/history >"$work/edge/history"
admin_get /v1/status >"$work/edge/status"
admin_get /metrics >"$work/edge/metrics"
stop_daemon
found=$(grep -rlF --exclude='*.private' -e "$private" "$work" || true)
[ -z "$found" ] || fail "the private key is also in $found"
