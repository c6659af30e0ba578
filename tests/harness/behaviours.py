"""What every language's functions do when they are told to, and how Lambda reports it.

One project for each language, with one function whose event says what to do: ``{"do": "answer"}``.
The stories of ``tests/stories/test_invoke_behaviours.py`` run all of them. Another language joins by
one more ``Language``; what it cannot do is left out of its ``does``.
"""

import dataclasses
import json
from collections.abc import Callable

from .project import Project

PYTHON = """
import os, time

def handler(event, context):
    do = event.get("do")
    print("told to", do)
    if do == "answer":
        return {"answered": event, "by": context.function_name}
    if do == "raise":
        raise ValueError("told to")
    if do == "sleep":
        time.sleep(60)
    if do == "exit":
        os._exit(3)
    if do == "kill":
        os.kill(os.getpid(), 9)
    return None
"""


NODE = """
const { setTimeout: sleep } = require("node:timers/promises");

const plain = async (event, context) => {
  console.log("told to", event.do);
  switch (event.do) {
    case "answer":
      return { answered: event, by: context.functionName };
    case "raise":
      throw new TypeError("told to");
    case "sleep":
      await sleep(60000);
      return null;
    case "exit":
      process.exit(3);
    case "kill":
      process.kill(process.pid, "SIGKILL");
      await sleep(60000);
  }
  return null;
};

exports.handler = plain;
"""

# A function streams, or it does not: the handler is another one.
STREAMS = """
exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  stream.write("one ");
  if (event.do === "break") {
    throw new TypeError("told to");
  }
  stream.write("two");
  stream.end();
});
"""


@dataclasses.dataclass(frozen=True)
class Language:
    """How a project of a language is made, and what of it is its own."""

    name: str
    # Writes the project with the function "Subject" into a folder, with its timeout in seconds.
    project: Callable
    # The type and the message of the error for "raise".
    raised: tuple
    # Changes the project so that its handler is missing, or what it imports; the error's type and
    # a word of its message. None: there is no such thing.
    without_handler: tuple | None
    without_import: tuple | None
    does: frozenset = frozenset({"answer", "raise", "sleep", "exit", "kill"})
    # Makes it stream instead: "one " and "two", or "one " and then the error of "raise".
    streams: Callable | None = None
    # What must be on the machine; without it, its stories are skipped.
    needs: str | None = None


def python(folder, timeout):
    return Project.of(folder, {"Subject": PYTHON}, timeout=timeout)


def node(folder, timeout):
    project = python(folder, timeout)
    project.edit("template.yaml", "python3.13", "nodejs22.x")
    project.write("Subject/app.js", NODE)
    project.path("Subject/app.py").unlink()
    return project


def _missing_handler(project):
    project.edit("Subject/app.py", "def handler(", "def other(")


def _missing_import(project):
    project.edit("Subject/app.py", "import os, time", "import os, time, there_is_no_such_module")


LANGUAGES = [
    Language(
        name="Python",
        project=python,
        raised=("ValueError", "told to"),
        without_handler=(
            _missing_handler,
            "Runtime.HandlerNotFound",
            "Handler 'handler' missing on module 'app'",
        ),
        without_import=(
            _missing_import,
            "Runtime.ImportModuleError",
            "No module named 'there_is_no_such_module'",
        ),
    ),
    Language(
        name="Node",
        project=node,
        raised=("TypeError", "told to"),
        without_handler=(
            lambda project: project.edit("Subject/app.js", "exports.handler", "exports.other"),
            "Runtime.HandlerNotFound",
            "app.handler is undefined or not exported",
        ),
        without_import=(
            lambda project: project.edit("Subject/app.js", "node:timers/promises", "no_such_module"),
            "Runtime.ImportModuleError",
            "Cannot find module 'no_such_module'",
        ),
        streams=lambda project: project.write("Subject/app.js", STREAMS),
        needs="node",
    ),
]


def event(do):
    """The event that tells a function what to do."""
    return json.dumps({"do": do})
