#!/bin/bash
# Runs a command in a clone of HEAD on a fresh Debian machine: a root directory with nothing but git, nodejs and npm,
# entered with an empty environment, on the kernel and the network of this machine. Needs root and mmdebstrap.
#   scripts/fresh-machine.sh trixie npm test
#   scripts/fresh-machine.sh bookworm npm run demo
set -euo pipefail

if [ $# -lt 2 ]; then
  echo "usage: $0 bookworm|trixie COMMAND..." >&2
  exit 2
fi
release=$1
shift
repository=$(cd "$(dirname "$0")/.." && pwd)
root=$(mktemp -d)
chmod 755 "$root"
# One file system only: should a mount be left inside, what it shows is not ours to remove.
trap 'rm -rf --one-file-system "$root"' EXIT

mmdebstrap --quiet --variant=minbase --include=ca-certificates,git,nodejs,npm "$release" - | tar -C "$root" -x
cp --remove-destination /etc/resolv.conf /etc/hosts "$root/etc/"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
git clone --quiet "$repository" "$root/root/ip-masq-agent"

enter='
mount --bind "$0" "$0"
cd "$0"
mount --rbind /proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mkdir outside
pivot_root . outside
umount -l /outside
cd /root/ip-masq-agent
exec env -i HOME=/root TERM="${TERM-dumb}" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
'
unshare --mount --propagation private bash -euc "$enter" "$root" "$@"
