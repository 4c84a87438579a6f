#!/usr/bin/env bash
# What went down too often, and what has not been up for long enough, stays out while others are there; people see why,
# and a restart forgets nothing of it.
source "$(dirname "$0")/lib.sh"

start_backend fra 127.0.1.1
start_backend ams 127.0.2.1
mkdir "$work/source"
cp "$here/shop.zone" "$work/source/"
# config RULES…: the lines of the monitor that matter here.
config() { sed "s|^interval = \"1s\"|interval = \"200ms\"\ntimeout = \"200ms\"\npath = \"/healthz\"\n$1|" "$here/intents.toml"; }
config 'flap_half_life = "10m"' >"$work/source/holds.toml"
start_daemon "$work/source/holds.toml"
within 10 expect "127.0.1.1" shop.svc.example.test A

falls_and_returns() {
  stop_backend fra
  within 10 expect "127.0.2.1" shop.svc.example.test A
  start_backend fra 127.0.1.1
}
is_home() { expect "127.0.1.1" shop.svc.example.test A; }
is_away() { expect "127.0.2.1" shop.svc.example.test A; }
says_why() { ctl service shop.svc.example.test. | tr -s ' \n' ' ' | grep -qF -- "$1" || fail "not said: $1: $(ctl service shop.svc.example.test.)"; }

falls_and_returns
within 10 is_home
falls_and_returns
within 10 is_home

# The third time it is held.
falls_and_returns
within 10 says_why "held because it went down too often lately"
stays 1 is_away
says "endpoint held service=shop.svc.example.test."
within 5 eval 'ctl history --target endpoint/shop.svc.example.test./127.0.1.1 | grep -q held'
restart() { kill_daemon; restart_daemon; within 10 says_why "held because it went down too often lately"; }
restart
is_away

# Held is not down: it is better than nothing.
stop_backend ams
within 10 is_home
start_backend ams 127.0.2.1
within 10 is_away

# People may stop counting: a reload lets it go.
config 'hold_up = "3s"\nflap_half_life = "0s"' >"$(config_of)"
sed -i "s|@WORK@|$work/edge|g" "$(config_of)"
reload_daemon
within 10 is_home

# A slow return.
falls_and_returns
within 10 says_why "held until it has been so for hold_up"
since=$(milliseconds)
is_away
within 20 is_home
[ $(($(milliseconds) - since)) -ge 2000 ] || fail "back after $(($(milliseconds) - since)) ms already"
stop_daemon
