// Answers, or does not, in the way that the event names.

const { setTimeout: pause } = require("node:timers/promises");
let calls = 0;

const WAYS = {
  "returns a value": () => "not the answer",
  "returns nothing": () => {},
  "callback": (context, callback) => callback(null, "called back"),
  "callback without arguments": (context, callback) => callback(),
  "callback with an undefined error": (context, callback) => callback(undefined, 1),
  "callback with zero as error": (context, callback) => callback(0),
  "callback with an empty error": (context, callback) => callback(""),
  "callback later": (context, callback) => setTimeout(callback, 5, null, "later"),
  "callback waits": (context, callback) => {
    setTimeout(() => console.log("the event loop was not empty"), 20);
    callback(null, "waited");
  },
  "callback does not wait": (context, callback) => {
    context.callbackWaitsForEmptyEventLoop = false;
    const timer = setTimeout(() => console.log("never logged in time"), 60000);
    timer.unref();
    callback(null, "did not wait");
  },
  "callback does not wait for others": (context, callback) => {
    context.callbackWaitsForEmptyEventLoop = false;
    setTimeout(() => {}, 60000);
    callback(null, "at once");
  },
  "callback twice": (context, callback) => {
    callback(null, "first");
    callback(null, "second");
  },
  "callback then throw": (context, callback) => {
    callback(null, "first");
    throw new Error("second");
  },
  "error then answer": (context, callback) => {
    callback(new Error("first"));
    callback(null, "second");
  },
  "callback and promise": (context, callback) => {
    callback(null, "by callback");
    return Promise.resolve("by promise");
  },
  "promise and callback": async (context, callback) => {
    setTimeout(callback, 5, null, "too late");
    return "by promise";
  },
  "done": (context) => context.done(null, "done"),
  "done with error": (context) => context.done(new Error("not done"), "ignored"),
  "done without arguments": (context) => context.done(),
  "succeed": (context) => context.succeed("succeeded"),
  "succeed does not wait": (context) => {
    setTimeout(() => {}, 60000).unref();
    context.succeed("now");
  },
  "fail": (context) => context.fail(new Error("failed")),
  "fail without an error": (context) => context.fail(),
  "fail with null": (context) => context.fail(null),
  "succeed then fail": (context) => {
    context.succeed(1);
    context.fail(new Error("too late"));
  },
  "callback with a circle": (context, callback) => {
    context.callbackWaitsForEmptyEventLoop = false;
    const ring = {};
    ring.ring = ring;
    callback(null, ring);
  },
  "async after a pause": async () => {
    await pause(5);
    return "paused";
  },
  "async with timers left": async () => {
    setTimeout(() => {}, 20);
    return "at once";
  },
  "thenable": () => ({
    then(resolve) {
      resolve("then");
    },
  }),
  "then that throws": () => ({
    then() {
      throw new Error("from then");
    },
  }),
  "count": async () => ++calls,
};

exports.names = Object.keys(WAYS);
exports.handler = (event, context, callback) => WAYS[event](context, callback);
exports.two = function (event, context) {
  return WAYS[event](context);
};
exports.parameters = function () {
  return Promise.resolve([arguments.length, typeof this, this === globalThis]);
};
