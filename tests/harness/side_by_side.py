"""One command twice: alone behind a Runtime API, and with the layer's bootstrap in front of it."""

import fcntl
import os
import re
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from .layer import Denial, bootstrap, instrumented, unwrapped
from .recorder import NEXT, RUNTIME, Recorder
from .surroundings import PATIENCE

# Of one connection only; the host is looked at by itself.
HOP_BY_HOP = {"connection", "keep-alive", "te", "host"}
# tether's own lines: the log has them besides what the function says.
OURS = re.compile(rb"^tether: [^\n]*\n", re.M)
FRAME = re.compile(rb"\xa5\x5a\x00[\x02-\x1b]")


@dataclass
class Case:
    """What a command is given, and when it is over.

    It is over when it ends by itself, or when all events are answered and it asks for more; with
    ``until`` only once that stands in its output. Then ``end`` is sent to it. ``start`` is what
    starts it, or the bootstrap in front of it.
    """

    command: list
    events: list = field(default_factory=list)
    start: list = field(default_factory=list)
    refusals: list = field(default_factory=list)
    variables: dict = field(default_factory=dict)
    cwd: str | None = None
    until: bytes = b""
    end: int = signal.SIGKILL
    chunked: bool = False
    own_timeout: int = 60


@dataclass
class Outcome:
    requests: list
    address: str
    code: int
    stdout: bytes
    stderr: bytes
    log: bytes
    log_descriptor: int


class Sink:
    """The reading end of a pipe, read to its end."""

    def __init__(self, news):
        self._news = news
        self.bytes = b""
        self._reading, low = os.pipe()
        # Out of the way of descriptors that a case gives a meaning to.
        self.writing = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, 100)
        os.close(low)
        self._thread = threading.Thread(target=self._read, daemon=True)

    def start(self):
        """Once whoever writes has its own copy of the writing end."""
        os.close(self.writing)
        self._thread.start()

    def _read(self):
        with open(self._reading, "rb", buffering=0) as stream:
            while some := stream.read(65536):
                with self._news:
                    self.bytes += some
                    self._news.notify_all()

    def all(self):
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "somebody still holds a pipe"
        return self.bytes


def run(case, wrapped):
    api = Recorder(case.events, case.refusals, case.chunked)
    aws = Denial()
    try:
        environment = {**unwrapped(api.address), "AWS_ENDPOINT_URL": aws.url, **case.variables}
        command = [str(word) for word in case.command]
        if wrapped:
            environment.update(instrumented(aws.url, case.own_timeout))
            command.insert(0, str(bootstrap()))
        return follow(case, api, [*case.start, *command], environment)
    finally:
        api.close()
        aws.close()


def follow(case, api, command, environment):
    news = threading.Condition()
    sinks = [Sink(news) for _ in range(3)]
    out, err, log = sinks
    environment["_LAMBDA_TELEMETRY_LOG_FD"] = str(log.writing)
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=case.cwd,
        stdin=subprocess.DEVNULL,
        stdout=out.writing,
        stderr=err.writing,
        pass_fds=[log.writing],
        start_new_session=True,
    )
    for sink in sinks:
        sink.start()
    threading.Thread(target=lambda: (process.wait(), api.idle.set()), daemon=True).start()
    try:
        in_time = api.idle.wait(PATIENCE)
        with news:
            said = news.wait_for(lambda: case.until in out.bytes + err.bytes, PATIENCE)
        if process.poll() is None and in_time and said and case.end != signal.SIGKILL:
            process.send_signal(case.end)
            process.wait(PATIENCE)
    finally:
        end_session(process)
    texts = [sink.all() for sink in sinks]
    assert in_time and said, f"still busy after {PATIENCE} s: {texts}"
    return Outcome(api.requests, api.address, process.returncode, *texts, log.writing)


def end_session(process):
    """All of it at once, as Lambda does it: nobody sees another end."""
    try:
        os.killpg(process.pid, signal.SIGSTOP)
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait(PATIENCE)


def side_by_side(case):
    """Outcomes alone and wrapped, from runs at the same time."""
    with ThreadPoolExecutor(2) as pool:
        alone, wrapped = pool.map(lambda it: run(case, it), [False, True])
    return alone, wrapped


# ---- comparing


def comparable_request(request, address):
    """Method and path, the head's fields, the body and its framing, and trailers.

    Names of fields keep their case. Their order does not count, unless they have the same name.
    """
    line, *lines = request.head.decode("latin-1").split("\r\n")
    pairs = [tuple(part.strip() for part in it.split(":", 1)) for it in lines if it]
    hosts = [value for name, value in pairs if name.lower() == "host"]
    assert hosts == [address], f"{line}: host {hosts} is not {address}"
    kept = [(name, value) for name, value in pairs if name.lower() not in HOP_BY_HOP]
    kept.sort(key=lambda it: it[0].lower())
    return line.rsplit(" ", 1)[0], kept, request.trailers, request.body


def comparable_requests(outcome):
    """In their order, but for the first `next`: tether asks for it before it starts anything."""
    requests = list(outcome.requests)
    first = next((it for it in requests if (it.method, it.path) == ("GET", NEXT)), None)
    if first:
        requests.remove(first)
    return [comparable_request(it, outcome.address) for it in requests]


def timeless(text):
    """Without times, and without addresses in memory, of which crashes print some."""
    text = re.sub(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d([.,]\d{3})?Z?", b"<time>", text)
    text = re.sub(rb"\[\d{13}\]", b"[<time>]", text)
    return re.sub(rb"\b0x[0-9a-f]+", b"<address>", text)


def frames(log):
    """Kind, length and text of each frame; its time is left out."""
    found = []
    while log:
        assert FRAME.match(log), f"no frame: {log[:80]}"
        length = int.from_bytes(log[4:8], "big")
        found.append((log[:8], timeless(log[16 : 16 + length])))
        log = log[16 + length :]
    return found


def comparable(outcome):
    return {
        "requests": comparable_requests(outcome),
        "stdout": timeless(outcome.stdout),
        "stderr": timeless(OURS.sub(b"", outcome.stderr)),
        "log": frames(outcome.log),
        "code": outcome.code,
    }


def assert_same(alone, wrapped):
    """Every aspect by its name, so that a failure says what differs."""
    assert OURS.search(wrapped.stderr), "tether was not there"
    expected, found = comparable(alone), comparable(wrapped)
    assert [it[:2] for it in found["requests"]] == [it[:2] for it in expected["requests"]]
    for aspect, value in expected.items():
        assert found[aspect] == value, f"{aspect}: {found[aspect]} is not {value}"[:2000]


# ---- a child that cannot start


def as_error_of_the_invocation(outcome):
    """What an unwrapped function's init error comes to when it is the first event's error."""
    requests = comparable_requests(outcome)
    moved = f"POST {RUNTIME}/invocation/r-1/error"
    return [
        (moved, with_invocation_id(pairs), *rest)
        for line, pairs, *rest in requests
        if line == f"POST {RUNTIME}/init/error"
    ]


def with_invocation_id(pairs):
    return sorted([*pairs, ("lambda-runtime-invocation-id", "i-1")], key=lambda it: it[0].lower())

