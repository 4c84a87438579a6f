#!/usr/bin/env bash
# Ten thousand answers and more are written down with their times, through failures, a drain, a planned swing, a freeze,
# reloads, a restart and a kill; then each is explained as of its time, and the explanation gives what was answered.
source "$(dirname "$0")/lib.sh"

shop=shop.svc.example.test.
answers=$work/answers
start_backend fra 127.0.1.1
start_backend fra2 127.0.1.2
start_backend ber 127.0.2.1
start_backend nyc 127.0.3.1
mkdir -p "$work/edge"
echo "127.0.23.0/24 nyc-a" >"$work/edge/replay.map"
start_daemon replay.toml
began=$(date -u +%Y-%m-%dT%H:%M:%SZ -d "10 seconds ago")

python3 "$support/replay.py" record "$(address_of udp)" "$answers" --seconds 300 --rate 250 2>"$work/clients.log" &
pid_of[clients]=$!
# more COUNT: waits until there are so many answers more.
wanted=0
more() {
  wanted=$((wanted + $1))
  enough() { [ "$(wc -l <"$answers")" -ge "$wanted" ] || fail "$(wc -l <"$answers") answers, $(tail -n 3 "$work/clients.log")"; }
  within 120 enough
}
reloaded() {
  local generation=$1
  reload_daemon
  within 10 says "reloaded generation=$generation"
}
expect_a() { expect "$1" "$2.svc.example.test." A; }

within 10 expect_a 127.0.2.1 gone
more 1000

# Backends die and come back, one endpoint of a pool, then whole clusters.
stop_backend fra
within 10 expect_a 127.0.1.2 order
more 500
stop_backend fra2
within 10 expect_a 127.0.2.1 order
more 500
start_backend fra 127.0.1.1
start_backend fra2 127.0.1.2
stop_backend ber
within 10 expect_a "" gone
more 700
start_backend ber 127.0.2.1
within 10 expect_a 127.0.2.1 gone
within 10 expect_a "127.0.1.1 127.0.1.2" order
more 500

# People: a drain, a planned swing, a freeze while a cluster dies.
ctl drain cluster/fra --reason "rack work"
more 500
ctl undrain cluster/fra --reason "done"
more 300
ctl swing $shop --from fra --to nyc --over 10s --reason "nearer disks"
more 2000
ctl cancel "$(ctl --json intents | python3 -c 'import json, sys; print(json.load(sys.stdin)["intents"][0]["id"])')" --reason "enough"
more 300
ctl freeze service/$shop --reason "hold on" --for 1h
stop_backend nyc
more 700
start_backend nyc 127.0.3.1
ctl thaw service/$shop --reason "go on"
more 300

# Reloads: another address, a pool less, another zone file, another map of clients.
config=$(config_of)
sed -i '/^name = "near/,/^name = "shop/ s/127.0.3.1/127.0.1.2/' "$config"
reloaded 2
more 500
sed -i 's/192.0.2.80/192.0.2.81/' "$work/edge/replay.zone"
echo "127.0.23.0/24 ber-a" >"$work/edge/replay.map"
reloaded 3
more 500
sed -i '/^name = "turn/,/^name = "stick/ s/weight = 70/weight = 10/' "$config"
reloaded 4
more 700

# It is away for a while, and then it is killed.
stop_daemon
away=$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)
sleep 1
restart_daemon
more 700
kill_daemon
sleep 0.3
restart_daemon
more 600
end_process clients TERM

python3 "$support/replay.py" check "$(address_of admin)" "$answers" --least 10000 || fail "an answer is not explained"

# One of them, for people: what was drained then is told so now.
ctl explain order.svc.example.test. --client 127.0.21.7 --at 1s >"$work/told"
grep -q "^at 20" "$work/told" || fail "explain --at: $(cat "$work/told")"
grep -qE "caches +not known" "$work/told" || fail "explain --at says nothing of caches: $(cat "$work/told")"
refused 1 "before the history" ctl explain $shop --at "$began"
refused 1 "the daemon was stopped" ctl explain $shop --at "$away"
refused 2 "still to come" ctl explain $shop --at 2999-01-01T00:00:00Z
refused 2 "neither a time" ctl explain $shop --at yesterday
stop_daemon
