#!/usr/bin/env bash
# kill -9 at 50 random instants with intents on their way: none that was acknowledged is lost, and every restart answers from
# the stored state within a second.
source "$(dirname "$0")/lib.sh"

start_backend ams 127.0.2.1      # fra is dead from the start
{
  sed '/^\[\[service\]\]/,$d' intents.toml | sed 's/interval = "1s"/interval = "5s"/'
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
} | sed "s,@work@,$work,g" >"$work/crash.toml"
cp svc.example.test.zone "$work"
sed -i '/CNAME shop/d' "$work/svc.example.test.zone"
python3 crash_loop.py "$SWINGOVERD" "$work/crash.toml" --dns 127.0.0.1:53 --admin 127.0.0.1:8053 --services 20 --rounds "${ROUNDS:-50}"
