// Stands in for a part of readable-stream, as Node's own streams do for the whole of it: they are the same code.
module.exports = require('node:stream').Writable;
