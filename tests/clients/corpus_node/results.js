// Returns the result that the event names.

const circle = () => {
  const ring = { name: "ring" };
  ring.self = [ring];
  return ring;
};

class Point {
  constructor(x, y) {
    Object.assign(this, { x, y });
  }
  get length() {
    return 5;
  }
}

const RESULTS = {
  "undefined": () => undefined,
  "null": () => null,
  "zero": () => 0,
  "false": () => false,
  "empty string": () => "",
  "empty object": () => ({}),
  "string": () => "plain",
  "string that looks like json": () => '{"a": 1}',
  "non-ascii": () => ({ "grüße": "日本 😀 \u2028\u2029\x7f\x00\t\"\\/" }),
  "surrogates": () => "a\ud800b",
  "numbers": () => [1, -1.5, 1e300, 1e-7, 1e21, 0.1 + 0.2, -0],
  "no numbers": () => [NaN, Infinity],
  "undefined inside": () => ({ a: undefined, b: [undefined, () => 1, Symbol("s")] }),
  "buffer": () => Buffer.from([0, 255]),
  "typed array": () => new Uint8Array([1, 2]),
  "date": () => new Date(0),
  "map and set": () => [new Map([[1, 2]]), new Set([1])],
  "class": () => new Point(1, 2),
  "toJSON": () => ({ toJSON: () => "by toJSON" }),
  "error": () => Object.assign(new Error("as a value"), { code: 5 }),
  "boxed": () => [new Number(1), new String("s"), new Boolean(false)],
  "bigint": () => 1n,
  "bigint inside": () => ({ n: [1n] }),
  "circular": circle,
  "toJSON that throws": () => ({
    toJSON() {
      throw new RangeError("no json for this");
    },
  }),
  "function": () => () => 1,
  "symbol": () => Symbol("s"),
  "promise of a promise": () => Promise.resolve(Promise.resolve(1)),
  "thenable": () => ({ then: (resolve) => resolve("then") }),
  "large": () => "ü".repeat(300000),
};

exports.names = Object.keys(RESULTS);
exports.handler = async (event) => RESULTS[event]();
exports.by_callback = (event, context, callback) => callback(null, RESULTS[event]());
exports.by_succeed = (event, context) => context.succeed(RESULTS[event]());
