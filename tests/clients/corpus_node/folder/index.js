exports.handler = async (event) => ["folder/index", event];
