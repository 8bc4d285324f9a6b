// Stands in for node:fs/promises, which brings line editing and more along: the functions that are used here, made of
// those of node:fs, which Node has loaded anyway. open() is for Windows only, and gives what only the real one can.
const fs = require('node:fs');
const { promisify } = require('node:util');

for (const name of ['access', 'lstat', 'readFile', 'readdir', 'readlink', 'stat']) exports[name] = promisify(fs[name]);
exports.realpath = promisify(fs.realpath.native);
exports.constants = fs.constants;
exports.open = (...args) => process.getBuiltinModule('node:fs/promises').open(...args);
