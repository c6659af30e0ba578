"""Handlers of the corpus: ``handler`` does what its event says."""

import os
import signal
import subprocess
import sys
import threading
import urllib.request

count = 0
here = os.environ["AWS_LAMBDA_RUNTIME_API"]


def counted(event):
    global count
    count += 1
    return count


def raw_bytes(event):
    sys.stdout.buffer.write(b"\xff\xfe\x00 out\n")
    sys.stdout.buffer.flush()
    os.write(2, b"\xc3\n partial")
    os.write(1, b"a partial last line")


def child(event):
    command = "echo from a child; echo its error >&2; exit 3"
    return subprocess.run(["sh", "-c", command], check=False).returncode


def late(event):
    """Says something once its answer has arrived."""
    number = event["number"]

    def work():
        with urllib.request.urlopen(f"http://{here}/hold?answers={number}"):
            os.write(1, b"late: %d\n" % number)

    threading.Thread(target=work).start()
    return "answered"


def die(event):
    os.write(1, b"about to die")
    os.kill(os.getpid(), getattr(signal, event["signal"]))
    signal.pause()


def end_at_sigterm(event):
    def end(*_):
        os.write(1, b"terminated\n")
        os._exit(7)

    signal.signal(signal.SIGTERM, end)
    return os.getpid() > 0


DO = {
    "count": counted,
    "raw bytes": raw_bytes,
    "child": child,
    "late": late,
    "die": die,
    "end at sigterm": end_at_sigterm,
    "exit": lambda event: os._exit(event["code"]),
}


def handler(event, context):
    return DO[event["do"]](event)
