#!/usr/bin/env bash
# A delegated subdomain for real: the parent zone on NSD, two Swingover edges as its name servers, unbound as the resolver that asks
# from the delegation down. An edge is killed, a cluster is killed; clients of the resolver follow.
source "$(dirname "$0")/lib.sh"

parent=127.0.10.1 edge1=127.0.11.1 edge2=127.0.11.2 resolver=127.0.12.1
cp delegated/*.zone "$work"
sed "s,@work@,$work,g" delegated/nsd.conf.in >"$work/nsd.conf"
sed "s,@work@,$work,g" delegated/unbound.conf.in >"$work/unbound.conf"

# start_edge NAME ADDRESS: a daemon of its own, with its own state and admin address.
start_edge() {
  sed "s,127.0.0.1:53,$2:53,; s,@work@/state,$work/state-$1,; s/interval = \"1s\"/interval = \"1s\"\ntimeout = \"500ms\"/; s/^monitors/ttl = \"1s\"\nmonitors/" intents.toml >"$work/$1.toml"
  printf '[admin]\nlisten = ["%s:8053"]\n' "$2" >>"$work/$1.toml"
  "$SWINGOVERD" --config "$work/$1.toml" 2>"$work/$1.log" &
  pids+=($!)
  printf -v "pid_of_$1" %s "$!"
  within 10 edge_answers "$2"
}
edge_answers() { dig +tries=1 +time=1 +norecurse @"$1" svc.example.test SOA | grep -q "flags: qr aa" || fail "$1 does not answer with authority"; }
# resolved WANTED NAME TYPE: through the resolver.
resolved() {
  local got; got=$(dig +short +tries=1 +time=5 @$resolver "$2" "$3" | sort | tr '\n' ' ')
  [ "$got" = "$1 " ] || fail "$2 $3 through the resolver: wanted '$1', got '$got'"
}

start_backend fra 127.0.1.1
start_backend ams 127.0.2.1
nsd -d -c "$work/nsd.conf" >"$work/nsd.log" 2>&1 &
pids+=($!)
start_edge edge1 $edge1
start_edge edge2 $edge2
unbound -d -c "$work/unbound.conf" >"$work/unbound.log" 2>&1 &
pids+=($!)

within 10 resolved "127.0.1.1" shop.svc.example.test A
resolved "127.0.1.1 shop.svc.example.test." www.svc.example.test A
[ "$(dig +tries=1 @$resolver nothing.svc.example.test A | grep -c 'status: NXDOMAIN')" = 1 ] || fail "no NXDOMAIN through the resolver"

# An edge dies: the resolver takes the other one.
kill -9 "$pid_of_edge1"
for _ in 1 2 3 4 5; do sleep 1.1; within 10 resolved "127.0.1.1" shop.svc.example.test A; done

# A cluster dies: with the TTL of a second, clients are on the other one in a few.
stop_backend fra
within 10 resolved "127.0.2.1" shop.svc.example.test A
start_backend fra 127.0.1.1
within 15 resolved "127.0.1.1" shop.svc.example.test A

# The edge comes back, and answers at once from its stored state.
start_edge edge1 $edge1
[ "$(dig +short +tries=1 @$edge1 shop.svc.example.test A)" = 127.0.1.1 ] || fail "edge 1 came back with another answer"
within 10 resolved "127.0.1.1" shop.svc.example.test A
