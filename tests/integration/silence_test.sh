#!/usr/bin/env bash
# An endpoint that can no longer be looked at becomes unknown, says since when and why, and gives way to one that is known
# to be up; where nothing is known of any, answers stay as they were. And it is found again.
source "$(dirname "$0")/lib.sh"

mkdir "$work/source"
cp "$here/shop.zone" "$work/source/"
{
  sed '/^\[\[monitor\]\]/,$d' "$here/intents.toml"
  cat <<'T'
[[monitor]]
name = "web"
port = 8080
path = "/healthz"
interval = "1s"
timeout = "900ms"
[[service]]
name = "shop.svc.example.test."
monitors = ["web"]
  [[service.pool]]
  cluster = "fra"
  priority = 1
  endpoints = ["127.0.1.1"]
  [[service.pool]]
  cluster = "ams"
  priority = 2
  endpoints = ["127.0.2.1"]
T
  for cluster in fra ams; do
    cat <<T
[[monitor]]
name = "look-$cluster"
kind = "exec"
command = ["./look-$cluster"]
interval = "1s"
timeout = "900ms"
T
  done
  cat <<'T'
[[service]]
name = "own.svc.example.test."
  [[service.pool]]
  cluster = "fra"
  priority = 1
  endpoints = ["127.0.1.2"]
  monitors = ["look-fra"]
  [[service.pool]]
  cluster = "ams"
  priority = 2
  endpoints = ["127.0.2.2"]
  monitors = ["look-ams"]
T
} >"$work/source/silence.toml"
mkdir "$work/edge"
for cluster in fra ams; do
  printf '#!/bin/sh\nexit 0\n' >"$work/edge/look-$cluster"
  chmod +x "$work/edge/look-$cluster"
done
start_backend fra 127.0.1.1
start_backend ams 127.0.2.1
start_daemon "$work/source/silence.toml"
within 10 expect 127.0.1.1 shop.svc.example.test A
within 10 expect 127.0.1.2 own.svc.example.test A

# went_dark ENDPOINT WORDS: the log says that it did, and why.
went_dark() {
  grep -F "endpoint=$1 " "$(log_of)" | grep -F "to=unknown" | grep -F "no verdict for " | grep -qiF -- "$2" ||
    fail "the log does not say that $1 is unknown: $2"
}
shows() { # SERVICE WORDS
  ctl service "$1.svc.example.test." | grep -qF -- "$2" || fail "not shown: $2: $(ctl service "$1.svc.example.test.")"
}

# The program of one monitor vanishes: that says nothing of the endpoint, and its rival is known.
mv "$work/edge/look-fra" "$work/away"
within 10 went_dark 127.0.1.2 "cannot run $work/edge/look-fra: No such file or directory"
within 10 expect 127.0.2.2 own.svc.example.test A
shows own "no verdict for"
ctl history --target endpoint/own.svc.example.test./127.0.1.2 | grep -q unknown || fail "the history does not have it"
mv "$work/away" "$work/edge/look-fra"
within 10 expect 127.0.1.2 own.svc.example.test A

# All descriptors are taken: nothing can be looked at any more. The daemon answers on, as it did.
was=$(prlimit --pid "${pid_of[edge]}" --nofile --output SOFT --noheadings)
prlimit --pid "${pid_of[edge]}" --nofile=3:
within 15 went_dark 127.0.1.1 "socket: too many open files"
within 15 went_dark 127.0.2.1 "socket: too many open files"
within 15 went_dark 127.0.1.2 "cannot run $work/edge/look-fra: pipe: too many open files"
within 15 went_dark 127.0.2.2 "cannot run $work/edge/look-ams: pipe: too many open files"
stays 1 expect 127.0.1.1 shop.svc.example.test A
expect 127.0.1.2 own.svc.example.test A
prlimit --pid "${pid_of[edge]}" --nofile="$was":
is_known() { ! ctl service "$1.svc.example.test." | grep -q unknown; }
within 10 is_known shop
within 10 is_known own
expect 127.0.1.1 shop.svc.example.test A
expect 127.0.1.2 own.svc.example.test A
stop_backend fra
within 10 expect 127.0.2.1 shop.svc.example.test A
stop_daemon
