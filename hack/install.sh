#!/usr/bin/env bash
# Installs the named Debian packages that are missing, and says which. Does nothing when all are there. With
# NOSTART=1 the services of what it installs are neither started now nor at the next boot.
set -euo pipefail
missing=()
for p in "$@"; do
  dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=("$p")
done
[ ${#missing[@]} -eq 0 ] && exit 0
echo "installing Debian packages: ${missing[*]}"
sudo=""
[ "$(id -u)" -eq 0 ] || sudo=sudo
policy=/usr/sbin/policy-rc.d # Debian asks it before it starts a service; 101 means no
if [ "${NOSTART:-}" = 1 ] && [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
  $sudo chmod 755 $policy
  trap '$sudo rm -f $policy' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
if ! $sudo apt-get install -y -q --no-install-recommends "${missing[@]}" >/tmp/socle-install.$$ 2>&1; then
  $sudo apt-get update -q >>/tmp/socle-install.$$ 2>&1
  $sudo apt-get install -y -q --no-install-recommends "${missing[@]}" >>/tmp/socle-install.$$ 2>&1 ||
    { tail -20 /tmp/socle-install.$$; echo "could not install them: see above"; exit 1; }
fi
rm -f /tmp/socle-install.$$
if [ "${NOSTART:-}" = 1 ] && command -v systemctl >/dev/null; then
  for p in "${missing[@]}"; do
    for unit in $(dpkg -L "$p" | sed -n 's|.*/systemd/system/\([^/]*\.service\)$|\1|p'); do
      $sudo systemctl -q disable "$unit" 2>/dev/null || echo "could not disable $unit: see to it that it does not start"
    done
  done
fi
