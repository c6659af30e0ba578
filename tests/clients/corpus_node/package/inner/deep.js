exports.handler = async (event) => ["package/inner/deep", event];
