module.exports.handler = async (event) => ["cjs in a module package", event];
