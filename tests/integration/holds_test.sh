#!/usr/bin/env bash
# What went down too often, what has not been up for long enough, and what waits for a person stays out while others are
# there; people see why, and a restart forgets nothing of it.
source "$(dirname "$0")/lib.sh"

start_backend fra 127.0.1.1
start_backend ams 127.0.2.1
mkdir "$work/source"
cp "$here/shop.zone" "$work/source/"
# config RULES…: the lines of the monitor that matter here.
config() { sed "s|^interval = \"1s\"|confirm_interval = \"100ms\"\ninterval = \"1s\"\ntimeout = \"1s\"\npath = \"/healthz\"\n$1|" "$here/intents.toml"; }
config 'flap_half_life = "10m"' >"$work/source/holds.toml"
start_daemon "$work/source/holds.toml"
# Up, not only unknown: a fall from unknown is none.
is_up() { ctl service shop.svc.example.test. | grep -Eq "^fra +127.0.1.1 +up"; }
within 10 is_up
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
reload_with() {
  config "$1" | sed "s|@WORK@|$work/edge|g" >"$(config_of)"
  ctl reload >/dev/null
}
reload_with 'hold_up = "3s"\nflap_half_life = "0s"'
within 10 is_home

# A slow return.
falls_and_returns
within 10 says_why "held until it has been so for hold_up"
since=$(milliseconds)
is_away
within 20 is_home
[ $(($(milliseconds) - since)) -ge 2000 ] || fail "back after $(($(milliseconds) - since)) ms already"

# A return by hand: it passes, and waits for a person, whatever becomes of the daemon meanwhile.
waits_for_a_person() { says_why 'held until a person says `swingctl resume`'; }
# Nothing of what is shown is of the last run.
is_probed() { [[ "$(ctl service shop.svc.example.test.)" != *"(stored)"* ]] || fail "nobody has looked yet"; }
endpoint=endpoint/shop.svc.example.test./127.0.1.1
reload_with 'resume = "manual"\nflap_half_life = "0s"'
is_home
refused 1 "nothing of $endpoint is held" ctl resume $endpoint --reason "to be sure"
falls_and_returns
within 10 waits_for_a_person
stays 1 is_away
stop_daemon
restart_daemon
is_away
within 10 is_probed
is_away
waits_for_a_person
kill_daemon
restart_daemon
is_away
within 10 is_probed
is_away
waits_for_a_person
ctl reload >/dev/null
stays 1 is_away
waits_for_a_person

refused 1 "no endpoint" ctl resume endpoint/shop.svc.example.test./127.0.1.9 --reason "new fan"
refused 1 "no cluster" ctl resume cluster/fro --reason "new fan"
refused 1 "nothing of cluster/ams is held" ctl resume cluster/ams --reason "new fan"
refused 2 "reason" ctl resume $endpoint
refused 2 "not a target" ctl resume 127.0.1.1 --reason "new fan"
is_away
ctl resume $endpoint --reason "new fan" --owner ada | grep -qF "resumed: $endpoint, 1 check" || fail "no word of what was resumed"
within 5 is_home
says "resumed target=$endpoint owner=ada reason=\"new fan\""
ctl history --target $endpoint | grep 'resume' | grep 'ada' | grep -qF 'new fan' || fail "the history does not name who and why"

# The admin address takes the same, for all that a cluster holds; and a resume is for once.
post() { # STATUS BODY
  python3 -c '
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1])
connection.request("POST", "/v1/resume", sys.argv[3])
reply = connection.getresponse()
print(reply.status, reply.read().decode())
sys.exit(reply.status != int(sys.argv[2]))' "$(address_of admin)" "$@" >"$work/told" || fail "not $1: $2: $(cat "$work/told")"
}
falls_and_returns
within 10 waits_for_a_person
post 400 '{"target": "cluster/fra", "reason": "by hand"}'
post 400 '{"target": "cluster/fra", "owner": "bob"}'
post 404 '{"target": "cluster/fro", "owner": "bob", "reason": "by hand"}'
is_away
post 200 '{"target": "cluster/fra", "owner": "bob", "reason": "by hand"}'
within 5 is_home
post 409 '{"target": "cluster/fra", "owner": "bob", "reason": "by hand"}'
kill_daemon
restart_daemon
stays 1 is_home
ctl history --target cluster/fra | grep 'resume' | grep 'bob' | grep -qF 'by hand' || fail "the history does not name who and why"
stop_daemon
