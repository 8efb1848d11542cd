#!/usr/bin/env bash
# Unpacks Debian packages into a folder without installing them: hack/unpack.sh FOLDER PACKAGE...
set -euo pipefail
folder=$1; shift
mkdir -p "$folder"
for p in "$@"; do
  [ -e "$folder/$p.unpacked" ] && continue
  echo "unpacking Debian package $p into $folder"
  tmp=$(mktemp -d)
  (cd "$tmp" && apt-get download -q "$p" >/dev/null)
  dpkg-deb -x "$tmp"/*.deb "$folder"
  rm -r "$tmp"
  touch "$folder/$p.unpacked"
done
