#!/usr/bin/env bash
# Makes a folder that holds Debian sid with Asterisk 22 in it, for `target/debug/peers --asterisk FOLDER`.
# Nothing is installed on this machine. Needs root and the package debootstrap; takes some minutes and about 1 GB.
#
#   scripts/asterisk-root.sh FOLDER [MIRROR]
#
# MIRROR is a Debian mirror; left out, the one that this machine's own Debian comes from.
set -euo pipefail

folder=${1:?"usage: scripts/asterisk-root.sh FOLDER [MIRROR]"}
if [ "$(id -u)" -ne 0 ]; then
    echo "asterisk-root: only root may make a root folder; run this with sudo" >&2
    exit 1
fi
if ! command -v debootstrap >/dev/null; then
    echo "asterisk-root: debootstrap is missing: apt-get install debootstrap" >&2
    exit 1
fi
mirror=${2:-$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 2>/dev/null | awk '$1 == "Debian" { print $2; exit }')}
if [ -z "$mirror" ]; then
    echo "asterisk-root: no Debian mirror is known to apt here; name one as second argument" >&2
    exit 1
fi

if [ ! -e "$folder/etc/debian_version" ]; then
    debootstrap --variant=minbase --include=ca-certificates sid "$folder" "$mirror"
fi
if [ ! -x "$folder/usr/sbin/asterisk" ]; then
    # Nothing may be started in there while packages are set up.
    printf '#!/bin/sh\nexit 101\n' >"$folder/usr/sbin/policy-rc.d"
    chmod +x "$folder/usr/sbin/policy-rc.d"
    cp -f /etc/resolv.conf "$folder/etc/resolv.conf"
    # A mirror may lag behind by more days than sid's lists are valid.
    chroot "$folder" apt-get update -q -o Acquire::Check-Valid-Until=false
    chroot "$folder" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends asterisk
fi
chroot "$folder" /usr/sbin/asterisk -V
echo "asterisk-root: ready; now: target/debug/peers --asterisk $folder"
