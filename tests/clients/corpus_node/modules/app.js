export const handler = async (event) => ["a module by its package.json", event];
