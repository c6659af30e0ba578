"""A browser without a window: Chromium, by its own debugging protocol.

<https://chromedevtools.github.io/devtools-protocol/>
"""

import contextlib
import http.server
import itertools
import json
import os
import shutil
import threading

from websockets.sync.client import connect

from .processes import Process
from .surroundings import PATIENCE, environment

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

# A cold disk and a busy machine.
TO_START = 60


class Browser:
    """One that is started for a module's stories."""

    def __init__(self, folder):
        command = [
            CHROMIUM,
            "--headless=new",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            # There is no desktop to talk to, and nobody who reads that there is none.
            "--log-level=3",
            "--remote-debugging-port=0",
            f"--user-data-dir={folder}",
            # Chromium does not sandbox itself for root, and nothing is visited but our own pages.
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            "about:blank",
        ]
        self._ending = contextlib.ExitStack()
        self.process = Process("chromium", command, env=environment(HOME=str(folder)))
        self._ending.callback(self.process.close)
        try:
            address = self.process.wait_until(self._address, "an address of chromium's", TO_START)
            how = {"max_size": None, "open_timeout": PATIENCE}
            self._socket = self._ending.enter_context(connect(address, **how))
        except BaseException:
            self.close()
            raise
        self._numbers = itertools.count(1)

    def _address(self):
        for line in self.process.stderr:
            _, found, address = line.partition("DevTools listening on ")
            if found:
                return address.strip()
        return None

    def call(self, method, session=None, **parameters):
        """A call of the protocol's, and its result."""
        number = self.send(method, session, **parameters)
        answer = self._await(lambda it: it.get("id") == number)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def send(self, method, session=None, **parameters):
        """The same, and its answer is left to come."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self._socket.send(json.dumps(message))
        return number

    def _await(self, is_wanted):
        while True:
            message = json.loads(self._socket.recv(timeout=PATIENCE))
            if is_wanted(message):
                return message

    def page(self, url):
        """The page of an origin, loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        self.call("Page.enable", session)
        self.send("Page.navigate", session, url=url)
        # A script that ran before this would run in the empty page.
        self._await(lambda it: _is(it, "Page.frameNavigated") and _goes(it) == f"{url}/")
        self._await(lambda it: _is(it, "Page.loadEventFired"))
        return page

    def close(self):
        self._ending.close()


def _is(message, event):
    return message.get("method") == event


def _goes(message):
    return message["params"]["frame"]["url"]


class Page:
    """What runs in it is a script of its own."""

    def __init__(self, browser, session):
        self._browser = browser
        self._session = session

    def run(self, script):
        """The value of an expression, when its promise has been kept."""
        result = self._browser.call(
            "Runtime.evaluate",
            self._session,
            expression=script,
            awaitPromise=True,
            returnByValue=True,
        )
        thrown = result.get("exceptionDetails")
        assert not thrown, thrown["exception"].get("description") or thrown
        return result["result"].get("value")


class Site:
    """An empty page at an origin of its own."""

    def __init__(self):
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Somebody's page</title>")

    def log_message(self, *_):
        pass
