"""The cases in which Node clients are compared: which handler gets which events, and how."""

import collections
import json
import re

from node_clients import CORPUS, FROM_24, UNTIL_22

Case = collections.namedtuple("Case", "name handler events env headers kinds")
BOTH = (UNTIL_22, FROM_24)


def case(name, handler, events=(1,), env=None, headers=None, kinds=BOTH):
    return Case(name, handler, tuple(events), env or {}, headers or {}, kinds)


def names(file):
    """The names in a file of the corpus, which its handlers understand."""
    text = (CORPUS / file).read_text(encoding="utf-8")
    return re.findall(r'^  "([^"]+)": ', text, re.M)


RESULTS = names("results.js")
# AWS's clients die of the attempt to print these; see their own cases.
UNPRINTABLE = ["null prototype", "symbol"]
ERRORS = [name for name in names("errors.js") if name not in UNPRINTABLE]
WAYS = names("callbacks.js")
ENDS = names("ends.js")
STREAMS = names("streams.js")
JSON_LOGS = {"AWS_LAMBDA_LOG_FORMAT": "JSON"}
EVENTS = [None, 0, False, "", {}, [], "text", {"a": [1, 2.5, {"b": "ü 😀"}]}, "\ud800", 1e16, 10**30]

# What each of the two dialects does with these is not the same, or not of interest for one.
OLD = (UNTIL_22,)
CLIENT_CONTEXT = json.dumps({"custom": {"k": "v"}, "client": {"installation_id": "i", "app_title": "ü"}})
IDENTITY = json.dumps({"cognitoIdentityId": "id", "cognitoIdentityPoolId": "pool"})

CASES = [
    case("events", "echo.handler", EVENTS),
    case("odd json", "echo.handler", [b" 1 ", b'"\xed\xa0\x80"', b'{"a":1,"a":2}']),
    case("not json", "echo.handler", [b"{", b"", b"nul", b'"x', b"\xef\xbb\xbf{}"], kinds=OLD),
    case("results", "results.handler", RESULTS),
    case("results by callback", "results.by_callback", RESULTS[:10], kinds=OLD),
    case("results by succeed", "results.by_succeed", RESULTS, kinds=OLD),
    case("errors", "errors.handler", ERRORS),
    case("errors in json logs", "errors.handler", ERRORS, env=JSON_LOGS),
    case("errors later", "errors.later", ERRORS),
    case("errors, not async", "errors.sync", ERRORS),
    case("errors by fail", "errors.by_fail", ERRORS[:20], kinds=OLD),
    case("an error without a prototype", "errors.handler", ["null prototype", "string"]),
    case("a symbol as an error", "errors.handler", ["symbol", "string"]),
    case("rejection with undefined", "errors.rejects_with_undefined"),
    case("undefined thrown", "errors.throws_undefined"),
    case("two answer in their way", "callbacks.two", ["count", "count", "async after a pause", "thenable"]),
    case("parameters", "callbacks.parameters", kinds=OLD),
    case("callback handlers are refused", "callbacks.handler", kinds=(FROM_24,)),
    case("values without a promise", "callbacks.two", ["returns a value", "returns nothing", "count"]),
    case("logs", "logs.handler", [1, 2]),
    case("logs at info", "logs.handler", env={"AWS_LAMBDA_LOG_LEVEL": "INFO"}),
    case("logs at fatal", "logs.handler", env={"AWS_LAMBDA_LOG_LEVEL": "fatal"}),
    case("logs at no level", "logs.handler", env={"AWS_LAMBDA_LOG_LEVEL": "loud"}),
    case("json logs", "logs.handler", [1, 2], env=JSON_LOGS),
    case("json logs at warn", "logs.handler", env={**JSON_LOGS, "AWS_LAMBDA_LOG_LEVEL": "WARN"}),
    case("text logs by name", "logs.handler", env={"AWS_LAMBDA_LOG_FORMAT": "Text"}),
    case("tenant in json logs", "logs.handler", env=JSON_LOGS, headers={"Lambda_Runtime_Aws_Tenant_Id": "t"}, kinds=OLD),
    case("context", "context_dump.handler", [1, 2]),
    case("client context", "context_dump.handler", headers={"Lambda_Runtime_Client_Context": CLIENT_CONTEXT}),
    case("blank client context", "context_dump.handler", headers={"Lambda_Runtime_Client_Context": ""}),
    case("broken client context", "context_dump.handler", headers={"Lambda_Runtime_Client_Context": "{"}, kinds=OLD),
    case("identity", "context_dump.handler", headers={"Lambda_Runtime_Cognito_Identity": IDENTITY}),
    case("tenant", "context_dump.handler", headers={"Lambda_Runtime_Aws_Tenant_Id": "tenant"}),
    case("past deadline", "context_dump.handler", headers={"Lambda_Runtime_Deadline_Ms": "1000"}),
    case("no trace", "context_dump.handler", headers={"Lambda_Runtime_Trace_Id": None}),
    case("an ES module", "esm.handler"),
    case("an error in an ES module", "esm.fails"),
    case("only in the default export", "esm.only"),
    case("an ES module by package.json", "modules/app.handler"),
    case("a CommonJS file in a module package", "modules/old.handler"),
    case("a .cjs file", "common.handler"),
    case("a folder", "package/module.handler"),
    case("folders", "package/inner/deep.handler"),
    case("a folder with an index", "folder.handler", kinds=OLD),
    case("below the export", "echo.deep.er.handler"),
    case("relative handler", "./echo.handler"),
    case("absolute handler", "/echo.handler"),
    case("missing handler", "echo.no_such_handler"),
    case("missing below the export", "echo.deep.no.handler"),
    case("no function", "echo.number"),
    case("null", "echo.nothing"),
    case("missing module", "no_such_module.handler"),
    case("missing module in a folder", "package/no_such.handler"),
    case("malformed handler", "echo"),
    case("handler without a function", "echo."),
    case("handler above the folder", "../corpus_node/echo.handler"),
    case("syntax error", "syntax_error.handler"),
    case("syntax error in an ES module", "syntax_error_module.handler"),
    case("syntax error in json logs", "syntax_error.handler", env=JSON_LOGS),
    case("syntax error in an import", "imports_syntax_error.handler"),
    case("syntax error in an import of an ES module", "imports_syntax_error_module.handler"),
    case("import error", "import_error.handler"),
    case("import error in an ES module", "import_error_module.handler"),
    case("import of no such name", "import_name_error.handler"),
    case("an ES module in a .js file", "module_in_a_script.handler"),
    case("error while loading", "throws_on_import.handler"),
    case("error while loading in json logs", "throws_on_import.handler", env=JSON_LOGS),
    case("error while loading an ES module", "throws_on_import_module.handler"),
    case("text thrown while loading", "throws_text_on_import.handler"),
    case("exit while loading", "exits_on_import.handler"),
    case("streams", "streams.handler", STREAMS),
    case("streams with a mark", "streams.marked", kinds=(FROM_24,)),
    case("malformed streaming handler", "streams.malformed", kinds=(FROM_24,)),
    case("no global", "echo.handler", env={"AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA": "1"}),
    case("stdin is empty", "process.stdin"),
]
CASES += [case("a way: %s" % way, "callbacks.handler", [way, "count"], kinds=OLD) for way in WAYS]
CASES += [case("an end: %s" % end, "ends.handler", [end, "exit 0"], kinds=OLD) for end in ENDS]
CASES += [case("an end: %s" % end, "ends.two", [end, "exit 0"], kinds=(FROM_24,)) for end in ENDS]

PAIRS = [(kind, it) for it in CASES for kind in it.kinds]


def key(kind, it):
    """The name of a pair, in test ids and in the file of expectations."""
    return "%s, %s" % (it.name, "until 22" if kind == UNTIL_22 else "from 24")
