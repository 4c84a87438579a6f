#!/usr/bin/env bash
# A delegated subdomain for real: the parent zone on NSD, two Swingover edges as its name servers, unbound as the resolver that asks
# from the delegation down. An edge is killed, a cluster is killed; clients of the resolver follow.
source "$(dirname "$0")/lib.sh"

resolver=127.0.12.1
cp "$here"/delegated/* "$work"
# More than any datagram holds.
for i in $(seq 40); do printf 'large TXT "%0200d"\n' "$i"; done >>"$work/delegated.zone"
sed "s,@work@,$work,g" "$here/delegated/nsd.conf.in" >"$work/nsd.conf"
sed "s,@work@,$work,g" "$here/delegated/unbound.conf.in" >"$work/unbound.conf"
# Each edge has its own address, state and admin address; the TTL is a second, so that the resolver follows soon.
for edge in 1 2; do
  {
    sed "s,127.0.0.1:53,127.0.11.$edge:53,; s,shop.zone,delegated.zone,; s/^monitors/ttl = \"1s\"\nmonitors/" "$here/intents.toml"
    printf '[admin]\nlisten = ["127.0.11.%s:8053"]\n' $edge
  } >"$work/edge$edge.toml"
done
# resolved WANTED NAME TYPE: through the resolver, whose random spelling stays in what a DNAME gives.
resolved() {
  local got; got=$(dig +short +tries=1 +time=5 @$resolver "$2" "$3" | tr '[:upper:]' '[:lower:]' | sort | paste -sd ' ')
  [ "$got" = "$1" ] || fail "$2 $3 through the resolver: wanted '$1', got '$got'"
}

# resolver_says WORDS NAME TYPE: the resolver's header has them.
resolver_says() {
  dig +tries=1 +time=5 @$resolver "$2" "$3" | grep -q "status: $1" || fail "$2 $3 through the resolver: not $1"
}

start_backend fra 127.0.1.1
start_backend ams 127.0.2.1
nsd -d -c "$work/nsd.conf" >"$work/nsd.log" 2>&1 &
pid_of[nsd]=$!
start_daemon "$work/edge1.toml" edge1
start_daemon "$work/edge2.toml" edge2
# A resolver remembers for minutes who gave it no answer, so the parent answers before there is one.
parent_answers() { dig +tries=1 +time=1 +norecurse @127.0.10.1 example.test SOA | grep -q 'status: NOERROR' || fail "the parent does not answer"; }
within 20 parent_answers
unbound -d -c "$work/unbound.conf" >"$work/unbound.log" 2>&1 &
pid_of[unbound]=$!

within 20 resolved "127.0.1.1" shop.svc.example.test A
within 10 resolved "127.0.1.1 shop.svc.example.test." www.svc.example.test A
within 10 resolver_says NXDOMAIN nothing.svc.example.test A
within 10 resolver_says NOERROR shop.svc.example.test TXT

# Every other kind of answer, asked in the resolver's random spelling, label by label.
within 10 resolved "127.0.3.1" any.thing.wild.svc.example.test A
within 10 resolved "127.0.1.1 shop.svc.example.test. www.svc.example.test." x.cwild.svc.example.test A
within 10 resolved "127.0.3.2 e.svc.example.test. x.e.svc.example.test." x.d.svc.example.test A
within 10 resolved "127.0.3.2 e.svc.example.test. x.d.svc.example.test. x.e.svc.example.test." to-d.svc.example.test A
within 10 resolved "127.0.3.1 chain2.svc.example.test. x.wild.svc.example.test." chain1.svc.example.test A
within 10 resolved '"deep"' deep.ent.svc.example.test TXT
within 10 resolved "10 shop.svc.example.test." mail.svc.example.test MX
for owner in web alias; do
  within 10 resolver_says NOERROR $owner.svc.example.test TYPE65
done
within 10 resolved "1 . alpn=\"h2\"" web.svc.example.test HTTPS
within 10 resolved "0 web.svc.example.test." alias.svc.example.test HTTPS
[ "$(dig +short +tries=1 +time=5 @$resolver large.svc.example.test TXT | wc -c)" = 8120 ] || fail "no large TXT through the resolver"
within 10 resolver_says NOERROR ent.svc.example.test A
within 10 resolver_says NXDOMAIN no.ent.svc.example.test A

# An edge dies: the resolver takes the other one, while the answers in its cache run out again and again. How long it
# asks the dead one first, and then all again in one spelling, is its own affair: on busy CPUs it was more than 10 s.
kill_daemon edge1
for _ in 1 2 3; do
  sleep 1.1
  within 40 resolved "127.0.1.1" shop.svc.example.test A
done

# A cluster dies: clients are on the other one within its TTL, and come back after it.
stop_backend fra
within 10 resolved "127.0.2.1" shop.svc.example.test A
start_backend fra 127.0.1.1
within 15 resolved "127.0.1.1" shop.svc.example.test A

# The edge comes back, and answers at once from its stored state.
restart_daemon edge1
daemon=edge1 expect "127.0.1.1" shop.svc.example.test A
kill_daemon edge2
within 40 resolved "127.0.1.1" shop.svc.example.test A
