#!/usr/bin/env bash
# Each kind of monitor finds its counterpart broken, says why in words, the service swings, and comes back.
#
# A section a kind: its counterparts at 127.0.1.N (fra) and 127.0.2.N (ams), its monitor by `kind`; then, with the
# daemon running, what breaks fra's and what mends it.
source "$(dirname "$0")/lib.sh"

mkdir "$work/source"
config=$work/source/monitors.toml
sed '/^\[\[monitor\]\]/,$d' "$here/intents.toml" >"$config"
sed '/CNAME shop/d' "$here/shop.zone" >"$work/source/shop.zone"

# kind NAME N: a monitor with the keys on standard input, and the service NAME that it looks at.
declare -A number=()
kind() {
  number[$1]=$2
  { printf '[[monitor]]\nname = "%s"\ninterval = "1s"\ntimeout = "900ms"\n' "$1" && cat && cat <<T; } >>"$config"
[[service]]
name = "$1.svc.example.test."
monitors = ["$1"]
  [[service.pool]]
  cluster = "fra"
  priority = 1
  endpoints = ["127.0.1.$2"]
  [[service.pool]]
  cluster = "ams"
  priority = 2
  endpoints = ["127.0.2.$2"]
T
}
answers_from() { expect "127.0.$1.${number[$2]}" "$2.svc.example.test" A; }
is_home() { within 20 answers_from 1 "$1"; }
# swings NAME WORDS: to ams, and fra's endpoint says why.
swings() {
  within 20 answers_from 2 "$1"
  within 20 says_why "$1" "$2"
}
says_why() {
  ctl service "$1.svc.example.test." | grep -qF -- "$2" || fail "$1 does not say '$2': $(ctl service "$1.svc.example.test.")"
}
# set_mode NAME QUERY: changes a backend that was started with --control 9080.
set_mode() { python3 "$support/http_get.py" "127.0.1.${number[$1]}:9080" "/mode?$2" >/dev/null; }

# Certificates: a CA, one that is good for a year, one that has expired.
issue() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$work/$1.key" -out "$work/$1.csr" 2>/dev/null
  openssl x509 -req -in "$work/$1.csr" -CA "$work/ca.pem" -CAkey "$work/ca.key" -days "$2" -out "$work/$1.pem" \
    -extfile <(echo "subjectAltName=DNS:secret.example.test") 2>/dev/null
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 400 -subj "/CN=story CA" -keyout "$work/ca.key" -out "$work/ca.pem" 2>/dev/null
issue good 365
issue expired -1

# --- tcp: sends, and waits for what it expects

bad_backend tcp-fra 127.0.1.1 8080 --mode ok --control 9080
bad_backend tcp-ams 127.0.2.1 8080 --mode ok
kind tcp 1 <<'T'
kind = "tcp"
port = 8080
send = 'HELLO /healthz HTTP/1.0\r\n\r\n'
expect = '\x6f\x6b'
T
break_tcp() {
  set_mode tcp body=no
  swings tcp 'closed by the other end before "ok" came'
  set_mode tcp body=ok
}

# --- tls: the handshake of a real server, and its certificate

tls_server() {
  openssl s_server -accept "$2:8443" -cert "$work/$3.pem" -key "$work/$3.key" -www >/dev/null 2>&1 &
  pid_of[$1]=$!
  within 10 accepts "$2" 8443
}
tls_server tls-fra 127.0.1.2 good
tls_server tls-ams 127.0.2.2 good
kind tls 2 <<T
kind = "tls"
port = 8443
host = "secret.example.test"
tls_ca_file = "$work/ca.pem"
expiry_min = "30d"
T
break_tls() {
  stop_backend tls-fra
  tls_server tls-fra 127.0.1.2 expired
  swings tls 'certificate: certificate has expired'
  stop_backend tls-fra
  tls_server tls-fra 127.0.1.2 good
}

# --- http: a POST with a header of its own, and a regular expression

bad_backend http-fra 127.0.1.3 8080 --mode ok --body "load 0.7" --control 9080
bad_backend http-ams 127.0.2.3 8080 --mode ok --body "load 0.9"
kind http 3 <<'T'
kind = "http"
port = 8080
method = "POST"
headers = ["X-Probe: yes"]
body = "{}"
expect_body_regex = '^load 0\.\d+$'
keep_alive = true
T
break_http() {
  set_mode http body=load+1.3
  swings http 'body does not match "^load 0'
  set_mode http body=load+0.8
}

# --- https: HTTP/2 of a real server, found by a redirect

web_server() {
  mkdir -p "$work/$1"
  cat >"$work/$1/conf" <<T
daemon off; master_process off; pid $work/$1/pid;
events {}
http { access_log off; server {
  listen $2:8443 ssl http2;
  ssl_certificate $work/good.pem; ssl_certificate_key $work/good.key;
  location = /up { return 200 "up in \$server_protocol"; }
  location = / { return 301 /up; }
} }
T
  nginx -p "$work/$1" -e "$work/$1/log" -c "$work/$1/conf" &
  pid_of[$1]=$!
  within 10 accepts "$2" 8443
}
web_server https-fra 127.0.1.4
web_server https-ams 127.0.2.4
kind https 4 <<T
kind = "https"
port = 8443
host = "secret.example.test"
tls_ca_file = "$work/ca.pem"
http_version = "2"
redirects = 1
expect_body = "up in HTTP/2.0"
T
break_https() {
  stop_backend https-fra
  swings https 'connect: connection refused'
  web_server https-fra 127.0.1.4
}

# --- grpc: the health service of a real server

grpc_server() {
  "$support/grpc_backend.py" --bind "$2:9000" "${@:3}" >/dev/null 2>&1 &
  pid_of[$1]=$!
  within 20 accepts "$2" 9000
}
grpc_server grpc-fra 127.0.1.5
grpc_server grpc-ams 127.0.2.5
kind grpc 5 <<'T'
kind = "grpc"
port = 9000
grpc_service = "shop"
T
break_grpc() {
  stop_backend grpc-fra
  grpc_server grpc-fra 127.0.1.5 --health not-serving
  swings grpc 'health NOT_SERVING, wanted SERVING'
  stop_backend grpc-fra
  grpc_server grpc-fra 127.0.1.5
}

# --- one look for all: an address of its own, whatever the endpoint

bad_backend shared 127.0.3.1 8080 --mode ok
kind shared 6 <<'T'
kind = "http"
address = "127.0.3.1"
port = 8080
T
break_shared() {
  stop_backend shared
  within 20 reason_of_both 'connect: connection refused'
  bad_backend shared 127.0.3.1 8080 --mode ok
}
reason_of_both() { [ "$(ctl service shared.svc.example.test. | grep -cF -- "$1")" -ge 2 ]; }

# --- what the sections say, with the daemon running

start_daemon "$config"
for name in "${!number[@]}"; do
  is_home "$name"
  "break_$name"
  is_home "$name"
done
