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
  has_libatomic || echo libatomic1
}

install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  set -- apt-get --quiet --quiet --yes --no-install-recommends -o DPkg::Lock::Timeout=120 install "$@"
  # The package lists of this machine may be absent or out of date: only then fetch them.
  "$@" >/dev/null 2>&1 || { apt-get --quiet --quiet update && "$@" >/dev/null; }
}

missing=$(missing_packages | tr '\n' ' ')
if [ -n "$missing" ]; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing Debian packages: $missing"
    # shellcheck disable=SC2086 # one word per package
    install_packages $missing || say 'apt-get failed, see above'
    missing=$(missing_packages | tr '\n' ' ')
  fi
  if [ -n "$missing" ]; then
    say "missing, as Debian names the packages: $missing(install them, with /usr/sbin in PATH; going on without)"
  fi
fi

if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  say 'installing npm packages'
  # By way of the npm and the Node that run this, where they do: `npm ci` removes the pinned Node while it works.
  if [ -n "${npm_execpath:-}" ] && [ -n "${npm_node_execpath:-}" ]; then
    "$npm_node_execpath" "$npm_execpath" ci --loglevel=error
  else
    npm ci --loglevel=error
  fi
fi

# The pinned Node is one package per processor, each with a command of the same name. npm 9 links the command of the one
# that it installs, then unlinks it again for the sake of those that it does not.
for package in node_modules/node-linux-*; do
  if [ ! -e node_modules/.bin/node ] && [ -x "$package/bin/node" ]; then
    ln -s "../${package#node_modules/}/bin/node" node_modules/.bin/node
  fi
done
