"""A way to a server that can break."""

import socket
import struct
import threading

# With this, closing a socket is a reset.
AT_ONCE = struct.pack("ii", 1, 0)


class Proxy:
    """Passes connections on until they are broken; new ones always work."""

    def __init__(self):
        self._server = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock = threading.Lock()
        self._pairs = []
        self._silent = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def leads_to(self, url):
        """Where; from the first connection on."""
        host, port = url.removeprefix("http://").split(":")
        self._server = (host, int(port))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._listener.close()
        self.reset()
        for end in self._silent:
            end.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            pair = (client, socket.create_connection(self._server))
            for end in pair:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._pairs.append(pair)
            for source, target in (pair, pair[::-1]):
                threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source, target):
        try:
            while data := source.recv(65536):
                if source not in self._silent:
                    target.sendall(data)
            if source not in self._silent:
                target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # It was reset.

    def _take(self):
        with self._lock:
            pairs, self._pairs = self._pairs, []
        return pairs

    def reset(self):
        """Breaks what is connected so that both ends are told; how many there were."""
        pairs = self._take()
        for pair in pairs:
            for end in pair:
                try:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # It has ended by itself.
                end.close()
        return len(pairs)

    def silence(self):
        """Breaks it as a lost route does: nobody is told, and nothing arrives any more."""
        pairs = self._take()
        for pair in pairs:
            self._silent.update(pair)
        return len(pairs)
