// The Node side of tether: runs one Lambda handler against a Runtime API.
//
// The host starts this file as `node [flags] tether_runtime.mjs <handler>` in the folder
// of the function's code. It treats the handler as the client in AWS's own Node runtimes
// does, so that what works here works there, and the other way round:
// `tests/clients/node_expected.json` says what is expected, `tests/foreign/test_node_client.py`
// holds the two side by side, and each place where this one differs on purpose is named.
//
// There are two of AWS's: up to nodejs22.x handlers may answer through a callback, and an
// answer may wait for an empty event loop; from nodejs24.x on, what an async handler
// returns is the answer, and nothing else is.
// https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html
//
// One file, standard library only, Node 18 and later. Two rules keep it out of the way of
// the code that it runs:
//
// * User code is called by the event loop and not by a function of this file, so that no
//   frame of this file stands in a stack trace.
// * What user code may replace (`process.stdout.write`, `http.request`, which monitoring
//   libraries do) is taken before it runs.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import module from "node:module";
import net from "node:net";
import path from "node:path";
import { pathToFileURL } from "node:url";
import util from "node:util";
import { Worker } from "node:worker_threads";

const OWN_FILE = path.basename(import.meta.url);
// Where AWS's own client is: what Node says about who required a module that is missing.
const RUNTIME = "/var/runtime/index.mjs";
// Where the handler's modules are: what a build has made is not in the code's own folder.
const ROOT = process.argv[3] ?? process.cwd();

const { format } = util;
const { request: httpRequest, Agent } = http;
const { then } = Promise.prototype;
const { stdout, stderr } = process;
const print = stdout.write.bind(stdout);
const exit = process.exit.bind(process);

const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const HIGH_WATER_MARK = Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark");
const REQUEST_ID = Symbol.for("aws.lambda.runtime.requestId");
const TENANT_ID = Symbol.for("aws.lambda.runtime.tenantId");

/** Load the handler, then serve invocations until there is no API to ask. */
async function main() {
  holdOnToLifeline();
  const name = process.argv[2] ?? process.env._HANDLER ?? "";
  // As on Lambda.
  process.argv.splice(1, Infinity, RUNTIME);
  for (const stream of [stdout, stderr]) {
    // A pipe would be written behind one's back otherwise, and cut at the end of the process.
    stream._handle?.setBlocking?.(true);
  }
  const from24 = isFrom24();
  const logs = new Logs(from24);
  logs.patchConsole();
  const api = new RuntimeApi(process.env.AWS_LAMBDA_RUNTIME_API ?? "");
  const globals = new Globals(logs, from24);
  globals.setUp();
  resolveByNodePath();
  openInspector();
  const runtime = from24 ? new From24(api, logs, globals) : new Until22(api, logs);
  await runtime.start(name);
}

/** Go by the managed runtime's name, as AWS does, and without one by this Node. */
function isFrom24() {
  const [, managed] = /^AWS_Lambda_nodejs(\d+)/.exec(process.env.AWS_EXECUTION_ENV ?? "") ?? [];
  return Number(managed ?? parseInt(process.versions.node, 10)) >= 24;
}

// The host

/**
 * End when the host is gone, at a breakpoint too.
 *
 * The host keeps the other end of a pipe that is stdin here. It is put elsewhere: a handler
 * finds nothing on its stdin, as on Lambda. A debugger that stops the main thread stops its
 * event loop; the one of a worker goes on.
 */
function holdOnToLifeline() {
  const lifeline = process.env.TETHER_LIFELINE;
  delete process.env.TETHER_LIFELINE;
  if (lifeline !== "stdin") return;
  let pipe = 0;
  try {
    // Node has no dup(2). Without O_NONBLOCK, this would wait for a host that is gone.
    pipe = fs.openSync("/dev/fd/0", fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    fs.closeSync(0);
    fs.openSync("/dev/null", "r"); // the lowest number that is free: 0
  } catch {
    // No such folder on Windows. The handler sees the pipe then, in which there is nothing.
  }
  // Neither the user's flags nor NODE_OPTIONS, which may name modules to load first.
  const alone = { eval: true, workerData: pipe, execArgv: [], env: {}, name: "tether" };
  new Worker(`(${watchLifeline})()`, alone).unref();
}

/** What the worker does: its text is what it gets. 0 is the group of this process. */
function watchLifeline() {
  const { workerData } = require("node:worker_threads");
  const { Socket } = require("node:net");
  const end = () => process.kill(0, "SIGKILL");
  new Socket({ fd: workerData, writable: false }).on("error", end).on("close", end).resume();
}

/**
 * Let a debugger in, and tell the host where: in the file that TETHER_INSPECTOR names.
 * With TETHER_INSPECTOR_WAIT=1, nothing of the user's runs before it is there.
 */
function openInspector() {
  const { TETHER_INSPECTOR: file, TETHER_INSPECTOR_WAIT: wait } = process.env;
  delete process.env.TETHER_INSPECTOR;
  delete process.env.TETHER_INSPECTOR_WAIT;
  if (!file) return;
  // Not every Node is built with it.
  const inspector = module.createRequire(RUNTIME)("node:inspector");
  if (!inspector.url()) inspector.open(0, "127.0.0.1");
  const { hostname, port } = new URL(inspector.url());
  const client = { host: hostname, port: Number(port) };
  // Whole, by a rename: the host may read at any time.
  fs.writeFileSync(`${file}.part`, JSON.stringify({ client }));
  fs.renameSync(`${file}.part`, file);
  if (wait === "1") inspector.waitForDebugger();
}

/** Tell the person at the terminal; stdout belongs to the function's logs. */
function complain(message) {
  stderr.write(`tether: ${message}\n`);
}

/** End the process: there is nothing left to serve. */
function giveUp(message) {
  complain(message);
  exit(1);
}

// The handler

/**
 * Let import find what require finds by NODE_PATH: layers, mostly.
 * https://aws.amazon.com/blogs/compute/node-js-18-x-runtime-now-available-in-aws-lambda/
 */
function resolveByNodePath() {
  const folders = (process.env.NODE_PATH ?? "").split(path.delimiter);
  // A package is looked for in the node_modules beside the file that imports it.
  const parents = folders
    .filter((it) => path.basename(it) === "node_modules")
    .map((it) => pathToFileURL(path.join(path.dirname(it), "any.mjs")).href);
  if (parents.length === 0) return;
  if (module.registerHooks) {
    module.registerHooks({ resolve: nodePathHook(parents) });
  } else if (module.register) {
    const text = `export const resolve = (${nodePathHook})(${JSON.stringify(parents)});`;
    module.register(`data:text/javascript,${encodeURIComponent(text)}`);
  }
}

/** See resolveByNodePath. In older Nodes it runs in a thread of its own, which gets its text. */
function nodePathHook(parents) {
  const isBare = (specifier) => /^[^./#][^:]*$/.test(specifier);
  const elsewhere = (specifier, context, next, error) => {
    const isMissing = error.code === "ERR_MODULE_NOT_FOUND" && isBare(specifier);
    if (!isMissing || parents.includes(context.parentURL)) throw error;
    const attempt = (index) => {
      if (index === parents.length) throw error;
      try {
        const found = next(specifier, { ...context, parentURL: parents[index] });
        return found.then ? found.catch(() => attempt(index + 1)) : found;
      } catch {
        return attempt(index + 1);
      }
    };
    return attempt(0);
  };
  return (specifier, context, next) => {
    try {
      const found = next(specifier, context);
      if (!found.then) return found;
      return found.catch((error) => elsewhere(specifier, context, next, error));
    } catch (error) {
      return elsewhere(specifier, context, next, error);
    }
  };
}

/**
 * Call a function from the event loop. Unlike a plain `await`, this tells a promise that was
 * returned from a value, and leaves no frame of this file below the function.
 */
function call(callee, args, returned, threw, receiver) {
  // What a promise is settled with comes last.
  const first = args.slice(0, -1);
  const now = Promise.resolve(args[first.length]);
  const Capability = function (executor) {
    executor(returned, threw);
  };
  // Where `then` gets the functions from that it gives the outcome to.
  now.constructor = { [Symbol.species]: Capability };
  then.call(now, Function.prototype.bind.call(callee, receiver, ...first));
}

/** The same as a promise of what comes out in the end. */
function calling(callee, args, receiver) {
  return new Promise((resolve, reject) => call(callee, args, resolve, reject, receiver));
}

/** What `this` is in a handler: its name and the property stand in stack traces. */
const RECEIVERS = {
  Runtime: class Runtime {},
  BufferedInvokeProcessor: class BufferedInvokeProcessor {},
  StreamingInvokeProcessor: class StreamingInvokeProcessor {},
};

function receiver(name, handler) {
  return Object.assign(new RECEIVERS[name](), { handler });
}

/**
 * An error that the runtime finds, with the name under which Lambda reports it. Logs in JSON
 * show the name of its class as well, and from nodejs24.x on the name as a property.
 */
function fault(name, text, from24) {
  const className = (from24 && CLASSES_FROM_24[name]) || name;
  const { [className]: Fault } = { [className]: class extends Error {} };
  const error = new Fault(text);
  const value = `Runtime.${name}`;
  Object.defineProperty(error, "name", { value, writable: true, enumerable: from24 });
  error.stack = error.stack.replace(/^Error/, value);
  return withoutOwnFrames(error);
}

const CLASSES_FROM_24 = {
  HandlerNotFound: "HandlerNotFoundError",
  MalformedHandlerName: "MalformedHandlerNameError",
  CallbackHandlerDeprecated: "CallbackHandlerDeprecatedError",
};

/**
 * The function that `module.function` or `folder/module.function` names.
 * https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html
 */
class Loader {
  constructor(name, from24) {
    this.name = name;
    this.from24 = from24;
    this.require = module.createRequire(RUNTIME);
  }

  async load() {
    if (this.name.includes("..")) {
      const advice = "Use absolute paths when specifying root directories in handler names.";
      const text = `'${this.name}' is not a valid handler name. ${advice}`;
      throw fault("MalformedHandlerName", text, this.from24);
    }
    const base = path.basename(this.name);
    const before = this.name.substring(0, this.name.indexOf(base));
    const folder = this.from24 ? before.replace(/\/$/, "") : before;
    const [, file, property] = /^([^.]*)\.(.*)$/.exec(base) ?? [];
    if (file === undefined) throw fault("MalformedHandlerName", "Bad handler", this.from24);
    const exported = await this.loadModule(folder, file);
    const handler = this.find(exported, property);
    if (!handler) {
      throw fault("HandlerNotFound", `${this.name} is undefined or not exported`, this.from24);
    }
    if (typeof handler !== "function") {
      throw fault("HandlerNotFound", `${this.name} is not a function`, this.from24);
    }
    return handler;
  }

  find(exported, property) {
    const inside = (value) =>
      property.split(".").reduce((nested, key) => {
        return nested && (!this.from24 || typeof nested === "object") ? nested[key] : undefined;
      }, value);
    const found = inside(exported);
    if (found || !this.from24 || exported?.default === undefined) return found;
    return inside(exported.default);
  }

  async loadModule(folder, file) {
    const whole = path.resolve(ROOT, folder, file);
    try {
      const loaded = this.from24 ? await this.imported(whole) : await this.required(whole);
      if (loaded) return loaded;
      const paths = [ROOT, this.from24 ? path.join(ROOT, folder) : folder];
      const found = this.require.resolve(file, { paths });
      return await calling(this.require, [found]);
    } catch (error) {
      throw this.named(error, whole);
    }
  }

  named(error, whole) {
    if (error instanceof SyntaxError) {
      // In the stack that Node prints at the end, from nodejs24.x on.
      const isPrinted = this.from24 && placeIn(String(error.stack));
      if (!isPrinted) showPlace(error, whole);
      const syntax = fault("UserCodeSyntaxError", String(error), this.from24);
      if (this.from24) syntax.stack = error.stack;
      return syntax;
    }
    const isMissing = error instanceof Error && error.code === "MODULE_NOT_FOUND";
    return isMissing ? fault("ImportModuleError", String(error), this.from24) : error;
  }

  /** The order of files from nodejs24.x on. */
  async imported(whole) {
    for (const extension of ["", ".js", ".mjs", ".cjs"]) {
      const loaded = await this.importFile(whole + extension);
      if (loaded) return loaded;
    }
    return undefined;
  }

  /** The order of files up to nodejs22.x. */
  async required(whole) {
    const extensionless = await this.requireFile(whole);
    if (extensionless) return extensionless;
    const isModule = fs.existsSync(`${whole}.js`) && isInModulePackage(path.dirname(whole));
    const script = isModule ? undefined : await this.requireFile(`${whole}.js`);
    return (
      script ||
      (isModule && (await this.importFile(`${whole}.js`))) ||
      (await this.importFile(`${whole}.mjs`)) ||
      (await this.requireFile(`${whole}.cjs`))
    );
  }

  requireFile(file) {
    return fs.existsSync(file) ? calling(this.require, [file]) : undefined;
  }

  importFile(file) {
    return fs.existsSync(file) ? import(pathToFileURL(file).href) : undefined;
  }
}

/** Whether a .js file in this folder is an ES module. */
function isInModulePackage(folder) {
  if (folder.endsWith("/node_modules")) return false;
  const file = path.join(folder, "package.json");
  if (fs.existsSync(file)) {
    try {
      const about = JSON.parse(fs.readFileSync(file));
      if (about) return about.type === "module";
    } catch (error) {
      const text = "cannot be read, it will be ignored for ES module detection purposes.";
      console.warn(`${file} ${text}`, error);
      return false;
    }
  }
  const parent = path.dirname(folder);
  return parent === folder ? false : isInModulePackage(parent);
}

/**
 * Say where a syntax error is: the error that Lambda makes of it does not. Node keeps the place
 * in an ES module to itself, and says it to whoever has the file checked.
 */
function showPlace(error, whole) {
  const inStack = placeIn(String(error.stack));
  const files = [".js", ".mjs"].map((it) => whole + it).filter((it) => fs.existsSync(it));
  const checked = (file) => {
    const options = { encoding: "utf8", env: {} };
    return placeIn(spawnSync(process.execPath, ["--check", file], options).stderr ?? "");
  };
  const place = inStack ?? files.map(checked).find(Boolean);
  if (place) complain(`this cannot be read:\n${place}`);
}

/** File, line and mark, which Node puts above an error. */
function placeIn(text) {
  const [, place] = /^((?!\w*Error: )[^]+?)\n+\w*Error: /.exec(text) ?? [];
  return place?.trimEnd();
}

/** How a handler says that it streams. */
function streamingOf(handler, from24) {
  const value = handler[STREAMING];
  if (value === undefined || value === null || value === false) return undefined;
  if (value !== "response") {
    throw fault("MalformedStreamingHandler", "Only response streaming is supported.", from24);
  }
  const mark = parseInt(handler[HIGH_WATER_MARK], 10);
  return { highWaterMark: Number.isNaN(mark) ? undefined : mark };
}

// Errors and logs

/** The lines of a stack, without the frames of this file. */
function stackLines(stack) {
  return stack.split("\n").filter((line) => !/^\s+at /.test(line) || !line.includes(OWN_FILE));
}

function withoutOwnFrames(error) {
  error.stack = stackLines(error.stack).join("\n");
  return error;
}

/**
 * The error object of Lambda.
 * https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html
 */
function describe(error, from24) {
  // Node's HTTP refuses this character in trailers.
  const plain = (text) => text?.replace(/\x7F/g, "%7F");
  try {
    if (from24 ? error instanceof Error : isError(error)) {
      return {
        errorType: plain(error.name),
        errorMessage: plain(error.message),
        trace: error.stack === undefined && from24 ? [] : stackLines(plain(error.stack)),
      };
    }
    const errorMessage = from24 ? String(error) : error.toString();
    return { errorType: typeof error, errorMessage, trace: [] };
  } catch {
    const errorMessage =
      "callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack";
    return { errorType: "handled", errorMessage, ...(from24 && { trace: [] }) };
  }
}

/** Errors of other realms count, and what looks like one. */
function isError(value) {
  const isText = (it) => it && typeof it === "string";
  return util.types.isNativeError(value) || (isText(value?.name) && isText(value.message) && isText(value.stack));
}

function intoError(value, from24) {
  return value instanceof Error ? value : new Error(from24 ? String(value) : value);
}

/** console.*, as Lambda prints it. */
class Logs {
  static LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

  constructor(from24) {
    this.from24 = from24;
    // https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html
    this.json = process.env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === "JSON";
    const level = process.env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase();
    this.least = Math.max(0, Logs.LEVELS.indexOf(level));
    this.tenantId = undefined;
    this.requestId = from24 ? "-" : undefined;
  }

  /** Know the invocation that messages belong to. */
  enter(headers) {
    this.requestId = headers["lambda-runtime-aws-request-id"];
    this.tenantId = headers["lambda-runtime-aws-tenant-id"];
    if (this.from24) return;
    // Libraries look there.
    globalThis[REQUEST_ID] = this.requestId;
    globalThis[TENANT_ID] = this.tenantId;
  }

  patchConsole() {
    Logs.LEVELS.forEach((level, index) => {
      const log = (message, ...more) => this.log(level, message, more);
      console[level.toLowerCase()] = index < this.least ? () => {} : log;
    });
    console.log = console.info;
  }

  /**
   * Write one message. Lambda gives its runtimes a pipe with a frame around each message;
   * here lines divide them, and one of JSON has no line break.
   */
  log(level, message, more) {
    const line = (this.json ? this.asJson : this.asText).call(this, level, message, more);
    print(`${line}\n`);
  }

  asText(level, message, more) {
    const time = new Date().toISOString();
    return `${time}\t${this.requestId}\t${level}\t${format(message, ...more)}`;
  }

  asJson(level, message, more) {
    const { requestId, tenantId } = this;
    const line = { timestamp: new Date().toISOString(), level, requestId };
    if (tenantId) line.tenantId = tenantId;
    if (more.length === 0) {
      try {
        return JSON.stringify({ ...line, message }, errorsWhole);
      } catch {
        return JSON.stringify({ ...line, message: format(message) });
      }
    }
    line.message = format(message, ...more);
    // Up to nodejs22.x the first parameter counts as well.
    const params = this.from24 ? more : [message, ...more];
    const error = params.find((it) => it instanceof Error);
    if (error) {
      line.errorType = error.constructor?.name ?? "UnknownError";
      line.errorMessage = error.message;
      line.stackTrace = typeof error.stack === "string" ? stackLines(error.stack) : [];
    }
    return JSON.stringify(line);
  }

  /** Log an error that will be posted, through the console, which user code may have replaced. */
  error(message, error) {
    const whole = intoError(error, this.from24);
    if (this.json) console.error(whole);
    else console.error(message, this.errorAsText(whole));
  }

  errorAsText(error) {
    try {
      return `\t${JSON.stringify(error, errorsWithStack)}`;
    } catch {
      return `\t${JSON.stringify(describe(error, this.from24))}`;
    }
  }
}

function errorsWhole(_, value) {
  if (!(value instanceof Error)) return value;
  const fields = {
    errorType: value.constructor?.name ?? "UnknownError",
    errorMessage: value.message,
    stackTrace: typeof value.stack === "string" ? stackLines(value.stack) : value.stack,
  };
  return Object.assign(fields, value);
}

function errorsWithStack(_, value) {
  if (!(value instanceof Error)) return value;
  const { name: errorType, message: errorMessage, code } = value;
  const fields = Object.assign({ errorType, errorMessage, code }, value);
  if (typeof value.stack === "string") fields.stack = stackLines(value.stack);
  return fields;
}

// What a handler gets

/**
 * The part of the context that is the same for every kind of handler.
 * https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html
 */
function environmentData() {
  return {
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
  };
}

/** The part that the invocation's headers say. */
function headerData(headers, from24) {
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  const parsed = (name, label) => {
    const text = headers[name];
    if (!text) return undefined;
    try {
      return JSON.parse(text);
    } catch (error) {
      if (!from24) throw new Error(`Cannot parse ${label} as json: ${error}`);
      throw fault("PlatformError", `Failed to parse ${name} as JSON: ${error.message}`, true);
    }
  };
  return {
    clientContext: parsed("lambda-runtime-client-context", "ClientContext"),
    identity: parsed("lambda-runtime-cognito-identity", "CognitoIdentity"),
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"] ?? "",
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    tenantId: headers["lambda-runtime-aws-tenant-id"],
    ...(from24 && { xRayTraceId: headers["lambda-runtime-trace-id"] ?? "" }),
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

/** Put the trace of this invocation where the X-Ray SDK reads it. */
function forwardTrace(headers) {
  const trace = headers["lambda-runtime-trace-id"];
  if (trace) process.env._X_AMZN_TRACE_ID = trace;
  else delete process.env._X_AMZN_TRACE_ID;
}

/** `awslambda`, which streaming handlers are made with. */
class Globals {
  constructor(logs, from24) {
    this.logs = logs;
    this.from24 = from24;
    this.store = new InvokeStore();
  }

  setUp() {
    if (["1", "true"].includes(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) return;
    globalThis.awslambda = {
      ...(this.from24 && { InvokeStore: this.store }),
      streamifyResponse(handler, options) {
        handler[STREAMING] = "response";
        if (typeof options?.highWaterMark === "number") {
          handler[HIGH_WATER_MARK] = parseInt(options.highWaterMark, 10);
        }
        return handler;
      },
      HttpResponseStream,
    };
  }
}

/** What a stream is made of that answers in HTTP: a head in JSON, eight NULs, the body. */
class HttpResponseStream {
  static from(stream, prelude) {
    stream.setContentType("application/vnd.awslambda.http-integration-response");
    const head = JSON.stringify(prelude);
    stream._onBeforeFirstWrite = (write) => {
      write(head);
      write(new Uint8Array(8));
    };
    return stream;
  }
}

/**
 * Data of the current invocation, for libraries.
 * https://github.com/awslabs/aws-lambda-invoke-store
 */
class InvokeStore {
  static PROTECTED_KEYS = {
    REQUEST_ID: Symbol.for("_AWS_LAMBDA_REQUEST_ID"),
    X_RAY_TRACE_ID: Symbol.for("_AWS_LAMBDA_X_RAY_TRACE_ID"),
    TENANT_ID: Symbol.for("_AWS_LAMBDA_TENANT_ID"),
  };
  #current;

  isProtectedKey(key) {
    return Object.values(InvokeStore.PROTECTED_KEYS).includes(key);
  }
  getRequestId() {
    return this.get(InvokeStore.PROTECTED_KEYS.REQUEST_ID) ?? "-";
  }
  getXRayTraceId() {
    return this.get(InvokeStore.PROTECTED_KEYS.X_RAY_TRACE_ID);
  }
  getTenantId() {
    return this.get(InvokeStore.PROTECTED_KEYS.TENANT_ID);
  }
  getContext() {
    return this.#current;
  }
  hasContext() {
    return this.#current !== undefined;
  }
  get(key) {
    return this.#current?.[key];
  }
  set(key, value) {
    if (this.isProtectedKey(key)) {
      throw new Error(`Cannot modify protected Lambda context field: ${String(key)}`);
    }
    this.#current = this.#current || {};
    this.#current[key] = value;
  }
  run(context, callee) {
    this.#current = context;
    return callee();
  }
}

/** The methods and properties of a request that a streaming handler gets to see. */
const STREAM_METHODS =
  "cork destroy end uncork write addListener emit eventNames getMaxListeners listenerCount listeners off on once prependListener prependOnceListener rawListeners removeAllListeners removeListener setMaxListeners setContentType".split(
    " ",
  );
const STREAM_PROPERTIES = ["destroyed", "writable", "_onBeforeFirstWrite"];
const STREAM_VALUES =
  "writableFinished writableObjectMode writableBuffer writableEnded writableNeedDrain writableHighWaterMark writableCorked writableLength".split(
    " ",
  );

function writableOnly(inner) {
  const outer = {};
  for (const name of STREAM_METHODS) outer[name] = inner[name].bind(inner);
  for (const name of [...STREAM_PROPERTIES, ...STREAM_VALUES]) {
    const set = STREAM_PROPERTIES.includes(name) ? (value) => (inner[name] = value) : undefined;
    Object.defineProperty(outer, name, { get: () => inner[name], set });
  }
  return outer;
}

// The Runtime API

/**
 * The Runtime API over connections that are kept open.
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 *
 * By hand on sockets: what is written to an idle one has left when the call returns, so an
 * answer is not lost to a process.exit() behind it. (AWS's client waits in C++.)
 */
class RuntimeApi {
  constructor(address) {
    this.address = address;
    const [, host, port] = /^(.*):(\d+)$/.exec(address) ?? [];
    this.target = { host: host?.replace(/^\[|\]$/g, ""), port: Number(port) };
    this.idle = null;
    this.agent = new Agent({ keepAlive: true, maxSockets: 1 });
  }

  /** Wait, without a limit, for the next invocation: its headers and its event. */
  next(callback) {
    this.exchange("GET", "/invocation/next", {}, "", ({ status, headers, body }) => {
      if (status !== 200) {
        giveUp(`the Runtime API answered ${status} to the wait for an invocation`);
      }
      callback(headers, body.toString());
    });
  }

  /**
   * Post the response, or the error, of an invocation. A 4xx means that nobody waits for it
   * any more, or that it is too large. It is dropped: the next invocation may well be fine.
   */
  answer(kind, id, body, invocation, callback) {
    if (typeof body !== "string") throw plainTypeError("Wrong arguments");
    const headers = { "Content-Type": "application/json", ...echoed(invocation) };
    const target = `/invocation/${encodeURIComponent(id)}/${kind}`;
    this.exchange("POST", target, headers, body, ({ status, body: reply }) => {
      const reason = `${status} ${reply.toString().trim()}`;
      if (status >= 500) giveUp(`the Runtime API failed on the ${kind} of ${id}: ${reason}`);
      if (status >= 400) complain(`the ${kind} of ${id} was not taken: ${reason}`);
      callback();
    });
  }

  /** Report that the handler could not be loaded. */
  failInit(problem, callback) {
    const headers = {
      "Content-Type": "application/json",
      "Lambda-Runtime-Function-Error-Type": problem.errorType,
    };
    this.exchange("POST", "/init/error", headers, JSON.stringify(problem), ({ status }) => {
      if (status >= 400) {
        complain(`the Runtime API answered ${status} to the initialisation error`);
      }
      callback();
    });
  }

  /** A response that is written while it comes into being; `done` is settled with the reply. */
  stream(id, invocation, highWaterMark) {
    const { host, port } = this.target;
    this.agent.createConnection = (options, connected) => {
      return net.createConnection({ ...options, highWaterMark }, connected);
    };
    const request = httpRequest({
      host,
      port,
      method: "POST",
      path: `/2018-06-01/runtime/invocation/${encodeURIComponent(id)}/response`,
      agent: this.agent,
      headers: {
        "Lambda-Runtime-Function-Response-Mode": "streaming",
        Trailer: ["Lambda-Runtime-Function-Error-Type", "Lambda-Runtime-Function-Error-Body"],
        "Content-Type": "application/octet-stream",
        ...echoed(invocation),
      },
    });
    const done = new Promise((resolve, reject) => {
      request.on("error", reject).on("response", (reply) => {
        const refused = reply.statusCode >= 400;
        if (refused) complain(`the response of ${id} was not taken: ${reply.statusCode}`);
        reply.on("aborted", reject).on("end", resolve).resume();
      });
    });
    // Whether it is waited for is the handler's business.
    done.catch(() => {});
    return { request, done };
  }

  exchange(method, target, headers, body, callback) {
    const lines = [`${method} /2018-06-01/runtime${target} HTTP/1.1`, `Host: ${this.address}`];
    lines.push(`User-Agent: tether-node/${process.versions.node}`);
    for (const [name, value] of Object.entries(headers)) {
      lines.push(`${name}: ${String(value).replace(/[\r\n]+/g, " ")}`);
    }
    if (method === "POST") lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
    this.send(`${lines.join("\r\n")}\r\n\r\n`, body, callback);
  }

  send(head, body, callback) {
    const kept = this.idle;
    this.idle = null;
    const connection = kept ?? new Connection(this.target);
    connection.exchange(head, body, (error, reply) => {
      if (reply) {
        if (!reply.closes && this.idle === null) this.idle = connection;
        else connection.close();
        callback(reply);
      } else if (kept && !error.midway) {
        // One that was kept open may have been idle for too long; a new one not.
        this.send(head, body, callback);
      } else {
        giveUp(`no Runtime API at ${this.address}: ${error.message}`);
      }
    });
  }
}

/** Which of several attempts at a request this answers. */
function echoed(invocation) {
  const id = invocation["lambda-runtime-invocation-id"];
  return id ? { "Lambda-Runtime-Invocation-Id": id } : {};
}

function plainTypeError(text) {
  return withoutOwnFrames(new TypeError(text));
}

/** One exchange at a time; idle, it does not keep the process alive. */
class Connection {
  constructor({ host, port }) {
    this.parts = [];
    this.callback = null;
    this.socket = net.connect({ host, port, noDelay: true });
    this.socket.on("data", (data) => this.read(data));
    this.socket.on("error", (error) => (this.error = error));
    this.socket.on("close", () => this.end());
  }

  exchange(head, body, callback) {
    const { socket } = this;
    this.callback = callback;
    if (socket.destroyed) {
      process.nextTick(() => this.end());
      return;
    }
    socket.ref();
    // Head and body in one write: of two, the second may wait 40 ms for the acknowledgement
    // of the first.
    socket.cork();
    socket.write(head);
    if (body) socket.write(body);
    socket.uncork();
  }

  read(data) {
    this.parts.push(data);
    // A body of known length is looked at when it is there.
    this.missing = (this.missing ?? 0) - data.length;
    if (this.missing > 0) return;
    const whole = Buffer.concat(this.parts);
    this.parts = [whole];
    const reply = this.parse(whole);
    if (!reply) return;
    this.parts = [];
    this.missing = undefined;
    this.socket.unref();
    const { callback } = this;
    this.callback = null;
    callback?.(null, reply);
  }

  /** The reply, once it is whole. */
  parse(bytes) {
    const end = bytes.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    const [first, ...lines] = bytes.toString("utf8", 0, end).split("\r\n");
    const headers = {};
    for (const line of lines) {
      const colon = line.indexOf(":");
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    const rest = bytes.subarray(end + 4);
    const body = this.body(headers, rest);
    if (!body) return undefined;
    const closes = headers.connection?.toLowerCase() === "close";
    return { status: Number(first.split(" ")[1]), headers, body, closes };
  }

  body(headers, rest) {
    if (headers["transfer-encoding"]?.toLowerCase() === "chunked") return dechunked(rest);
    const length = Number(headers["content-length"] ?? 0);
    this.missing = length - rest.length;
    return this.missing <= 0 ? rest.subarray(0, length) : undefined;
  }

  end() {
    const { callback } = this;
    this.callback = null;
    const error = this.error ?? new Error("the connection was closed without a reply");
    error.midway = this.parts.length > 0;
    callback?.(error);
  }

  close() {
    this.socket.destroy();
  }
}

/** The chunks' content, once the last one is there. */
function dechunked(bytes) {
  const chunks = [];
  for (let start = 0; ; ) {
    const end = bytes.indexOf("\r\n", start);
    if (end < 0) return undefined;
    const size = parseInt(bytes.toString("latin1", start, end), 16);
    start = end + 2;
    if (bytes.length < start + size + 2) return undefined;
    if (size === 0) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(start, start + size));
    start += size + 2;
  }
}

/** An answer as JSON. */
function toJson(value, failed) {
  try {
    return JSON.stringify(value === undefined ? null : value);
  } catch {
    throw failed("Unable to stringify response body");
  }
}

/** What both kinds of runtime do with a handler that streams. */
class ResponseStream {
  constructor(api, logs, id, invocation, highWaterMark) {
    this.logs = logs;
    const { request, done } = api.stream(id, invocation, highWaterMark);
    this.request = request;
    this.done = done;
    this.begun = false;
    this.writeOf = request.write.bind(request);
    request.write = (chunk, encoding, callback) => this.write(chunk, encoding, callback);
    request.setContentType = (type) => {
      if (this.begun) {
        const text = "Cannot set content-type, too late.";
        throw fault("InvalidStreamingOperation", text, logs.from24);
      }
      request.setHeader("Content-Type", type);
    };
    const end = request.end.bind(request);
    // Up to nodejs22.x, a last chunk given to end() is not written.
    if (!logs.from24) request.end = (callback) => void end(callback);
    this.endOf = end;
    this.writable = writableOnly(request);
  }

  write(chunk, encoding, callback) {
    const { request } = this;
    const isBytes = Buffer.isBuffer(chunk) || chunk instanceof Uint8Array;
    const data = typeof chunk === "string" || isBytes ? chunk : JSON.stringify(chunk);
    if (!this.begun) request._onBeforeFirstWrite?.((head) => this.writeOf(head));
    const more = this.writeOf(data, encoding, callback);
    this.begun = true;
    return more;
  }

  /** An error after the first byte stands in the trailers, where there is no status left. */
  fail(error, callback) {
    const problem = describe(error, this.logs.from24);
    this.request.addTrailers({
      "Lambda-Runtime-Function-Error-Type": problem.errorType,
      "Lambda-Runtime-Function-Error-Body": Buffer.from(JSON.stringify(problem)).toString("base64"),
    });
    this.endOf(callback);
  }
}

const isPromise = (value) => value && value.then && typeof value.then === "function";
const NOT_ASYNC = "Streaming does not support non-async handlers.";
const NOT_FINISHED = "Response stream is not finished.";

/** Up to nodejs22.x: callbacks, and answers that wait for an empty event loop. */
class Until22 {
  constructor(api, logs) {
    this.api = api;
    this.logs = logs;
    /** What an empty event loop means at this moment. */
    this.whenEmpty = () => {};
    /** Whose an error is that nobody catches. */
    this.fails = (error, ended) => api.failInit(describe(error), ended);
  }

  async start(name) {
    process.on("uncaughtException", (error) => this.uncaught("Uncaught Exception", error, 129));
    process.on("unhandledRejection", (reason) => {
      const error = Object.assign(fault("UnhandledPromiseRejection", reason), { reason, promise: {} });
      this.uncaught("Unhandled Promise Rejection", error, 128);
    });
    process.on("beforeExit", () => this.whenEmpty());
    this.handler = await new Loader(name, false).load();
    this.streaming = streamingOf(this.handler, false);
    this.scheduleNext();
  }

  uncaught(message, error, code) {
    this.logs.error(message, error);
    this.fails(error, () => exit(code));
  }

  scheduleNext() {
    setImmediate(() => this.api.next((headers, body) => this.serve(headers, body)));
  }

  serve(headers, body) {
    const id = headers["lambda-runtime-aws-request-id"];
    this.logs.enter(headers);
    this.fails = (error, ended) => this.postError(error, id, headers, ended);
    if (this.streaming) this.stream(id, headers, body);
    else this.answer(id, headers, body);
  }

  postError(error, id, headers, ended) {
    this.api.answer("error", id, JSON.stringify(describe(error)), headers, ended);
  }

  answer(id, headers, body) {
    const { callback, context, markCompleted, complete } = this.completion(id, headers);
    this.whenEmpty = () => {
      markCompleted();
      complete(null);
    };
    try {
      const event = JSON.parse(body);
      forwardTrace(headers);
      Object.assign(context, environmentData(), headerData(headers, false));
      const self = receiver("Runtime", this.handler);
      call(this.handler, [event, context, callback], (result) => settle(result), callback, self);
    } catch (error) {
      callback(error);
    }
    const settle = (result) => {
      try {
        if (isPromise(result)) result.then(context.succeed, context.fail).catch(context.fail);
      } catch (error) {
        callback(error);
      }
    };
  }

  /** The ways in which one invocation can be answered, the first of which counts. */
  completion(id, headers) {
    const next = () => this.scheduleNext();
    const complete = (result) => {
      this.api.answer("response", id, toJson(result, plainError), headers, next);
    };
    let completed = false;
    let waits = true;
    const completeOnce = (result) => {
      if (completed) {
        const advice = "Cannot call complete more than once per invocation.";
        console.error(`Invocation has already been reported as done. ${advice}`);
        return;
      }
      completed = true;
      complete(result);
    };
    const fail = (error) => {
      this.logs.error("Invoke Error", error);
      this.postError(error, id, headers, next);
    };
    const isGiven = (value) => value !== undefined && value !== null;
    const done = (error, result) => {
      this.whenEmpty = () => {};
      if (isGiven(error)) fail(error);
      else completeOnce(result);
    };
    const callback = (error, result) => {
      this.whenEmpty = () => {};
      if (isGiven(error)) fail(error);
      else if (!waits) completeOnce(result);
      else this.whenEmpty = () => setImmediate(() => completeOnce(result));
    };
    let finished = false;
    const first = (callee) =>
      function (...args) {
        if (finished) return;
        callee(...args);
        // Only now: what cannot be answered is an error that can.
        finished = true;
      };
    const context = {
      get callbackWaitsForEmptyEventLoop() {
        return waits;
      },
      set callbackWaitsForEmptyEventLoop(value) {
        waits = value;
      },
      succeed: first((result) => done(null, result)),
      fail: first((error) => done(isGiven(error) ? error : "handled", null)),
      done: first(done),
    };
    const markCompleted = () => (completed = true);
    return { callback: first(callback), context, markCompleted, complete };
  }

  stream(id, headers, body) {
    let waits = true;
    const context = {
      get callbackWaitsForEmptyEventLoop() {
        return waits;
      },
      set callbackWaitsForEmptyEventLoop(value) {
        waits = value;
      },
    };
    const { highWaterMark } = this.streaming;
    const stream = new ResponseStream(this.api, this.logs, id, headers, highWaterMark);
    const next = () => {
      this.whenEmpty = () => {};
      if (!waits) this.scheduleNext();
      else this.whenEmpty = () => setImmediate(() => this.scheduleNext());
    };
    const fail = (error) => {
      this.logs.error("Invoke Error", error);
      stream.fail(error, next);
    };
    this.whenEmpty = () => this.scheduleNext();
    try {
      forwardTrace(headers);
      Object.assign(context, environmentData(), headerData(headers, false));
      const args = [JSON.parse(body), stream.writable, context];
      const returned = (result) => this.finish(result, stream, next, fail);
      call(this.handler, args, returned, fail, receiver("Runtime", this.handler));
    } catch (error) {
      fail(error);
    }
  }

  async finish(returned, stream, next, fail) {
    try {
      if (!isPromise(returned)) return fail(NOT_ASYNC);
      const result = await returned;
      if (result !== undefined) console.warn("Streaming handlers ignore return values.");
      await stream.done;
      if (!stream.request.writableFinished) return fail(NOT_FINISHED);
      return next();
    } catch (error) {
      return fail(error);
    }
  }
}

function plainError(text) {
  return withoutOwnFrames(new Error(text));
}

/** From nodejs24.x on: what the handler returns, or what its promise is settled with. */
class From24 {
  constructor(api, logs, globals) {
    this.api = api;
    this.logs = logs;
    this.globals = globals;
  }

  async start(name) {
    try {
      this.handler = await new Loader(name, true).load();
      this.streaming = streamingOf(this.handler, true);
      if (this.handler.length >= 3 && !this.streaming) throw callbacksAreGone();
    } catch (error) {
      this.logs.error("Init Error", error);
      await new Promise((resolve) => this.api.failInit(describe(error, true), resolve));
      throw error;
    }
    for (;;) await this.serve();
  }

  async serve() {
    const [headers, body] = await new Promise((resolve) => {
      this.api.next((...invocation) => resolve(invocation));
    });
    const id = headers["lambda-runtime-aws-request-id"];
    const { functionVersion, functionName, ...more } = environmentData();
    const names = { functionName, functionVersion };
    const context = { ...headerData(headers, true), ...names, ...more };
    forwardTrace(headers);
    const event = JSON.parse(body);
    this.logs.enter(headers);
    const { REQUEST_ID, X_RAY_TRACE_ID } = InvokeStore.PROTECTED_KEYS;
    const store = { [REQUEST_ID]: id, [X_RAY_TRACE_ID]: context.xRayTraceId };
    const serve = this.streaming ? this.stream : this.answer;
    await this.globals.store.run(store, () => serve.call(this, id, headers, event, context));
  }

  async answer(id, headers, event, context) {
    const post = (kind, body) => {
      return new Promise((resolve) => this.api.answer(kind, id, body, headers, resolve));
    };
    try {
      const self = receiver("BufferedInvokeProcessor", this.handler);
      const result = await calling(this.handler, [event, context], self);
      await new Promise(setImmediate);
      await post("response", toJson(result, (text) => fault("JSONStringifyError", text, true)));
    } catch (error) {
      await new Promise(setImmediate);
      this.logs.error("Invoke Error", error);
      await post("error", JSON.stringify(describe(error, true)));
    }
  }

  async stream(id, headers, event, context) {
    const { highWaterMark } = this.streaming;
    const stream = new ResponseStream(this.api, this.logs, id, headers, highWaterMark);
    try {
      const args = [event, stream.writable, context];
      const { returned } = await new Promise((resolve, reject) => {
        const self = receiver("StreamingInvokeProcessor", this.handler);
        call(this.handler, args, (it) => resolve({ returned: it }), reject, self);
      });
      if (!isPromise(returned)) throw plainError(NOT_ASYNC);
      const result = await returned;
      if (result !== undefined) console.warn("Streaming handlers ignore return values.");
      await stream.done;
      if (!stream.request.writableFinished) throw plainError(NOT_FINISHED);
    } catch (error) {
      await new Promise(setImmediate);
      this.logs.error("Invoke Error", error);
      await new Promise((resolve) => stream.fail(error, resolve));
    }
  }
}

function callbacksAreGone() {
  const where = "For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.";
  const text = `ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later. ${where}`;
  return fault("CallbackHandlerDeprecated", text, true);
}

// As AWS's: a module that never gets loaded ends an older one, and Node says of a newer one
// that nobody has caught its error.
if (isFrom24()) main();
else await main();
