#!/bin/sh
# Makes build/ip-masq-agent: Node, its options and the bundle in one file, which needs no Node on the machine it runs on
# (Node's "single executable applications"). For the processor of this machine. Needs strip(1) of binutils.
# For another one, name its Node, its strip(1), and what runs its programs here, which may be several words:
#   PACKAGE_NODE=/arm64/bin/node STRIP=aarch64-linux-gnu-strip EMULATOR='qemu-aarch64-static -L /usr/aarch64-linux-gnu'
set -eu
cd "$(dirname "$0")/.."
export PATH="$PWD/node_modules/.bin:$PATH"

sh scripts/build.sh
mkdir -p build
work=$(mktemp -d build/executable.XXXXXX)
trap 'rm -rf "$work"' EXIT

cp dist/agent.js "$work/"

# shellcheck disable=SC2086 # the words of an emulator
emulated() { ${EMULATOR-} "$@"; }
node=${PACKAGE_NODE:-node}

# The symbol table is a fifth of Node.
"${STRIP:-strip}" -o "$work/node" "$(emulated "$node" --print process.execPath)"

# The code cache saves compiling at each start, and the memory for it; Node refuses one that was made under other options of
# V8, and warns at each start, so it is built under those that it is started with. Names are relative, since they show in
# traces.
options=$(node --print "JSON.parse(fs.readFileSync('package.json', 'utf8')).config.nodeOptions")
cat >"$work/executable.json" <<EOF
{
  "main": "agent.js",
  "executable": "node",
  "output": "ip-masq-agent",
  "execArgv": $(node --print "JSON.stringify('$options'.split(' '))"),
  "useCodeCache": true,
  "disableExperimentalSEAWarning": true
}
EOF
# shellcheck disable=SC2086 # one word per option
(cd "$work" && emulated "$node" $options --build-sea executable.json >/dev/null)
chmod 755 "$work/ip-masq-agent"
emulated "$work/ip-masq-agent" version >&2

node scripts/package-licenses.ts >"$work/third-party-licenses"
node scripts/package-sbom.ts >"$work/ip-masq-agent.cdx.json"
mv "$work/third-party-licenses" "$work/ip-masq-agent.cdx.json" "$work/ip-masq-agent" build/
