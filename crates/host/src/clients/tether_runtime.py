"""The Python side of tether: runs one Lambda handler against a Runtime API.

The host starts this file as ``python tether_runtime.py <handler>``, with or
without debugpy in front, in the folder of the function's code. It treats the
handler as the client in AWS's own Python runtimes does, so that what works here
works there, and the other way round: ``tests/clients/test_python_client*.py``
hold the two side by side and name each place where this one differs on purpose.

One file, standard library only, Python 3.8 and later. Two rules keep it out of
the way of the code that it runs:

* Few imports. A module imported here is in ``sys.modules`` before the user's own
  of the same name: with ``http.client``, which loads ``email``, a handler in
  ``email.py`` would never be found. HTTP is therefore written by hand.
* No function names of AWS's client. Monitoring libraries look for them in
  ``__main__`` to patch them, and leave alone what they do not find.
"""

import _thread
import collections
import decimal
import functools
import importlib
import json
import logging
import marshal
import os
import socket
import sys
import time
import traceback

TIMESTAMP = "%Y-%m-%dT%H:%M:%SZ"

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# Standard output and standard error as they were at the start, whatever the code
# puts into sys.stdout: on Lambda, log messages have a descriptor of their own.
OWN_STREAMS = []


def main():
    """Load the handler, then serve invocations until there is no API to ask."""
    hold_on_to_lifeline()
    # The host's word with debugpy, which has read it by now.
    os.environ.pop("DEBUGPY_ADAPTER_ENDPOINTS", None)
    name = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("_HANDLER", "")
    put_code_folder_first()
    OWN_STREAMS.append(Unbuffered(sys.stdout, "strict"))
    OWN_STREAMS.append(Unbuffered(sys.stderr, "backslashreplace"))
    sys.stdout, sys.stderr = OWN_STREAMS
    let_debugger_in()
    logs = set_up_logging()
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        handler = load_handler(name)
    except Exception as error:
        # Only Exception: a SystemExit while the module loads just ends the process.
        problem = describe(error)
        print_error(problem)
        api.fail_init(problem)
        sys.exit(1)
    while True:
        serve(api, handler, logs)


def serve(api, handler, logs):
    """Take one invocation from the API, run the handler, post the answer."""
    headers, body = api.next_invocation()
    logs.request_id = request_id = headers.get("lambda-runtime-aws-request-id", "")
    logs.tenant_id = headers.get("lambda-runtime-aws-tenant-id") or None
    # Where the X-Ray SDK reads the trace of this invocation.
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    if headers.get("lambda-runtime-trace-id"):
        os.environ["_X_AMZN_TRACE_ID"] = headers["lambda-runtime-trace-id"]
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    try:
        context = LambdaContext(headers)
        result = handler(decode_event(body, headers.get("content-type")), context)
        answer, content_type = encode_result(result)
        kind = "response"
    except Exception as error:
        # BaseException passes: sys.exit() in a handler ends the environment,
        # which Lambda reports to the caller as Runtime.ExitError.
        problem = describe(error, request_id)
        print_error(problem)
        answer, content_type, kind = to_bytes(problem), "application/json", "error"
    for stream in OWN_STREAMS:
        flush(stream)  # what was written past it, into .buffer
    api.answer(request_id, kind, answer, content_type, headers)


def hold_on_to_lifeline():
    """End when the host is gone, at a breakpoint too.

    The host keeps the other end of a pipe that is stdin here. It is put elsewhere:
    a handler finds nothing on its stdin, as on Lambda.
    """
    if os.environ.pop("TETHER_LIFELINE", None) != "stdin":
        return
    lifeline = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    wait = functools.partial(os.read, lifeline, 1)
    end = functools.partial(os._exit, 1)
    if hasattr(os, "killpg"):
        # 9 is SIGKILL. The host made this process the leader of its group.
        end = functools.partial(os.killpg, 0, 9)
    # A debugger that stops one thread stops the others at their next line of
    # Python: from the end of the wait to the end of the process there is none.
    steps = map(functools.partial.__call__, (wait, end))
    _thread.start_new_thread(collections.deque, (steps, 0))


def put_code_folder_first():
    """Import from the code folder first, and never from the folder of this file.

    https://docs.aws.amazon.com/lambda/latest/dg/python-package.html
    """
    code = os.getcwd()
    skip = [os.path.realpath(code), os.path.dirname(os.path.realpath(__file__))]
    sys.path[:] = [code] + [entry for entry in sys.path if os.path.realpath(entry) not in skip]


def let_debugger_in():
    """Connect to PyCharm's debug server, or wait for debugpy's client, if the host says so."""
    wait = os.environ.pop("TETHER_DEBUGGER_WAIT", None) == "1"
    address = os.environ.pop("TETHER_PYCHARM", None)
    if address is None:
        if wait:
            import debugpy

            debugpy.wait_for_client()
        return
    told = False
    while not connect_to_pycharm(*address.rsplit(":", 1)):
        if not told:
            text = "PyCharm's debug server does not listen at %s: start its run configuration%s"
            print(text % (address, ", which is waited for" if wait else ""), file=sys.stderr)
        told = True
        if not wait:
            return
        time.sleep(0.5)


def connect_to_pycharm(host, port):
    """Whether it listens there; then it has said that the process may run."""
    import pydevd_pycharm

    stderr = sys.stderr
    # It would print the stack of the refusal.
    sys.stderr = open(os.devnull, "w")
    try:
        pydevd_pycharm.settrace(
            host, port=int(port), suspend=False, stdout_to_server=False, stderr_to_server=False
        )
    except (OSError, SystemExit):
        return False
    finally:
        sys.stderr.close()
        sys.stderr = stderr
    return True


def load_handler(name):
    """The function that ``module.function`` or ``folder/module.function`` names.

    https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html
    """
    try:
        module_name, function_name = name.rsplit(".", 1)
    except ValueError as error:
        raise Fault("MalformedHandlerName", "Bad handler '%s': %s" % (name, error))
    if module_name.split(".")[0] in sys.builtin_module_names:
        text = "Cannot use built-in module %s as a handler module" % module_name
        raise Fault("BuiltInModuleConflict", text)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        text = "Unable to import module '%s': %s" % (module_name, error)
        raise Fault("ImportModuleError", text)
    except SyntaxError as error:
        where = '  File "%s" Line %s\n    %s' % (error.filename, error.lineno, error.text)
        text = "Syntax error in module '%s': %s" % (module_name, error)
        raise Fault("UserCodeSyntaxError", text, [where])
    try:
        return getattr(module, function_name)
    except AttributeError:
        text = "Handler '%s' missing on module '%s'" % (function_name, module_name)
        raise Fault("HandlerNotFound", text)


class Shown:
    """Prints its attributes; people print the context into their logs."""

    __slots__ = ()
    _shown = ()

    def __repr__(self):
        pairs = ["%s=%s" % (name, getattr(self, name)) for name in self._shown or self.__slots__]
        return "%s([%s])" % (type(self).__name__, ",".join(pairs))


class LambdaContext(Shown):
    """What a handler gets as its second argument.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    _shown = (
        "aws_request_id log_group_name log_stream_name function_name memory_limit_in_mb"
        " function_version invoked_function_arn client_context identity tenant_id"
    ).split()

    def __init__(self, headers):
        """Read the invocation's headers; what is per function is in the environment."""
        client = parse_header(headers, "client-context", "Client Context")
        cognito = parse_header(headers, "cognito-identity", "Cognito Identity") or {}
        self.aws_request_id = headers.get("lambda-runtime-aws-request-id", "")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn", "")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id") or None
        # The trace context travels inside the client context and is not part of it.
        w3c = client.pop("w3c", None) if isinstance(client, dict) else None
        w3c = w3c if isinstance(w3c, dict) else {}
        names = ("traceparent", "tracestate", "baggage")
        self._w3c_fields = {name: w3c[name] for name in names if isinstance(w3c.get(name), str)}
        self.client_context = fill(ClientContext(), client)
        if self.client_context is not None:
            self.client_context.client = fill(Client(), self.client_context.client)
        self.identity = CognitoIdentity()
        self.identity.cognito_identity_id = cognito.get("cognitoIdentityId")
        self.identity.cognito_identity_pool_id = cognito.get("cognitoIdentityPoolId")
        self._epoch_deadline_time_in_ms = int(headers.get("lambda-runtime-deadline-ms") or 0)

    def get_remaining_time_in_millis(self):
        """Milliseconds until the invocation times out, never below zero."""
        return max(0, self._epoch_deadline_time_in_ms - int(time.time() * 1000))

    def w3c(self):
        """The W3C trace context of the invocation."""
        return dict(self._w3c_fields)

    def log(self, message):
        """Write one log message, past the logging module and its levels."""
        write_log(str(message))


class CognitoIdentity(Shown):
    """Who called, when an app called through an Amazon Cognito identity pool."""

    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")


class ClientContext(Shown):
    """What the caller put into the ``ClientContext`` of Invoke."""

    __slots__ = ("custom", "env", "client")


class Client(Shown):
    """The mobile app that called."""

    __slots__ = (
        "installation_id app_title app_version_name app_version_code app_package_name".split()
    )


def fill(thing, values):
    """Set all that a thing has slots for, None where values lack it; no values, no thing."""
    if values is None:
        return None
    for name in thing.__slots__:
        setattr(thing, name, values.get(name))
    return thing


def parse_header(headers, name, label):
    """The JSON in a header, None when the header is missing or empty."""
    text = headers.get("lambda-runtime-" + name)
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        text = "Unable to parse %s JSON: %s" % (label, error)
        raise Fault("LambdaContextUnmarshalError", text)


class Fault(Exception):
    """An error that the runtime finds, with the name under which Lambda reports it."""

    def __init__(self, name, text, trace=()):
        super().__init__(text)
        self.error_type = "Runtime." + name
        self.trace = list(trace)


def decode_event(body, content_type):
    """The event as the handler gets it; what is not JSON stays bytes."""
    if content_type not in (None, "application/json"):
        return body
    try:
        # Not from bytes: json.loads would guess at the encoding, and be lenient.
        return json.loads(str(body[3:] if body.startswith(BYTE_ORDER_MARK) else body, "utf-8"))
    except Exception as error:
        raise Fault("UnmarshalError", "Unable to unmarshal input: %s" % error)


def encode_result(result):
    """The body to post for what the handler returned, and its content type."""
    if isinstance(result, bytes):
        return result, "application/unknown"
    try:
        return to_json(result).encode("utf-8"), "application/json"
    except RecursionError:
        # Python's own words depend on the line it happened in.
        reason = "maximum recursion depth exceeded while encoding a JSON object"
    except Exception as error:
        reason = str(error)
    raise Fault("MarshalError", "Unable to marshal response: %s" % reason)


def to_bytes(problem):
    """The body of an error. A lone surrogate must not lose it, and its escape is JSON."""
    return to_json(problem).encode("utf-8", "backslashreplace")


def to_json(value):
    """JSON as AWS's client writes it, which uses simplejson.

    The json module cannot be bent to this: it writes a namedtuple as a list and
    offers no way to write a Decimal as a number. Of what is made of Python's own
    types alone both write the same, and json many times faster; marshal refuses
    the others, and what it lets through besides, json does.
    """
    unescaped = texts_go_unescaped()
    try:
        marshal.dumps(value)
        return (UNESCAPED if unescaped else ESCAPED)(value)
    except Exception:
        pass  # a fault in the value is found again, and named as AWS's client does
    quote = json.encoder.encode_basestring if unescaped else json.encoder.encode_basestring_ascii
    parts = []
    write_value(value, quote, parts.append, set())
    return "".join(parts)


def refuse(value):
    """Of what marshal takes and JSON does not have; write_value names it."""
    raise TypeError


# With a default of their own: what code puts on the class is not asked on Lambda either.
ESCAPED = json.JSONEncoder(default=refuse).encode
UNESCAPED = json.JSONEncoder(ensure_ascii=False, default=refuse).encode


@functools.lru_cache(maxsize=None)
def texts_go_unescaped():
    """From Python 3.12 on they do.

    AWS's client goes by the managed runtime's name, not by ``sys.version``, and so
    does this one.
    """
    _, _, minor = os.environ.get("AWS_EXECUTION_ENV", "").partition("AWS_Lambda_python3.")
    return minor.isdigit() and int(minor) >= 12


def write_value(value, quote, write, parents):
    """Write one value; `parents` are the ids of what it is inside of."""
    if isinstance(value, (bytes, str)):
        write(quote(str(value, "utf-8") if isinstance(value, bytes) else value))
    elif value is None or isinstance(value, (int, float)):
        write(json.dumps(value))
    elif isinstance(value, decimal.Decimal):
        write("NaN" if value.is_nan() else str(value))
    elif id(value) in parents:
        raise ValueError("Circular reference detected")
    else:
        parents.add(id(value))
        items = value
        if hasattr(value, "_asdict") and not isinstance(value, type):
            items = value._asdict()
        if isinstance(items, dict):
            before = "{"
            for key, item in items.items():
                write(before + quote(key_text(key)) + ": ")
                write_value(item, quote, write, parents)
                before = ", "
            write("}" if items else "{}")
        elif isinstance(value, (list, tuple)):
            before = "["
            for item in value:
                write(before)
                write_value(item, quote, write, parents)
                before = ", "
            write("]" if value else "[]")
        else:
            kind = type(value).__name__
            raise TypeError("Object of type %s is not JSON serializable" % kind)
        parents.discard(id(value))


def key_text(key):
    """A dict's key as text."""
    if isinstance(key, (bytes, str)):
        return str(key, "utf-8") if isinstance(key, bytes) else key
    if key is None or isinstance(key, (int, float)):
        return json.dumps(key)
    kind = type(key).__name__
    raise TypeError("keys must be str, int, float, bool or None, not %s" % kind)


def describe(error, request_id=""):
    """The error object of Lambda, without the frames of this file.

    https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
    """
    if isinstance(error, Fault):
        error_type, trace = error.error_type, error.trace
    else:
        own = describe.__code__.co_filename
        frames = traceback.extract_tb(error.__traceback__)
        # Without columns, so that no Python adds its ^^^^ markers.
        plain = [(f.filename, f.lineno, f.name, f.line) for f in frames if f.filename != own]
        error_type, trace = type(error).__name__, traceback.format_list(plain)
    return {
        "errorMessage": str(error),
        "errorType": error_type,
        "requestId": request_id,
        "stackTrace": trace,
    }


class Unbuffered:
    """A standard stream, in UTF-8 on every system, that passes on each write at once.

    The host may end a process at any time after the answer, as Lambda may freeze
    an environment: what was printed by then must be out.
    """

    def __init__(self, stream, errors):
        """Take over a stream, which may be the debugger's stand-in for it."""
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors=errors, newline="\n")
        self.stream = stream

    def write(self, text):
        """Write and flush."""
        self.stream.write(text)
        self.stream.flush()

    def writelines(self, lines):
        """Write and flush."""
        self.write("".join(lines))

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass  # `with sys.stdout:` must not close it


def flush(stream):
    """Flush a stream that the code may have closed."""
    try:
        stream.flush()
    except ValueError:
        pass


def write_log(message):
    """Write one log message, ended by a newline.

    Lambda gives its runtimes a pipe with a frame around each message; a message
    needs no newline there to be a log event of its own. Here lines divide them.
    """
    OWN_STREAMS[0].write(message if message.endswith("\n") else message + "\n")


def json_logs():
    """Whether the function has the log format JSON.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-advanced.html
    """
    return os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"


def print_error(problem):
    """Log an error object, which happens before it is posted."""
    if json_logs():
        now = time.strftime(TIMESTAMP, time.gmtime())
        write_log(escaped(to_json({"timestamp": now, "level": "ERROR", **problem})))
        return
    message = ": " + problem["errorMessage"] if problem["errorMessage"] else ""
    lines = ["[ERROR] " + problem["errorType"] + message, "Traceback (most recent call last):"]
    for line in (line for entry in problem["stackTrace"] for line in entry.splitlines()):
        # No-break spaces for the indentation, which log viewers would trim away.
        text = line.lstrip(" ")
        lines.append("\u00a0" * (len(line) - len(text)) + text)
    write_log(escaped("\n".join(lines)))


def escaped(text):
    """A text that can be written: a lone surrogate in it must not lose the error."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def set_up_logging():
    """Give the root logger the one handler that it has on Lambda.

    https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
    """
    logging.Formatter.converter = time.gmtime
    handler = LambdaLoggerHandler()
    handler.addFilter(handler.add_invocation)
    line = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
    text = logging.Formatter(line, "%Y-%m-%dT%H:%M:%S")
    handler.setFormatter(JsonFormatter() if json_logs() else text)
    logging.getLogger().addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "")
    level = "DEBUG" if level == "TRACE" else level.upper()  # Python knows no TRACE
    if isinstance(logging.getLevelName(level), int):
        logging.getLogger().setLevel(level)
    return handler


class LambdaLoggerHandler(logging.Handler):
    """Writes log records to stdout; knows the invocation that they belong to."""

    request_id = ""
    tenant_id = None

    def add_invocation(self, record):
        """Put on each record what the formats, and the user's filters, may ask for."""
        record.aws_request_id = self.request_id
        record.tenant_id = self.tenant_id
        return True

    def emit(self, record):
        """Write one record."""
        write_log(self.format(record))


class JsonFormatter(logging.Formatter):
    """A record as one JSON object: fixed fields first, then what the code added to it."""

    # What logging itself puts on a record, from which the fixed fields are made.
    OWN = set(
        "name msg args levelname levelno pathname filename module exc_info exc_text stack_info"
        " lineno funcName created msecs relativeCreated thread threadName processName process"
        " aws_request_id tenant_id".split()
    )
    ENCODE = json.JSONEncoder(ensure_ascii=False, default=str).encode

    def format(self, record):
        """The record as a line of JSON."""
        # Handlers that the code has added see it with these as well.
        record.levelno = min(50, max(0, record.levelno)) // 10 * 10
        record.levelname = logging.getLevelName(record.levelno)
        as_it_is = isinstance(record.msg, dict) and not record.args
        fields = {
            "timestamp": self.formatTime(record, TIMESTAMP),
            "level": record.levelname,
            "message": record.msg if as_it_is else record.getMessage(),
            "logger": record.name,
            **dict.fromkeys(("stackTrace", "errorType", "errorMessage")),
            "requestId": record.aws_request_id,
            "location": None,
        }
        if record.exc_info:
            fields["stackTrace"] = traceback.format_tb(record.exc_info[2])
            fields["errorType"] = record.exc_info[0].__name__
            fields["errorMessage"] = str(record.exc_info[1])
            fields["location"] = "%s:%s:%s" % (record.pathname, record.funcName, record.lineno)
        if record.tenant_id is not None:
            fields["tenantId"] = record.tenant_id
        for name, value in vars(record).items():
            if name not in self.OWN:
                fields.setdefault(name, value)
        present = {name: value for name, value in fields.items() if value is not None}
        return self.ENCODE(present)


class RuntimeApi:
    """The Runtime API over one connection that is kept open.

    https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
    """

    def __init__(self, address):
        """Remember ``host:port``; the first call connects."""
        self._address = address
        agent = "tether-python/%d.%d.%d" % sys.version_info[:3]
        self._head = " HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\n" % (address, agent)
        self._next = self._request("GET", "/invocation/next")
        self._socket = None
        # Read, and not yet used.
        self._rest = b""

    def next_invocation(self):
        """Wait, without a limit, for the next invocation: its headers and its event."""
        try:
            status, headers, body = self._call(self._next)
        except KeyboardInterrupt:
            sys.exit(130)  # Ctrl-C with nothing running is not worth a traceback
        if status != 200:
            give_up("the Runtime API answered %d to the wait for an invocation" % status)
        return headers, body

    def answer(self, request_id, kind, body, content_type, invocation):
        """Post the response, or the error, of an invocation.

        A 4xx means that nobody waits for it any more, or that it is too large. It
        is dropped: the next invocation may well be fine.
        """
        headers = {"Content-Type": content_type}
        if invocation.get("lambda-runtime-invocation-id"):
            headers["Lambda-Runtime-Invocation-Id"] = invocation["lambda-runtime-invocation-id"]
        path = "/invocation/%s/%s" % (request_id, kind)
        status, _, reply = self._call(self._request("POST", path, headers, body))
        if status < 400:
            return
        reason = "%d %s" % (status, reply.decode("utf-8", "replace").strip())
        if status >= 500:
            give_up("the Runtime API failed on the %s of %s: %s" % (kind, request_id, reason))
        complain("the %s of %s was not taken: %s" % (kind, request_id, reason))

    def fail_init(self, problem):
        """Report that the handler could not be loaded."""
        headers = {"Lambda-Runtime-Function-Error-Type": problem["errorType"]}
        status, _, _ = self._call(
            self._request("POST", "/init/error", headers, to_bytes(problem))
        )
        if status >= 400:
            complain("the Runtime API answered %d to the initialisation error" % status)

    def _request(self, method, path, headers=None, body=b""):
        head = method + " /2018-06-01/runtime" + path + self._head
        for pair in (headers or {}).items():
            head += "%s: %s\r\n" % pair
        if method == "POST":
            head += "Content-Length: %d\r\n" % len(body)
        return (head + "\r\n").encode("utf-8") + body

    def _call(self, request):
        """One exchange: status, headers by lower-case name, body."""
        try:
            return self._read_reply(self._send(request))
        except OSError as error:
            give_up("no Runtime API at %s: %s" % (self._address, error))

    def _send(self, request):
        """The head of its reply."""
        while True:
            fresh = self._socket is None
            if fresh:
                self._connect()
            try:
                # In one write: of two, the second may wait 40 ms for the
                # acknowledgement of the first.
                self._socket.sendall(request)
                head = self._read_to(b"\r\n\r\n")
            except ConnectionError:
                head = b""
            if head:
                return head
            self._disconnect()
            # One that was kept open may have been idle for too long; a new one not.
            if fresh:
                raise ConnectionError("the connection was closed without a reply")

    def _read_reply(self, head):
        status_line, *lines = head.decode("utf-8", "replace").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = b"".join(iter(self._read_chunk, b""))
        else:
            body = self._read(int(headers.get("content-length", 0)))
        if headers.get("connection", "").lower() == "close":
            self._disconnect()
        return int(status_line.split(None, 2)[1]), headers, body

    def _read_chunk(self):
        size = int(self._read_to(b"\r\n").split(b";")[0] or b"0", 16)
        return self._read(size + len(b"\r\n"))[:size]

    def _read_to(self, end):
        """Everything before this end; nothing: the connection was closed."""
        while True:
            found, ending, rest = self._rest.partition(end)
            if ending:
                self._rest = rest
                return found
            more = self._socket.recv(8192)
            if not more:
                return b""
            self._rest += more

    def _read(self, size):
        parts, left = [self._rest[:size]], size - len(self._rest)
        self._rest = self._rest[size:]
        while left > 0:
            parts.append(self._socket.recv(min(left, 1 << 20)))
            if not parts[-1]:
                raise ConnectionError("the connection was closed within a reply")
            left -= len(parts[-1])
        return b"".join(parts)

    def _connect(self):
        host, _, port = self._address.rpartition(":")
        # No timeout, whatever default the handler's code sets for sockets.
        self._socket = socket.create_connection((host.strip("[]"), int(port)), timeout=None)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _disconnect(self):
        self._socket.close()
        self._socket, self._rest = None, b""


def complain(message):
    """Tell the person at the terminal; stdout belongs to the function's logs."""
    sys.stderr.write("tether: %s\n" % message)


def give_up(message):
    """End the process: there is nothing left to serve."""
    complain(message)
    sys.exit(1)


if __name__ == "__main__":
    main()
