"""Several invocations at once: each remote environment has a local process of its own."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import Debugger, Project

AT_ONCE = 10
HANDLER_SECONDS = 1
BUDGET_SECONDS = 1.5
CLAIM_WAIT_SECONDS = 2

WORKING = """
import os, pathlib, time

def handler(event, context):
    if "until" in event:
        while not pathlib.Path(event["until"]).exists():
            time.sleep(0.01)
    time.sleep(event.get("seconds", 0))
    return {"by": "the working copy", "pid": os.getpid(), "number": event.get("number")}
"""
DEPLOYED = """
def handler(event, context):
    return {"by": "the deployed code", "number": event.get("number")}
"""


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    deployed = Project.of(tmp_path_factory.mktemp("deployed"), {"Hello": DEPLOYED}, timeout=3)
    return clouds({"app": deployed.template})


@pytest.fixture
def callers():
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield pool


def at_once(cloud, callers, **event):
    """Ten callers that begin together: their answers, and how long it took in all."""
    cloud.client("lambda")
    together = threading.Barrier(AT_ONCE + 1)

    def call(number):
        together.wait()
        return cloud.invoke("Hello", {"number": number, **event})

    calls = [callers.submit(call, number) for number in range(AT_ONCE)]
    together.wait()
    began = time.monotonic()
    return calls, lambda: ([json.loads(it.result().payload) for it in calls], began)


def test_ten_at_once_run_side_by_side_in_ten_processes(cloud, attach, callers, tmp_path):
    project = Project.of(tmp_path / "working-copy", {"Hello": WORKING})
    attached = attach(cloud, project)
    # The first ten start what the second ten find: all of them stand in the handler together.
    until = tmp_path / "go on"
    _, answers = at_once(cloud, callers, until=str(until))
    attached.wait_until(
        lambda: len(attached.events_of("started")) == AT_ONCE, f"{AT_ONCE} invocations begun"
    )
    until.touch()
    warm, _ = answers()
    pids = {it["pid"] for it in warm}
    assert len(pids) == AT_ONCE
    cloud.wait_until_tidy()
    # Once more, so that every connection to a table is open.
    _, answers = at_once(cloud, callers, seconds=0.1)
    answers()
    # One that still tidies up would have another one started in its place.
    cloud.wait_until_tidy()

    calls, answers = at_once(cloud, callers, seconds=HANDLER_SECONDS)
    said, began = answers()
    took = time.monotonic() - began
    assert [it["number"] for it in said] == list(range(AT_ONCE))
    assert {it["pid"] for it in said} == pids
    assert took >= HANDLER_SECONDS
    assert took <= BUDGET_SECONDS
    for call in calls:
        hops = attached.outcome_of(call.result())["hops"]
        assert hops["queueMs"] < HANDLER_SECONDS * 500, hops


def line_of(path, text):
    lines = path.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_with_decline_the_deployed_code_answers_while_the_process_stands_at_a_breakpoint(
    cloud, attach, tmp_path
):
    project = Project.of(tmp_path / "working-copy", {"Hello": WORKING})
    attached = attach(cloud, project, "--debug", "--debug-port", "0", "--when-busy", "decline")
    where = attached.wait_for("debugger", function="Hello")
    code = project.path("Hello/app.py")
    with Debugger(where["host"], where["port"]) as debugger:
        assert debugger.attach({code: [line_of(code, "return {")]}) == [True]
        calling = cloud.invoke_meanwhile("Hello", {"number": 1})
        stopped = debugger.wait_for("stopped")

        # Its second environment of the deployed code starts first.
        cloud.invoke("Hello", {"number": 2})
        began = time.monotonic()
        answer = cloud.invoke("Hello", {"number": 2})
        # At once, not after the wait for a claim, and nothing was run here.
        assert time.monotonic() - began < CLAIM_WAIT_SECONDS
        assert json.loads(answer.payload) == {"by": "the deployed code", "number": 2}
        told = attached.outcome_of(answer)
        assert told["outcome"] == "declined"
        assert "busy" in told["detail"]
        assert not calling.done()

        debugger.ask("continue", threadId=stopped["threadId"])
        first = calling.result(20)
        assert json.loads(first.payload)["by"] == "the working copy"
        assert attached.outcome_of(first)["outcome"] == "completed"

        # It is free again.
        calling = cloud.invoke_meanwhile("Hello", {"number": 3})
        stopped = debugger.wait_for("stopped")
        debugger.ask("continue", threadId=stopped["threadId"])
        third = json.loads(calling.result(20).payload)
        assert (third["by"], third["number"]) == ("the working copy", 3)


def test_without_decline_the_next_one_waits_for_the_breakpoint(cloud, attach, tmp_path):
    project = Project.of(tmp_path / "working-copy", {"Hello": WORKING})
    attached = attach(cloud, project, "--debug", "--debug-port", "0")
    until = tmp_path / "go on"
    first = cloud.invoke_meanwhile("Hello", {"number": 1, "until": str(until)})
    attached.wait_for("started", function="Hello")
    second = cloud.invoke_meanwhile("Hello", {"number": 2})
    attached.wait_until(lambda: len(attached.events_of("started")) == 2, "second invocation taken")
    assert not first.done() and not second.done()
    until.touch()
    assert [json.loads(it.result(20).payload)["by"] for it in (first, second)] == [
        "the working copy"
    ] * 2
    told = attached.outcome_of(second.result())
    assert told["hops"]["queueMs"] > 0


def test_with_decline_a_process_that_still_stands_at_a_breakpoint_is_busy_after_its_deadline(
    cloud, attach, tmp_path
):
    project = Project.of(tmp_path / "working-copy", {"Hello": WORKING})
    flags = ("--debug", "--debug-port", "0", "--when-busy", "decline", "--keep-timeout")
    attached = attach(cloud, project, *flags)
    where = attached.wait_for("debugger", function="Hello")
    code = project.path("Hello/app.py")
    with Debugger(where["host"], where["port"]) as debugger:
        assert debugger.attach({code: [line_of(code, "return {")]}) == [True]
        calling = cloud.invoke_meanwhile("Hello", {"number": 1})
        stopped = debugger.wait_for("stopped")
        late = calling.result(20)
        assert json.loads(late.payload)["errorType"] == "Tether.Timeout"
        assert attached.outcome_of(late)["outcome"] == "dropped"

        answer = cloud.invoke("Hello", {"number": 2})
        assert json.loads(answer.payload) == {"by": "the deployed code", "number": 2}
        assert attached.outcome_of(answer)["outcome"] == "declined"

        debugger.ask("continue", threadId=stopped["threadId"])
        stopped = calling = None
        while stopped is None:
            # Its late answer is dropped, and the process asks for the next event.
            calling = cloud.invoke_meanwhile("Hello", {"number": 3})
            try:
                stopped = debugger.wait_for("stopped", timeout=0.5)
            except AssertionError:
                said = json.loads(calling.result(20).payload)
                assert said == {"by": "the deployed code", "number": 3}
        debugger.ask("continue", threadId=stopped["threadId"])
        said = json.loads(calling.result(20).payload)
        assert (said["by"], said["number"]) == ("the working copy", 3)
