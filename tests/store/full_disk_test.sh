#!/usr/bin/env bash
# A store on a disk of 8 MiB, in a mount namespace of its own: full_disk_test.sh TEST_PROGRAM
set -euo pipefail

if [ "${1:-}" = --inside ]; then
  disk=$(mktemp -d)
  mount -t tmpfs -o size=8m swingover-test "$disk"
  status=0
  SMALL_DISK=$disk "$2" || status=$?
  umount "$disk"
  rmdir "$disk"
  exit "$status"
fi

namespace=(unshare --mount)
[ "$(id -u)" -eq 0 ] || namespace=(unshare --user --map-root-user --mount)
if ! "${namespace[@]}" true 2>/dev/null; then
  echo "skipped: this machine gives no mount namespaces"
  exit 77
fi
exec "${namespace[@]}" "$0" --inside "$1"
