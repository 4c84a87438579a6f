#!/usr/bin/env bash
# How much may still follow old answers is known by count: a drain says it, until when, and is empty when none of them is left.
source "$(dirname "$0")/lib.sh"

start_backend fra 127.0.1.1
start_backend ber 127.0.2.1
start_daemon ledger.toml
shop=shop.svc.example.test.

# near CLUSTER COUNT: so many answers to clients near it, asked for by one dig.
near() {
  local from=127.0.21.7
  [ "$1" = fra ] || from=127.0.22.7
  for _ in $(seq "$2"); do echo "$shop A"; done >"$work/questions"
  dig +tries=1 +time=1 +short @127.0.0.1 -b $from -f "$work/questions" >/dev/null
}
# left FIELD: of the only intent.
left() {
  ctl --json intents | python3 -c 'import json, sys; print(json.load(sys.stdin)["intents"][0]["left"][sys.argv[1]])' "$1"
}
left_is() { [ "$(left "$1")" = "$2" ] || fail "left: $1 is $(left "$1"), wanted $2"; }
words() { ctl intents >"$work/words"; grep -qE "$1" "$work/words" || fail "no '$1' in: $(cat "$work/words")"; }

within 10 expect 127.0.1.1 $shop A -b 127.0.21.7
# What the run before answered is over, so that all that may be held is counted.
all_counted() { ctl --json service $shop | grep -q '"uncounted_until": null'; }
nothing_held() {
  ctl --json service $shop | python3 -c 'import json, sys
sys.exit(any(pool["held_answers"]["answers"] for pool in json.load(sys.stdin)["pools"]))'
}
within 30 all_counted
within 30 nothing_held
near fra 30
near ber 70

# At once out of new answers; what was answered is still followed, and counted.
before=$(milliseconds)
ctl drain cluster/fra --reason "rack work" >/dev/null
expect 127.0.2.1 $shop A -b 127.0.21.7
left_is answers 30
words "30 % may still follow old answers, until [0-9:]+ UTC"
ctl service $shop >"$work/service"
grep -qE "^(29|30) % may still follow old answers, until .*: (29|30) % at fra" "$work/service" || fail "$(cat "$work/service")"
ctl explain $shop --client 127.0.21.7 >"$work/explained"
grep -qE "caches +[0-9.]+ % elsewhere +may still follow old answers" "$work/explained" || fail "$(cat "$work/explained")"
admin_get /metrics >"$work/metrics"
grep -qE '^swingover_old_answers_part\{service="shop.svc.example.test.",pool="fra"\} 0\.(29|3)' "$work/metrics" ||
  fail "$(grep old_answers "$work/metrics")"

# New answers change neither the count nor the end of the old ones.
near fra 20
left_is answers 30
within 15 left_is answers 0
took=$(($(milliseconds) - before))
[ "$took" -ge 8000 ] || fail "empty after $took ms: before the TTL of 8 s was over"
words "empty"
left_is until None
ctl undrain cluster/fra --reason "all good" >/dev/null
within 10 expect 127.0.1.1 $shop A -b 127.0.21.7

# In steps: while clients ask on, it is empty when the count of those answers is down to nothing.
cart=cart.svc.example.test.
ctl drain pool/$cart/fra --over 1s --reason "rack work" >/dev/null
until ctl intents | grep -qE "done, 100 %|empty, 100 %"; do ask $cart A -b 127.0.21.7 >/dev/null; done
within 10 words "empty, 100 %"
ctl history --target pool/$cart/fra >"$work/history"
grep -q "by count: of all answers that led there the TTL has run out" "$work/history" || fail "$(cat "$work/history")"
ctl undrain pool/$cart/fra --reason "all good" >/dev/null

# After a restart not all answers are counted, and it says so until they have run out.
kill_daemon
restart_daemon
ctl drain cluster/fra --reason "rack work" >/dev/null
words "not all answers are counted until [0-9:]+ UTC"
within 20 words " empty "
stop_daemon
