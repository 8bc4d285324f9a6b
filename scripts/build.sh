#!/bin/sh
# Bundles the agent into dist: the file that package.json's "bin" names, and beside it what is loaded only when it is
# needed. Needs only esbuild, not a recent Node.
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
# Built elsewhere and moved in, chunks before the file that refers to them, so that dist is whole at every moment.
mkdir -p dist
new=$(mktemp -d dist/.new.XXXXXX)
trap 'rm -rf "$new"' EXIT
# CommonJS, of which Node starts sooner and takes less memory; but only of ES modules does esbuild make chunks.
# What dependencies bring along and the agent never uses is replaced by next to nothing: it would cost 4 MB.
bundle=./scripts/bundle
./node_modules/.bin/esbuild ip-masq-agent=src/main.ts --bundle --splitting --chunk-names=chunk-[hash] --format=esm \
  --platform=node --target=node22 --legal-comments=none --log-level=warning "--define:AGENT_VERSION=\"$version\"" \
  "--alias:node:fs/promises=$bundle/fs-promises.cjs" \
  "--alias:node:v8=$bundle/v8-on-demand.cjs" "--alias:@dabh/diagnostics=$bundle/no-diagnostics.cjs" \
  "--alias:readable-stream/lib/_stream_writable.js=$bundle/writable-stream.cjs" --alias:readable-stream=node:stream \
  "--outdir=$new/modules"
./node_modules/.bin/esbuild "$new"/modules/*.js --format=cjs --supported:dynamic-import=false --platform=node \
  --target=node22 --minify --line-limit=160 --log-level=warning "--outdir=$new"
./node_modules/.bin/esbuild "$bundle/prologue.cjs" --minify-whitespace --target=node8 --log-level=warning |
  cat - "$new/ip-masq-agent.js" >"$new/bin.js"
chmod 755 "$new/bin.js"
echo '{ "type": "commonjs" }' >dist/package.json
cp "$new"/chunk-*.js dist/
mv "$new/bin.js" dist/ip-masq-agent.js
for chunk in dist/chunk-*.js; do
  [ -e "$new/${chunk##*/}" ] || rm "$chunk"
done
