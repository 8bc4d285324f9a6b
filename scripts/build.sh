#!/bin/sh
# Bundles the agent into dist: the file that package.json's "bin" names, and beside it what is loaded only when it is
# needed. Needs only esbuild, not a recent Node.
set -eu
cd "$(dirname "$0")/.."
# A clear word on an old Node, whose first sign would else be an odd TypeError.
banner='#!/usr/bin/env node
"use strict";
{
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 22 || (major === 22 && minor < 22)) {
    console.error(`ip-masq-agent needs Node.js 22.22 or newer; this is ${process.version}.`);
    process.exit(2);
  }
}'
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
# Built elsewhere and moved in, chunks before the file that refers to them, so that dist is whole at every moment.
mkdir -p dist
new=$(mktemp -d dist/.new.XXXXXX)
trap 'rm -rf "$new"' EXIT
# CommonJS, of which Node starts sooner and takes less memory; but only of ES modules does esbuild make chunks.
./node_modules/.bin/esbuild ip-masq-agent=src/main.ts --bundle --splitting --chunk-names=chunk-[hash] --format=esm \
  --platform=node --target=node22 --legal-comments=none --log-level=warning "--define:AGENT_VERSION=\"$version\"" \
  "--outdir=$new/modules"
./node_modules/.bin/esbuild "$new"/modules/*.js --format=cjs --supported:dynamic-import=false --platform=node \
  --target=node22 --minify --line-limit=160 --log-level=warning "--outdir=$new"
printf '%s\n' "$banner" | cat - "$new/ip-masq-agent.js" >"$new/bin.js"
chmod 755 "$new/bin.js"
echo '{ "type": "commonjs" }' >dist/package.json
cp "$new"/chunk-*.js dist/
mv "$new/bin.js" dist/ip-masq-agent.js
for chunk in dist/chunk-*.js; do
  [ -e "$new/${chunk##*/}" ] || rm "$chunk"
done
