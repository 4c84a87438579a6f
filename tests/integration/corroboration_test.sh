#!/usr/bin/env bash
# Two of three clusters seem dead to the probes, which hear nothing from them, and still report their load: they stay in
# answers. They leave when the reports stop, come back with them, and leave at once when they refuse.
source "$(dirname "$0")/lib.sh"

declare -A address=([fra]=127.0.1.1 [ber]=127.0.2.1 [nyc]=127.0.3.1)
for cluster in fra ber nyc; do start_backend $cluster ${address[$cluster]}; done
start_daemon corroboration.toml

echo "fra-a 300
ber-a 300
nyc-a 100" >"$work/demand"
reports() {
  python3 "$support/crowd.py" "$(address_of udp)" "$(address_of admin)" shop.svc.example.test. --demand "$work/demand" \
    --seen "$work/seen" \
    --cluster fra=127.0.1.1 --cluster ber=127.0.2.1 --cluster nyc=127.0.3.1 \
    --locality fra-a=127.0.21.7 --locality ber-a=127.0.22.7 --locality nyc-a=127.0.23.7 2>"$work/crowd.log" &
  pid_of[crowd]=$!
}
in_fra() { expect "$1" shop.svc.example.test A -b 127.0.21.7; }
in_ber() { expect "$1" shop.svc.example.test A -b 127.0.22.7; }
home() { in_fra 127.0.1.1 && in_ber 127.0.2.1; }
away() { in_fra 127.0.3.1 && in_ber 127.0.3.1; }
doubts() {
  local kept
  kept=$(admin_get /metrics | grep -c '^swingover_cluster_kept{.*by="reports".*} 1$') || true
  [ "$kept" = "$1" ] || fail "$kept clusters are kept by their reports, wanted $1"
}

reports
within 10 home
doubts 0

freeze_backend fra
freeze_backend ber
within 15 doubts 2
home
says "a cluster's probes are not believed: it stays in answers cluster=fra"
ctl service shop.svc.example.test. | grep -q "held because its cluster still reports load; the probes say: monitor web at 127.0.1.1: timed out" ||
  fail "the service does not say why it stays: $(ctl service shop.svc.example.test.)"
ctl history --target cluster/fra | grep -q "of all capacity seems down, and it still reports its load" ||
  fail "the history does not say why it stays"
stays 6 home

# Nobody speaks for them any more.
stop_backend crowd
within 15 away
doubts 0

# Down already, they are back with their reports; what refuses is not.
reports
within 15 home
stop_backend ber
refusal() { [ "$(ask shop.svc.example.test. A -b 127.0.22.7)" != 127.0.2.1 ]; }
within 15 refusal
within 5 doubts 1
in_fra 127.0.1.1

# Probes that pass need nobody's word.
thaw_backend fra
within 15 doubts 0
in_fra 127.0.1.1
stop_daemon
