import "./syntax_error_module.mjs";
export const handler = async () => {};
