#!/usr/bin/env bash
# What hosts and hurried people do to a daemon: pauses, storms of reloads, files that vanish, a stop in the midst of work, few
# descriptors, wildcard addresses.
source "$(dirname "$0")/lib.sh"

swings() { ctl --json history | python3 -c 'import json, sys; print(sum(e["kind"] == "swing" for e in json.load(sys.stdin)["entries"]))'; }

# Answers leave from the address that was asked, which dig insists on; there is one for each family.
ip address add 192.0.2.9/32 dev lo
ip address add 2001:db8::9/128 dev lo nodad
start_backend fra 127.0.1.1
start_backend ams 127.0.2.1
mkdir "$work/source"
sed 's/^listen .*/listen = ["0.0.0.0:53", "[::]:53"]/' "$here/failover.toml" >"$work/source/wildcard.toml"
start_daemon "$work/source/wildcard.toml"
for address in 127.0.0.1 127.5.6.7 192.0.2.9 ::1 2001:db8::9; do
  for transport in +notcp +tcp; do
    got=$(dig +tries=1 +time=2 +short $transport "@$address" www.svc.example.test A) || true
    [ "$got" = "192.0.2.80" ] || fail "$address $transport answers '$got'"
  done
done
stop_daemon
start_daemon failover.toml
within 5 expect "127.0.1.1" shop.svc.example.test A
within 5 admin_get /readyz >/dev/null

# A daemon that slept takes the time that has passed for nobody's death.
before=$(swings)
kill -STOP "${pid_of[edge]}"
sleep 4
kill -CONT "${pid_of[edge]}"
stays 2 expect "127.0.1.1" shop.svc.example.test A
[ "$(swings)" = "$before" ] || fail "a pause of the daemon swung: $(ctl history)"

# A storm of reloads leaves no more memory behind than the first ones took.
memory() { awk '/^VmRSS/ {print $2}' "/proc/${pid_of[edge]}/status"; }
reload_many() { for _ in $(seq "$1"); do ctl reload >/dev/null; done; }
reload_many 50
before=$(memory)
reload_many 150
[ $(($(memory) - before)) -lt 4096 ] || fail "150 reloads grew it from $before KiB to $(memory) KiB"

# A zone file that vanished refuses the reload; its content stays.
mv "$work/edge/svc.example.test.zone" "$work/aside"
! ctl reload >"$work/told" 2>&1 || fail "a reload without the zone file is done"
grep -q "svc.example.test.zone: No such file" "$work/told" || fail "it is not told: $(cat "$work/told")"
expect "192.0.2.80" www.svc.example.test A
mv "$work/aside" "$work/edge/svc.example.test.zone"

# A state directory that was removed takes no intent, and says so.
mv "$work/edge/state" "$work/moved"
! ctl drain cluster/fra --reason "not to be lost" >"$work/told" 2>&1 || fail "an intent without a store is acknowledged"
grep -q "is gone" "$work/told" || fail "it is not told: $(cat "$work/told")"
expect "127.0.1.1" shop.svc.example.test A
mv "$work/moved" "$work/edge/state"
within 15 ctl drain cluster/fra --reason "there again" >/dev/null
expect "127.0.2.1" shop.svc.example.test A
stop_daemon

# A stop in the midst of a reload answers who waits, and exits with 0: twelve thousand services take a moment to read.
mkdir "$work/many"
cp "$here/failover.toml" "$work/many/many.toml"
for i in $(seq 12000); do
  printf '[[service]]\nname = "s%d.svc.example.test."\n[[service.pool]]\ncluster = "fra"\n' "$i"
done >>"$work/many/many.toml"
start_daemon "$work/many/many.toml"
ctl reload >"$work/told" 2>&1 &
waiting=$!
within 10 says reloading
stop_daemon
wait "$waiting" || grep -q "the daemon is stopping" "$work/told" || fail "the one that waited is told: $(cat "$work/told")"

# With hardly any descriptors it refuses in one line, or serves; it never dies of it.
start_daemon failover.toml
prlimit --pid "${pid_of[edge]}" --nofile="$(find "/proc/${pid_of[edge]}/fd" -mindepth 1 | wc -l):256"
python3 "$support/dns_client.py" cut 127.0.0.1:53 shop.svc.example.test >/dev/null || fail "no answer with all descriptors taken"
timeout 3 "$SWINGCTL" --server "$(address_of admin)" reload >/dev/null 2>&1 || true
expect "127.0.2.1" shop.svc.example.test A

# With room for two more, clients that take all there is do not shut operators out once they have gone.
prlimit --pid "${pid_of[edge]}" --nofile="$(($(find "/proc/${pid_of[edge]}/fd" -mindepth 1 | wc -l) + 2)):256"
python3 "$support/dns_client.py" idle 127.0.0.1:53 shop.svc.example.test --connections 200 >/dev/null || fail "a new client is not served"
for _ in 1 2 3; do within 5 admin_get /livez >/dev/null; done
stop_daemon
