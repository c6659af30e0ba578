// An ES module, with a top-level await.

import { createRequire } from "node:module";

const loaded = await Promise.resolve("awaited");
createRequire(import.meta.url)("./echo.js");

export const handler = async (event) => [loaded, event];
export const sync = (event, context, callback) => callback(null, [loaded, event]);
export const fails = async () => {
  throw new Error("from an ES module");
};
export default { handler: async () => "of the default export", only: async () => "only there" };
