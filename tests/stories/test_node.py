"""Functions for Node, CommonJS and ES modules: deployed, attached, and run here.

The client is held to AWS's own in tests/clients; here it is on the road.
"""

import json

import pytest
from harness import Project, tether
from harness.surroundings import ROOT

COMMON = """
const at = (it) => setTimeout(it, 20);

const lookUp = (item) => {
  throw Object.assign(new RangeError(`no ${item} left: späť 世界`), { name: "OutOfStock" });
};

const WAYS = {
  "value": async (event) => event.value,
  "error": async (event) => lookUp(event.item),
  "callback": (event, context, callback) => {
    at(() => console.log("the event loop was not empty"));
    callback(null, "called back");
  },
  "no callback": () => {
    at(() => console.log("and nothing else"));
  },
  "succeed": (event, context) => at(() => context.succeed("succeeded")),
  "fail": (event, context) => context.fail(new Error("failed")),
  "exit": async () => process.exit(3),
  "uncaught": () =>
    new Promise(() => {
      at(() => {
        throw new TypeError("nobody catches this");
      });
    }),
  "sleep": async (event) => new Promise((resolve) => setTimeout(resolve, event.ms, "slept")),
  "process": async () => process.pid,
};

exports.handler = (event, context, callback) => WAYS[event.way](event, context, callback);
"""

MODULE = """
import { readFile } from "node:fs/promises";

const words = JSON.parse(await readFile(new URL("words.json", import.meta.url)));

export const handler = async (event, context) => {
  if (event.fails) throw new RangeError("from a module");
  return [words, event, context.functionName, context.awsRequestId];
};
"""

STREAM = """
const { pipeline } = require("node:stream/promises");
const { Readable } = require("node:stream");

exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  if (event.type) stream.setContentType(event.type);
  stream.write(JSON.stringify(event.first ?? "first"));
  if (event.fails) throw new RangeError("in the middle");
  await pipeline(Readable.from(Array(event.times ?? 1).fill(" more")), stream);
});
"""

FILES = {
    "Common": ("app.js", COMMON),
    "Module": ("app.mjs", MODULE),
    "Stream": ("app.js", STREAM),
}


def project(folder, timeout=3, runtime="nodejs22.x"):
    made = Project(folder)
    resources = {}
    for name, (file, text) in FILES.items():
        made.write(f"{name}/{file}", text)
        properties = {"CodeUri": f"{name}/", "Handler": "app.handler", "Runtime": runtime}
        resources[name] = {
            "Type": "AWS::Serverless::Function",
            "Properties": {**properties, "Timeout": timeout},
        }
    made.write("Module/words.json", '["of the folder"]')
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}
    made.write("template.yaml", json.dumps(template))
    return made


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    return project(tmp_path_factory.mktemp("deployed"))


@pytest.fixture(scope="module")
def cloud(clouds, deployed):
    return clouds({"app": deployed.template})


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    return project(tmp_path_factory.mktemp("here"))


@pytest.fixture(scope="module")
def attached(cloud, attach_for_module, here):
    return attach_for_module(cloud, here)


VALUES = [None, 0, "plain", "Grüße, 世界 🌍 \ud83d", [1, 2.5, None], {"a": [{"b": True}]}, "x" * 300000]


@pytest.fixture(scope="module")
def alone(cloud):
    """What the deployed code says while nobody is attached."""
    answers = [cloud.invoke("Common", {"way": "value", "value": it}).payload for it in VALUES]
    return answers, cloud.invoke("Common", {"way": "error", "item": "tea"})


@pytest.mark.parametrize("number", range(len(VALUES)))
def test_a_result_comes_back_byte_for_byte_as_from_the_deployed_code(alone, cloud, attached, number):
    answer = cloud.invoke("Common", {"way": "value", "value": VALUES[number]})
    assert attached.outcome_of(answer)["outcome"] == "completed"
    assert (answer.payload, answer.error) == (alone[0][number], None)


def test_an_error_reaches_the_caller_with_its_type_message_and_local_stack(alone, cloud, attached, here):
    answer = cloud.invoke("Common", {"way": "error", "item": "tea"})
    assert attached.outcome_of(answer)["outcome"] == "failed"
    error, original = json.loads(answer.payload), json.loads(alone[1].payload)
    assert answer.error == alone[1].error == "Unhandled"
    assert error["errorType"] == original["errorType"] == "OutOfStock"
    assert error["errorMessage"] == original["errorMessage"] == "no tea left: späť 世界"
    assert error.keys() == original.keys()
    frames = [line for line in error["trace"] if str(here.path("Common/app.js")) in line]
    assert "lookUp" in frames[0] and len(frames) >= 2
    assert not [line for line in error["trace"] if "tether" in line.lower()]


@pytest.mark.parametrize(
    "way, payload",
    [("callback", b'"called back"'), ("no callback", b"null"), ("succeed", b'"succeeded"')],
)
def test_a_callback_answers_when_the_event_loop_is_empty(cloud, attached, way, payload):
    answer = cloud.invoke("Common", {"way": way})
    assert (answer.payload, answer.error) == (payload, None)
    assert attached.outcome_of(answer)["outcome"] == "completed"
    said = {"callback": "the event loop was not empty", "no callback": "and nothing else"}.get(way)
    if said:
        line = f"\t{answer.request_id}\tINFO\t{said}"
        logged = lambda: [it for it in attached.events_of("log") if it["line"].endswith(line)]  # noqa: E731
        attached.wait_until(logged, f"a line that ends in {line!r}")


def test_a_failed_context_is_an_error(cloud, attached):
    answer = cloud.invoke("Common", {"way": "fail"})
    assert json.loads(answer.payload)["errorMessage"] == "failed"
    assert attached.outcome_of(answer)["outcome"] == "failed"


def test_a_process_that_exits_is_reported_and_the_next_invocation_has_another(cloud, attached):
    before = cloud.invoke("Common", {"way": "process"})
    answer = cloud.invoke("Common", {"way": "exit"})
    error = json.loads(answer.payload)
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith("Runtime exited with error: exit status 3")
    after = cloud.invoke("Common", {"way": "process"})
    assert after.error is None and after.payload != before.payload


def test_an_error_that_nobody_catches_is_the_invocations_and_the_processs_end(cloud, attached):
    before = cloud.invoke("Common", {"way": "process"})
    answer = cloud.invoke("Common", {"way": "uncaught"})
    error = json.loads(answer.payload)
    assert (error["errorType"], error["errorMessage"]) == ("TypeError", "nobody catches this")
    after = cloud.invoke("Common", {"way": "process"})
    assert after.error is None and after.payload != before.payload


def test_an_es_module_runs_in_its_own_folder_with_the_events_context(cloud, attached):
    answer = cloud.invoke("Module", {"a": 1})
    name = cloud.function("Module")
    assert json.loads(answer.payload) == [["of the folder"], {"a": 1}, name, answer.request_id]
    assert attached.outcome_of(answer)["outcome"] == "completed"
    error = json.loads(cloud.invoke("Module", {"fails": True}).payload)
    assert (error["errorType"], error["errorMessage"]) == ("RangeError", "from a module")


def test_a_streamed_answer_is_collected(cloud, attached):
    answer = cloud.invoke("Stream", {"first": {"a": "ü"}, "times": 3, "type": "text/plain"})
    assert answer.payload.decode() == '{"a":"ü"} more more more'
    assert answer.error is None
    assert attached.outcome_of(answer)["outcome"] == "completed"


def test_an_error_in_the_middle_of_a_stream_is_not_an_answer(cloud, attached):
    answer = cloud.invoke("Stream", {"fails": True})
    told = attached.outcome_of(answer)
    assert told["outcome"] == "failed"
    assert answer.error == "Unhandled"
    error = json.loads(answer.payload)
    assert (error["errorType"], error["errorMessage"]) == ("RangeError", "in the middle")


def test_a_saved_file_answers_the_next_invocation(cloud, attached, here):
    for words in (["a first save"], ["a second save"], ["of the folder"]):
        here.write("Module/words.json", json.dumps(words))
        assert json.loads(cloud.invoke("Module", {}).payload)[0] == words


def test_a_syntax_error_is_answered_as_lambda_does_and_its_place_shown(cloud, attached, here):
    text = here.path("Stream/app.js").read_text()
    here.write("Stream/app.js", text.replace("exports.handler =", "exports.handler = ="))
    error = json.loads(cloud.invoke("Stream", {}).payload)
    assert error["errorType"] == "Runtime.UserCodeSyntaxError"
    where = f"{here.path('Stream/app.js')}:5"
    attached.wait_for("log", function="Stream", line=where)
    here.write("Stream/app.js", text)
    assert cloud.invoke("Stream", {}).payload == b'"first" more'


def test_a_handler_that_takes_too_long_is_the_callers_timeout(clouds, attach, tmp_path):
    deployed = project(tmp_path / "deployed", timeout=2)
    cloud = clouds({"app": deployed.template})
    alone = json.loads(cloud.invoke("Common", {"way": "sleep", "ms": 60000}).payload)
    assert alone["errorType"] == "Sandbox.Timedout"
    attach(cloud, project(tmp_path / "here", timeout=2), "--keep-timeout")
    error = json.loads(cloud.invoke("Common", {"way": "sleep", "ms": 60000}).payload)
    assert error["errorType"] == "Tether.Timeout" and "running for" in error["errorMessage"]
    assert cloud.invoke("Common", {"way": "sleep", "ms": 1}).payload == b'"slept"'


LAYERED = """
import { word } from "words";
import { createRequire } from "node:module";

const common = createRequire(import.meta.url)("of-this-version");

export const handler = async () => [word, common, process.argv.length, typeof gc];
"""


def test_deployed_code_finds_its_layers_as_on_lambda(clouds, tmp_path):
    made = project(tmp_path)
    made.write("Module/app.mjs", LAYERED)
    words = "layer/nodejs/node_modules/words"
    made.write(f"{words}/package.json", '{"type": "module", "exports": "./index.js"}')
    made.write(f"{words}/index.js", 'export const word = "of a layer";')
    folder = "layer/nodejs/node22/node_modules"
    made.write(f"{folder}/of-this-version/index.js", 'module.exports = "of its Node";')
    template = json.loads(made.template.read_text())
    properties = {"ContentUri": "layer/", "CompatibleRuntimes": ["nodejs22.x"]}
    template["Resources"]["Words"] = {
        "Type": "AWS::Serverless::LayerVersion",
        "Properties": properties,
    }
    template["Resources"]["Module"]["Properties"]["Layers"] = [{"Ref": "Words"}]
    made.write("template.yaml", json.dumps(template))
    cloud = clouds({"app": made.template}, "--no-helper-stack")
    answer = cloud.invoke("Module")
    assert json.loads(answer.payload) == ["of a layer", "of its Node", 2, "function"]


def test_deployed_code_runs_behind_its_own_wrapper(clouds, tmp_path):
    made = project(tmp_path)
    wrapper = '#!/bin/sh\nexport WRAPPED="$*"\nexec "$@"\n'
    made.write("Common/wrapper", wrapper).chmod(0o755)
    made.write("Common/app.js", "exports.handler = async () => process.env.WRAPPED;")
    template = json.loads(made.template.read_text())
    variables = {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper"}}
    template["Resources"]["Common"]["Properties"]["Environment"] = variables
    made.write("template.yaml", json.dumps(template))
    cloud = clouds({"app": made.template}, "--no-helper-stack")
    words = json.loads(cloud.invoke("Common").payload).split()
    assert words[0].endswith("/node")
    assert words[1:4] == ["--expose-gc", "--max-http-header-size", "81920"]
    assert len(words) == 5 and words[4].endswith(".mjs")


# ---- the example


@pytest.fixture
def example(tmp_path):
    """Deployed, and a working copy whose answers differ."""
    folder = ROOT / "examples" / "hello-node"
    deployed, copy = (Project.copy(folder, tmp_path / name) for name in ("deployed", "copy"))
    copy.edit("hello/app.mjs", "the deployed code", "the working copy")
    return deployed, copy


def test_the_example_runs_here(example):
    _, copy = example
    process = tether("invoke", "HelloFunction", cwd=copy.folder, stdin='{"name": "Ada"}')
    assert process.code == 0, process.stderr
    answer = json.loads(process.stdout[0])
    assert (answer["message"], answer["answered_by"]) == ("Hello, Ada!", "the working copy")
    assert any(line.endswith("\tINFO\tgreeting Ada") for line in process.stderr)
    process.leaves_nothing_behind()


def test_the_example_is_attached_to_and_deployed_code_answers_behind_the_bootstrap(example, clouds, attach):
    deployed, copy = example
    cloud = clouds({"app": deployed.template})

    def answered_by():
        answer = cloud.invoke("HelloFunction", {"name": "Ada"})
        said = json.loads(answer.payload)
        assert (said["message"], said["request_id"]) == ("Hello, Ada!", answer.request_id)
        return said["answered_by"]

    before = cloud.configuration("HelloFunction")
    assert answered_by() == "the deployed code"
    attached = attach(cloud, copy)
    assert answered_by() == "the working copy"
    # The session is over, and the bootstrap still there.
    attached.kill()
    cloud.end_lease(attached.session_id)
    assert cloud.configuration("HelloFunction") != before
    assert answered_by() == "the deployed code"
    attached = attach(cloud, copy)
    assert answered_by() == "the working copy"
    attached.detach()
    assert cloud.configuration("HelloFunction") == before
    assert answered_by() == "the deployed code"
