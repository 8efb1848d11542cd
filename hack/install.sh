#!/usr/bin/env bash
# Installs the named Debian packages that are missing, and says which. Does nothing when all are there.
set -euo pipefail
missing=()
for p in "$@"; do
  dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=("$p")
done
[ ${#missing[@]} -eq 0 ] && exit 0
echo "installing Debian packages: ${missing[*]}"
sudo=""
[ "$(id -u)" -eq 0 ] || sudo=sudo
export DEBIAN_FRONTEND=noninteractive
if ! $sudo apt-get install -y -q --no-install-recommends "${missing[@]}" >/tmp/socle-install.$$ 2>&1; then
  $sudo apt-get update -q >>/tmp/socle-install.$$ 2>&1
  $sudo apt-get install -y -q --no-install-recommends "${missing[@]}" >>/tmp/socle-install.$$ 2>&1 ||
    { tail -20 /tmp/socle-install.$$; echo "could not install them: see above"; exit 1; }
fi
rm -f /tmp/socle-install.$$
