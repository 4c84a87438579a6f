#!/usr/bin/env bash
# NSD, Knot and BIND keep copies of a zone: each gets it signed with its key, hears of changes by NOTIFY, follows by
# IXFR, and never sees a serial go back, whatever happens to the primary.
source "$(dirname "$0")/lib.sh"

secret=S05PVC1LTk9ULUtOT1QtS05PVC1LTk9ULUtOT1QtS05PVC1LTk9ULUtOT1QtS05PVC1LTk9ULUtOT1QtS05PVC0=
nsd_key=hmac-sha256:nsd.xfr.:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=
zone=svc.example.test
secondaries="127.0.31.1 127.0.31.2 127.0.31.3"
mkdir -p "$work/nsd" "$work/knot" "$work/bind" "$work/edge"
for server in nsd knot named; do sed "s,@work@,$work,g" "$here/transfers/$server.conf.in" >"$work/$server.conf"; done
install -m 600 /dev/null "$work/edge/knot.secret"
echo $secret >"$work/edge/knot.secret"

# at ADDRESS WANTED NAME TYPE: what a secondary answers.
at() {
  local got
  got=$(timeout 5 dig +short +tries=1 +time=2 "@$1" "$3" "$4" | sort | paste -sd ' ')
  [ "$got" = "$2" ] || fail "$3 $4 at $1: wanted '$2', got '$got'"
}
serial_at() { timeout 5 dig +short +tries=1 +time=2 "@$1" $zone SOA | cut -d' ' -f3; }
has_serial() { [ "$(serial_at "$1")" = "$2" ] || fail "the serial at $1 is $(serial_at "$1"), wanted $2"; }
all_have_serial() { for each in $secondaries; do within 15 has_serial "$each" "$1"; done; }
all_have() { for each in $secondaries; do within 15 at "$each" "$@"; done; }
count_of() { admin_get /metrics | awk -v name="$1" '$1 == name {print $2}'; }
counted() { [ "$(count_of "$1")" -ge "$2" ] || fail "$1 is $(count_of "$1"), wanted at least $2"; }
# transfer DIG OPTION…: as dig prints it, from an address that is in the config.
transfer() { timeout 10 dig +tries=1 +time=3 -b 127.0.31.4 @127.0.0.53 $zone "$@"; }
edit_zone() { sed -i "$1" "$work/edge/$zone.zone"; }

# BIND listens at addresses that an interface has.
ip address add 127.0.31.3/32 dev lo
start_daemon transfers/transfers.toml
nsd -d -c "$work/nsd.conf" >"$work/nsd/log" 2>&1 & pid_of[nsd]=$!
knotd -c "$work/knot.conf" >"$work/knot/log" 2>&1 & pid_of[knot]=$!
named -g -4 -c "$work/named.conf" >"$work/bind/log" 2>&1 & pid_of[named]=$!

# The whole zone, with the service's first pool, at each of them.
all_have_serial 1
all_have "127.0.1.1" shop.$zone A
all_have "127.0.1.1 shop.$zone." www.$zone A
counted 'swingover_transfers_total{form="whole"}' 3

# A changed file: everyone is told at once, and takes the difference alone.
edit_zone 's/hostmaster 1 /hostmaster 5 /; $a new A 192.0.2.5'
reload_daemon
all_have_serial 5
all_have "192.0.2.5" new.$zone A
counted 'swingover_transfers_total{form="incremental"}' 3
counted 'swingover_notify_total{result="acknowledged"}' 3
counted 'swingover_transfers_total{form="whole"}' 3

# A changed service, and a file whose serial nobody touched: the serial goes on by itself.
sed -i 's/addresses = \["127.0.1.1"\]/addresses = ["127.0.1.7"]/' "$(config_of)"
reload_daemon
all_have_serial 6
all_have "127.0.1.7" shop.$zone A
edit_zone 's/192.0.2.5/192.0.2.6/'
reload_daemon
all_have_serial 7
all_have "192.0.2.6" new.$zone A
expect "ns1.$zone. hostmaster.$zone. 7 3600 600 1209600 60" $zone SOA

# Killed and started again, and changed in between: no serial twice, none back.
kill_daemon
restart_daemon
expect "ns1.$zone. hostmaster.$zone. 7 3600 600 1209600 60" $zone SOA
kill_daemon
edit_zone 's/192.0.2.6/192.0.2.7/; s/hostmaster 5 /hostmaster 4 /'
restart_daemon
all_have_serial 8
all_have "192.0.2.7" new.$zone A

# What people see: signed right, wrong, not at all; from the right address and from another one.
transfer AXFR -y $nsd_key | grep -q '^;; XFR size: 11 records' || fail "$(transfer AXFR -y $nsd_key)"
transfer AXFR -y $nsd_key | grep -q 'TSIG.*NOERROR' || fail "the transfer is not signed"
! transfer AXFR -y $nsd_key | grep -q "couldn't verify" || fail "the signature is not right"
transfer IXFR=7 -y $nsd_key | grep -q '^;; XFR size: 11 records' || fail "$(transfer IXFR=7 -y $nsd_key)"
transfer IXFR=8 -y $nsd_key | grep -q '^;; XFR size: 1 records' || fail "$(transfer IXFR=8 -y $nsd_key)"
[ "$(transfer +notcp IXFR=8 -y $nsd_key | grep -c 'IN.*SOA.* 8 3600')" = 1 ] || fail "$(transfer +notcp IXFR=8 -y $nsd_key)"
transfer AXFR | grep -q 'Transfer failed' || fail "without the key: $(transfer AXFR)"
transfer AXFR -y "${nsd_key/MDEy/MDEz}" 2>&1 | grep -q 'BADSIG\|NOTAUTH' || fail "wrong secret: $(transfer AXFR -y "${nsd_key/MDEy/MDEz}")"
transfer AXFR -y "${nsd_key/nsd/nobody}" 2>&1 | grep -q 'BADKEY\|NOTAUTH' || fail "wrong key: $(transfer AXFR -y "${nsd_key/nsd/nobody}")"
transfer -b 127.0.31.9 AXFR -y $nsd_key | grep -q 'Transfer failed' || fail "from another address"
transfer -b 127.0.31.5 AXFR | grep -q '^;; XFR size: 11 records' || fail "by address alone"
timeout 10 kdig +retry=0 @127.0.0.53 -b 127.0.31.4 -y $nsd_key $zone AXFR >"$work/kdig" || fail "$(cat "$work/kdig")"
grep -q '^;; Received .* (.* messages, 11 records)' "$work/kdig" || fail "$(cat "$work/kdig")"
timeout 10 kdig +retry=0 @127.0.0.53 -y "hmac-sha512:knot.xfr.:$secret" shop.$zone A | grep -q 'TSIG' || fail "a signed query is answered unsigned"

# Who does not answer is given up in the end, and is in nobody's way.
end_process nsd KILL
edit_zone 's/192.0.2.7/192.0.2.8/'
reload_daemon
secondaries="127.0.31.2 127.0.31.3"
all_have_serial 9
