#!/usr/bin/env bash
# tests/package/deb_test.sh PACKAGE.deb CACHE-FOLDER
#
# The package is lintian-clean; it installs, answers, is removed and purged in a Debian root of its own. The root is
# debootstrapped once from the mirror that this machine's apt uses and kept as a tar file in CACHE-FOLDER, with the
# packages that ours depends on. Everything runs in mount, process and network namespaces that end with the test.
set -euo pipefail

package=$(realpath "$1")
cache=$2
work=${SWINGOVER_PACKAGE_TEST:-}

say() { printf '%s\n' "package test: $*"; }
fail() {
  printf '%s\n' "package test: FAILED: $*" >&2
  exit 1
}

[ "$(id -u)" = 0 ] || fail "needs root (debootstrap, chroot)"
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
mkdir -p "$cache"
cache=$(realpath "$cache")

# deb lines of Debian's own archives as this machine's apt has them, whatever form its lists are in.
debian_sources() {
  local keys=/usr/share/keyrings/debian-archive-keyring.gpg
  apt-get indextargets --format "\$(ORIGIN) deb [signed-by=$keys] \$(REPO_URI) \$(RELEASE) \$(COMPONENT)" \
    'Created-By: Packages' | sed -n 's/^Debian //p' | sort -u
}

# A root for each set of dependencies: a package that needs more makes a new one.
root_tar() {
  local depends
  depends=$(dpkg-deb --field "$package" Depends Pre-Depends | sha256sum | head -c 12)
  echo "$cache/debian-$(. /etc/os-release && echo "$VERSION_CODENAME")-$(dpkg --print-architecture)-$depends.tar"
}

# The root with all that the package depends on; made once, then unpacked in a second or two.
make_root() {
  local root=$work/root suite source
  suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
  source=$(debian_sources | awk -v suite="$suite" '$4 == suite && !found++ { print $3 }')
  [ -n "$source" ] || fail "apt knows no Debian mirror; apt-get update helps"
  say "making a Debian root from $source (once)"
  debootstrap --variant=minbase "$suite" "$root" "$source" >"$work/debootstrap.log" 2>&1 ||
    { tail -n 20 "$work/debootstrap.log" >&2; fail "debootstrap"; }
  mount -t proc proc "$root/proc"
  debian_sources >"$root/etc/apt/sources.list"
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  cp "$package" "$root/package.deb"
  in_root "$root" apt-get update -qq
  # The dependencies stay, the package itself goes: its own installation is what the test is about.
  in_root "$root" apt-get install -qq -y --no-install-recommends /package.deb systemd
  in_root "$root" apt-get purge -qq -y swingover
  in_root "$root" apt-get clean
  rm "$root/package.deb"
  umount "$root/proc"
  tar -C "$root" --one-file-system -cf "$(root_tar).new" .
  mv "$(root_tar).new" "$(root_tar)"
}

in_root() {
  local root=$1
  shift
  chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive ${http_proxy:+http_proxy="$http_proxy"} "$@" >"$work/last.log" 2>&1 ||
    { tail -n 30 "$work/last.log" >&2; fail "in the root: $*"; }
}

files_of_package() { dpkg-deb --fsys-tarfile "$package" | tar -t | grep -v '/$' | sed 's|^\.||'; }

check_contents() {
  say "lintian"
  lintian --allow-root --tag-display-limit 0 --fail-on error,warning "$package" || fail "lintian has words"

  local file
  for file in /usr/sbin/swingoverd /usr/bin/swingctl /lib/systemd/system/swingover.service \
    /etc/swingover/swingover.toml /usr/share/man/man1/swingctl.1.gz /usr/share/man/man5/swingover.toml.5.gz \
    /usr/share/man/man8/swingoverd.8.gz /usr/share/doc/swingover/copyright; do
    files_of_package | grep -qxF "$file" || fail "the package lacks $file"
  done
  dpkg-deb --info "$package" conffiles | grep -qx /etc/swingover/swingover.toml || fail "the config is no conffile"
}

check_installed() {
  local root=$1 file
  say "installing"
  cp "$package" "$root/package.deb"
  in_root "$root" dpkg --install /package.deb
  while read -r file; do
    # Docs may be left out by a machine's dpkg configuration; programs and units may not.
    [ -e "$root$file" ] || [[ $file == /usr/share/* ]] || fail "$file is not there"
  done < <(files_of_package)
  in_root "$root" getent passwd swingover
  [ "$(stat -c %U "$root/var/lib/swingover" 2>/dev/null || true)" != root ] || fail "root owns the state folder"
  [ "$(in_root_out "$root" stat -c '%U:%G %a' /var/lib/swingover)" = "swingover:swingover 750" ] || fail "state folder"
  [ ! -e "$root/etc/systemd/system/multi-user.target.wants/swingover.service" ] || fail "the service was enabled"

  say "systemd-analyze"
  in_root "$root" systemd-analyze verify --man=no /lib/systemd/system/swingover.service /lib/systemd/system/swingover.socket
  [ ! -s "$work/last.log" ] || { cat "$work/last.log" >&2; fail "systemd-analyze verify has words"; }
  in_root "$root" systemd-analyze security --offline=true --threshold=15 /lib/systemd/system/swingover.service
  tail -n 1 "$work/last.log"
}
in_root_out() { in_root "$@" && cat "$work/last.log"; }

# The installed programs, as the installed user, answer dig from outside the root.
check_answers() {
  local root=$1 pid
  say "asking the installed daemon"
  install -d -m 755 "$root/etc/swingover"
  cat >"$root/etc/swingover/svc.example.com.zone" <<'END'
$TTL 300
@    SOA  ns1 hostmaster 1 3600 600 604800 60
     NS   ns1
ns1  A    127.0.0.1
www  A    192.0.2.80
END
  in_root "$root" swingctl check /etc/swingover/swingover.toml
  { printf '[server]\nlisten = ["127.0.0.1:5353"]\n'; cat "$root/etc/swingover/swingover.toml"; } >"$root/etc/swingover/test.toml"
  chroot --userspec=swingover:swingover "$root" /usr/sbin/swingoverd --config /etc/swingover/test.toml >"$work/daemon.log" 2>&1 &
  pid=$!
  for _ in $(seq 200); do
    ! grep -q '\bready udp=' "$work/daemon.log" || break
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.05
  done
  grep -q '\bready udp=' "$work/daemon.log" || { cat "$work/daemon.log" >&2; fail "the daemon is not ready"; }
  [ "$(dig +short +tries=1 @127.0.0.1 -p 5353 www.svc.example.com A)" = 192.0.2.80 ] || fail "no static answer"
  [ "$(dig +short +tcp +tries=1 @127.0.0.1 -p 5353 fra.on.shop.svc.example.com A)" = 192.0.2.10 ] || fail "no service answer"
  in_root "$root" swingctl status
  kill -TERM "$pid"
  wait "$pid" || { cat "$work/daemon.log" >&2; fail "the daemon did not stop with 0"; }
  [ -n "$(ls -A "$root/var/lib/swingover")" ] || fail "nothing was stored in /var/lib/swingover"
}

# The unit as it is installed, under systemd as process 1: its sandbox lets everything through that the daemon needs.
check_unit() {
  local root=$1 nspawn init main
  say "booting systemd with the unit"
  in_root "$root" systemctl enable swingover.service
  umount "$root/proc" && umount -R "$root/dev"
  systemd-nspawn --quiet -D "$root" --boot --private-network --register=no --keep-unit \
    --machine="swingover-$RANDOM$RANDOM" >"$work/boot.log" 2>&1 &
  nspawn=$!
  within 60 booted
  within 60 answers 192.0.2.80 www.svc.example.com
  [ "$(inside systemctl show swingover -p ActiveState --value)" = active ] || fail "answers, and systemd does not know"

  inside systemctl reload swingover
  within 20 status_has "generation 3" # 1 was the run before
  main=$(inside systemctl show swingover -p MainPID --value)
  inside sh -c "kill -9 $main"
  within 20 answers 192.0.2.80 www.svc.example.com
  [ "$(inside systemctl show swingover -p NRestarts --value)" = 1 ] || fail "it was not started again"
  inside systemctl stop swingover
  [ "$(inside systemctl show swingover -p Result --value)" = success ] || fail "the stop was not clean"
  inside systemctl start swingover.socket swingover.service
  within 20 answers 192.0.2.80 www.svc.example.com

  kill $nspawn
  wait $nspawn || true
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  in_root "$root" systemctl disable swingover.service
}
within() {
  local until=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $until ] || { tail -n 20 "$work/boot.log" >&2; inside journalctl -u swingover --no-pager -n 20 >&2; fail "not in time: $*"; }
    sleep 0.1
  done
}
inside() { nsenter -t "$init" -m -u -i -n -p -r -w -- "$@"; }
# systemd-nspawn has one child: process 1 of the machine.
booted() {
  init=$(tr -d ' ' <"/proc/$nspawn/task/$nspawn/children" 2>/dev/null)
  [ -n "$init" ] && inside systemctl is-active --quiet basic.target 2>/dev/null
}
status_has() { [[ $(inside systemctl show swingover -p StatusText --value) == *"$1"* ]]; }
answers() { [ "$(nsenter -t "$init" -n dig +short +tries=1 +time=1 @127.0.0.1 "$2" A)" = "$1" ]; }

check_gone() {
  local root=$1 file
  say "removing"
  in_root "$root" dpkg --remove swingover
  [ -e "$root/etc/swingover/swingover.toml" ] || fail "removal took the config"
  [ -d "$root/var/lib/swingover" ] || fail "removal took the state"
  [ ! -e "$root/usr/sbin/swingoverd" ] || fail "the daemon is still there"
  say "installing again, purging"
  in_root "$root" dpkg --install /package.deb
  rm "$root/etc/swingover/test.toml" "$root/etc/swingover/svc.example.com.zone"
  in_root "$root" dpkg --purge swingover
  while read -r file; do
    [ ! -e "$root$file" ] || fail "$file is still there"
  done < <(files_of_package)
  for file in /etc/swingover /var/lib/swingover /run/swingover; do
    [ ! -e "$root$file" ] || fail "$file is still there"
  done
}

# in_namespaces PHASE [UNSHARE OPTION…]: this script again, where nothing that it mounts or starts outlives it.
in_namespaces() {
  SWINGOVER_PACKAGE_TEST=$work unshare "${@:2}" --mount --pid --fork --kill-child --mount-proc -- \
    bash "$0" "$package" "$cache" "$1"
}

case ${3:-} in
  "")
    work=$(mktemp -d)
    trap 'rm -rf --one-file-system "$work"' EXIT
    trap 'exit 130' INT TERM
    check_contents
    exec 8>"$cache/lock"
    flock 8
    [ -s "$(root_tar)" ] || in_namespaces make-root
    flock -u 8
    in_namespaces install --net
    say "passed"
    ;;
  make-root)
    make_root
    rm -rf --one-file-system "$work/root"
    ;;
  install)
    ip link set lo up
    root=$work/root
    mkdir "$root"
    tar -C "$root" -xf "$(root_tar)"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    check_installed "$root"
    check_answers "$root"
    check_unit "$root"
    check_gone "$root"
    ;;
esac
