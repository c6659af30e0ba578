"""A Lambda runtime that does what its events say: the deployed code behind the layer.

A program of its own, on raw sockets, because of trailers. The event's ``do``:

* ``answer``: answers with the event itself;
* ``stream``: answers in chunks, with trailers;
* ``request``: makes a request to the Runtime API's port, answers with what came back;
* ``exit``, ``die``, ``hang``: ends so, or does not end.
"""

import json
import os
import signal
import socket
import sys
import time

from raw_http import read_chunks, read_fields

RUNTIME = "/2018-06-01/runtime"


def request(method, path, headers=None, body=b"", raw=False):
    """Status, headers and body of the answer."""
    host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
    with socket.create_connection((host, int(port))) as connection:
        head = {"Host": f"{host}:{port}", **(headers or {})}
        if not raw:
            head["Content-Length"] = len(body)
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {it}" for name, it in head.items())]
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        with connection.makefile("rb") as stream:
            status = int(stream.readline().split()[1])
            fields = read_fields(stream)
            if "chunked" in fields.get("transfer-encoding", ""):
                answer = b"".join(read_chunks(stream))
            else:
                answer = stream.read(int(fields.get("content-length", 0)))
            return status, fields, answer


def stream(path, event):
    """As a runtime streams: chunk by chunk, an error in the trailers."""
    chunks = [chunk.encode() for chunk in event["chunks"]]
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    trailers = "".join(f"{name}: {value}\r\n" for name, value in event["trailers"].items())
    headers = {
        "Transfer-Encoding": "chunked",
        "Lambda-Runtime-Function-Response-Mode": "streaming",
        "Content-Type": "application/vnd.awslambda.http-integration-response",
        "Trailer": ", ".join(event["trailers"]),
    }
    return request("POST", path, headers, body + b"0\r\n" + trailers.encode() + b"\r\n", raw=True)


def forward(event):
    made = event["request"]
    body = made.get("body", "").encode()
    status, headers, answer = request(made["method"], made["path"], made.get("headers"), body)
    return {"status": status, "headers": headers, "body": answer.decode()}


def end_at_sigterm_with(code):
    def end(*_):
        print(json.dumps({"event": "terminated"}), flush=True)
        os._exit(code)

    signal.signal(signal.SIGTERM, end)


def main():
    if sys.argv[1:2] == ["--ends-at-sigterm-with"]:
        end_at_sigterm_with(int(sys.argv[2]))
    api = os.environ["AWS_LAMBDA_RUNTIME_API"]
    ours = sorted(name for name in os.environ if name.startswith("DEBUGGER_"))
    wrapper = os.environ.get("AWS_LAMBDA_EXEC_WRAPPER")
    start = {"event": "runtime", "pid": os.getpid(), "api": api, "arguments": sys.argv[1:]}
    print(json.dumps({**start, "ours": ours, "wrapper": wrapper}), flush=True)
    # Imports that take their time.
    time.sleep(float(os.environ.get("INIT_SECONDS", "0")))
    while True:
        _, headers, body = request("GET", f"{RUNTIME}/invocation/next")
        event = json.loads(body)
        deadline = headers["lambda-runtime-deadline-ms"]
        print(json.dumps({"event": "invocation", "deadline": int(deadline)}), flush=True)
        answer = f"{RUNTIME}/invocation/{headers['lambda-runtime-aws-request-id']}/response"
        if event["do"] == "stream":
            stream(answer, event)
        elif event["do"] == "request":
            request("POST", answer, body=json.dumps(forward(event)).encode())
        elif event["do"] == "exit":
            sys.exit(event["code"])
        elif event["do"] == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif event["do"] == "hang":
            time.sleep(60)
        else:
            request("POST", answer, {"Content-Type": "application/json"}, body)


main()
