#!/usr/bin/env bash
# What is wrong at start: a bad zone answers SERVFAIL and takes no other with it; a bad config refuses to start and tells everything.
source "$(dirname "$0")/lib.sh"

mkdir "$work/source"
cp "$here/intents.toml" "$work/source/two.toml"
cat >>"$work/source/two.toml" <<'T'
[[zone]]
name = "bad.example.test."
file = "bad.zone"
T
cat >"$work/source/bad.zone" <<'Z'
$TTL 300
@     SOA   ns1 hostmaster 1 3600 600 1209600 60
      NS    ns1
ns1   A     127.0.0.1
both  CNAME ns1
both  TXT   "data beside a CNAME"
Z
start_backend fra 127.0.1.1
start_daemon "$work/source/two.toml"
config=$(config_of)
within 5 expect "127.0.1.1" shop.svc.example.test A
expect_rcode SERVFAIL ns1.bad.example.test A
expect_rcode REFUSED elsewhere.test A
admin_get /livez >/dev/null || fail "/livez"
! admin_get /readyz >"$work/told" || fail "/readyz is 200 with a zone that did not load"
grep -q "bad.example.test" "$work/told" || fail "/readyz does not name the zone: $(cat "$work/told")"

status=0
"$SWINGOVERD" --config "$config" --check >"$work/told" 2>&1 || status=$?
[ $status = 1 ] || fail "--check of a bad zone: exit $status"
grep -qE "bad.zone:[56]:[0-9]+: error:" "$work/told" || fail "--check does not point at the line: $(cat "$work/told")"

# It is mended: a reload brings it.
sed -i '/^both  TXT/d' "$work/edge/bad.zone"
ctl reload
within 5 expect "127.0.0.1 ns1.bad.example.test." both.bad.example.test A
within 5 admin_get /readyz >/dev/null
"$SWINGOVERD" --config "$config" --check || fail "--check of good files"
stop_daemon

# A config with many errors: exit 1, all of them, nothing started.
cat >"$work/wrong.toml" <<'T'
[server]
listen = ["127.0.0.1:99999", "nowhere"]
workers = -1
state_dirr = "x"
[[zone]]
name = "svc.example.test."
[[cluster]]
name = "fra"
capacity = "lots"
[[cluster]]
name = "fra"
[[monitor]]
name = "web"
kind = "htpp"
interval = "1 s"
rise = 0
[[service]]
name = "shop.elsewhere.test."
policy = "fail-over"
monitors = ["wbe"]
ttl = "x"
  [[service.pool]]
  cluster = "fre"
  weight = -3
  endpoints = ["300.0.0.1"]
[[service]]
nam = "x"
[metric]
on = true
[[region]]
[[locality]]
name = "fra-a"
region = "nowhere"
clients = ["10.1.2.3/16"]
T
status=0
timeout 10 "$SWINGOVERD" --config "$work/wrong.toml" >"$work/told" 2>&1 || status=$?
[ $status = 1 ] || fail "a wrong config: exit $status"
count=$(grep -cE "wrong.toml:[0-9]+:[0-9]+: error:" "$work/told")
[ "$count" -ge 20 ] || fail "only $count errors told: $(cat "$work/told")"
