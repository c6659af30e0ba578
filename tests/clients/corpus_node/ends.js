// Ends the process, or lets an error escape, in the way that the event names.

const WAYS = {
  "exit 0": async () => process.exit(0),
  "exit 3": async () => process.exit(3),
  "exit code": async () => {
    process.exitCode = 4;
    return "goes on";
  },
  "exit after an answer": (event, context) => {
    context.succeed("answered");
    process.exit(7);
  },
  "exit after output": async () => {
    process.stdout.write("x".repeat(300000) + "\n");
    console.log("y".repeat(300000));
    process.exit(5);
  },
  "abort": async () => process.kill(process.pid, "SIGTERM"),
  "uncaught": () =>
    new Promise(() => {
      setImmediate(() => {
        throw new TypeError("nobody catches this");
      });
    }),
  "uncaught text": () =>
    new Promise(() => {
      setImmediate(() => {
        throw "a text";
      });
    }),
  "uncaught undefined": () =>
    new Promise(() => {
      setImmediate(() => {
        throw undefined;
      });
    }),
  "rejection": () =>
    new Promise((resolve) => {
      Promise.reject(new RangeError("nobody waits for this"));
      setTimeout(resolve, 5000);
    }),
  "rejection with a text": () =>
    new Promise((resolve) => {
      Promise.reject("a text");
      setTimeout(resolve, 5000);
    }),
  "rejection with nothing": () =>
    new Promise((resolve) => {
      Promise.reject();
      setTimeout(resolve, 5000);
    }),
  "circle by callback": (event, context, callback) => {
    const ring = {};
    ring.ring = ring;
    callback(null, ring);
  },
  "own listener": () =>
    new Promise((resolve) => {
      process.removeAllListeners("uncaughtException");
      process.on("uncaughtException", (error) => resolve(["caught", error.message]));
      setImmediate(() => {
        throw new Error("for the own listener");
      });
    }),
};

exports.names = Object.keys(WAYS);
exports.handler = (event, context, callback) => WAYS[event](event, context, callback);
exports.two = (event, context) => WAYS[event](event, context);
