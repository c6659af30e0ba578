exports.handler = async () => require("layered");
