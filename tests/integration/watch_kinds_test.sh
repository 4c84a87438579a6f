#!/usr/bin/env bash
# What watch_test.sh shows over http holds over tcp, tls and grpc too: a process that dies is out of the answers at once,
# comes back, and is watched again. Probes come each ten minutes: nothing here waits for one.
source "$(dirname "$0")/lib.sh"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 400 -subj "/CN=story" \
  -addext "subjectAltName=DNS:secret.example.test" -keyout "$work/key" -out "$work/certificate" 2>/dev/null

tcp_server() { start_backend "$1" "$2" 9000; }
tls_server() {
  mkdir -p "$work/$1"
  cat >"$work/$1/conf" <<T
daemon off; master_process off; pid $work/$1/pid;
events {}
http { access_log off; server { listen $2:9000 ssl; ssl_certificate $work/certificate; ssl_certificate_key $work/key; } }
T
  nginx -p "$work/$1" -e "$work/$1/log" -c "$work/$1/conf" &
  pid_of[$1]=$!
  within 10 accepts "$2" 9000
}
grpc_server() {
  "$support/grpc_backend.py" --bind "$2:9000" "${@:3}" >/dev/null 2>&1 &
  pid_of[$1]=$!
  within 20 accepts "$2" 9000
}
grpcs_server() { grpc_server "$@" --tls "$work/certificate" "$work/key"; }

mkdir "$work/source"
sed '/CNAME shop/d' "$here/shop.zone" >"$work/source/shop.zone"
declare -A number=([tcp]=1 [tls]=2 [grpc]=3 [grpcs]=4)
declare -A kind_of=([tcp]=tcp [tls]=tls [grpc]=grpc [grpcs]=grpc)
{
  sed '/^\[\[monitor\]\]/,$d' "$here/intents.toml"
  for kind in "${!number[@]}"; do
    cat <<T
[[monitor]]
name     = "$kind"
kind     = "${kind_of[$kind]}"
port     = 9000
interval = "10m"
timeout  = "1s"
confirm_interval = "500ms"
watch    = true
T
    [[ $kind != *s ]] || printf 'host = "secret.example.test"\ntls_ca_file = "%s"\n' "$work/certificate"
    [ "$kind" != grpcs ] || echo 'tls = true'
    cat <<T
[[service]]
name     = "$kind.svc.example.test."
monitors = ["$kind"]
  [[service.pool]]
  cluster   = "fra"
  priority  = 1
  endpoints = ["127.0.1.${number[$kind]}"]
  [[service.pool]]
  cluster   = "ams"
  priority  = 2
  endpoints = ["127.0.2.${number[$kind]}"]
T
  done
} >"$work/source/kinds.toml"

for kind in "${!number[@]}"; do
  "${kind}_server" "$kind-fra" "127.0.1.${number[$kind]}"
  "${kind}_server" "$kind-ams" "127.0.2.${number[$kind]}"
done
start_daemon "$work/source/kinds.toml"

# is_watched KIND: the daemon says so, and the kernel has the connection.
is_watched() {
  local address=127.0.1.${number[$1]}
  admin_get "/v1/services/$1.svc.example.test." | python3 -c '
import json, sys
endpoint = json.load(sys.stdin)["pools"][0]["endpoints"][0]
sys.exit(endpoint["checks"][0]["watch"] != "connected")' || fail "$1 is not watched"
  [ "$(ss -Htn state established dst "$address:9000" | wc -l)" = 1 ] || fail "not one connection to $address"
}
answers_from() { expect "127.0.$2.${number[$1]}" "$1.svc.example.test" A; }

for kind in "${!number[@]}"; do
  within 10 answers_from "$kind" 1
  within 10 is_watched "$kind"
  since=$(milliseconds)
  stop_backend "$kind-fra"
  within 5 answers_from "$kind" 2
  echo "$kind: out of the answers within $(($(milliseconds) - since)) ms"
  ctl service "$kind.svc.example.test." | grep -q 'connection refused' || fail "$kind does not say why"
  "${kind}_server" "$kind-fra" "127.0.1.${number[$kind]}"
  within 10 answers_from "$kind" 1
  within 10 is_watched "$kind"
done
stop_daemon
