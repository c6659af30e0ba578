Promise.reject(new Error("rejected while loading"));
exports.handler = async () => {};
