#!/usr/bin/env bash
# What clusters carry: one reports by itself, one is asked for counters, one for JSON; a silence is told, and its end.
source "$(dirname "$0")/lib.sh"

start_backend ams 127.0.2.1 9100
start_backend nyc 127.0.3.1 9100
echo '{"data": {"rps": 75.5}}' >"$work/nyc/load.json"

# 500 requests a second of the shop, 100 of somebody else's job.
count_requests() {
  local start now
  start=$(milliseconds)
  while :; do
    now=$(($(milliseconds) - start))
    printf '# TYPE requests_total counter\nrequests_total{job="%s",service="%s"} %d\n' \
      web shop.svc.example.test. $((now / 2)) >"$work/ams/next"
    printf 'requests_total{job="other",service="shop.svc.example.test."} %d\n' $((now / 10)) >>"$work/ams/next"
    mv "$work/ams/next" "$work/ams/metrics"
    sleep 0.1
  done
}
count_requests &
pid_of[counting]=$!

# load_of CLUSTER LEAST MOST: what /metrics shows of the shop there lies between.
load_of() {
  admin_get /metrics | awk -v least="$2" -v most="$3" -v from="cluster=\"$1\"" '
    /^swingover_load\{/ && index($0, from) { found = ($2 >= least && $2 <= most) } END { exit !found }'
}
state_is() { ctl load | grep -Eq "^$1 +$2 "; }

start_daemon load_reports.toml
within 15 load_of ams 300 700
state_is ams fresh || fail "what was pulled does not count"
within 10 state_is nyc fresh

report() { ctl load --cluster fra --load "$1" --service shop.svc.example.test. --in-flight 7; }
report 123.5
load_of fra 123.5 123.5 || fail "a report is not shown at once"
ctl load --service shop.svc.example.test. | grep -Eq 'fra +123.5 .* 7.0 +service' || fail "swingctl load does not show the report"
refused 1 "no cluster of this name: mars" ctl load --cluster mars --load 5
refused 1 "no service of this name: none.example." ctl load --cluster fra --load 5 --service none.example.
refused 2 "not a number" ctl load --cluster fra --load much

# Nobody reports any more: what was known is frozen, and people hear of it.
within 10 says "load is not reported: what is known of demand stays" cluster=fra
within 5 state_is fra frozen
ctl history --target cluster/fra | grep -Eq "fresh.*frozen" || fail "the silence is not in the history"
report 99
state_is fra fresh || fail "a report does not end the silence"

# A page that is gone, or makes no sense, says why.
stop_backend nyc
within 10 says "load is not reported: what is known of demand stays" cluster=nyc
ctl load | grep -Eq '^nyc .*connect: connection refused' || fail "why nyc is silent is not shown"
start_backend nyc 127.0.3.1 9100
echo '{"data": {}}' >"$work/nyc/load.json"
problem_is() { ctl load | grep -Eq "^nyc .*$1"; }
within 10 problem_is '/data/rps: nothing is there'
echo '{"data": {"rps": 80}}' >"$work/nyc/load.json"
within 10 state_is nyc fresh

# Counters that begin anew, as after a restart of what counts, are no negative load.
end_process counting KILL
count_requests &
pid_of[counting]=$!
within 10 load_of ams 300 700
[ "$(admin_get /metrics | awk '/^swingover_load\{/ && $2 < 0' | wc -l)" = 0 ] || fail "a load below 0"
stop_daemon
