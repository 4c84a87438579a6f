#!/usr/bin/env bash
# No more commands of exec monitors run at once than `exec_max` says; the others wait for their turn, and look all the same.
source "$(dirname "$0")/lib.sh"

mkdir "$work/source" "$work/edge"
cp "$here/shop.zone" "$work/source/"
{
  sed '/^\[\[monitor\]\]/,$d' "$here/intents.toml" | sed 's/^\[server\]$/[server]\nexec_max = 1/'
  cat <<'T'
[[monitor]]
name = "slow"
kind = "exec"
command = ["./slow", "@WORK@/told"]
interval = "2s"
timeout = "1900ms"
[[service]]
name = "shop.svc.example.test."
answers = 0
monitors = ["slow"]
  [[service.pool]]
  cluster = "fra"
  priority = 1
  endpoints = ["127.0.1.1", "127.0.1.2", "127.0.1.3"]
  [[service.pool]]
  cluster = "ams"
  priority = 2
  endpoints = ["127.0.2.1"]
T
} >"$work/source/exec.toml"
cat >"$work/edge/slow" <<'T'
#!/bin/sh
echo "begin $SWINGOVER_ADDRESS" >>"$1"
sleep 0.3
echo "end $SWINGOVER_ADDRESS" >>"$1"
[ ! -e "$1.$SWINGOVER_ADDRESS" ] || { echo "no lock"; exit 3; }
T
chmod +x "$work/edge/slow"
told=$work/edge/told

has_ended() { [ "$(grep -c "^end $1\$" "$told")" -ge "$2" ] || fail "fewer than $2 looks at $1"; }
# How many ran at once, at most.
most_at_once() { awk '/^begin/ {if (++now > most) most = now} /^end/ {now--} END {print most + 0}' "$told"; }

start_daemon "$work/source/exec.toml"
for address in 127.0.1.1 127.0.1.2 127.0.1.3 127.0.2.1; do within 15 has_ended $address 2; done
within 10 expect "127.0.1.1 127.0.1.2 127.0.1.3" shop.svc.example.test A
[ "$(most_at_once)" = 1 ] || fail "$(most_at_once) ran at once: $(cat "$told")"
touch "$told.127.0.1.2" # and who waited is judged as ever
within 15 expect "127.0.1.1 127.0.1.3" shop.svc.example.test A
[ "$(most_at_once)" = 1 ] || fail "$(most_at_once) ran at once: $(cat "$told")"
stop_daemon

# With room for all of them they do run at once: it was the bound that kept them apart.
sed -i 's/^exec_max = 1$/exec_max = 4/' "$(config_of)"
rm "$told"
restart_daemon
within 10 has_ended 127.0.2.1 1
at_once() { [ "$(most_at_once)" -gt 1 ] || fail "they run one after the other still: $(cat "$told")"; }
within 10 at_once
stop_daemon
