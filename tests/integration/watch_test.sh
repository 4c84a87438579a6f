#!/usr/bin/env bash
# A watched backend that dies, or a host that vanishes, is out of the answers long before its next probe; one that
# closes idle connections by habit is learnt and left in peace. Probes come each ten minutes: nothing here waits for one.
source "$(dirname "$0")/lib.sh"

# Established connections to a port of an address, as the kernel counts them.
connections() { ss -Htn state established dst "$1:$2" | wc -l; }
is_watched() { [ "$(connections "$1" 8080)" -ge 1 ] || fail "nothing watches $1"; }

# A server that closes what is idle for two seconds, and serves all the same.
closes_idle() {
  python3 - "$1" >/dev/null 2>&1 <<'PYTHON' &
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    timeout = 2
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.ThreadingHTTPServer((sys.argv[1], 8080), Handler).serve_forever()
PYTHON
  pid_of[closer]=$!
  within 10 accepts "$1" 8080
}

# A host of its own, behind a link: 10.9.0.2.
is_apart() { [ "$(readlink /proc/self/ns/net)" != "$(readlink "/proc/${pid_of[far]}/ns/net")" ]; }
far_host() {
  unshare --net sleep 300 &
  pid_of[far]=$!
  within 10 is_apart
  ip link add near0 type veth peer name far0
  ip link set far0 netns "${pid_of[far]}"
  ip address add 10.9.0.1/24 dev near0
  ip link set near0 up
  at_far ip address add 10.9.0.2/24 dev far0
  at_far ip link set far0 up
  mkdir "$work/far"
  echo ok >"$work/far/healthz"
  at_far python3 -m http.server --bind 10.9.0.2 --directory "$work/far" 8080 >/dev/null 2>&1 &
  pid_of[far_server]=$!
  within 10 accepts 10.9.0.2 8080
}
at_far() { nsenter --target "${pid_of[far]}" --net "$@"; }

trials=9
for n in $(seq $trials); do start_backend "many$n" "127.0.3.$n"; done
start_backend spare 127.0.2.1
closes_idle 127.0.4.1
far_host

mkdir "$work/source"
cp "$here/shop.zone" "$work/source/shop.zone"
sed -i '/CNAME shop/d' "$work/source/shop.zone"
{
  sed '/^\[\[monitor\]\]/,$d' "$here/intents.toml"
  cat <<'TOML'
[[monitor]]
name     = "web"
kind     = "http"
port     = 8080
path     = "/healthz"
interval = "10m"
timeout  = "1s"
watch    = true
TOML
  for service in many closer far; do
    case $service in
      many) addresses=$(seq -f '"127.0.3.%g"' -s , $trials) ;;
      closer) addresses='"127.0.4.1"' ;;
      far) addresses='"10.9.0.2"' ;;
    esac
    cat <<TOML
[[service]]
name     = "$service.svc.example.test."
answers  = 0
monitors = ["web"]
  [[service.pool]]
  cluster   = "fra"
  priority  = 1
  endpoints = [$addresses]
  [[service.pool]]
  cluster   = "ams"
  priority  = 2
  endpoints = ["127.0.2.1"]
TOML
  done
} >"$work/source/watch.toml"
start_daemon "$work/source/watch.toml"
for n in $(seq $trials); do within 10 is_watched "127.0.3.$n"; done
within 10 is_watched 10.9.0.2

# One after the other dies. What that took is measured by one that asks each millisecond, and told; it decides nothing.
took=()
server=$(address_of udp)
for n in $(seq $((trials - 1))); do
  left=$(seq -f '127.0.3.%g' -s ' ' $((n + 1)) $trials)
  python3 "$support/dns_client.py" poll "$server" many.svc.example.test "$left" --seconds 30 >"$work/poll" &
  poll=$!
  sleep 0.2 # until it asks
  since=$(milliseconds)
  stop_backend "many$n"
  wait "$poll" || fail "127.0.3.$n stayed in the answers: $(cat "$work/poll")"
  took+=($(($(jq_number at "$work/poll") - since)))
done
echo "out of the answers after, in ms: ${took[*]}; median $(printf '%s\n' "${took[@]}" | sort -n | sed -n "$((trials / 2))p")"
ctl service many.svc.example.test. | grep -q 'refused' || fail "no reason is shown"

# A host that vanishes answers nothing at all, not even that nobody is there.
at_far ip route add blackhole 10.9.0.1/32
since=$(milliseconds)
within 60 expect "127.0.2.1" far.svc.example.test A
echo "a silent host is out after $(($(milliseconds) - since)) ms"

# By now the habit of the closer is known.
within 60 says "watch ended: the backend closes idle connections"
stays 3 test "$(connections 127.0.4.1 8080)" -eq 0
expect "127.0.4.1" closer.svc.example.test A
! grep -q 'endpoint changed.*127.0.4.1.*to=down' "$(log_of edge)" || fail "the closer was thought down"
stop_daemon
