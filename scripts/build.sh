#!/bin/sh
# Bundles the agent into the one file that package.json's "bin" names. Needs only esbuild, not a recent Node.
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
./node_modules/.bin/esbuild src/main.ts --bundle --platform=node --target=node22 --format=esm --minify --line-limit=160 \
  --legal-comments=none --log-level=warning "--define:AGENT_VERSION=\"$version\"" "--banner:js=$banner" \
  --outfile=dist/ip-masq-agent.js
chmod 755 dist/ip-masq-agent.js
