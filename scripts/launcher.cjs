#!/usr/bin/env node
'use strict';
// The file that package.json's "bin" names, beside the bundle. A clear word on an old Node, whose first sign would else be
// an odd TypeError.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 22)) {
  process.stderr.write(`ip-masq-agent needs Node.js 22.22 or newer; this is ${process.version}.\n`);
  process.exit(2);
}
// Keeps what Node has compiled beside the bundle, where that can be written: the next start takes 25 ms less.
require('node:module').enableCompileCache(`${__dirname}/compiled`);
require('./agent.js');
