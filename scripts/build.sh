#!/bin/sh
# Bundles the agent into dist/agent.js, and puts dist/ip-masq-agent.js beside it, which package.json's "bin" names and which
# starts it. Needs only esbuild, not a recent Node. What is imported with import() is in the same file, but is evaluated
# only when that is reached.
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
# Built elsewhere and moved in, so that dist is whole at every moment.
mkdir -p dist
new=$(mktemp -d dist/.new.XXXXXX)
trap 'rm -rf "$new"' EXIT
./node_modules/.bin/esbuild src/main.ts --bundle --format=cjs --platform=node --target=node22 --minify --line-limit=160 \
  --legal-comments=none --log-level=warning "--define:AGENT_VERSION=\"$version\"" "--outfile=$new/agent.js"
cp scripts/launcher.cjs "$new/ip-masq-agent.js"
chmod 755 "$new/ip-masq-agent.js"
echo '{ "type": "commonjs" }' >"$new/package.json"
mv "$new/package.json" "$new/agent.js" "$new/ip-masq-agent.js" dist/
