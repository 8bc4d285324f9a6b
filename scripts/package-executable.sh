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

# An executable holds one script, so the chunks of dist join the file that imports them.
esbuild dist/ip-masq-agent.js --bundle --platform=node --target=node22 --format=cjs --minify --line-limit=160 \
  --legal-comments=none --log-level=warning --define:IN_EXECUTABLE=true "--outfile=$work/ip-masq-agent.js"

# shellcheck disable=SC2086 # the words of an emulator
emulated() { ${EMULATOR-} "$@"; }
node=${PACKAGE_NODE:-node}

# The symbol table is a fifth of Node.
"${STRIP:-strip}" -o "$work/node" "$(emulated "$node" --print process.execPath)"

# The code cache saves compiling at each start, and the memory for it. Names are relative, since they show in traces.
options=$(node --print "JSON.stringify(JSON.parse(fs.readFileSync('package.json', 'utf8')).config.nodeOptions.split(' '))")
cat >"$work/executable.json" <<EOF
{
  "main": "ip-masq-agent.js",
  "executable": "node",
  "output": "ip-masq-agent",
  "execArgv": $options,
  "useCodeCache": true,
  "disableExperimentalSEAWarning": true
}
EOF
(cd "$work" && emulated "$node" --build-sea executable.json >/dev/null)
chmod 755 "$work/ip-masq-agent"
emulated "$work/ip-masq-agent" version >&2

node scripts/package-licenses.ts >"$work/third-party-licenses"
node scripts/package-sbom.ts >"$work/ip-masq-agent.cdx.json"
mv "$work/third-party-licenses" "$work/ip-masq-agent.cdx.json" "$work/ip-masq-agent" build/
