// Prints in every way.

console.log("while loading");

const circle = {};
circle.circle = circle;

exports.handler = async (event) => {
  console.log("plain");
  console.log("with %s and %d, %j", "text", 5, { a: 1 }, "more");
  console.log();
  console.log(undefined, null);
  console.log("two\nlines\r\nand\ttabs");
  console.log({ a: { b: { c: { d: 1 } } }, list: [1, "two"] });
  console.log(circle);
  console.log([1n, Symbol("s"), () => 1]);
  console.log("ünïcode 😀 \ud800");
  console.log("%c styled", "color: red");
  console.trace("trace");
  console.debug("debug");
  console.info("info");
  console.warn("warn");
  console.error("error");
  console.fatal("fatal");
  const error = Object.assign(new TypeError("an error"), { code: "E", stack: "TypeError: an error\n    at x" });
  console.error(error);
  console.error("with an error", error, 5);
  console.error({ inside: error });
  console.table([{ a: 1 }]);
  console.dir({ a: 1 });
  console.assert(false, "not so");
  console.group("group");
  console.log("in a group");
  console.groupEnd();
  process.stdout.write("written\n");
  process.stderr.write("written to stderr\n");
  console.log("last");
  return event;
};
