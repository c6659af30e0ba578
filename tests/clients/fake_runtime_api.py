"""A Runtime API for tests: hands out a list of events, keeps what is posted.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import http.client
import http.server
import threading

PREFIX = "/2018-06-01/runtime"

# AWS's client puts whole stack traces into a header, for X-Ray.
http.client._MAXLINE = 1 << 21


class FakeRuntimeApi:
    """Serves on a free port of the loopback interface while the ``with`` block runs.

    ``events`` are pairs of headers and body. When they have all been handed out,
    a further GET next sets ``idle`` and is held back until the block ends.
    ``statuses`` gives the statuses for posts, in order; after those, 202.
    """

    def __init__(self, events, statuses=(), chunked=False, close_after_each=False):
        self.events = list(events)
        self.statuses = list(statuses)
        self.chunked = chunked
        self.close_after_each = close_after_each
        # (path, headers with lower-case names, body); a trailer is "trailer name" among the headers
        self.posts = []
        self.connections = 0
        self.idle = threading.Event()
        self._over = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.api = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def address(self):
        """What goes into AWS_LAMBDA_RUNTIME_API."""
        return "127.0.0.1:%d" % self._server.server_address[1]

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait_over(self):
        """Hold a GET next back."""
        self.idle.set()
        self._over.wait()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self):
        super().setup()
        self.server.api.connections += 1

    def log_message(self, *arguments):
        pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def do_GET(self):
        api = self.server.api
        if self.path != PREFIX + "/invocation/next":
            return self._reply(404, {}, b"")
        if not api.events:
            api.wait_over()
            self.close_connection = True
            return None
        headers, body = api.events.pop(0)
        return self._reply(200, headers, body)

    def do_POST(self):
        api = self.server.api
        headers = {name.lower(): value for name, value in self.headers.items()}
        if headers.get("transfer-encoding") == "chunked":
            body, trailers = self._read_chunks()
            headers.update(("trailer " + name, value) for name, value in trailers.items())
        else:
            body = self.rfile.read(int(headers.get("content-length", 0)))
        api.posts.append((self.path[len(PREFIX) :], headers, body))
        status = api.statuses.pop(0) if api.statuses else 202
        self._reply(status, {"Content-Type": "application/json"}, b'{"status":"fake"}')

    def _read_chunks(self):
        body = b""
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            if size == 0:
                break
            body += self.rfile.read(size)
            self.rfile.readline()
        trailers = http.client.parse_headers(self.rfile)
        return body, {name.lower(): value for name, value in trailers.items()}

    def _reply(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.server.api.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            half = len(body) // 2
            chunks = [chunk for chunk in (body[:half], body[half:]) if chunk] + [b""]
            body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        # Without telling the client, as a server does whose idle time is over.
        self.close_connection = self.server.api.close_after_each
