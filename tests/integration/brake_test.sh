#!/usr/bin/env bash
# One endpoint may go down within a minute: the second stays in answers until somebody says so, over reload and restart.
# And an edge whose own targets fail with most of everything evicts nothing. Of clusters some may go down likewise, and
# who keeps what the brake kept has it free for the others.
source "$(dirname "$0")/lib.sh"

# What this edge reaches whenever it reaches anything: one that answers pings, one that serves.
echo "0 2147483647" >/proc/sys/net/ipv4/ping_group_range
gateway() { ip address "$1" 10.9.9.9/32 dev lo; }
gateway add
start_backend resolver 127.0.9.1 53
for i in 1 2 3 4; do start_backend "web$i" "127.0.1.$i"; done
all="127.0.1.1 127.0.1.2 127.0.1.3 127.0.1.4"
start_daemon brake.toml
within 10 expect "$all" shop.svc.example.test A
metric_is swingover_brake_engaged 0

stop_backend web1
within 10 expect "127.0.1.2 127.0.1.3 127.0.1.4" shop.svc.example.test A
stop_backend web2
within 10 metric_is swingover_brake_engaged 1
expect "127.0.1.2 127.0.1.3 127.0.1.4" shop.svc.example.test A
says "brake engaged"
ctl brake | grep -q "kept by brake: endpoint/shop.svc.example.test./127.0.1.2" || fail "the brake does not say what it keeps"
admin_get /v1/services/shop.svc.example.test. | grep -qF "held by the brake; the probes say: monitor web at 127.0.1.2" || fail "no word of the probes"
ctl history | grep -q "2 of 4 endpoints would be down within 1m, brake 1" || fail "the brake is not in the history"

reload_daemon
within 10 says "reloaded generation=2"
expect "127.0.1.2 127.0.1.3 127.0.1.4" shop.svc.example.test A
kill_daemon
restart_daemon
expect "127.0.1.2 127.0.1.3 127.0.1.4" shop.svc.example.test A
metric_is swingover_brake_engaged 1
stays 1 expect "127.0.1.2 127.0.1.3 127.0.1.4" shop.svc.example.test A

# Its probes agree again, and the brake is free.
start_backend web2 127.0.1.2
within 10 metric_is swingover_brake_engaged 0
stop_backend web2
within 10 expect "127.0.1.3 127.0.1.4" shop.svc.example.test A
# (One of two targets is not most of them: no doubt, though three of four endpoints fail.)
stop_backend resolver
stop_backend web3
within 10 metric_is swingover_brake_engaged 1
ctl brake release --reason "they burn" >/dev/null
expect "127.0.1.4" shop.svc.example.test A
metric_is swingover_brake_engaged 0
metric_is swingover_self_doubt 0
status=0
ctl brake release --reason again >"$work/told" 2>&1 || status=$?
[ "$status" = 1 ] || fail "a brake that keeps nothing was released"

# All back; then both targets and everything else is away at once: this edge is what is wrong.
start_backend resolver 127.0.9.1 53
for i in 1 2 3; do start_backend "web$i" "127.0.1.$i"; done
within 10 expect "$all" shop.svc.example.test A
stop_backend resolver
gateway del
stop_backend web1
stop_backend web2
stop_backend web3
within 10 metric_is swingover_self_doubt 1
within 10 expect "$all" shop.svc.example.test A
says "this edge doubts itself: nothing is evicted"
ctl brake | grep -q "this edge doubts itself" || fail "the doubt is not shown"
start_backend resolver 127.0.9.1 53
for i in 1 2 3; do start_backend "web$i" "127.0.1.$i"; done
within 15 metric_is swingover_self_doubt 0 # one target of two is enough
expect "$all" shop.svc.example.test A
stop_daemon

# Clusters: one of three may go down within a minute.
{
  sed '/^\[brake\]/,/^file/d' "$here/brake.toml" | sed '/^\[\[cluster\]\]/,$d'
  cat <<'T'
[brake]
clusters = "40%"
window = "1m"
[[zone]]
name = "svc.example.test."
file = "shop.zone"
[[monitor]]
name = "ingress"
kind = "tcp"
port = 8081
interval = "500ms"
timeout = "400ms"
flap_half_life = "0s"
[[service]]
name = "shop.svc.example.test."
policy = "all"
T
  for n in 1 2 3; do
    cat <<T
  [[service.pool]]
  cluster = "c$n"
  endpoints = ["127.0.1.$n"]
[[cluster]]
name = "c$n"
addresses = ["127.0.2.$n"]
monitors = ["ingress"]
T
  done
} >"$work/clusters.toml"
cp "$here/shop.zone" "$work"
for n in 1 2 3; do start_backend "c$n" "127.0.2.$n" 8081; done
start_daemon "$work/clusters.toml" clusters
daemon=clusters
within 10 expect "127.0.1.1 127.0.1.2 127.0.1.3" shop.svc.example.test A
refused 1 "the brake keeps nothing" ctl brake keep --reason "our uplink"
stop_backend c1
within 10 expect "127.0.1.2 127.0.1.3" shop.svc.example.test A
stop_backend c2
within 10 metric_is swingover_brake_engaged 1
expect "127.0.1.2 127.0.1.3" shop.svc.example.test A
ctl brake | grep -qF "2 of 3 clusters would be down within 1m, brake 40%" || fail "the brake does not say why"
ctl brake | grep -qF "kept by brake: cluster/c2" || fail "the brake does not say what it keeps"

refused 2 "--reason" ctl brake keep
ctl brake keep --reason "our uplink" --owner ada | grep -qF "kept by person: cluster/c2" || fail "keep does not say what it keeps"
metric_is swingover_brake_engaged 0
stop_backend c3
within 10 expect "127.0.1.2" shop.svc.example.test A
kill_daemon clusters
restart_daemon clusters
stays 1 expect "127.0.1.2" shop.svc.example.test A
ctl brake | grep -qF "kept by person: cluster/c2" || fail "a restart forgot what was kept"
ctl history | grep 'brake' | grep 'ada' | grep -qF 'our uplink' || fail "the history does not name who keeps"

# It is kept until its probes agree; then it goes down as any other.
start_backend c2 127.0.2.2 8081
within 10 eval '! ctl brake | grep -q kept'
expect "127.0.1.2" shop.svc.example.test A
start_backend c1 127.0.2.1 8081
within 10 expect "127.0.1.1 127.0.1.2" shop.svc.example.test A
stop_backend c2
within 10 expect "127.0.1.1" shop.svc.example.test A
stop_daemon clusters

# A target that this edge has no right to ping never fails; who relies on it is told.
echo "1 0" >/proc/sys/net/ipv4/ping_group_range
printf '#!/bin/sh\nexec setpriv --bounding-set=-net_raw "%s" "$@"\n' "$SWINGOVERD" >"$work/without_raw"
chmod +x "$work/without_raw"
daemon=edge
SWINGOVERD=$work/without_raw restart_daemon
within 10 says "self_check target changed target=10.9.9.9 from="
says "no right to send echo requests"
ctl brake | grep -q "self_check 10.9.9.9: unknown: .*no right to send echo requests" || fail "the blind target is not shown"
ctl brake | grep -qF "self_check tcp://127.0.9.1:53: up" || fail "the other target is not shown"
stop_daemon
