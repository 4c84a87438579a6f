#!/usr/bin/env bash
# What monitors add up to: any of two, two of three, most of three, the contrary of one; each over real listeners, and a
# sum of sums.
source "$(dirname "$0")/lib.sh"

mkdir "$work/source"
sed '/CNAME shop/d' "$here/shop.zone" >"$work/source/shop.zone"
{
  sed '/^\[\[monitor\]\]/,$d' "$here/intents.toml"
  for n in 1 2 3 4; do
    cat <<T
[[monitor]]
name = "p$n"
kind = "tcp"
port = 900$n
interval = "500ms"
timeout = "400ms"
flap_half_life = "0s"
T
  done
  cat <<'T'
[[monitor]]
name = "any"
kind = "calculated"
of = ["p1", "p2"]
need = "any"
[[monitor]]
name = "two"
kind = "calculated"
of = ["p1", "p2", "p3"]
need = 2
[[monitor]]
name = "most"
kind = "calculated"
of = ["p1", "p2", "p3"]
need = "67%"
[[monitor]]
name = "not"
kind = "calculated"
of = ["p4"]
inverted = true
[[monitor]]
name = "sum"
kind = "calculated"
of = ["any", "not"]
T
  for name in any two most not sum; do
    cat <<T
[[service]]
name = "$name.svc.example.test."
monitors = ["$name"]
  [[service.pool]]
  cluster = "fra"
  priority = 1
  endpoints = ["127.0.1.1"]
  [[service.pool]]
  cluster = "ams"
  priority = 2
  endpoints = ["127.0.2.1"]
T
  done
} >"$work/source/calculated.toml"

port_of() { start_backend "$1-$2" "127.0.$([ "$1" = fra ] && echo 1 || echo 2).1" "900$2"; }
for n in 1 2 3; do
  port_of fra $n
  port_of ams $n
done
start_daemon "$work/source/calculated.toml"

# at ANY TWO MOST NOT SUM: which cluster each service answers with, 1 or 2.
at() {
  local name
  for name in any two most not sum; do
    expect "127.0.$1.1" "$name.svc.example.test" A
    shift
  done
}
says_why() { # SERVICE WORDS
  ctl service "$1.svc.example.test." | grep -qF -- "$2" || fail "$1 does not say '$2': $(ctl service "$1.svc.example.test.")"
}
within 10 at 1 1 1 1 1

stop_backend fra-1 # one of any two is enough, two of three too; 67 % of three is all of them
within 10 at 1 1 2 1 1
says_why most "2 of 3 up, needs 67%; p1 is down: connect: connection refused"
stop_backend fra-3
within 10 at 1 2 2 1 1
says_why two "1 of 3 up, needs 2; "
stop_backend fra-2
within 10 at 2 2 2 1 2
says_why any "0 of 2 up, needs any; "
says_why sum "any is down"
for n in 1 2 3; do port_of fra $n; done
within 10 at 1 1 1 1 1

port_of fra 4 # where that answers, `not` is down, and what is made of it
within 10 at 1 1 1 2 2
says_why sum "not is down"
stop_backend fra-4
within 10 at 1 1 1 1 1
stop_daemon
