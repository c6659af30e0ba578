// A Lambda runtime for Node, on nothing but `node:http`: `node runtime.mjs FILE.HANDLER`.
//
// It does what AWS's own client does (which needs a compiler to be installed): answers in JSON or
// as bytes, streams with a prelude and trailers, errors with their stack, errors while it loads.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

import http from "node:http";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const RUNTIME = "/2018-06-01/runtime";
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const USER_AGENT = { "User-Agent": `aws-lambda-nodejs/${process.version}-test` };

/** Status, fields as they came (name, value, name, …) and bytes of the answer. */
export function send(method, path, headers = {}, body = null, ownAgent = agent) {
  return new Promise((resolve, reject) => {
    const options = { host, port, method, path, agent: ownAgent };
    options.headers = { ...USER_AGENT, ...headers };
    if (body != null && !options.headers["Transfer-Encoding"]) options.headers["Content-Length"] = Buffer.byteLength(body);
    const request = http.request(options, (answer) => resolve(read(answer)));
    request.on("error", reject);
    request.end(body);
  });
}

async function read(answer) {
  const parts = [];
  for await (const part of answer) parts.push(part);
  const { statusCode: status, statusMessage: reason, rawHeaders: fields } = answer;
  return { status, reason, fields, headers: answer.headers, body: Buffer.concat(parts) };
}

/** The request that a streamed answer is written to, and what comes back. */
export function open(id, headers = {}) {
  let request;
  const answered = new Promise((resolve, reject) => {
    const path = `${RUNTIME}/invocation/${id}/response`;
    request = http.request({ host, port, method: "POST", path, agent }, (it) => resolve(read(it)));
    request.on("error", reject);
    for (const [name, value] of Object.entries({
      ...USER_AGENT,
      "Content-Type": "application/octet-stream",
      "Lambda-Runtime-Function-Response-Mode": "streaming",
      Trailer: ["Lambda-Runtime-Function-Error-Type", "Lambda-Runtime-Function-Error-Body"],
      "Transfer-Encoding": "chunked",
      ...headers,
    })) {
      if (value !== null) request.setHeader(name, value);
    }
  });
  return { request, answered };
}

function described(error) {
  if (!(error instanceof Error)) {
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  }
  return { errorType: error.name, errorMessage: error.message, trace: error.stack.split("\n") };
}

function fail(path, error, more = {}) {
  const object = described(error);
  console.error("Invoke Error\t%s", JSON.stringify(object));
  const headers = {
    "Content-Type": "application/json",
    "Lambda-Runtime-Function-Error-Type": object.errorType,
    "Lambda-Runtime-Function-XRay-Error-Cause": JSON.stringify({ working_directory: process.cwd() }),
    ...more,
  };
  return send("POST", path, headers, JSON.stringify(object));
}

/** An error while streaming stands in the trailers. */
function failMidway(stream, error) {
  const object = JSON.stringify(described(error));
  stream.request.addTrailers({
    "Lambda-Runtime-Function-Error-Type": error.name,
    "Lambda-Runtime-Function-Error-Body": Buffer.from(object).toString("base64"),
  });
  stream.request.end();
}

async function streamed(handler, event, context) {
  const stream = open(context.id, { ...context.echoed, ...event.headers });
  try {
    await handler(event, context, stream.request);
    stream.request.end();
  } catch (error) {
    failMidway(stream, error);
  }
  return stream.answered;
}

async function answered(handler, event, context) {
  const answerPath = `${RUNTIME}/invocation/${context.id}`;
  let body, type;
  try {
    const result = await handler(event, context);
    [body, type] = Buffer.isBuffer(result)
      ? [result, "application/octet-stream"]
      : [JSON.stringify(result === undefined ? null : result), "application/json"];
  } catch (error) {
    return fail(`${answerPath}/error`, error, context.echoed);
  }
  return send("POST", `${answerPath}/response`, { "Content-Type": type, ...context.echoed }, body);
}

/** An error that nobody catches is the invocation's, and the process's end. */
function endOn(event, code, current) {
  process.on(event, async (error) => {
    if (current.id) await fail(`${RUNTIME}/invocation/${current.id}/error`, error);
    process.exit(code);
  });
}

async function load(name) {
  const dot = name.lastIndexOf(".");
  const module = await import(pathToFileURL(path.resolve(name.slice(0, dot))).href);
  const handler = module[name.slice(dot + 1)];
  if (typeof handler === "function") return handler;
  const error = new Error(`${name} is undefined or not exported`);
  error.name = "Runtime.HandlerNotFound";
  throw error;
}

async function main() {
  const current = {};
  endOn("uncaughtException", 129, current);
  endOn("unhandledRejection", 128, current);
  let handler;
  try {
    handler = await load(process.argv[2]);
  } catch (error) {
    await fail(`${RUNTIME}/init/error`, error);
    process.exit(1);
  }
  for (;;) {
    const next = await send("GET", `${RUNTIME}/invocation/next`);
    if (next.status !== 200) throw new Error(`next: ${next.status}`);
    current.id = next.headers["lambda-runtime-aws-request-id"];
    const echoed = {
      "Lambda-Runtime-Invocation-Id": next.headers["lambda-runtime-invocation-id"],
    };
    const context = { id: current.id, fields: next.fields, echoed };
    const event = JSON.parse(next.body);
    const answer = handler.streams || event.streams ? streamed : answered;
    const { status, reason, fields, body } = await answer(handler, event, context);
    if (status !== 202) console.log(JSON.stringify({ status, reason, fields, body: `${body}` }));
  }
}

// Not awaited: handlers may import this module.
if (process.argv[1] === import.meta.filename) main();
