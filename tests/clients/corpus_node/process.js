// Says what a handler can see of the process.

const seen = () => ({
  cwd: process.cwd(),
  argv: process.argv.slice(1),
  variables: Object.keys(process.env).filter((name) => name.startsWith("TETHER")),
  globals: Reflect.ownKeys(globalThis).map(String),
  parent: module.parent?.filename,
  main: require.main ?? null,
  stack: new Error("here").stack.split("\n"),
});

exports.loaded = new Error("loading").stack.split("\n");
exports.handler = async (event) => ({ ...seen(), event, loaded: exports.loaded });
exports.sync = (event, context, callback) => callback(null, seen());
exports.stdin = async () => require("node:fs").readFileSync(0, "utf8");
exports.pid = async () => process.pid;
exports.forever = async () => {
  for (;;);
};
exports.at_a_breakpoint = async () => {
  debugger;
  return "went on";
};
