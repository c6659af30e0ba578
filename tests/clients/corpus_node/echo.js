// Returns the event; the export is also at a depth.

exports.handler = async (event) => event;
exports.deep = { er: { handler: async (event) => ["deep", event] } };
exports.number = 5;
exports.nothing = null;
