require("./syntax_error");
exports.handler = async () => {};
