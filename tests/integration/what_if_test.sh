#!/usr/bin/env bash
# What would be if a cluster died, asked while a weight, a freeze and a half-made drain are in force: then it dies for real, and
# the answers that clients get are counted. The report of each death (n1) says the same.
source "$(dirname "$0")/lib.sh"

for at in fra:127.0.1.1 ber:127.0.2.1 ams:127.0.3.1; do start_backend "${at%%:*}" "${at#*:}"; done
start_daemon what_if.toml
shop=shop.svc.example.test.  # its pools have capacities of their own
mail=mail.svc.example.test.
news=news.svc.example.test.

# counts SERVICE: of 100 answers to clients near each cluster, how many lead to fra, ber and ams, in percent of all. They ask at
# the same time, since who asks later has the greater demand.
counts() {
  for _ in $(seq 100); do echo "$1 A"; done >"$work/questions"
  local client asking=()
  for client in 127.0.21.7 127.0.22.7 127.0.23.7; do
    dig +tries=1 +time=1 +short @127.0.0.1 -b $client -f "$work/questions" >"$work/answers.$client" &
    asking+=($!)
  done
  wait "${asking[@]}" || true
  cat "$work"/answers.* | awk '{ count[$1]++ } END { print count["127.0.1.1"] / 3, count["127.0.2.1"] / 3, count["127.0.3.1"] / 3 }'
}
# foresees SERVICE: what a what-if says of the same.
foresees() {
  ctl --json what-if --down cluster/fra --service "$1" >"$work/what_if.json"
  python3 - "$work/what_if.json" <<'PYTHON'
import json, sys
pools = {p["cluster"]: p["after"] for p in json.load(open(sys.argv[1]))["services"][0]["pools"]}
print(*(100 * pools.get(cluster, 0) for cluster in ("fra", "ber", "ams")))
PYTHON
}
# like "1 2 3" "1 2 4": no part differs by more than two of a hundred.
like() {
  python3 - "$1" "$2" <<'PYTHON' || fail "wanted: $1; is: $2"
import sys
one, other = ([float(word) for word in text.split()] for text in sys.argv[1:])
sys.exit(len(one) != 3 or len(other) != 3 or any(abs(a - b) > 2 for a, b in zip(one, other)))
PYTHON
}
is_like() { like "$1" "$(counts "$2")"; }
foresees_like() {
  counts "$2" >/dev/null
  like "$1" "$(foresees "$2")"
}
has_moved() {
  ctl --json intents | python3 -c 'import json, sys
sys.exit(not any(i["plan"] and i["plan"]["moved_percent"] == 25 for i in json.load(sys.stdin)["intents"]))'
}

for service in $shop $mail $news; do within 10 is_like "33.3 33.3 33.3" $service; done
# Demand is read from counters at intervals: a look between the questions of two clients knows only the first.
within 10 foresees_like "0 50 50" $shop
within 10 foresees_like "0 50 50" $mail

# ber's pool of shop can do half as much; mail stays as it is, whatever comes; ams gives up a quarter of what it has of news, and
# is to give up more in twelve seconds.
ctl weight pool/$shop/ber 50 --reason "half of its racks are off" >/dev/null
ctl freeze service/$mail --reason "a release is under way" >/dev/null
ctl drain pool/$news/ams --over 1m --reason "slow disks" >/dev/null
within 60 has_moved
declare -A foreseen
for service in $news $shop $mail; do foreseen[$service]=$(foresees $service); done
stop_backend fra
for service in $news $shop $mail; do within 10 is_like "${foreseen[$service]}" $service; done
has_moved || fail "the drain went on: what was counted is not what was foreseen"
echo "foreseen, and come: news ${foreseen[$news]}; shop ${foreseen[$shop]}; mail ${foreseen[$mail]}"

# It is not what would be without them.
for service in $shop $news; do ! (like "0 50 50" "${foreseen[$service]}") 2>/dev/null || fail "$service: as if nothing were in force"; done
within 60 admin_get /v1/n1 >/dev/null
stop_daemon
