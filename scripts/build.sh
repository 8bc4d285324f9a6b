#!/bin/sh
# Bundles the agent into dist: the file that package.json's "bin" names, and beside it what is loaded only when it is
# switched on. Needs only esbuild, not a recent Node.
set -eu
cd "$(dirname "$0")/.."
# The banner: a clear word on an old Node, whose first sign would else be an odd TypeError; and a require() for those
# dependencies that are CommonJS, since an ES module has none until it makes one.
banner='#!/usr/bin/env node
import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 22)) {
  console.error(`ip-masq-agent needs Node.js 22.22 or newer; this is ${process.version}.`);
  process.exit(2);
}'
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
# Built elsewhere and moved in, chunks before the file that refers to them, so that dist is whole at every moment.
mkdir -p dist
new=$(mktemp -d dist/.new.XXXXXX)
trap 'rm -rf "$new"' EXIT
./node_modules/.bin/esbuild ip-masq-agent=src/main.ts --bundle --platform=node --target=node22 --format=esm --minify \
  --line-limit=160 --legal-comments=none --log-level=warning "--define:AGENT_VERSION=\"$version\"" "--banner:js=$banner" \
  --splitting --chunk-names=chunk-[hash] "--outdir=$new"
chmod 755 "$new/ip-masq-agent.js"
cp "$new"/chunk-*.js dist/
mv "$new/ip-masq-agent.js" dist/
for chunk in dist/chunk-*.js; do
  [ -e "$new/${chunk##*/}" ] || rm "$chunk"
done
