#!/usr/bin/env node
'use strict';
{
  // A clear word on an old Node, whose first sign would else be an odd TypeError.
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 22 || (major === 22 && minor < 22)) {
    process.stderr.write(`ip-masq-agent needs Node.js 22.22 or newer; this is ${process.version}.\n`);
    process.exit(2);
  }
  // Keeps what Node has compiled beside the bundle, where that can be written, so that the next start takes less time
  // and memory. Not in the executable, which is made with this name defined and holds compiled code of its own.
  if (typeof IN_EXECUTABLE === 'undefined') require('node:module').enableCompileCache(`${__dirname}/compiled`);
}
