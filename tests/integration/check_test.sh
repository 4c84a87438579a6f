#!/usr/bin/env bash
# What a config comes to is told before it is used: each problem, or the swing times of each service.
source "$(dirname "$0")/lib.sh"

mkdir "$work/site"
cp "$here/groups.toml" "$here/shop.zone" "$work/site"
config=$work/site/groups.toml
sed -i "s|@WORK@|$work/site|" "$config"

# has_row FAULT WORDS: the row of this fault, its columns a space apart.
has_row() { tr -s ' ' <"$work/told" | grep -qxF -- " $*" || fail "no row '$*' in: $(cat "$work/told")"; }

# A service by what is calculated of web and db, in fra a cluster that reports itself each 3 s: the table, on standard
# output.
check_says_times() {
  "$@" >"$work/told" 2>"$work/problems" || fail "$*: status $?: $(cat "$work/problems")"
  grep -q "^Swing times: from the fault until answers have moved" "$work/told" || fail "$*: no table: $(cat "$work/told")"
  grep -qx "shop.svc.example.test." "$work/told" || fail "$*: the service is not named"
  has_row refused 0.17 s 0.53 s 15 s 30 s # either of web and db sees it
  has_row silent 0.75 s 1.0 s 16 s 31 s   # web alone
  has_row gone 0.65 s 1.0 s 16 s 31 s
  has_row error 0.35 s 0.60 s 15 s 30 s
  has_row back 1.5 s 3.0 s 17 s 33 s # the next report, for fra
}
check_says_times "$SWINGOVERD" --config "$config" --check
check_says_times "$SWINGCTL" check "$config"

# A file with a problem gets no table, and the status of one.
sed -i 's/"site"]/"sight"]/' "$config"
for check in "$SWINGOVERD --config $config --check" "$SWINGCTL check $config"; do
  status=0
  $check >"$work/told" 2>"$work/problems" || status=$?
  [ "$status" = 1 ] || fail "$check: status $status for a config with a problem"
  grep -q 'groups.toml:[0-9]*:[0-9]*: error: ' "$work/told" "$work/problems" || fail "$check: the problem has no place"
  ! grep -q "^Swing times" "$work/told" || fail "$check: a table for a config that does not hold"
done
