import { missing } from "./esm.mjs";
export const handler = async () => missing;
