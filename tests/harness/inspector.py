"""A client of the Chrome DevTools protocol, as an editor is one to Node.

https://chromedevtools.github.io/devtools-protocol/v8/Debugger/
"""

import base64
import contextlib
import json
import urllib.request

from websockets.sync.client import connect

from .surroundings import PATIENCE

# Base 64 of a source map's numbers: five bits each, and one that says that there are more.
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


class Inspector:
    """Attached to Node at the port of a ``debugger`` event, found as editors find it."""

    def __init__(self, host, port):
        with urllib.request.urlopen(f"http://{host}:{port}/json/list", timeout=PATIENCE) as answer:
            (target,) = json.load(answer)
        self.url = target["webSocketDebuggerUrl"]
        # Scripts pass by with their source maps.
        self._life = contextlib.ExitStack()
        opening = connect(self.url, compression=None, max_size=None, open_timeout=PATIENCE)
        self._socket = self._life.enter_context(opening)
        self._asked = 0
        self._events = []
        self.scripts = {}
        self.ask("Runtime.enable")
        self.ask("Debugger.enable")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._life.close()

    def _next(self, what):
        try:
            message = json.loads(self._socket.recv(timeout=PATIENCE))
        except TimeoutError:
            raise AssertionError(f"inspector: no {what} in {PATIENCE} s") from None
        if message.get("method") == "Debugger.scriptParsed":
            script = message["params"]
            self.scripts[script["scriptId"]] = script
        return message

    def send(self, method, **params):
        self._asked += 1
        self._socket.send(json.dumps({"id": self._asked, "method": method, "params": params}))

    def ask(self, method, **params):
        self.send(method, **params)
        while True:
            message = self._next(f"answer to {method}")
            if message.get("id") == self._asked:
                assert "error" not in message, message
                return message["result"]
            self._events.append(message)

    def wait_for(self, method):
        while True:
            message = self._events.pop(0) if self._events else self._next(method)
            if message.get("method") == method:
                return message["params"]

    # ---- what an editor does

    def go(self):
        """Lets a process run that waits for its debugger."""
        self.ask("Runtime.runIfWaitingForDebugger")

    def break_at(self, path, line):
        """``line``: counted from 1, as editors do."""
        url = f"file://{path}"
        return self.ask("Debugger.setBreakpointByUrl", url=url, lineNumber=line - 1)

    def stopped(self):
        """Waits for a stop: the frame on top, with the script's URL and the line from 1."""
        paused = self.wait_for("Debugger.paused")
        frame = paused["callFrames"][0]
        location = frame["location"]
        url = self.scripts[location["scriptId"]]["url"]
        return {**frame, "url": url, "line": location["lineNumber"] + 1, "hit": paused["hitBreakpoints"]}

    def evaluate(self, frame, expression):
        result = self.ask(
            "Debugger.evaluateOnCallFrame", callFrameId=frame["callFrameId"], expression=expression
        )
        return result["result"]["value"]

    def resume(self):
        self.ask("Debugger.resume")

    def generated(self, source, line):
        """Where a line of a source is in a script that has passed by: its URL and line from 1."""
        for script in self.scripts.values():
            url = script.get("sourceMapURL", "")
            if not url.startswith("data:"):
                continue
            found = _map(json.loads(base64.b64decode(url.partition(",")[2])), source, line - 1)
            if found is not None:
                return script["url"], found + 1
        raise AssertionError(f"no script is made of {source}: {sorted(self.urls())}")

    def urls(self):
        return {it["url"] for it in self.scripts.values()}


def _map(source_map, name, line):
    """The first generated line of a source's line, both from 0."""
    source = original = 0
    for generated, segments in enumerate(source_map["mappings"].split(";")):
        for segment in filter(None, segments.split(",")):
            numbers = _numbers(segment)
            if len(numbers) < 4:
                continue
            source += numbers[1]
            original += numbers[2]
            if original == line and source_map["sources"][source].endswith(name):
                return generated
    return None


def _numbers(segment):
    numbers, value, shift = [], 0, 0
    for digit in map(DIGITS.index, segment):
        value |= (digit & 31) << shift
        shift += 5
        if digit < 32:
            numbers.append(-(value >> 1) if value & 1 else value >> 1)
            value = shift = 0
    return numbers
