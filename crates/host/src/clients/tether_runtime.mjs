// The Node side of tether: runs one Lambda handler against a Runtime API.

import { createRequire } from "node:module";
import { join } from "node:path";

const base = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;
const [file, name] = process.argv[2].split(/\.(?=[^.]*$)/);
const handler = createRequire(join(process.cwd(), "x"))(`./${file}`)[name];
for (;;) {
  const next = await fetch(`${base}/invocation/next`);
  const id = next.headers.get("lambda-runtime-aws-request-id");
  const echo = next.headers.get("lambda-runtime-invocation-id");
  const headers = echo ? { "lambda-runtime-invocation-id": echo } : {};
  let kind = "response";
  let body;
  try {
    body = await handler(await next.json(), { awsRequestId: id });
  } catch (error) {
    kind = "error";
    body = { errorType: error.name, errorMessage: error.message, stackTrace: [] };
  }
  await fetch(`${base}/invocation/${id}/${kind}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body ?? null),
  });
}
