#!/usr/bin/env bash
# A service's share of one cluster goes to another in steps, and comes back when people take that back or its target dies; a
# drain in steps ends with nobody there; a restart goes on with the step that was made; what is frozen stays.
source "$(dirname "$0")/lib.sh"

start_backend fra 127.0.1.1
start_backend ber 127.0.2.1
start_daemon planned_swing.toml
shop=shop.svc.example.test.

# part: of 50 answers to clients near fra, how many lead to ber, in percent. One dig asks for them all: steps are two seconds
# apart, and fifty programs may take longer than that.
part() {
  for _ in $(seq 50); do echo "$shop A"; done >"$work/questions"
  dig +tries=1 +time=1 +short @127.0.0.1 -b 127.0.21.7 -f "$work/questions" >"$work/answers" || true
  echo $(($(grep -cx 127.0.2.1 "$work/answers" || true) * 2))
}
# is LEAST MOST: that part lies between.
is() {
  local got
  got=$(part)
  [ "$got" -ge "$1" ] && [ "$got" -le "$2" ] || fail "to ber: $got %, wanted $1 to $2 %"
}
# plan FIELD VALUE: so the only plan says.
plan() {
  admin_get /v1/intents >"$work/intents.json"
  python3 - "$work/intents.json" "$1" "$2" <<'PYTHON' || fail "no plan has $1 $2"
import json, sys
plans = [i["plan"] for i in json.load(open(sys.argv[1]))["intents"] if i["plan"]]
sys.exit(not any(str(plan[sys.argv[2]]) == sys.argv[3] for plan in plans))
PYTHON
}
the_id() { ctl --json intents | python3 -c 'import json, sys; print(json.load(sys.stdin)["intents"][0]["id"])'; }

within 10 is 0 0

# What it would come to: 500 from fra on top of ber's own 500, of 2,000.
ctl swing $shop --from fra --to ber --over 10s --reason "nearer disks" --dry-run >"$work/steps"
grep -qE "100 % +ber at 50 %" "$work/steps" || fail "the dry run: $(cat "$work/steps")"
ctl intents | grep -q "no intents" || fail "a dry run left something"
refused 1 "no pool in a cluster nyc" ctl swing $shop --from fra --to nyc --over 10s --reason x
refused 1 "over" ctl drain endpoint/$shop/127.0.1.1 --over 10s --reason x

# Six steps, two seconds apart, for less would be below two TTLs.
ctl swing $shop --from fra --to ber --over 1s --reason "nearer disks"
ttl_is() { [ "$(dig +noall +answer @127.0.0.1 $shop A | awk '{ print $2 }')" = "$1" ] || fail "the TTL is not $1"; }
within 2 ttl_is 0
within 12 plan moved_percent 50.0
is 26 74
ttl_is 0
within 12 plan phase done
is 100 100
within 2 ttl_is 1
ctl intents | grep -q "done, 100 %" || fail "intents do not tell the progress"
ctl history --target service/$shop >"$work/history"
grep -q "moving, 75 %.*done, 100 %" "$work/history" || fail "the steps are not in the history"

# Its target dies: all is back at once, and stays until a person looks at it.
stop_backend ber
within 10 plan phase reversed
is 0 0
says "planned swing reversed"
start_backend ber 127.0.2.1
stays 4 is 0 0
ctl resume service/$shop --reason "ber is well"
within 12 plan moved_percent 25.0

both_told() {
  ctl intents >"$work/told"
  grep -q "swing .* held (a service of it is frozen), 25 %" "$work/told" && grep -q freeze "$work/told" ||
    fail "not both of them: $(cat "$work/told")"
}
# Frozen beside that it waits, after a crash as well, and goes on when it is thawed.
ctl freeze service/$shop --reason "a launch" --for 1h
within 8 plan phase held
kill_daemon
restart_daemon
within 8 both_told
# Each worker counts for itself, so that of fifty answers some more or less may lead there.
stays 4 is 17 33
plan moved_percent 25.0
ctl thaw service/$shop --reason "it is over"
within 8 is 42 58

# A restart goes on where it was, even when it was killed.
kill_daemon
restart_daemon
plan phase moving
within 12 plan phase done
is 100 100
ctl cancel "$(the_id)" --reason "enough"
within 3 is 0 0

# A drain in steps ends with nobody there, and says so; frozen it waits.
ctl drain cluster/fra --over 10s --reason "rack work"
within 10 plan moved_percent 10.0
ctl status | grep "^fra" | grep -q "drain, moving, " || fail "the status does not show the drain: $(ctl status)"
ctl explain $shop | grep -q "drain of cluster/fra  *by .*: rack work; moving, " || fail "$(ctl explain $shop)"
ctl freeze service/$shop --reason "hold on" --for 1h
ctl service $shop | grep -q "^frozen: service/$shop until" || fail "the freeze is not shown: $(ctl service $shop)"
within 8 plan phase held
ctl freeze --show | grep -q "^frozen: ${shop%.}" || fail "freeze --show"
ctl thaw service/$shop --reason "go on"
within 20 plan phase done
within 3 is 100 100
within 10 plan phase empty
ctl status | grep "^fra" | grep -q drain || fail "fra is not drained: $(ctl status)"
ctl undrain cluster/fra --reason "all good"
within 10 is 0 0
stop_daemon
