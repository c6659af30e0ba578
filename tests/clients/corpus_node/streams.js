// Streams in the way that the event names.

const { pipeline } = require("node:stream/promises");
const { Readable } = require("node:stream");
const { HttpResponseStream } = awslambda;

const WAYS = {
  "text": async (stream) => {
    stream.setContentType("text/plain");
    stream.write("one ");
    stream.write("two");
    stream.end();
  },
  "bytes": async (stream) => {
    stream.write(Buffer.from([0, 255]));
    stream.write(new Uint8Array([1, 2]));
    stream.end();
  },
  "object": async (stream) => {
    stream.write({ a: 1 });
    stream.write(["b"]);
    stream.end();
  },
  "nothing": async (stream) => stream.end(),
  "last chunk at the end": async (stream) => {
    stream.write("first");
    stream.end("last");
  },
  "pipeline": async (stream) => pipeline(Readable.from(["a", "b", "c"]), stream),
  "large": async (stream) => pipeline(Readable.from(Array(50).fill("x".repeat(50000))), stream),
  "http": async (stream) => {
    const http = HttpResponseStream.from(stream, { statusCode: 201, headers: { "x-a": "ü" }, cookies: ["c"] });
    http.write("body");
    http.end();
  },
  "http without a body": async (stream) => {
    const http = HttpResponseStream.from(stream, { statusCode: 204 });
    http.write("");
    http.end();
  },
  "http too late": async (stream) => {
    stream.write("begun");
    HttpResponseStream.from(stream, { statusCode: 200 });
  },
  "type too late": async (stream) => {
    stream.write("begun");
    stream.setContentType("text/html");
  },
  "error before a byte": async () => {
    throw new TypeError("before");
  },
  "error in the middle": async (stream) => {
    stream.write("some");
    throw new RangeError("in the middle, ünïcode");
  },
  "text thrown in the middle": async (stream) => {
    stream.write("some");
    throw "a text";
  },
  "returns something": async (stream) => {
    stream.end();
    return 5;
  },
  "after the end": async (stream) => {
    stream.write("a");
    stream.end();
    await new Promise((resolve) => setTimeout(resolve, 20));
  },
  "not async": (stream) => {
    stream.write("some");
  },
  "throws, not async": () => {
    throw new Error("at once");
  },
  "properties": async (stream) => {
    const seen = Object.keys(stream).sort();
    const { writable, destroyed, writableEnded, writableObjectMode } = stream;
    stream.write(JSON.stringify({ seen, writable, destroyed, writableEnded, writableObjectMode }));
    stream.end();
    await new Promise((resolve) => stream.on("finish", resolve));
  },
  "context": async (stream, context) => {
    stream.write(JSON.stringify([Object.keys(context), context.awsRequestId]));
    stream.end();
  },
  "waits for an empty event loop": async (stream) => {
    setTimeout(() => console.log("the event loop was not empty"), 20);
    stream.end();
  },
  "does not wait": async (stream, context) => {
    context.callbackWaitsForEmptyEventLoop = false;
    setTimeout(() => {}, 60000).unref();
    stream.end("");
  },
};

exports.names = Object.keys(WAYS);
exports.handler = awslambda.streamifyResponse((event, stream, context) => WAYS[event](stream, context));
exports.marked = awslambda.streamifyResponse(
  async (event, stream) => {
    stream.write(String(stream.writableHighWaterMark));
    stream.end();
  },
  { highWaterMark: 1000 },
);
const malformed = async () => {};
malformed[Symbol.for("aws.lambda.runtime.handler.streaming")] = "request";
exports.malformed = malformed;
