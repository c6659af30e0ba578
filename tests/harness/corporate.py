"""A network as companies have it: a proxy for everything, which may look into TLS."""

import base64
import socket
import ssl
import threading
from xml.sax.saxutils import escape

import trustme

# An API has a host name of its own there.
SOCKET_HOST = "api.execute-api.us-east-1.amazonaws.com"


class Server:
    """Threads that serve what connects, on a port of 127.0.0.1."""

    def __init__(self, context=None):
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self._open = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._listener.close()
        for end in list(self._open):
            _close(end)

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            if self._context:
                client = self._context.wrap_socket(client, server_side=True)
            self._open.add(client)
            self.serve(client)
        except OSError:
            pass  # Whoever came does not trust us, or has left.
        finally:
            _close(client)
            self._open.discard(client)

    def join(self, client, address, head=b""):
        """Passes bytes on, both ways, until both ends have ended; ``head`` has been read already."""
        server = socket.create_connection(address)
        self._open.add(server)
        server.sendall(head)
        back = threading.Thread(target=_pump, args=(server, client), daemon=True)
        back.start()
        _pump(client, server)
        back.join()
        _close(server)
        self._open.discard(server)


def _pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        _close(source)
        _close(target)


def _close(end):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    end.close()


class Proxy(Server):
    """An HTTP proxy that leads whoever asks to one server, by CONNECT or without TLS.

    ``user`` is what it asks for (``name:password``), ``refuses`` the status with which it answers
    for some hosts (none: it never answers), ``authority`` who vouches for it where it is spoken to
    with TLS.
    """

    def __init__(self, leads_to, user=None, refuses=None, authority=None):
        self.asked_for = []
        self._leads_to = leads_to
        self._user = user
        self._refuses = refuses or {}
        self._scheme = "http"
        context = None
        if authority:
            self._scheme = "https"
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            authority.issue_cert("127.0.0.1").configure_cert(context)
        super().__init__(context)

    def url(self, user=None):
        at = f"{user}@" if user else ""
        return f"{self._scheme}://{at}127.0.0.1:{self.address[1]}"

    def hosts(self):
        return {it.rpartition(":")[0] for it in self.asked_for}

    def serve(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            data = client.recv(4096)
            if not data:
                return
            head += data
        lines = head.decode().split("\r\n")
        method, target, _ = lines[0].split(" ")
        pairs = (line.split(": ", 1) for line in lines[1:] if ": " in line)
        headers = {name.lower(): value for name, value in pairs}
        status = self._status(target, headers.get("proxy-authorization"))
        self.asked_for.append(target)
        if status is None:
            client.recv(1)  # Until whoever came has had enough.
            return
        if status != 200 or method == "CONNECT":
            client.sendall(f"HTTP/1.1 {status} So\r\nContent-Length: 0\r\n\r\n".encode())
        if status == 200:
            self.join(client, self._leads_to, b"" if method == "CONNECT" else head)

    def _status(self, target, authorization):
        if self._user:
            wanted = "Basic " + base64.b64encode(self._user.encode()).decode()
            if authorization != wanted:
                return 407
        return self._refuses.get(target.rpartition(":")[0], 200)


class LooksIntoTls(Server):
    """Whatever host it is taken for, it has a certificate for it, by its own authority."""

    def __init__(self, authority, cloud):
        self._authority = authority
        self._cloud = _address(cloud.endpoint)
        self._sockets = _address(cloud.outputs()["WebSocketUrl"])
        self._contexts = {}
        context = self._for("127.0.0.1")
        context.sni_callback = self._choose
        super().__init__(context)

    def _for(self, host):
        if host not in self._contexts:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._authority.issue_cert(host).configure_cert(context)
            self._contexts[host] = context
        return self._contexts[host]

    def _choose(self, client, host, _context):
        client.context = self._for(host)
        client.wanted = host

    def serve(self, client):
        host = getattr(client, "wanted", None)
        self.join(client, self._sockets if host == SOCKET_HOST else self._cloud)


def _address(url):
    host, port = url.split("//")[1].split("/")[0].split(":")
    return host, int(port)


def authority(folder):
    """A certificate authority, and the file with its certificate."""
    made = trustme.CA()
    path = folder / "authority.pem"
    made.cert_pem.write_to_path(str(path))
    return made, path


def secure_outputs(cloud, **changed):
    """The helper stack's outputs as AWS has them: its WebSocket is reached with TLS."""
    outputs = cloud.outputs() | {"WebSocketUrl": f"wss://{SOCKET_HOST}/live"} | changed
    members = "".join(
        f"<member><OutputKey>{key}</OutputKey><OutputValue>{escape(value)}</OutputValue></member>"
        for key, value in outputs.items()
        if value is not None
    )
    body = (
        "<DescribeStacksResponse><DescribeStacksResult><Stacks><member>"
        "<StackName>tether</StackName><StackStatus>CREATE_COMPLETE</StackStatus>"
        "<CreationTime>2026-01-01T00:00:00Z</CreationTime>"
        f"<Outputs>{members}</Outputs></member></Stacks></DescribeStacksResult>"
        "</DescribeStacksResponse>"
    )
    effect = {"kind": "answer", "body": body}
    return cloud.fault("cloudformation", effect, action="DescribeStacks")
