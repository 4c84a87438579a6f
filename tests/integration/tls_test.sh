#!/usr/bin/env bash
# DNS over TLS as clients speak it, a certificate that changes under them, front ends that speak for others, and every
# address of the host answering for itself.
source "$(dirname "$0")/lib.sh"

name=shop.svc.example.test
make_certificate() { # COMMON-NAME
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 60 -subj "/CN=$1" \
    -addext "subjectAltName=DNS:$1" -keyout "$work/edge/new.key" -out "$work/edge/new.crt" 2>/dev/null
  mv "$work/edge/new.key" "$work/edge/tls.key"
  mv "$work/edge/new.crt" "$work/edge/tls.crt"
}
tls_client() { timeout 10 openssl s_client -connect 127.0.0.1:853 -alpn dot "$@" </dev/null 2>&1 || true; }
subject() { tls_client | sed -n 's/^subject=CN = //p'; }
wanted_subject() { [ "$(subject)" = "$1" ] || fail "the certificate is for '$(subject)', wanted '$1'"; }
# answers ANSWER KDIG-OPTION…
answers() {
  local wanted=$1 got
  shift
  got=$(timeout 10 kdig +short +retry=0 +time=3 "$@" $name A 2>/dev/null | paste -sd ' ') || true
  [ "$got" = "$wanted" ] || fail "kdig $*: wanted '$wanted', got '$got'"
}
metric_with() { admin_get /metrics | grep -qF -- "$1" || fail "no metric $1: $(admin_get /metrics | grep "^swingover_${1:10:6}")"; }

ip address add fd00::1/128 dev lo
ip address add fd00::2/128 dev lo
ip address add fd00::7/128 dev lo
ip address add fe80::53/64 dev lo

mkdir -p "$work/edge"
make_certificate ns1.example.test
start_daemon tls.toml
says "tls=0.0.0.0:853,[::]:853"

# Resolvers' ways: opportunistic and strict privacy, several queries on one connection, padding.
answers 127.0.1.1 @127.0.0.1 +tls
answers 127.0.1.1 @127.0.0.1 +tls-ca="$work/edge/tls.crt" +tls-hostname=ns1.example.test
answers "" @127.0.0.1 +tls-ca="$work/edge/tls.crt" +tls-hostname=other.example.test
answers 127.0.2.1 -b 127.0.22.9 @127.0.0.1 +tls
[ "$(timeout 10 kdig @127.0.0.1 +tls +keepopen +short $name A www.svc.example.test A $name A | grep -c 127.0.1.1)" = 3 ] ||
  fail "three queries on one TLS connection"
timeout 10 kdig @127.0.0.1 +tls +padding $name A | grep -q "468 B" || fail "an answer over TLS is not padded to 468 octets"
told=$(dig +tcp +keepalive @127.0.0.1 $name A)
grep -q "TCP KEEPALIVE: 10.0 secs" <<<"$told" || fail "the keepalive option does not tell the idle time: $told"

# Tickets: resumed by another worker too, after a new certificate too.
has_ticket() { # s_client leaves at the end of its input, perhaps before the ticket has come
  sleep 0.3 | timeout 10 openssl s_client -connect 127.0.0.1:853 -sess_out "$work/session" >/dev/null 2>&1 || true
  [ -s "$work/session" ]
}
within 5 has_ticket
for _ in 1 2 3 4; do tls_client -sess_in "$work/session" | grep -q "^Reused, TLSv1.3" || fail "not resumed"; done
tls_client -tls1_2 | grep -q "alert protocol version" || fail "TLS 1.2 is spoken"
metric_with 'swingover_tls_handshakes_total{result="resumed"} 4'

# A new certificate by reload, with a connection open across it.
coproc held { timeout 20 openssl s_client -quiet -connect 127.0.0.1:853 2>/dev/null; }
exec 8<&"${held[0]}" 9>&"${held[1]}" # the coprocess's own are not for subshells
within 5 metric_is swingover_tls_connections 1
make_certificate ns2.example.test
reload_daemon
within 5 wanted_subject ns2.example.test
tls_client -sess_in "$work/session" | grep -q "^Reused" || fail "not resumed after the reload"
query=$(printf '\\x12\\x34\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x03www\\x03svc\\x07example\\x04test\\x00\\x00\\x01\\x00\\x01')
size=$(printf "$query" | wc -c)
{ printf "\\x00\\x$(printf %02x "$size")"; printf "$query"; } >&9
reply=$(timeout 5 head -c 4 <&8 | od -An -tx1 | tr -d ' ')
[ "${reply:4}" = 1234 ] || fail "the connection from before the reload is gone: '$reply'"

# A key that does not fit changes nothing.
cp "$work/edge/tls.key" "$work/edge/good.key"
openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256 -out "$work/edge/tls.key" 2>/dev/null
reload_daemon
within 5 says "is not the key of the certificate"
wanted_subject ns2.example.test
! "$SWINGOVERD" --config "$(config_of)" --check 2>"$work/check" || fail "--check lets a wrong key pass"
grep -q 'config.toml:.*: error: .*is not the key of the certificate' "$work/check" || fail "$(cat "$work/check")"
cp "$work/edge/good.key" "$work/edge/tls.key"

# Front ends: the client in the header is steered, by UDP, TCP and TLS; a front end without a header is not heard.
for way in +notcp +tcp; do
  answers 127.0.2.1 -b 127.7.0.1 @127.0.0.1 $way +proxy=127.0.22.9#1234-127.0.0.1#53
  answers 127.0.1.1 -b 127.7.0.1 @127.0.0.1 $way +proxy=192.0.2.1#1234-127.0.0.1#53
  answers 127.0.2.1 -b fd00::7 @fd00::1 $way +proxy=2001:db8:22::1#1234-2001:db8::1#53
  answers "" -b 127.7.0.1 @127.0.0.1 $way
  answers "" @127.0.0.1 $way +proxy=127.0.22.9#1234-127.0.0.1#53
done
metric_with 'swingover_dropped_total{reason="proxy"} 2'

# Every address of a wildcard socket answers for itself: dig and kdig take no answer from another.
for address in 127.0.0.1 127.44.5.6 ::1 fd00::1 fd00::2 fe80::53%lo; do
  for way in +notcp +tcp; do
    [ "$(timeout 5 dig +short +tries=1 +time=2 $way "@$address" www.svc.example.test A | tail -n 1)" = 127.0.1.1 ] ||
      fail "no answer from $address by $way"
  done
done
answers 127.0.1.1 @fd00::2 +tls
stop_daemon
