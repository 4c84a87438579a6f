#!/usr/bin/env bash
# A zone of 100,000 names is transferred, signed on every message, in a memory that does not depend on its size: not for one
# client, and not for thirty that ask and then do not read. Nobody else waits for them.
source "$(dirname "$0")/lib.sh"

key=hmac-sha512:large.xfr.:QklORC1CSU5ELUJJTkQtQklORC1CSU5ELUJJTkQtQklORC1CSU5ELUJJTkQtQklORC1CSU5ELUJJTkQtQklORC0=
mkdir "$work/files"
python3 - >"$work/files/large.zone" <<'PYTHON'
print("$TTL 300\n@ SOA ns1 hostmaster 1 3600 600 1209600 60\n  NS ns1\nns1 A 127.0.0.53")
for number in range(100_000):
    print(f"name{number} TXT \"{number} {'x' * 100}\"")
PYTHON
cat >"$work/files/large.toml" <<TOML
[server]
listen    = ["127.0.0.53:53"]
workers   = 1
state_dir = "@WORK@/state"
[[zone]]
name = "large.example.test."
file = "large.zone"
  [[zone.secondary]]
  address = "127.0.31.4"
  key     = "large.xfr."
  notify  = false
  [[zone.secondary]]
  address = "127.0.31.5"
  notify  = false
[[tsig_key]]
name      = "large.xfr."
algorithm = "${key%%:*}"
secret    = "${key##*:}"
TOML
start_daemon "$work/files/large.toml"
resident() { awk '/^VmRSS/ {print $2}' "/proc/${pid_of[edge]}/status"; }
peak() { awk '/^VmHWM/ {print $2}' "/proc/${pid_of[edge]}/status"; }
reset_peak() { echo 5 >"/proc/${pid_of[edge]}/clear_refs"; }

# What the zone was read with is given back in the second after the start.
has_settled() {
  local before
  before=$(resident)
  sleep 0.5
  local change=$(($(resident) - before))
  [ "${change#-}" -lt 256 ] || fail "it grew by $change KiB"
}

expect "127.0.0.53" ns1.large.example.test A
within 20 has_settled
reset_peak
before=$(resident)
timeout 60 dig +tries=1 +time=20 -b 127.0.31.4 @127.0.0.53 -y $key large.example.test AXFR >"$work/axfr" || fail "$(tail -n 3 "$work/axfr")"
grep -q '^;; XFR size: 100004 records (messages [0-9][0-9][0-9]' "$work/axfr" || fail "$(tail -n 3 "$work/axfr")"
! grep -qi "couldn't verify\|tsig.*fail" "$work/axfr" || fail "a message is not signed right"
[ "$(grep -c '^name[0-9]*\.large' "$work/axfr")" = 100000 ] || fail "not every name came"
[ $(($(peak) - before)) -lt 16000 ] || fail "one transfer took $(($(peak) - before)) KiB"

# The zone is 13 MB: held as messages for thirty clients it would be 400.
python3 - >"$work/slow" <<'PYTHON' &
import socket, struct, time
clients = []
for _ in range(30):
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.bind(("127.0.31.5", 0))
    client.connect(("127.0.0.53", 53))
    name = b"".join(bytes([len(label)]) + label.encode() for label in "large.example.test".split(".")) + b"\0"
    query = struct.pack(">HHHHHH", 1, 0, 1, 0, 0, 0) + name + struct.pack(">HH", 252, 1)
    client.sendall(struct.pack(">H", len(query)) + query)
    clients.append(client)
for client in clients:
    assert client.recv(2) != b""
print("all begun", flush=True)
time.sleep(60)
PYTHON
pid_of[slow]=$!
within 20 grep -q "all begun" "$work/slow"
for _ in $(seq 20); do
  expect "127.0.0.53" ns1.large.example.test A
  expect "127.0.0.53" ns1.large.example.test A +tcp
done
[ $(($(peak) - before)) -lt 48000 ] || fail "thirty slow transfers took $(($(peak) - before)) KiB"
end_process slow KILL
broken() { admin_get /metrics | grep -q '^swingover_transfers_total{form="broken"} 30$' || fail "$(admin_get /metrics | grep transfers)"; }
within 10 broken
expect "127.0.0.53" ns1.large.example.test A
