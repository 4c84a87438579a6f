#!/usr/bin/env bash
# TCP: what is too large for UDP, every way of cutting a frame, liars, and a thousand connections that say nothing.
source "$(dirname "$0")/lib.sh"

client() { python3 "$support/dns_client.py" "$@" || fail "dns_client.py $*"; }

start_backend fra 127.0.1.1
start_daemon intents.toml
within 5 expect "127.0.1.1" shop.svc.example.test A

raw_ask big.svc.example.test TXT +noedns +ignore | grep -q "flags: qr aa rd tc\|flags: qr aa tc" ||
  fail "no TC for an answer of 700 octets without EDNS"
[ "$(raw_ask big.svc.example.test TXT +noedns +short | wc -l)" = 7 ] || fail "not complete over TCP"
expect "127.0.1.1 shop.svc.example.test." www.svc.example.test A +tcp

client frames 127.0.0.1:53 shop.svc.example.test
client idle 127.0.0.1:53 shop.svc.example.test --connections 1000
client cut 127.0.0.1:53 shop.svc.example.test
expect "127.0.1.1" shop.svc.example.test A
stop_daemon
