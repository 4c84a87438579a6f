#!/usr/bin/env bash
# A full disk: answers and swings go on, intents are refused, readiness, a metric and the log say so; writes resume by themselves.
source "$(dirname "$0")/lib.sh"

# The tmpfs lives in a mount namespace of its own and goes with it.
if [ -z "${IN_OWN_MOUNTS:-}" ]; then IN_OWN_MOUNTS=1 exec unshare --mount -- "$0" "$@"; fi
mkdir "$work/small"
mount -t tmpfs -o size=24m tmpfs "$work/small"
sed "s,@work@/state,$work/small/state,; s,@work@,$work,g" intents.toml >"$work/full.toml"
cp svc.example.test.zone "$work"

start_backend fra 127.0.1.1
start_backend ams 127.0.2.1
start_daemon "$work/full.toml"
within 5 expect "127.0.1.1" shop.svc.example.test A
ctl drain pool/shop.svc.example.test./ams --reason "before the disk is full"
within 5 admin_get /readyz >/dev/null

dd if=/dev/zero of="$work/small/filler" bs=4k >/dev/null 2>&1 || true
[ "$(df --output=avail "$work/small" | tail -1 | tr -d ' ')" = 0 ] || fail "the disk is not full"
fill_more() { dd if=/dev/zero bs=512 count=64 >>"$work/small/filler" 2>/dev/null || true; }

# An intent is refused in bounded time, and not in force.
refused() { fill_more; ! timeout 30 "$SWINGCTL" drain cluster/fra --reason "no room" >"$work/told" 2>&1; }
within 20 store_is_unhealthy_after_an_intent
grep -qiE "store|disk|space|unavailable" "$work/told" || fail "the refusal does not say why: $(cat "$work/told")"
expect "127.0.1.1" shop.svc.example.test A
admin_get /readyz >"$work/told" && fail "/readyz is 200 with a full disk"
grep -qi "store" "$work/told" || fail "/readyz does not say why: $(cat "$work/told")"
daemon_says "No space left"

# Answers swing although nothing can be stored.
ctl undrain pool/shop.svc.example.test./ams >/dev/null 2>&1 || true
stop_backend fra
within 5 expect_any shop.svc.example.test A

# Room again: writes resume without a restart, and what was learnt meanwhile is stored.
rm "$work/small/filler"
within 30 admin_get /readyz >/dev/null
metric_is swingover_store_healthy 1
within 10 ctl undrain pool/shop.svc.example.test./ams
within 5 expect "127.0.2.1" shop.svc.example.test A
restart_daemon
expect "127.0.2.1" shop.svc.example.test A
