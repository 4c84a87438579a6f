#!/usr/bin/env bash
# With keep_alive = true many probes go over one connection, as the access log of a real server has it; one that the server
# has closed meanwhile, or that it ends after so many requests, is replaced, and is no failure.
source "$(dirname "$0")/lib.sh"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 400 -subj "/CN=story" \
  -addext "subjectAltName=DNS:secret.example.test" -keyout "$work/key" -out "$work/certificate" 2>/dev/null

# Each has an address, an access log, and a rule of its own for connections.
declare -A number=([fresh]=1 [kept]=2 [secret]=3 [counted]=4 [idle]=5)
server() { # NAME LISTEN RULES
  cat <<T
server {
  listen 127.0.1.${number[$1]}:8080 $2; access_log $work/web/$1 story; $3
  ssl_certificate $work/certificate; ssl_certificate_key $work/key;
  location / { return 200 "ok"; }
}
T
}
mkdir "$work/web"
{
  cat <<T
user root; daemon off; pid $work/web/pid;
events {}
http { log_format story '\$connection \$connection_requests \$server_protocol \$status';
T
  server fresh "" ""
  server kept "" ""
  server secret ssl ""
  server counted "" "keepalive_requests 3;"
  server idle "" "keepalive_timeout 250ms;"
  echo "}"
} >"$work/web/conf"
nginx -p "$work/web" -e "$work/web/log" -c "$work/web/conf" &
pid_of[web]=$!
within 10 accepts 127.0.1.1 8080

mkdir "$work/source"
sed '/CNAME shop/d' "$here/shop.zone" >"$work/source/shop.zone"
{
  sed '/^\[\[monitor\]\]/,$d' "$here/intents.toml"
  for name in "${!number[@]}"; do
    cat <<T
[[monitor]]
name = "$name"
port = 8080
interval = "1s"
timeout = "900ms"
expect_body = "ok"
keep_alive = $([ "$name" = fresh ] && echo false || echo true)
T
    [ "$name" != secret ] || printf 'kind = "https"\nhost = "secret.example.test"\ntls_ca_file = "%s"\n' "$work/certificate"
    cat <<T
[[service]]
name = "$name.svc.example.test."
monitors = ["$name"]
  [[service.pool]]
  cluster = "fra"
  endpoints = ["127.0.1.${number[$name]}"]
T
  done
} >"$work/source/kept.toml"
start_daemon "$work/source/kept.toml"

# seen NAME: "CONNECTIONS REQUESTS MOST", the last being the most requests of one connection.
seen() {
  awk '!($1 in count) {connections++} {if (++count[$1] > most) most = count[$1]} END {print connections + 0, NR, most + 0}' \
    "$work/web/$1"
}
has_requests() { [ "$(wc -l <"$work/web/$1")" -ge "$2" ] || fail "fewer than $2 requests: $1"; }
is_seen() { [[ "$(seen "$1")" =~ ^$2$ ]] || fail "$1: connections, requests and the most of one connection: $(seen "$1")"; }

for name in "${!number[@]}"; do within 15 has_requests "$name" 6; done
is_seen kept "1 ([0-9]+) \1"
is_seen secret "1 ([0-9]+) \1"
is_seen fresh "([0-9]+) \1 1"
is_seen counted "[0-9]+ [0-9]+ 3"
read -r connections requests _ <<<"$(seen idle)"
[ "$connections" -ge $((requests - 1)) ] || fail "idle: $(seen idle)" # the second look comes soon after the first
! grep -v ' HTTP/1.1 200$' "$work"/web/{fresh,kept,secret,counted,idle} || fail "not all is HTTP/1.1, and 200"

# Each of a server that reloads is closed.
requests=$(wc -l <"$work/web/kept")
kill -HUP "${pid_of[web]}"
within 15 has_requests kept $((requests + 3))
is_seen kept "2 [0-9]+ [0-9]+"

# None of that was a failure of anybody.
admin_get /metrics >"$work/metrics"
for name in "${!number[@]}"; do
  passed=$(awk -v name="swingover_probes_total{monitor=\"$name\",verdict=\"pass\"}" '$1 == name {print $2}' "$work/metrics")
  [ "${passed:-0}" -ge 6 ] || fail "$name passed ${passed:-0} probes"
done
! grep '^swingover_probes_total' "$work/metrics" | grep 'verdict="fail"' | grep -v ' 0$' || fail "a probe failed"
stop_daemon
