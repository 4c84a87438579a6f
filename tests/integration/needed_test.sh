#!/usr/bin/env bash
# A cluster that went down too often is held out, and its clients go to the other one. When that one reports more than it can
# carry, the hold yields to the shortage: the flapping one is let in, and people are told. When the load goes, the hold is back.
source "$(dirname "$0")/lib.sh"

start_backend fra 127.0.1.1
start_backend ber 127.0.2.1
mkdir "$work/source"
cp "$here/shop.zone" "$work/source/"
config() { sed "s|@HALF_LIFE@|$1|" "$here/needed.toml"; }
config 10m >"$work/source/needed.toml"
start_daemon "$work/source/needed.toml"
shop=shop.svc.example.test.
endpoint=endpoint/$shop/127.0.1.1

in_fra() { expect "$1" $shop A -b 127.0.21.7; }
in_ber() { expect "$1" $shop A -b 127.0.22.7; }
home() { in_fra 127.0.1.1 && in_ber 127.0.2.1; }
away() { in_fra 127.0.2.1 && in_ber 127.0.2.1; }
says_why() { ctl service $shop | tr -s ' \n' ' ' | grep -qF -- "$1" || fail "not said: $1: $(ctl service $shop)"; }
is_up() { ctl service $shop | grep -Eq "^fra +127.0.1.1 +up"; }
told() { ctl history --target $endpoint >"$work/told"; grep -qF -- "$1" "$work/told" || fail "the history does not say: $1: $(cat "$work/told")"; }
# reports LOAD: what ber carries, each second from now on.
reports() {
  [ -z "${pid_of[reports]:-}" ] || end_process reports KILL
  while :; do
    ctl load --cluster ber --service $shop --load "$1" >/dev/null 2>&1 || true
    sleep 1
  done &
  pid_of[reports]=$!
}

within 10 is_up
within 10 home
falls_and_returns() {
  stop_backend fra
  within 10 away
  start_backend fra 127.0.1.1
}
falls_and_returns
within 10 home
falls_and_returns
within 10 home
falls_and_returns
held="held because it went down too often lately"
within 10 says_why "$held"
reports 600
stays 3 away

# Of 1,000 that ber can carry, it reports half as much again.
reports 1500
within 90 in_fra 127.0.1.1
in_ber 127.0.2.1
needed="it went down too often lately, and is needed: the others cannot carry the demand"
within 5 says_why "$needed"
within 5 told "the others cannot carry the demand"
stays 3 in_fra 127.0.1.1

# Down is down, needed or not.
stop_backend fra
within 10 in_fra 127.0.2.1
start_backend fra 127.0.1.1
within 20 in_fra 127.0.1.1

# The crowd has gone.
reports 50
within 90 away
within 5 says_why "$held"
stays 3 away

# So has the hold, when people say so.
config 0s | sed "s|@WORK@|$work/edge|g" >"$(config_of)"
ctl reload >/dev/null
within 10 home
stop_daemon
