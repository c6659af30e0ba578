"""The contract of AWS_LAMBDA_EXEC_WRAPPER, as the emulator keeps it."""

import json

import pytest
from harness import Project

HANDLER = 'def handler(event, context):\n    import os\n    return os.environ.get("SEEN")\n'


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wrapped")
    stacks = {}
    for name, wrapper in [
        ("missing", "/opt/nothere"),
        ("plain", "/var/task/plain"),
        ("good", "/var/task/good"),
    ]:
        project = Project.of(folder / name, {"Wrapped": HANDLER}, AWS_LAMBDA_EXEC_WRAPPER=wrapper)
        project.write("Wrapped/plain", "#!/bin/sh\n").chmod(0o644)
        script = '#!/bin/sh\nexport SEEN="$# words, $(basename $1)"\nexec "$@"\n'
        project.write("Wrapped/good", script).chmod(0o755)
        stacks[name] = project.template
    return clouds(stacks, "--no-helper-stack")


@pytest.mark.parametrize(
    ("stack", "code", "words"),
    [
        ("missing", 127, "/opt/nothere: does not exist"),
        ("plain", 126, "/var/task/plain: is not an executable"),
    ],
)
def test_a_wrapper_that_cannot_be_executed_is_a_dead_function(cloud, stack, code, words):
    name = cloud.function("Wrapped", stack)
    answer = cloud.invoke(name)
    assert answer.error == "Unhandled"
    error = json.loads(answer.payload)
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith(f"exited with error: exit status {code}")
    cloud.wait_for_log(name, words)


def test_a_wrapper_gets_the_runtimes_command_as_its_arguments(cloud):
    answer = cloud.invoke(cloud.function("Wrapped", "good"))
    words = json.loads(answer.payload)
    assert words.startswith("2 words, python"), words
