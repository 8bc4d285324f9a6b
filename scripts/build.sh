#!/bin/sh
# Bundles the agent into the one file that package.json's "bin" names. Needs only esbuild, not a recent Node.
set -eu
cd "$(dirname "$0")/.."
# Some dependencies are CommonJS and call require(): an ES module has none until it makes one.
banner='#!/usr/bin/env node
import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);'
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' package.json)
./node_modules/.bin/esbuild src/main.ts --bundle --platform=node --target=node22 --format=esm --minify \
  --legal-comments=none --log-level=warning "--define:AGENT_VERSION=\"$version\"" "--banner:js=$banner" \
  --outfile=dist/ip-masq-agent.js
chmod 755 dist/ip-masq-agent.js
