#!/usr/bin/env bash
# Installs the Debian or Ubuntu packages that building, testing and the demonstration need.
# Safe to run again: what is there is left alone, and when nothing is missing nothing is done.
# On another system it prints what to install and stops with status 1; `--list` only prints the packages.
set -euo pipefail

# package | how to see that it is there | what it is for
packages='
gcc             | command -v cc                                          | links programs; builds the few C parts
make            | command -v make                                        | runs the commands of the Makefile
pkg-config      | command -v pkg-config                                  | finds libopus
libopus-dev     | pkg-config --exists opus                               | the Opus codec
espeak-ng       | command -v espeak-ng                                   | speaks the messages
sip-tester      | command -v sipp                                        | tests: SIPp, the far end of scripted calls
faketime        | command -v faketime                                    | tests: session timers of minutes in seconds
baresip-core    | command -v baresip                                     | tests: an independent telephone
linphone-cli    | command -v linphonec                                   | tests: another independent telephone
kamailio        | command -v kamailio                                    | tests: a proxy between us and a telephone
openssl         | command -v openssl                                     | tests: a certificate for the telephone that speaks TLS
multimon-ng     | command -v multimon-ng                                  | tests: hears the keys that are pressed as tones
ffmpeg          | command -v ffmpeg                                      | tests: decodes what is sent, to judge the sound
gstreamer1.0-tools | command -v gst-launch-1.0                          | tests: GStreamer, whose libsrtp judges our SRTP
gstreamer1.0-plugins-base | gst-inspect-1.0 rawaudioparse               | tests: its sound
gstreamer1.0-plugins-good | gst-inspect-1.0 rtppcmapay                  | tests: its RTP
gstreamer1.0-plugins-bad | gst-inspect-1.0 srtpdec                      | tests: its SRTP
tshark          | command -v tshark                                      | tests: analyses the packets that are sent, reads captures
strace          | command -v strace                                    | tests: holds up the flushes of a disk
util-linux      | command -v unshare                                   | tests: a small file system that only the test sees
mount           | command -v mount                                     | tests: mounts it
poppler-utils   | command -v pdftotext                                   | tests: reads the PDF reports back
'

missing=()
listing=''
while IFS='|' read -r package probe purpose; do
    package=${package// /}
    [ -n "$package" ] || continue
    listing+=$(printf '  %-26s %s' "$package" "${purpose# }")$'\n'
    if ! bash -c "$probe" >/dev/null 2>&1; then
        missing+=("$package")
    fi
done <<<"$packages"

if [ "${1:-}" = --list ]; then
    printf '%s' "$listing"
    exit 0
fi

if ! command -v cargo >/dev/null; then
    echo "install-dependencies: cargo was not found. Install Rust 1.95 or later from https://rustup.rs, then run this again." >&2
    exit 1
fi

if [ ${#missing[@]} -eq 0 ]; then
    echo "install-dependencies: everything needed is there"
    exit 0
fi

if ! command -v apt-get >/dev/null; then
    {
        echo "install-dependencies: this system has no apt-get, so nothing was installed."
        echo "Install what corresponds to these Debian packages (missing here: ${missing[*]}), then run this again:"
        printf '%s' "$listing"
    } >&2
    exit 1
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "install-dependencies: not root, and there is no sudo. As root, run: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi

echo "install-dependencies: installing with apt-get${as_root[0]:+ (through sudo)}: ${missing[*]}"
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
echo "install-dependencies: done"
