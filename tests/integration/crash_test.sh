#!/usr/bin/env bash
# kill -9 at 50 random instants with intents on their way: none that was acknowledged is lost, and every restart answers from
# the stored state within a second.
source "$(dirname "$0")/lib.sh"

start_backend ams 127.0.2.1 # fra is dead from the start
mkdir "$work/crash"
{
  sed '/^\[\[service\]\]/,$d' "$here/intents.toml" | sed "s/interval = \"1s\"/interval = \"5s\"/; s,@WORK@,$work/crash,"
  for ((i = 0; i < 20; i++)); do
    cat <<SERVICE
[[service]]
name = "svc-$i.svc.example.test."
monitors = ["web"]
  [[service.pool]]
  cluster = "fra"
  priority = 1
  endpoints = ["127.0.1.1"]
  [[service.pool]]
  cluster = "ams"
  priority = 2
  endpoints = ["127.0.2.1"]
SERVICE
  done
} >"$work/crash/config.toml"
sed '/CNAME shop/d' "$here/shop.zone" >"$work/crash/shop.zone"
python3 "$here/crash_loop.py" "$SWINGOVERD" "$work/crash/config.toml" --dns 127.0.0.1:53 --admin 127.0.0.1:8053 \
  --services 20 --rounds "${ROUNDS:-50}" || fail "the daemon's log: $(tail -n 5 "$work/crash/config.toml.log")"
