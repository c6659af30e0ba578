"""A client of the Debug Adapter Protocol, as an editor is one.

https://microsoft.github.io/debug-adapter-protocol/specification
"""

import json
import queue
import socket
import threading

from .surroundings import PATIENCE


class Debugger:
    """Attached to debugpy from the ``debugger`` event of ``tether attach``."""

    def __init__(self, host, port):
        self._socket = socket.create_connection((host, port), timeout=PATIENCE)
        self._socket.settimeout(None)
        self._stream = self._socket.makefile("rb")
        self._sequence = 0
        self._answers = queue.Queue()
        self._early = {}
        self._events = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def _read(self):
        try:
            while True:
                length = None
                while line := self._stream.readline().strip():
                    name, _, value = line.partition(b":")
                    if name.lower() == b"content-length":
                        length = int(value)
                if length is None:
                    return
                message = json.loads(self._stream.read(length))
                kind = self._answers if message["type"] == "response" else self._events
                kind.put(message)
        except (OSError, ValueError):
            pass  # Closed, by either side.
        finally:
            # Nothing comes any more: nobody has to wait for it.
            self._answers.put(None)
            self._events.put(None)

    def send(self, command, **arguments):
        self._sequence += 1
        request = {"seq": self._sequence, "type": "request", "command": command}
        body = json.dumps({**request, "arguments": arguments}).encode()
        self._socket.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        return self._sequence

    def answer(self, sequence):
        # Debuggers answer in an order of their own.
        while sequence not in self._early:
            message = self._take(self._answers, f"answer to request {sequence}")
            self._early[message["request_seq"]] = message
        message = self._early.pop(sequence)
        assert message["success"], message
        return message.get("body", {})

    def ask(self, command, **arguments):
        return self.answer(self.send(command, **arguments))

    def wait_for(self, event, timeout=PATIENCE):
        while True:
            message = self._take(self._events, f"event {event}", timeout)
            if message.get("event") == event:
                return message.get("body", {})

    @staticmethod
    def _take(messages, what, timeout=PATIENCE):
        try:
            message = messages.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"debugger: no {what} in {timeout} s") from None
        if message is None:
            messages.put(None)
            raise AssertionError(f"debugger: no {what}, the connection is closed")
        return message

    # ---- what an editor does

    def attach(self, breakpoints, **configuration):
        """``breakpoints``: file → lines. Returns what became of each."""
        self.ask("initialize", adapterID="debugpy", pathFormat="path", linesStartAt1=True)
        attaching = self.send("attach", justMyCode=False, **configuration)
        self.wait_for("initialized")
        verified = []
        for path, lines in breakpoints.items():
            body = self.ask(
                "setBreakpoints",
                source={"path": str(path)},
                breakpoints=[{"line": line} for line in lines],
            )
            verified += [it["verified"] for it in body["breakpoints"]]
        self.ask("configurationDone")
        self.answer(attaching)
        return verified

    def frames(self, thread):
        return self.ask("stackTrace", threadId=thread)["stackFrames"]

    def locals(self, frame):
        scopes = self.ask("scopes", frameId=frame["id"])["scopes"]
        scope = next(it for it in scopes if it["name"] == "Locals")
        listed = self.ask("variables", variablesReference=scope["variablesReference"])
        return {it["name"]: it["value"] for it in listed["variables"]}

    def evaluate(self, frame, expression):
        return self.ask("evaluate", expression=expression, frameId=frame["id"])["result"]

    def close(self):
        try:
            self.ask("disconnect", terminateDebuggee=False)
        except (OSError, AssertionError):
            pass  # It has ended by itself.
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # The other side was first.
        self._reader.join(PATIENCE)
        self._stream.close()
        self._socket.close()
