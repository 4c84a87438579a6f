#!/usr/bin/env bash
# Clients stay in their locality until its cluster is full; then only the surplus leaves, for the nearest cluster with room.
# When a cluster dies the survivors stay within their capacity, and it gets its share back in steps.
source "$(dirname "$0")/lib.sh"

declare -A address=([fra]=127.0.1.1 [ber]=127.0.2.1 [nyc]=127.0.3.1)
declare -A client=([fra-a]=127.0.21.7 [ber-a]=127.0.22.7 [nyc-a]=127.0.23.7)

for cluster in fra ber nyc; do start_backend $cluster ${address[$cluster]}; done
start_daemon spillover.toml

# is LOCALITY CLUSTER LEAST MOST: of the last 100 answers to clients there, so many led to the cluster.
is() {
  local got
  got=$(sed -n "s/^$1 $2 //p" "$work/seen")
  [ "$got" -ge "$3" ] && [ "$got" -le "$4" ] || fail "$1 -> $2: $got of 100 answers, wanted $3 to $4 $(ctl service shop.svc.example.test.)"
}

echo "fra-a 500
ber-a 300
nyc-a 100" >"$work/demand"
python3 "$support/crowd.py" "$(address_of udp)" "$(address_of admin)" shop.svc.example.test. --demand "$work/demand" \
  --seen "$work/seen" \
  --cluster fra=127.0.1.1 --cluster ber=127.0.2.1 --cluster nyc=127.0.3.1 \
  --locality fra-a=127.0.21.7 --locality ber-a=127.0.22.7 --locality nyc-a=127.0.23.7 2>"$work/crowd.log" &
pid_of[crowd]=$!

within 10 is fra-a fra 100 100
is ber-a ber 100 100
is nyc-a nyc 100 100

# A crowd in fra: 1,100 for 700. The 400 fit into ber, which is nearer than nyc.
echo "fra-a 1100
ber-a 300
nyc-a 100" >"$work/demand"
within 40 is fra-a fra 62 66
is fra-a ber 34 38
is fra-a nyc 0 0
is ber-a ber 100 100
ctl service shop.svc.example.test. >"$work/service"

# ber dies: 1,500 for two clusters, which go to three quarters each, and nobody above.
stop_backend ber
within 20 is fra-a nyc 26 38
is fra-a fra 62 74
is ber-a nyc 100 100
is nyc-a nyc 100 100
within 5 says "regime changed service=shop.svc.example.test. from=normal to=tight"

# It comes back in steps: a tenth first, the whole at the end.
start_backend ber 127.0.2.1
some() { is ber-a ber 1 90; }
within 20 some
within 40 is ber-a ber 100 100
within 40 is fra-a ber 34 38
ctl history --target service/shop.svc.example.test. | grep -q "ramp" || fail "the steps back are not in the history"
ctl history --target service/shop.svc.example.test. | grep -q "health" || fail "the way out is not in the history"
stop_daemon
