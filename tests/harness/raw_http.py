"""An HTTP/1.1 server on raw sockets: it keeps every byte that a story asks about.

``http.server`` knows neither trailers nor where one chunk ends.
"""

import socket
import threading
from dataclasses import dataclass, field


@dataclass
class Request:
    method: str
    path: str
    headers: dict  # Names in lower case.
    body: bytes = b""
    chunks: list = field(default_factory=list)
    trailers: dict = field(default_factory=dict)
    head: bytes = b""  # All of it, as it came.


@dataclass
class Answer:
    status: int = 200
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    reason: str = "Status"
    chunked: bool = False


class RawServer:
    """Answers each request with what ``answer(request)`` returns; none: it hangs up.

    ``heard(request)`` is told of every chunk of a body as it comes.
    """

    def __init__(self, answer, heard=None):
        self._answer = answer
        self._heard = heard
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock = threading.Lock()
        self._sockets = [self._listener]
        self._threads = []
        self._spawn(self._accept)

    def _spawn(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._sockets.append(connection)
                self._spawn(self._serve, connection)

    def _serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            try:
                while request := read_request(stream, connection, self._heard):
                    answer = self._answer(request)
                    if answer is None:
                        return
                    connection.sendall(rendered(answer, request.method == "HEAD"))
            except (OSError, ValueError):
                return

    def close(self):
        with self._lock:
            for it in self._sockets:
                try:
                    it.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                if it is self._listener:
                    it.close()
        for thread in self._threads:
            thread.join(5)


def rendered(answer, without_body=False):
    head = [f"HTTP/1.1 {answer.status} {answer.reason}"]
    head += [f"{name}: {value}" for name, value in answer.headers.items()]
    body = answer.body
    if answer.chunked:
        head.append("Transfer-Encoding: chunked")
        body = (b"%x\r\n%s\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    else:
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + (b"" if without_body else body)


def read_request(stream, connection=None, heard=None):
    """The next request; none: it was the last. On ``connection`` the body is asked for."""
    head = b"".join(read_lines(stream))
    if not head:
        return None
    line, *rest = head.splitlines()
    method, path, _ = line.decode().split(" ", 2)
    request = Request(method, path, fields(rest), head=head)
    if connection and request.headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if "chunked" in request.headers.get("transfer-encoding", "").lower():
        for chunk in read_chunks(stream):
            request.chunks.append(chunk)
            if heard:
                heard(request)
        request.trailers = read_fields(stream)
        request.body = b"".join(request.chunks)
    else:
        request.body = stream.read(int(request.headers.get("content-length", 0)))
    return request


def read_lines(stream):
    """To the empty line; fewer at the end of the stream."""
    while line := stream.readline():
        yield line
        if not line.strip():
            return


def read_fields(stream):
    """Headers or trailers, to the empty line."""
    return fields(read_lines(stream))


def fields(lines):
    pairs = (line.decode("latin-1").partition(":") for line in lines if line.strip())
    return {name.lower(): value.strip() for name, _, value in pairs}


def read_chunks(stream):
    while size := int(stream.readline().split(b";")[0], 16):
        yield stream.read(size)
        stream.readline()
