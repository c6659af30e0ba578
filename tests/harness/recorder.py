"""A Runtime API that hands out a list of events and keeps every request, byte for byte.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import threading
import time

from .raw_http import Answer, RawServer

RUNTIME = "/2018-06-01/runtime"
NEXT = f"{RUNTIME}/invocation/next"
JSON = {"Content-Type": "application/json"}
TAKEN = Answer(202, JSON, b'{"status":"OK"}', "Accepted")


class Recorder:
    """``refusals`` are answers to posts, in order; after those, posts are taken.

    ``idle`` is set when an event is asked for and there is none left. ``/hold?bytes=7`` is answered
    once the body that is coming in is as long: whoever asks knows then that nothing is held back
    on its way. ``/hold?answers=1`` is answered once so many answers came. No hold is kept.
    """

    def __init__(self, events, refusals=(), chunked=False, seconds=60):
        self.requests = []
        self.idle = threading.Event()
        self._over = threading.Event()
        self._events = list(enumerate(events, 1))
        self._refusals = list(refusals)
        self._chunked = chunked
        self._deadline = int((time.time() + seconds) * 1000)
        self._current = None
        self._handed = False
        self._news = threading.Condition()
        self._arrived = {"bytes": 0, "answers": 0}
        self._server = RawServer(self._answer, self._heard)
        self.address = self._server.address

    def close(self):
        self._over.set()
        with self._news:
            self._news.notify_all()
        self._server.close()

    def _heard(self, request):
        self._arrive("bytes", sum(map(len, request.chunks)))

    def _arrive(self, what, number):
        with self._news:
            self._arrived[what] = number
            self._news.notify_all()

    def _answer(self, request):
        if request.path.startswith("/hold?"):
            return self._hold(*request.path.removeprefix("/hold?").split("="))
        self.requests.append(request)
        if (request.method, request.path) == ("GET", NEXT):
            return self._next()
        if request.path.startswith(RUNTIME) and request.method == "POST":
            answer = self._refusals.pop(0) if self._refusals else self._taken(request)
            self._arrive("answers", self._arrived["answers"] + 1)
            return answer
        return other(request)

    def _hold(self, what, number):
        with self._news:
            self._news.wait_for(lambda: self._arrived[what] >= int(number) or self._over.is_set())
        return Answer(200)

    def _next(self):
        if not self._events:
            self.idle.set()
            self._over.wait()
            return None
        number, event = self._events.pop(0)
        self._handed, self._current = True, f"r-{number}"
        headers = {
            **JSON,
            "Lambda-Runtime-Aws-Request-Id": self._current,
            "Lambda-Runtime-Deadline-Ms": self._deadline,
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:1:function:hello",
            "Lambda-Runtime-Trace-Id": f"Root=1-2-3;Parent=53995c3f42cd8ad8;Sampled={number % 2}",
            "Lambda-Runtime-Client-Context": '{"custom":{"k":"v"},"env":{},"client":{}}',
            "Lambda-Runtime-Invocation-Id": f"i-{number}",
            "lambda-runtime-NEWS-of-tomorrow": "1,  2",
        }
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        return Answer(200, headers, body, "OK", self._chunked)

    def _taken(self, request):
        if request.path == f"{RUNTIME}/init/error":
            return refusal(403, "InvalidStateTransition") if self._handed else TAKEN
        if request.path.split("/")[-2] != self._current:
            return refusal(400, "InvalidRequestID")
        self._current = None
        return TAKEN


def refusal(status, kind, reason="Status"):
    body = json.dumps({"errorMessage": "by the Runtime API", "errorType": kind}).encode()
    return Answer(status, {**JSON, "X-Amzn-Says": "no"}, body, reason)


def other(request):
    """Extensions, telemetry, and what is on no path."""
    if request.path.endswith("/extension/register"):
        headers = {**JSON, "Lambda-Extension-Identifier": "0f1e-2d3c"}
        return Answer(200, headers, b'{"functionName":"hello","handler":"h"}', "OK")
    if request.path.endswith("/extension/event/next"):
        event = b'{"eventType":"INVOKE","deadlineMs":1,"requestId":"r-1"}'
        headers = {**JSON, "Lambda-Extension-Event-Identifier": "e-1"}
        return Answer(200, headers, event, "OK", chunked=True)
    if request.path.startswith(("/2022-07-01/telemetry", "/2020-08-15/logs")):
        return Answer(200, {"Content-Type": "text/plain; charset=utf-8"}, b"OK", "OK")
    if request.path == "/2018-06-01/ping":
        return Answer(200, {}, b"pong", "OK")
    return Answer(404, {"content-TYPE": "text/plain"}, b"404 page not found\n", "Not Here")
