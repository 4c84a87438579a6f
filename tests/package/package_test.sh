#!/usr/bin/env bash
# tests/package/package_test.sh SOURCE-FOLDER BUILD-ROOT: builds the Debian package in BUILD-ROOT/release, then
# deb_test.sh installs it for real.
set -euo pipefail
source_folder=$1
build_root=$2
packages=$(mktemp -d)
trap 'rm -rf "$packages"' EXIT
mkdir -p "$build_root"
exec 7>"$build_root/release.lock"
flock 7
cmake -S "$source_folder" -B "$build_root/release" --preset release >"$packages/log" || { cat "$packages/log"; exit 1; }
cmake --build "$build_root/release" --target swingoverd swingctl swingover_compressed_docs >"$packages/log" || { tail -n 50 "$packages/log"; exit 1; }
(cd "$build_root/release" && cpack -G DEB -B "$packages" >"$packages/log" 2>&1) || { cat "$packages/log"; exit 1; }
flock -u 7
bash "$(dirname "$0")/deb_test.sh" "$packages"/*.deb "$build_root/package-cache"
