"""Execution environments of the cloud on the desk: created, reused, frozen, reaped."""

import json
import os
import pathlib
import signal
import time

import pytest
from harness import Project

STAYS = """
import os
import pathlib
import threading
import time
import uuid

me = uuid.uuid4().hex
count = 0
ticks = 0


def tick():
    global ticks
    while True:
        time.sleep(0.01)
        ticks += 1


threading.Thread(target=tick, daemon=True).start()


def handler(event, context):
    global count
    count += 1
    if "here" in event:
        pathlib.Path(event["here"]).touch()
    while "until" in event and not pathlib.Path(event["until"]).exists():
        time.sleep(0.005)
    return {
        "me": me,
        "pid": os.getpid(),
        "count": count,
        "ticks": ticks,
        "seen": os.environ.get("SEEN"),
    }
"""

STARTS_SLOWLY = "import time\ntime.sleep(0.3)\n" + STAYS


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    names = ("Stays", "Changes", "Crowded", "Dies")
    project = Project.of(
        tmp_path_factory.mktemp("environments"), dict.fromkeys(names, STAYS), timeout=20
    )
    return clouds({"app": project.template}, "--no-helper-stack")


@pytest.fixture(scope="module")
def aws(cloud):
    return cloud.client("lambda")


def run(cloud, function, **event):
    return json.loads(cloud.invoke(function, event).payload)


def state(pid):
    """Third field of /proc/PID/stat: T is stopped; none: there is no such process."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def has_ended(pid):
    """With all of its threads: its parent is not told before."""
    try:
        return state(pid) in (None, "Z") and len(os.listdir(f"/proc/{pid}/task")) == 1
    except FileNotFoundError:
        return True


def until(what, holds, seconds=10):
    """Somebody else's processes give no events."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.005)


def both_at_once(cloud, function, folder, count=2):
    """Invocations that wait for each other: each needs an environment of its own."""
    go = folder / "go"
    running = []
    for number in range(count):
        here = folder / f"here-{number}"
        event = {"until": str(go), "here": str(here)}
        running.append(cloud.invoke_meanwhile(function, event))
        until(f"number {number} runs", here.exists)
    go.touch()
    return [json.loads(it.result().payload) for it in running]


def test_one_after_the_other_runs_in_the_same_environment(cloud):
    first, second = run(cloud, "Stays"), run(cloud, "Stays")
    assert (first["me"], first["count"] + 1) == (second["me"], second["count"])


def test_one_beside_the_other_needs_another_environment_and_both_are_kept(cloud, tmp_path):
    (one, other) = both_at_once(cloud, "Stays", tmp_path)
    assert one["me"] != other["me"]
    (tmp_path / "again").mkdir()
    again = both_at_once(cloud, "Stays", tmp_path / "again")
    assert {it["me"] for it in again} == {one["me"], other["me"]}


def test_an_environment_is_frozen_between_invocations_and_goes_on_in_the_next(cloud):
    first = run(cloud, "Stays")
    until("frozen", lambda: state(first["pid"]) == "T")
    time.sleep(0.3)  # A thread of it would count on for this long.
    second = run(cloud, "Stays")
    assert second["me"] == first["me"]
    assert second["ticks"] - first["ticks"] < 15
    assert second["ticks"] > 0


def test_an_environment_that_died_is_noticed_and_replaced(cloud):
    first = run(cloud, "Dies")
    until("frozen", lambda: state(first["pid"]) == "T")
    os.kill(first["pid"], signal.SIGKILL)
    until("dead", lambda: has_ended(first["pid"]))
    answer = cloud.invoke("Dies")
    assert answer.error is None
    assert json.loads(answer.payload)["me"] != first["me"]


def test_a_change_makes_new_environments_and_lets_the_old_one_finish(cloud, aws, tmp_path):
    idle = run(cloud, "Changes")
    go, here = tmp_path / "go", tmp_path / "here"
    event = {"until": str(go), "here": str(here)}
    running = cloud.invoke_meanwhile("Changes", event)
    until("it runs", here.exists)
    name = cloud.function("Changes")
    variables = {"Variables": {"SEEN": "the new value"}}
    aws.update_function_configuration(FunctionName=name, Environment=variables)
    aws.get_waiter("function_updated_v2").wait(FunctionName=name)
    new = run(cloud, "Changes")
    assert new["seen"] == "the new value" and new["me"] != idle["me"]
    go.touch()
    old = json.loads(running.result().payload)
    assert (old["me"], old["seen"]) == (idle["me"], None)
    until("the old one has ended", lambda: has_ended(old["pid"]))


def test_no_more_run_at_once_than_are_reserved(cloud, aws, tmp_path):
    name = cloud.function("Crowded")
    aws.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    go, here = tmp_path / "go", tmp_path / "here"
    running = cloud.invoke_meanwhile("Crowded", {"until": str(go), "here": str(here)})
    until("it runs", here.exists)
    with pytest.raises(aws.exceptions.TooManyRequestsException) as refused:
        aws.invoke(FunctionName=name)
    told = refused.value.response
    assert told["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert (told["message"], told["Type"]) == ("Rate Exceeded.", "User")
    # An event waits for its turn.
    waiting = tmp_path / "waiting"
    event = json.dumps({"here": str(waiting)})
    accepted = aws.invoke(FunctionName=name, InvocationType="Event", Payload=event)
    assert (accepted["StatusCode"], accepted["Payload"].read()) == (202, b"")
    go.touch()
    first, second = running.result(), accepted["ResponseMetadata"]["RequestId"]
    assert first.error is None
    until("its turn", waiting.exists)
    cloud.wait_for_log("Crowded", f"END RequestId: {second}")
    log = cloud.log("Crowded")
    (end,) = (at for at, it in enumerate(log) if it == f"END RequestId: {first.request_id}")
    (start,) = (at for at, it in enumerate(log) if it.startswith(f"START RequestId: {second}"))
    assert end < start
    described = aws.get_function(FunctionName=name)
    assert described["Concurrency"] == {"ReservedConcurrentExecutions": 1}
    aws.delete_function_concurrency(FunctionName=name)
    assert "ReservedConcurrentExecutions" not in aws.get_function_concurrency(FunctionName=name)


def test_the_first_report_tells_how_long_the_start_took(clouds, tmp_path):
    project = Project.of(tmp_path / "app", {"Starts": STARTS_SLOWLY})
    cloud = clouds({"app": project.template}, "--no-helper-stack", "--reap-after", "0.2")
    first = run(cloud, "Starts")
    line = cloud.wait_for_log("Starts", "REPORT RequestId")
    report = dict(it.split(": ", 1) for it in line.strip().split("\t")[1:])
    init, took, billed = (
        float(report[it].removesuffix(" ms"))
        for it in ("Init Duration", "Duration", "Billed Duration")
    )
    assert init >= 300 > took
    assert billed >= init

    # And one that is idle for too long has ended; the next one starts anew.
    until("reaped", lambda: state(first["pid"]) is None)
    assert run(cloud, "Starts")["me"] != first["me"]
