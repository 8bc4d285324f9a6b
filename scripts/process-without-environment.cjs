'use strict';
// What packages in the bundle get as Node's "process"; ours is "node:process". The yaml package looks for LOG_TOKENS in the
// environment at each lexeme, and Node asks the C library each time: a tenth of the time that a long list takes to read.
module.exports = Object.create(process, { env: { value: {} } });
