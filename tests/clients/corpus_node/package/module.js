exports.handler = async (event) => ["package/module", event];
