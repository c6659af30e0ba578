// Throws, or rejects with, the error that the event names.

class Silent extends Error {}

class Named extends Error {
  constructor(message, more) {
    super(message);
    this.name = "Very.Named";
    Object.assign(this, more);
  }
}

const recursion = () => [recursion()];

const nested = (depth) => {
  if (depth === 0) throw new Error("from far below");
  nested(depth - 1);
};

const ERRORS = {
  "with message": () => new Error("a message"),
  "without message": () => new Silent(),
  "named": () => new Named("with more", { code: "E_CODE", detail: { a: [1] } }),
  "cause": () => new Error("outer", { cause: new TypeError("inner") }),
  "aggregate": () => new AggregateError([new Error("one"), "two"], "all of them"),
  "over several lines": () => new RangeError("two\nlines\twith ünïcode 😀"),
  "delete character": () => new Error("a\x7fb"),
  "surrogates": () => new Error("a\ud800b"),
  "circular": () => {
    const error = new Error("round");
    error.self = error;
    return error;
  },
  "bigint": () => Object.assign(new Error("with a number"), { n: 1n }),
  "no stack": () => Object.assign(new Error("stackless"), { stack: undefined }),
  "odd stack": () => Object.assign(new Error("odd"), { stack: 5 }),
  "no name": () => Object.assign(new Error("nameless"), { name: undefined }),
  "string": () => "just a text",
  "number": () => 5,
  "object": () => ({ code: 1 }),
  "like an error": () => ({ name: "Like", message: "an error", stack: "Like: an error\n    at nowhere" }),
  "null prototype": () => Object.create(null),
  "symbol": () => Symbol("s"),
  "boolean": () => false,
  "other realm": () => require("node:vm").runInNewContext("new TypeError('elsewhere')"),
  "getter": () => {
    const error = new Error("x");
    Object.defineProperty(error, "message", {
      get() {
        throw new Error("not to be read");
      },
    });
    return error;
  },
};

const THROWN = {
  "recursion": recursion,
  "nested": () => nested(20),
  "type error": () => null.property,
  "in node": () => JSON.parse("{"),
  "in a file": () => require("node:fs").readFileSync("/no/such/file"),
};

const make = (event) => {
  if (THROWN[event]) THROWN[event]();
  throw ERRORS[event]();
};

exports.names = [...Object.keys(ERRORS), ...Object.keys(THROWN)];
exports.handler = async (event) => make(event);
exports.later = async (event) => {
  await new Promise(setImmediate);
  make(event);
};
exports.sync = (event) => make(event);
exports.by_callback = (event, context, callback) => callback(ERRORS[event]());
exports.by_fail = (event, context) => context.fail(ERRORS[event]());
exports.rejects_with_undefined = async () => Promise.reject();
exports.throws_undefined = () => {
  throw undefined;
};
