#!/usr/bin/env bash
# What people do keeps to rules and to the budget for what moves: it is refused with the numbers, done with an override that
# is recorded, and health is never held back.
source "$(dirname "$0")/lib.sh"

start_backend fra 127.0.1.1
start_backend ber 127.0.2.1
start_daemon rules.toml
shop=shop.svc.example.test.
cart=cart.svc.example.test.
broken() {
  admin_get /metrics >"$work/metrics"
  grep -qxF "swingover_rule_broken{rule=\"$1\"} $2" "$work/metrics" || fail "$(grep rule_broken "$work/metrics")"
}
history_says() {
  ctl history >"$work/history"
  grep -qE -- "$1" "$work/history" || fail "no '$1' in: $(cat "$work/history")"
}

within 10 expect 127.0.1.1 $shop A -b 127.0.21.7
within 10 expect 127.0.2.1 $shop A -b 127.0.22.7
within 5 broken two-sites 0

# A rule refuses a drain, and a dry run says so before.
words="rule two-sites: 1 of 2 clusters of $shop eligible, 2 are the least"
refused 1 "$words" ctl drain pool/$shop/fra --reason "rack work"
refused 1 "rule floor: capacity of $shop 1100 of 3100, 1200 is the least" ctl drain pool/$shop/fra --reason "rack work"
refused 1 "$words" ctl force down pool/$shop/fra --reason "rack work"
refused 1 "$words" ctl swing $shop --from fra --to ber --over 5s --reason "rack work"
ctl drain pool/$shop/fra --reason "rack work" --dry-run | grep -qF "would be refused: $words" || fail "the dry run does not say it"
ctl intents | grep -q "no intents" || fail "a refused intent is there"
expect 127.0.1.1 $shop A -b 127.0.21.7

# An override does it, and is on record.
ctl drain pool/$shop/fra --reason "rack work" --override "fire alarm" >/dev/null
expect 127.0.2.1 $shop A -b 127.0.21.7
history_says "rack work \(overrides rule two-sites: .*: fire alarm\)"
within 5 broken two-sites 1
within 5 history_says "rule/two-sites .*holds.* broken"
ctl status >"$work/status"
grep -qF "broken $words" "$work/status" || fail "status does not tell: $(cat "$work/status")"
ctl undrain pool/$shop/fra --reason "false alarm" >/dev/null
within 5 broken two-sites 0

# Health breaks a rule: answers swing all the same, and somebody is told.
stop_backend fra
within 5 expect 127.0.2.1 $shop A -b 127.0.21.7
within 5 broken two-sites 1
start_backend fra 127.0.1.1
within 10 expect 127.0.1.1 $shop A -b 127.0.21.7
within 5 broken two-sites 0

# The whole of cart at once is more than the budget; the half of it fits once nothing else counts.
refused 1 "move_budget: it moves 50.0 % of all load, of 30 % are spent" ctl force down service/$cart --reason "too much"
free() { ctl drain pool/$cart/fra --reason "rack work" >/dev/null; }
within 40 free
expect 127.0.2.1 $cart A -b 127.0.21.7
refused 1 "make it in steps" ctl force down service/$cart --reason "too much"
moved() {
  admin_get /metrics >"$work/metrics"
  awk '$1 == "swingover_planned_moves_part" { ok = ($2 >= 0.2) } END { exit !ok }' "$work/metrics"
}
within 5 moved
stop_daemon
