#!/usr/bin/env bash
# Services swing by what DNS, UDP, ping, a command and a file say, and back.
source "$(dirname "$0")/lib.sh"

# nsd_on NAME ADDRESS: a real name server on port 5353 that knows www.shop.test, and large.shop.test, which is too large
# for an answer by UDP.
nsd_on() {
  mkdir -p "$work/$1"
  printf '$ORIGIN shop.test.\n@ 60 SOA ns a 1 60 60 60 60\n@ 60 NS ns\nns 60 A 127.0.0.9\nwww 60 A 192.0.2.80\n' \
    >"$work/$1/zone"
  for record in {1..4}; do printf 'large 60 TXT "%0200d"\n' "$record"; done >>"$work/$1/zone"
  echo 'large 60 TXT "last"' >>"$work/$1/zone"
  printf 'server:\n ip-address: %s@5353\n username: ""\n chroot: ""\n zonesdir: "%s"\n pidfile: "%s/pid"\n database: ""
 zonelistfile: "%s/list"\n xfrdfile: "%s/xfrd"\n xfrdir: "%s"\nremote-control:\n control-enable: no\nzone:\n name: shop.test\n zonefile: zone\n' \
    "$2" "$work/$1" "$work/$1" "$work/$1" "$work/$1" "$work/$1" >"$work/$1/conf"
  nsd -d -c "$work/$1/conf" >"$work/$1/log" 2>&1 &
  pid_of[$1]=$!
}
# Ends its children too, which share the sockets; the parent first, as it ends by itself once they have.
stop_nsd() {
  local children
  children=$(cat "/proc/${pid_of[$1]}/task/${pid_of[$1]}/children")
  stop_backend "$1"
  kill -KILL $children 2>/dev/null || true
}
# udp_on NAME ADDRESS: answers each datagram with the word that stands in $work/NAME.
udp_on() {
  echo ready >"$work/$1"
  python3 -c '
import pathlib, socket, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind((sys.argv[2], 27015))
while True:
    query, client = server.recvfrom(100)
    assert query == b"\xff\xffinfo", query
    server.sendto(pathlib.Path(sys.argv[1]).read_bytes(), client)' "$work/$1" "$2" &
  pid_of[$1]=$!
}
add_addresses() {
  ip address add 10.9.1.1/32 dev lo
  ip address add fd00:9::1/128 dev lo nodad
}
# reason_is SERVICE WORDS: they stand in what is shown of it.
reason_is() { ctl service "$1.svc.example.test" | grep -qF -- "$2" || fail "$1: no '$2' is shown"; }

echo "0 2147483647" >/proc/sys/net/ipv4/ping_group_range
add_addresses
for cluster in 1 2; do
  nsd_on "nsd$cluster" "127.0.$cluster.1"
  udp_on "udp$cluster" "127.0.$cluster.2"
done
mkdir -p "$work/edge/verdicts"
echo up >"$work/edge/verdicts/127.0.1.5"
echo up >"$work/edge/verdicts/127.0.2.5"
cat >"$work/edge/look.sh" <<'SCRIPT'
#!/bin/sh
[ ! -e "$1.$SWINGOVER_ADDRESS" ] || { echo "no lock at $SWINGOVER_ADDRESS"; exit 3; }
SCRIPT
chmod +x "$work/edge/look.sh"
start_daemon monitors_own.toml

within 10 expect "127.0.1.1" dns.svc.example.test A
within 10 expect "127.0.1.1" large.svc.example.test A
within 10 expect "127.0.1.2" udp.svc.example.test A
within 10 expect "10.9.1.1" icmp.svc.example.test A
within 10 expect "fd00:9::1" icmp.svc.example.test AAAA
within 10 expect "127.0.1.4" exec.svc.example.test A
within 10 expect "127.0.1.5" file.svc.example.test A

# By UDP the large answer is cut to nothing, so that what passed came by TCP.
dig +noedns +ignore +tries=1 +time=1 @127.0.1.1 -p 5353 large.shop.test TXT >"$work/cut"
grep -q 'flags:.* tc[ ;].* ANSWER: 0,' "$work/cut" || fail "it is not truncated: $(cat "$work/cut")"
by_tcp() { [ "$(ss -Htan dst 127.0.1.1:5353 | wc -l)" -ge 1 ] || fail "no connection to the name server"; }
within 10 by_tcp

# Each goes down in its own way.
stop_nsd nsd1
echo busy >"$work/udp1"
ip address del 10.9.1.1/32 dev lo
ip address del fd00:9::1/128 dev lo
touch "$work/edge/down.127.0.1.4"
echo down by hand >"$work/edge/verdicts/127.0.1.5"
within 10 expect "127.0.2.1" dns.svc.example.test A
within 10 expect "127.0.2.1" large.svc.example.test A
within 10 expect "127.0.2.2" udp.svc.example.test A
within 10 expect "127.0.2.3" icmp.svc.example.test A
within 10 expect "::1" icmp.svc.example.test AAAA
within 10 expect "127.0.2.4" exec.svc.example.test A
within 10 expect "127.0.2.5" file.svc.example.test A
reason_is dns "connection refused"
reason_is udp 'answer lacks "ready"'
reason_is icmp "unreachable"
reason_is exec "exit status 3: no lock at 127.0.1.4"
reason_is file "the file says down: by hand"

# And comes back.
nsd_on nsd1 127.0.1.1
echo ready >"$work/udp1"
add_addresses
rm "$work/edge/down.127.0.1.4"
echo up >"$work/edge/verdicts/127.0.1.5"
within 10 expect "127.0.1.1" dns.svc.example.test A
within 10 expect "127.0.1.1" large.svc.example.test A
within 10 expect "127.0.1.2" udp.svc.example.test A
within 10 expect "10.9.1.1" icmp.svc.example.test A
within 10 expect "fd00:9::1" icmp.svc.example.test AAAA
within 10 expect "127.0.1.4" exec.svc.example.test A
within 10 expect "127.0.1.5" file.svc.example.test A

# A command that hangs is ended, and says nothing of its own once it has gone.
printf '#!/bin/sh\necho waiting; sleep 600\n' >"$work/edge/look.sh"
within 10 reason_is exec "timed out after 400ms while running: waiting"

# What still runs ends with the daemon.
stop_daemon
no_sleep() { ! grep -qx sleep /proc/[0-9]*/comm; }
within 5 no_sleep
