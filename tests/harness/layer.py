"""The layer's bootstrap on its own: in front of a runtime, behind a Runtime API of ours."""

import json
import pathlib
import platform
import queue
import sys
import time

from .processes import Process
from .raw_http import Answer, RawServer
from .surroundings import PATIENCE, ROOT

RUNTIME = pathlib.Path(__file__).with_name("runtime.py")
ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}

# STS comes first, and nothing comes after it.
DENIED = b"""<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not you</Message></Error>
<RequestId>r</RequestId></ErrorResponse>"""

# While attached a function has Lambda's largest timeout.
ATTACHED_TIMEOUT = 900


def bootstrap():
    folder = f"layer-{ARCHITECTURES[platform.machine().lower()]}"
    path = ROOT / "helper-stack" / "build" / folder / "tether-bootstrap"
    assert path.is_file(), f"{path} is not built: run `make layer`"
    return path


def unwrapped(runtime_api):
    """The environment that Lambda gives to a function nobody is attached to."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_LAMBDA_FUNCTION_NAME": "hello",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
    }


def instrumented(aws, own_timeout):
    """What is added to it while somebody is attached."""
    config = {
        "r": "arn:aws:iam::123456789012:role/layer",
        "x": "external",
        "s": "Sessions",
        "d": "Debugger",
        "u": aws,
        "t": own_timeout,
    }
    return {
        "AWS_LAMBDA_EXEC_WRAPPER": "/opt/tether-bootstrap",
        "DEBUGGER_SESSION_ID": "s-1",
        "DEBUGGER_CONNECTION_ID": "c=",
        "DEBUGGER_CONFIG": json.dumps(config),
    }


class Denial:
    """AWS that denies every call, which it keeps."""

    def __init__(self):
        self.calls = []
        self._server = RawServer(self._deny)
        self.url = f"http://{self._server.address}"

    def _deny(self, request):
        self.calls.append(request.path)
        return Answer(403, {"Content-Type": "text/xml"}, DENIED)

    def close(self):
        self._server.close()


class Layer(Process):
    """The bootstrap of an instrumented function whose session cannot be looked up.

    AWS denies every call, unless a story has another ``endpoint`` for it. ``command`` is the
    bootstrap where it is not the one of this machine.
    """

    def __init__(self, own_timeout=3, arguments=(), endpoint=None, command=None, **variables):
        self.requests = []
        self._events = queue.Queue()
        self._asked = 0
        self.api = RawServer(self._answer)
        self._aws = Denial()
        self.denied = self._aws.calls
        environment = {
            **unwrapped(self.api.address),
            **instrumented(self._aws.url, own_timeout),
            "AWS_ENDPOINT_URL": endpoint or self._aws.url,
            **variables,
        }
        command = [*(command or [bootstrap()]), sys.executable, RUNTIME, *arguments]
        super().__init__("layer", command, environment)

    # ---- the Runtime API in front of it

    def _answer(self, request):
        if request.path.endswith("/invocation/next"):
            with self._news:
                self._asked += 1
                self._news.notify_all()
            return self._events.get()
        self.requests.append(request)
        with self._news:
            self._news.notify_all()
        if "/runtime/" in request.path:
            return Answer(202, {"Content-Type": "application/json"}, b'{"status":"OK"}')
        return Answer(
            207, {"X-Passed": "through", "Content-Type": "text/plain"}, b"of " + request.body
        )

    def send(self, event, request_id="r-1", seconds=ATTACHED_TIMEOUT):
        """Hands an event out, and says by when it has to be answered."""
        deadline = int((time.time() + seconds) * 1000)
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": deadline,
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:1:function:hello",
            "Lambda-Runtime-Trace-Id": "Root=1-2-3",
        }
        self._events.put(Answer(200, headers, json.dumps(event).encode()))
        return deadline

    def wait_for_next(self, count=1):
        """Until it has asked for this many events."""
        self.wait_until(lambda: self._asked >= count, f"GET next number {count}")

    def request_to(self, path, timeout=PATIENCE):
        """The request that came for this path."""

        def look():
            return next((it for it in self.requests if it.path == path), None)

        return self.wait_until(look, f"request to {path}", timeout)

    def answer_to(self, request_id="r-1", kind="response", timeout=PATIENCE):
        return self.request_to(f"/2018-06-01/runtime/invocation/{request_id}/{kind}", timeout)

    def close(self):
        self._events.put(None)
        self._events.put(None)
        super().close()
        self.api.close()
        self._aws.close()
