#!/usr/bin/env bash
# A day of a spillover, at an hour in 20 seconds: three localities whose demand rises and falls, three clusters of 1,000 that
# report what arrives, one daemon, and what clients were really answered. Draws spillover_day.svg beside it. As a story:
#
#   SWINGOVERD=… SWINGCTL=… docs/pictures/spillover_day.sh
source "$(dirname "$0")/../../tests/integration/lib.sh"

pictures=$here
here=$pictures/../../tests/integration
support=$pictures/../../tests/support
for cluster in fra:127.0.1.1 ber:127.0.2.1 nyc:127.0.3.1; do start_backend "${cluster%%:*}" "${cluster#*:}"; done
sed 's/^ramp = .*/&\nconnection_life = "0s"/' "$here/spillover.toml" >"$work/spillover.toml"
cp "$here/shop.zone" "$work/"
start_daemon "$work/spillover.toml"

# demand HOUR: of each locality then. Evenings are busy: fra-a asks for more than its cluster's target.
demand() {
  awk -v hour="$1" '
    function busy(at, low, high) { return low + (high - low) * exp(-((hour - at + 36) % 24 - 12) ^ 2 / 14) }
    BEGIN {
      printf "fra-a %d\nber-a %d\nnyc-a %d\n", busy(19, 250, 1150), busy(18, 100, 350), busy(23, 100, 400)
    }'
}
demand 0 >"$work/demand"
python3 "$support/crowd.py" "$(address_of udp)" "$(address_of admin)" shop.svc.example.test. --demand "$work/demand" \
  --seen "$work/seen" --cluster fra=127.0.1.1 --cluster ber=127.0.2.1 --cluster nyc=127.0.3.1 \
  --locality fra-a=127.0.21.7 --locality ber-a=127.0.22.7 --locality nyc-a=127.0.23.7 2>"$work/crowd.log" &
pid_of[crowd]=$!
sleep 25  # the first reports are in
for minute in $(seq 0 10 1430); do
  demand "$(awk -v m="$minute" 'BEGIN { print m / 60 }')" >"$work/demand.new"
  mv "$work/demand.new" "$work/demand"
  sleep 3.33
  awk -v minute="$minute" 'NR == FNR { demand[$1] = $2; next } { print minute, $1, $2, demand[$1] * $3 / 100 }' \
    "$work/demand" "$work/seen" >>"$work/day"
done
python3 "$pictures/draw_day.py" "$work/day" >"$pictures/spillover_day.svg"
stop_daemon
