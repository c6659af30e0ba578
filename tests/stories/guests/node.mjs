// Handlers of the corpus: `handler` does what its event says.

import { spawnSync } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import { send } from "../../harness/runtime.mjs";

let count = 0;

const RESULTS = {
  undefined: () => undefined,
  null: () => null,
  zero: () => -0,
  text: () => "grüße 日本 😀 \u2028\u0000\u007f",
  surrogate: () => "a\ud800b",
  empty: () => ({}),
  nested: () => ({ a: [1, 1.5e300, { b: [[]] }], "": true }),
  date: () => new Date(0),
  nan: () => [NaN, Infinity],
  bytes: () => Buffer.from([0, 255, 13, 10, 128, 0]),
  "no bytes": () => Buffer.alloc(0),
  big: () => "x".repeat(6 * 1024 * 1024 - 2),
  bigint: () => 1n,
  circle: () => {
    const ring = {};
    ring.ring = ring;
    return ring;
  },
};

class Odd extends TypeError {
  name = "Odd.Error";
}

const DO = {
  result: ({ name }) => RESULTS[name](),
  count: () => ++count,
  fields: (_, { fields }) => pairs(fields),
  fail: ({ text }) => {
    throw new Odd(text);
  },
  "fail without an error": () => Promise.reject("just a text"),
  exit: ({ code }) => {
    fs.writeSync(1, "no newline at the end");
    process.exit(code);
  },
  abort: () => process.abort(),
  "throw later": () => new Promise(() => setTimeout(() => DO.fail({ text: "later" }), 1)),
  "reject without a catch": () =>
    new Promise(() => void Promise.reject(new Odd("nobody catches me"))),
  log: ({ text }) => {
    console.log("log %s", text);
    console.error("error\nof two lines");
    fs.writeSync(1, Buffer.from([0xff, 0xfe, 0x00, 0x0a]));
    fs.writeSync(2, Buffer.from([0xc3, 0x0a, 0x20]));
    fs.writeSync(Number(process.env._LAMBDA_TELEMETRY_LOG_FD), frame(text));
  },
  "log after the answer": ({ number }) => {
    hold("answers", number).then(() => console.log("late: %d", number));
  },
  "start a process": () => {
    const command = "echo from a child; echo its error >&2; exit 3";
    return spawnSync("sh", ["-c", command], { stdio: "inherit" }).status;
  },
  requests: async ({ requests }) => {
    const answers = [];
    for (const { method, path, headers, body } of requests) {
      const { status, reason, fields, body: bytes } = await send(method, path, headers, body);
      answers.push({ status, reason, fields: pairs(fields), body: `${bytes}` });
    }
    return answers;
  },
};

function pairs(fields) {
  const found = [];
  for (let at = 0; at < fields.length; at += 2) found.push(`${fields[at]}: ${fields[at + 1]}`);
  const ours = /^(connection|keep-alive|lambda-runtime-deadline-ms):/i;
  return found.filter((it) => !ours.test(it)).sort();
}

/** As the managed runtimes frame what they log. */
function frame(text) {
  const bytes = Buffer.from(text);
  const head = Buffer.alloc(16);
  head.writeUInt32BE(0xa55a0003, 0);
  head.writeUInt32BE(bytes.length, 4);
  head.writeBigInt64BE(BigInt(Date.now()) * 1000n, 8);
  return Buffer.concat([head, bytes]);
}

/** Until so much has arrived at the Runtime API. */
function hold(what, number) {
  return send("GET", `/hold?${what}=${number}`, {}, null, new http.Agent());
}

export function handler(event, context) {
  return DO[event.do](event, context);
}

/** Streams; after each chunk it waits until the chunk has arrived. */
export async function stream(event, context, out) {
  const prelude = JSON.stringify({ statusCode: 201, headers: { "X-A": "b" }, cookies: ["c=d"] });
  out.setHeader("Content-Type", "application/vnd.awslambda.http-integration-response");
  const chunks = event.chunks.map((it) => it.repeat(event.times ?? 1));
  let written = 0;
  for (const chunk of [prelude, "\0".repeat(8), ...chunks]) {
    out.write(chunk);
    await hold("bytes", (written += Buffer.byteLength(chunk)));
  }
  if (event.then === "break") throw new Odd("in the middle of it");
  if (event.then === "hang up") {
    out.on("error", () => process.exit(9));
    out.destroy();
    await new Promise(() => setInterval(() => {}, 1000));
  }
}
stream.streams = true;

export async function endsAtSigterm(event) {
  const extension = { "Lambda-Extension-Name": "internal" };
  await send("POST", "/2020-01-01/extension/register", extension, '{"events":[]}');
  process.once("SIGTERM", async () => {
    const { status } = await send("GET", "/2018-06-01/ping", {}, null, new http.Agent());
    console.log("terminated, ping says %d", status);
    process.exit(7);
  });
  return event;
}
