#!/usr/bin/env bash
# Backends that misbehave in every way are found out, each with its reason in words, and the good one is answered.
source "$(dirname "$0")/lib.sh"

# A certificate authority, a good certificate, one for another name.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=story CA" -keyout "$work/ca.key" -out "$work/ca.pem" 2>/dev/null
issue() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" -keyout "$work/$1.key" -out "$work/$1.csr" 2>/dev/null
  openssl x509 -req -in "$work/$1.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -days 2 -out "$work/$1.pem" -extfile <(echo "subjectAltName=DNS:$2") 2>/dev/null
}
issue right tls-right.svc.example.test
issue wrong someone-else.example.test

bad_backend good 127.0.9.1 8080 --mode ok
bad_backend hang 127.0.1.1 8080 --mode hang
bad_backend slow 127.0.1.2 8080 --mode slow
bad_backend huge 127.0.1.3 8080 --mode huge
bad_backend reset 127.0.1.4 8080 --mode reset
bad_backend redirect 127.0.1.5 8080 --mode redirect
bad_backend status 127.0.1.6 8080 --mode status --status 503
bad_backend tls-wrong 127.0.1.7 8080 --mode ok --tls "$work/wrong.pem" "$work/wrong.key"
bad_backend tls-right 127.0.1.8 8080 --mode ok --tls "$work/right.pem" "$work/right.key"

mkdir "$work/source"
{
  sed '/^\[\[monitor\]\]/,$d' "$here/intents.toml"
  cat <<T
[[monitor]]
name = "web"
port = 8080
interval = "1s"
timeout = "500ms"
expect_body = "ok"
[[monitor]]
name = "tls"
kind = "https"
port = 8080
interval = "1s"
timeout = "500ms"
tls_ca_file = "$work/ca.pem"
T
  for pair in hang:1 slow:2 huge:3 reset:4 redirect:5 status:6 tls-wrong:7 tls-right:8; do
    monitor=web
    [[ $pair == tls* ]] && monitor=tls
    cat <<T
[[service]]
name = "${pair%:*}.svc.example.test."
monitors = ["$monitor"]
when_all_down = "nodata"
  [[service.pool]]
  cluster = "fra"
  endpoints = ["127.0.1.${pair#*:}"]
[[service]]
name = "x-${pair%:*}.svc.example.test."
monitors = ["web"]
  [[service.pool]]
  cluster = "ams"
  endpoints = ["127.0.9.1"]
T
  done
} >"$work/source/bad.toml"
sed '/CNAME shop/d' "$here/shop.zone" >"$work/source/shop.zone"
start_daemon "$work/source/bad.toml"

within 10 expect "127.0.1.8" tls-right.svc.example.test A
for name in hang slow huge reset redirect status tls-wrong; do
  within 10 expect "" $name.svc.example.test A
  expect "127.0.9.1" x-$name.svc.example.test A
done
reason_says() { ctl service "$1.svc.example.test." | grep -qiE "$2" || fail "$1: no reason like '$2': $(ctl service "$1.svc.example.test.")"; }
reason_says hang "timed out"
reason_says slow "timed out"
reason_says huge "body"
reason_says reset "reset|closed|empty"
reason_says redirect "30[0-9]"
reason_says status "503"
reason_says tls-wrong "certificate"
