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


@dataclass
class Answer:
    status: int = 200
    headers: dict = field(default_factory=dict)
    body: bytes = b""


class RawServer:
    """Answers each request with what ``answer(request)`` returns; none: it hangs up."""

    def __init__(self, answer):
        self._answer = answer
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
                while request := read_request(stream):
                    answer = self._answer(request)
                    if answer is None:
                        return
                    connection.sendall(rendered(answer))
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


def rendered(answer):
    head = [f"HTTP/1.1 {answer.status} Status"]
    head += [f"{name}: {value}" for name, value in answer.headers.items()]
    head.append(f"Content-Length: {len(answer.body)}")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + answer.body


def read_request(stream):
    line = stream.readline()
    if not line:
        return None
    method, path, _ = line.decode().split(" ", 2)
    request = Request(method, path, read_fields(stream))
    if "chunked" in request.headers.get("transfer-encoding", "").lower():
        request.chunks = list(read_chunks(stream))
        request.trailers = read_fields(stream)
        request.body = b"".join(request.chunks)
    else:
        request.body = stream.read(int(request.headers.get("content-length", 0)))
    return request


def read_fields(stream):
    """Headers or trailers, to the empty line."""
    fields = {}
    while line := stream.readline().strip():
        name, _, value = line.decode().partition(":")
        fields[name.lower()] = value.strip()
    return fields


def read_chunks(stream):
    while size := int(stream.readline().split(b";")[0], 16):
        yield stream.read(size)
        stream.readline()
