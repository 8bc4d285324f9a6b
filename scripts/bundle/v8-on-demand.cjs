// Stands in for node:v8, of which execa imports one function, for messages to child processes that are Node's. The agent
// never sends any, and the module would take 2 MB.
exports.serialize = (value) => process.getBuiltinModule('node:v8').serialize(value);
