#!/usr/bin/env bash
# Shows that the two commands pass on a fresh machine: makes a Debian 12 root with debootstrap in FOLDER, adds git, gcc, make,
# ca-certificates and this machine's Rust toolchain, clones this repository into it, and runs the commands there.
#
#   sudo scripts/fresh-machine.sh FOLDER [COMMAND…]        without commands: “make test” and “make demo”
#
# Needs root, debootstrap, and the network as this machine has it (package sources, name servers and certificates are copied
# into the root, never into the repository). FOLDER/root is made if it is not there yet, and may be deleted afterwards.
set -euo pipefail

folder=${1:?usage: scripts/fresh-machine.sh FOLDER [COMMAND…]}
shift
[ $# -gt 0 ] || set -- 'make test' 'make demo'
[ "$(id -u)" -eq 0 ] || { echo "fresh-machine: must be root, for debootstrap and chroot" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "fresh-machine: debootstrap is missing (apt-get install debootstrap)" >&2; exit 1; }

source_tree=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
mkdir -p "$folder"
root=$(cd "$folder" && pwd)/root
mirror=${MIRROR:-http://deb.debian.org/debian}

if [ ! -e "$root/.made" ]; then
    echo "== debootstrap into $root"
    debootstrap --variant=minbase bookworm "$root" "$mirror"
    touch "$root/.made"
fi

mounted=()
clean_up() {
    for ((i = ${#mounted[@]} - 1; i >= 0; i--)); do umount -l "${mounted[$i]}" || true; done
}
trap clean_up EXIT
# The root is a mount of its own, as on a real machine: tests that mount a small disk ask for it.
mount --bind "$root" "$root"
mount --make-private "$root"
mounted+=("$root")
for what in proc sys dev; do
    mount --rbind "/$what" "$root/$what"
    mount --make-rslave "$root/$what"
    mounted+=("$root/$what")
done

echo "== network settings of this machine"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
cp -L /etc/hosts "$root/etc/hosts"
for kept in /etc/apt/apt.conf.d/*proxy* /etc/apt/apt.conf.d/*ssl*; do
    [ ! -e "$kept" ] || cp "$kept" "$root/etc/apt/apt.conf.d/"
done
mkdir -p "$root/usr/local/share/ca-certificates"
cp -r /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/"

inside() {
    chroot "$root" /usr/bin/env -i HOME=/root TERM=dumb LANG=C.UTF-8 \
        PATH=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin bash -c "$1"
}

echo "== git, gcc, make, ca-certificates"
inside 'apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends git gcc libc6-dev make ca-certificates && update-ca-certificates' >"$folder/packages.log" 2>&1 ||
    { tail -n 20 "$folder/packages.log" >&2; exit 1; }

echo "== the Rust toolchain of this machine"
if [ ! -x "$root/opt/rust/bin/cargo" ]; then
    mkdir -p "$root/opt/rust"
    cp -a "$(rustc --print sysroot)"/. "$root/opt/rust/"
    rm -rf "$root/opt/rust/share/doc"
fi
mkdir -p "$root/root/.cargo"
for kept in config.toml config; do
    [ ! -e "$HOME/.cargo/$kept" ] || cp "$HOME/.cargo/$kept" "$root/root/.cargo/$kept"
done

echo "== a fresh clone"
rm -rf "$root/root/tocsin"
git clone -q --no-hardlinks "$source_tree" "$root/root/tocsin"
git -C "$root/root/tocsin" remote remove origin

for command in "$@"; do
    echo "== $command"
    started=$SECONDS
    inside "cd /root/tocsin && $command"
    echo "== $command passed in $((SECONDS - started)) s"
done
