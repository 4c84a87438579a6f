#!/usr/bin/env bash
# active-active: two clusters share the answers by weight; when one dies the other takes all, and the split comes back.
source "$(dirname "$0")/lib.sh"

# shares N: fra's part of N answers.
shares() {
  local i
  for ((i = 0; i < $1; i++)); do echo "shop.svc.example.test A"; done >"$work/queries"
  dig +short +tries=1 +time=2 @127.0.0.1 -f "$work/queries" | awk '/^127.0.1.1$/ {n++} END {printf "%.3f", n / NR}'
}
seen_both() { local s; s=$(shares 20); [ "$s" != 0.000 ] && [ "$s" != 1.000 ] || fail "only one cluster is answered: $s"; }
fra_is_out() { [ "$(shares 50)" = 0.000 ] || fail "fra is dead and still answered"; }
# Three points are two standard deviations of independent picks; the low-discrepancy sequence stays far within them.
share_is_near() {
  local got; got=$(shares "$2")
  awk -v a="$got" -v b="$1" 'BEGIN {exit !(a > b - 0.03 && a < b + 0.03)}' || fail "fra has $got of the answers, wanted $1"
}

start_backend fra 127.0.1.1
start_backend ams 127.0.2.1
start_daemon split.toml
within 5 seen_both
share_is_near 0.70 1000

stop_backend fra
within 10 fra_is_out
stays 1 fra_is_out

start_backend fra 127.0.1.1
within 10 seen_both
share_is_near 0.70 1000
