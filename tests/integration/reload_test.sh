#!/usr/bin/env bash
# A reload is all or nothing and drops no query: a broken config or zone file changes nothing and says what is wrong.
source "$(dirname "$0")/lib.sh"

# refused WHAT: the reload is refused with exit status 1, and told in $work/told.
refused() {
  local status=0
  ctl reload >"$work/told" 2>&1 || status=$?
  [ $status = 1 ] || fail "$1: exit $status, wanted 1: $(cat "$work/told")"
}

start_backend fra 127.0.1.1
start_backend ams 127.0.2.1
start_daemon intents.toml
config=$(config_of)
cp "$config" "$work/good.toml"
within 5 expect "127.0.1.1" shop.svc.example.test A

# A broken config: every problem in the reply, nothing changed.
sed -i 's/^interval = "1s"/intervall = "1s"/; s/  cluster = "ams"/  cluster = "amz"/' "$config"
refused "a broken config"
grep -q 'did you mean "interval"' "$work/told" && grep -q 'amz' "$work/told" || fail "not every problem is told: $(cat "$work/told")"
grep -qE "config.toml:[0-9]+:[0-9]+: error:" "$work/told" || fail "no file:line:column: $(cat "$work/told")"
expect "127.0.1.1" shop.svc.example.test A
metric_is swingover_reload_failures_total 1
reload_daemon
within 5 metric_is swingover_reload_failures_total 2
within 5 says "reload refused"

# A broken zone file: its old content stays.
cp "$work/good.toml" "$config"
sed -i 's/^txt .*/txt A 300.1.2.3/' "$work/edge/shop.zone"
refused "a broken zone file"
grep -qE "shop.zone:[0-9]+:" "$work/told" || fail "the zone's problem is not told: $(cat "$work/told")"
expect '"static"' txt.svc.example.test TXT

# A good one: new content, a new order of pools, a new generation.
sed -i 's/^txt .*/txt TXT "changed"/' "$work/edge/shop.zone"
sed -i 's/priority = 1/priority = 3/' "$config"
ctl reload
within 5 expect '"changed"' txt.svc.example.test TXT
within 5 expect "127.0.2.1" shop.svc.example.test A
metric_is swingover_generation 2
reload_daemon
within 5 metric_is swingover_generation 3

# Ten reloads under load: each query is answered.
python3 "$support/dns_client.py" steady 127.0.0.1:53 shop.svc.example.test --seconds 3 >"$work/steady" < <(sleep 9) &
steady=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do ctl reload >/dev/null; done
wait "$steady" || fail "queries were lost during reloads: $(cat "$work/steady")"
[ "$(jq_number asked "$work/steady")" -gt 100 ] || fail "hardly anything was asked: $(cat "$work/steady")"
stop_daemon
