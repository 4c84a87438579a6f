#!/usr/bin/env bash
# What resolvers and test suites ask besides plain questions (RFC 8906 section 8), asked with dig, and what comes back.
source "$(dirname "$0")/lib.sh"

zone=svc.example.test
# reply OPTION…: all that dig prints, of one query to the daemon's address.
reply() { timeout 10 dig @127.0.0.1 +time=3 +tries=1 +noall +comments +answer +authority "$@"; }
# has PATTERN OPTION…, lacks PATTERN OPTION…: whether a line of the reply matches.
has() {
  local pattern=$1
  shift
  local text
  text=$(reply "$@") || true
  grep -Eq -- "$pattern" <<<"$text" || fail "no line like '$pattern' for dig $*: $text"
}
lacks() {
  local pattern=$1
  shift
  local text
  text=$(reply "$@") || true
  ! grep -Eq -- "$pattern" <<<"$text" || fail "a line like '$pattern' for dig $*: $text"
}

head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$work/secrets"
chmod 600 "$work/secrets"
sed 's/^listen = .*/&\nidentity = "edge-1"\nanswer_identity = "everywhere"/' "$here/local.toml" >"$work/odd.toml"
cat >>"$work/odd.toml" <<EOF
[cookies]
secret_file = "$work/secrets"
[rate_limit]
responses_per_second = 0
EOF
cp "$here/shop.zone" "$work/"
start_backend fra 127.0.1.1
start_backend ber 127.0.2.1
start_backend nyc 127.0.3.1
start_daemon "$work/odd.toml"
near() { expect "$2" "shop.$zone" A "+subnet=$1"; }
within 10 near 127.0.22.0/24 127.0.2.1

# RFC 8906 section 8.1: without EDNS.
plain=(+noedns +noad +norec "$zone")
has 'status: NOERROR' "${plain[@]}" SOA
has 'flags: qr aa;' "${plain[@]}" SOA
lacks 'EDNS' "${plain[@]}" SOA
has 'ANSWER: 0, AUTHORITY: 1' "${plain[@]}" TYPE1000
has 'flags: qr aa;' "${plain[@]}" +cd SOA
has 'flags: qr aa;' +noedns +norec +ad "$zone" SOA
has 'flags: qr aa;' "${plain[@]}" +zflag SOA
has 'flags: qr aa rd;' +noedns +noad +rec "$zone" SOA
has 'status: NOTIMP' +noedns +noad +norec +opcode=15 +header-only
has 'opcode: RESERVED15' +noedns +noad +norec +opcode=15 +header-only
has 'status: NOERROR' "${plain[@]}" +tcp SOA

# Section 8.2: with EDNS.
edns=(+edns=0 +noad +norec +nocookie "$zone")
has 'EDNS: version: 0, flags:; udp: 1232' "${edns[@]}" SOA
for odd in "" +ednsopt=100 +ednsflags=0x40 +dnssec; do
  has 'status: BADVERS' +edns=1 +noednsneg +noad +norec +nocookie $odd "$zone" SOA
  has 'EDNS: version: 0' +edns=1 +noednsneg +noad +norec +nocookie $odd "$zone" SOA
  has 'ANSWER: 0' +edns=1 +noednsneg +noad +norec +nocookie $odd "$zone" SOA
done
has 'status: NOERROR' "${edns[@]}" +ednsopt=100:abcd SOA
lacks 'OPT=100' "${edns[@]}" +ednsopt=100:abcd SOA
has 'EDNS: version: 0, flags:; udp' "${edns[@]}" +ednsflags=0x40 SOA
has 'EDNS: version: 0, flags: do; udp' "${edns[@]}" +dnssec SOA
has 'NSID: .*edge-1' "${edns[@]}" +cookie +nsid +expire +subnet=0.0.0.0/0 SOA
has 'COOKIE: [0-9a-f]{48} \(good\)' "${edns[@]}" +cookie +nsid +expire +subnet=0.0.0.0/0 SOA
has 'CLIENT-SUBNET: 0.0.0.0/0/0' "${edns[@]}" +cookie +nsid +expire +subnet=0.0.0.0/0 SOA
has 'TCP.KEEPALIVE: 10.0' "${edns[@]}" +tcp +keepalive SOA
lacks 'TCP.KEEPALIVE' "${edns[@]}" +keepalive SOA

# A client subnet steers, and the scope says how far: 127.0.20.0/23 and 127.0.22.0/23 part at the 23rd bit.
near 127.0.21.0/24 127.0.1.1
near 127.0.23.7/32 127.0.3.1
has 'CLIENT-SUBNET: 127.0.23.0/24/24' +subnet=127.0.23.0/24 "shop.$zone" A
has 'CLIENT-SUBNET: 127.0.23.0/24/0' +subnet=127.0.23.0/24 "$zone" SOA
has 'status: FORMERR' "${edns[@]}" +ednsopt=8:00011818c00002 SOA
has 'status: FORMERR' "${edns[@]}" +ednsopt=10:0102 SOA

# Cookies are of the shared secret: a restart, as another edge, accepts them.
text=$(reply +cookie=0102030405060708 "$zone" SOA)
cookie=$(grep -Eo 'COOKIE: [0-9a-f]{48}' <<<"$text" | cut -d' ' -f2)
stop_daemon
restart_daemon
has "COOKIE: $cookie \(good\)" "+cookie=$cookie" "$zone" SOA

# What the last run knew of fra is told as such until a probe has ended, and all down as that.
freeze_backend fra
stop_daemon
restart_daemon
has 'EDE: 3 \(Stale Answer\): \(health as stored' +subnet=127.0.21.0/24 "shop.$zone" A
thaw_backend fra
seen_again() { ! reply +subnet=127.0.21.0/24 "shop.$zone" A | grep -q EDE; }
within 10 seen_again
for cluster in fra ber nyc; do stop_backend $cluster; done
all_down() { reply "shop.$zone" A | grep -q 'EDE: 0 (Other): (all endpoints down)'; }
within 15 all_down

# An old secret goes on being accepted, and its cookies are replaced.
{ head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n'; echo; cat "$work/secrets"; } >"$work/rolled"
mv "$work/rolled" "$work/secrets"
chmod 600 "$work/secrets"
sed -i 's/^\[cookies\]$/&\nrequire = "always"/' "$(config_of)"
reload_daemon
required() { reply +norec +ignore +nocookie "$zone" SOA | grep -q 'flags: qr tc;'; }
within 5 required
has 'status: BADCOOKIE' +nobadcookie +cookie=0102030405060708 "$zone" SOA
has 'status: NOERROR' +badcookie +cookie=0102030405060708 "$zone" SOA
has 'status: NOERROR' +nobadcookie "+cookie=$cookie" "$zone" SOA
lacks "COOKIE: $cookie" +nobadcookie "+cookie=$cookie" "$zone" SOA
has 'status: NOERROR' +nocookie "$zone" SOA # dig goes on by TCP

# Changes by DNS, other opcodes, classes, names.
has 'status: NOTIMP' +opcode=STATUS "$zone" SOA
has 'status: REFUSED' +opcode=NOTIFY "$zone" SOA
has 'status: NOTAUTH' +opcode=NOTIFY example.org SOA
has 'status: REFUSED' +opcode=UPDATE "$zone" SOA
has 'status: NOTAUTH' +opcode=UPDATE example.org SOA
has 'EDE: 20 \(Not Authoritative\)' +tcp example.org A
has 'status: REFUSED' +tcp "$zone" HS TXT
has '"edge-1"' +tcp id.server CH TXT
has '"edge-1"' +tcp hostname.bind CH TXT
has 'status: REFUSED' +tcp version.bind CH TXT
has 'status: FORMERR' +tcp "$zone" OPT

# An answer is never larger than ten times its query without a cookie.
sed -i 's/^require = "always"$//' "$(config_of)"
reload_daemon
not_required() { reply +norec +ignore +nocookie "$zone" SOA | grep -q 'ANSWER: 1'; }
within 5 not_required
has 'flags: qr aa tc;.* ANSWER: 0' +norec +ignore +nocookie "big.$zone" TXT
text=$(reply +cookie=0102030405060708 "$zone" SOA)
cookie=$(grep -Eo 'COOKIE: [0-9a-f]{48}' <<<"$text" | cut -d' ' -f2)
has 'flags: qr aa;.* ANSWER: 7' +norec +ignore "+cookie=$cookie" "big.$zone" TXT
stop_daemon
