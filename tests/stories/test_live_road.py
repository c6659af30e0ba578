"""The live road: a deployed function is invoked, and a laptop answers."""

import json


def greeting(answer, by):
    return {"message": "Hello, Ada!", "answered_by": by, "request_id": answer.request_id}


def test_the_working_copy_answers_while_attached_and_the_function_is_the_same_afterwards(
    hello_cloud, attach, working_copy
):
    before = hello_cloud.configuration("HelloFunction")
    answer = hello_cloud.invoke("HelloFunction", {"name": "Ada"})
    assert json.loads(answer.payload) == greeting(answer, by="the deployed code")

    attached = attach(hello_cloud, working_copy)
    functions = [it["logicalId"] for it in attached.ready["functions"]]
    assert functions == ["HelloFunction"]
    during = hello_cloud.configuration("HelloFunction")
    assert during["Timeout"] == 900 and len(during["Layers"]) == 1
    assert during["Environment"]["Variables"]["GREETING"] == "Hello"
    answer = hello_cloud.invoke("HelloFunction", {"name": "Ada"})
    assert json.loads(answer.payload) == greeting(answer, by="the working copy")
    assert answer.error is None
    assert attached.outcome_of(answer)["outcome"] == "completed"

    attached.detach()
    assert [it["function"] for it in attached.events_of("restored")] == ["HelloFunction"]
    assert hello_cloud.configuration("HelloFunction") == before
    answer = hello_cloud.invoke("HelloFunction", {"name": "Ada"})
    assert json.loads(answer.payload) == greeting(answer, by="the deployed code")


def test_the_time_of_each_hop_is_told_and_adds_up(hello_cloud, attach, working_copy):
    working_copy.write("hello/app.py", "import time\n\ndef handler(*_):\n    time.sleep(0.02)\n")
    attached = attach(hello_cloud, working_copy)
    told = attached.outcome_of(hello_cloud.invoke("HelloFunction"))
    # The poll is not measured: it is the most that the function waits to look again,
    # and more after a slow start of the local process.
    assert told["hops"].pop("pollAtMostMs") in (10, 25, 100)
    hops = ["claimMs", "handlerMs", "interceptionMs", "postMs", "queueMs", "replyMs"]
    assert sorted(told["hops"]) == hops
    assert told["hops"]["handlerMs"] >= 20
    # Each is cut to whole milliseconds.
    assert sum(told["hops"].values()) <= told["totalMs"] + len(hops)


def test_a_saved_file_is_what_answers_the_next_invocation(hello_cloud, attach, working_copy):
    attach(hello_cloud, working_copy)
    for copy in ("the working copy", "a first save", "a second save"):
        if copy != "the working copy":
            text = working_copy.path("hello/app.py").read_text()
            line = next(it for it in text.splitlines() if it.startswith("ANSWERED_BY = "))
            working_copy.edit("hello/app.py", line, f'ANSWERED_BY = "{copy}"')
        answer = hello_cloud.invoke("HelloFunction", {"name": "Ada"})
        assert json.loads(answer.payload)["answered_by"] == copy


def test_what_the_handler_prints_is_shown_to_the_developer_and_not_in_the_cloud(
    hello_cloud, attach, working_copy
):
    attached = attach(hello_cloud, working_copy)
    answer = hello_cloud.invoke("HelloFunction", {"name": "a name of its own"})
    attached.wait_for("log", function="HelloFunction", line="greeting a name of its own")
    line = hello_cloud.wait_for_log("HelloFunction", answer.request_id + " answered by the laptop")
    assert attached.session_id in line
    assert "greeting a name of its own" not in hello_cloud.log("HelloFunction")


def test_the_local_run_has_the_deployed_variables_and_the_events_own_context(
    hello_cloud, attach, working_copy
):
    working_copy.edit("template.yaml", "GREETING: Hello", "GREETING: Another")
    working_copy.write(
        "hello/app.py",
        """
import os

def handler(event, context):
    ours = [name for name in os.environ if name.startswith("DEBUGGER_")]
    return [os.environ["GREETING"], context.aws_request_id, context.function_name, ours]
""",
    )
    attach(hello_cloud, working_copy)
    answer = hello_cloud.invoke("HelloFunction")
    name = hello_cloud.function("HelloFunction")
    assert json.loads(answer.payload) == ["Hello", answer.request_id, name, []]


def test_status_shows_who_is_attached_and_nothing_afterwards(
    hello_cloud, attach, working_copy, status
):
    attached = attach(hello_cloud, working_copy)
    session, function = status(hello_cloud)
    assert (session["event"], function["event"]) == ("session", "function")
    assert session["sessionId"] == attached.session_id == function["sessionId"]
    assert (session["stack"], session["state"]) == ("app", "attached")
    assert function["function"] == hello_cloud.function("HelloFunction")
    attached.detach()
    assert status(hello_cloud) == []
