"""What was saved answers: the process that has it is there before the next invocation."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import Cloud, Debugger, Project

SAYS = """
import os

print("imported", {version!r}, flush=True)


def handler(event, context):
    return [{version!r}, os.getpid()]
"""


def says(version):
    return SAYS.format(version=version)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """Two functions of one folder, one of another."""
    functions = {"First": says("deployed"), "Other": says("deployed")}
    project = Project.of(tmp_path_factory.mktemp("deployed") / "app", functions, timeout=20)
    template = json.loads(project.template.read_text())
    second = json.loads(json.dumps(template["Resources"]["First"]))
    template["Resources"]["Second"] = second
    project.write("template.yaml", json.dumps(template))
    cloud = Cloud({"app": project.template})
    cloud.folder = project.folder
    yield cloud
    cloud.close()


@pytest.fixture
def copy(cloud, tmp_path):
    shutil.copytree(cloud.folder, tmp_path / "copy")
    return Project(tmp_path / "copy")


def call(cloud, function="First", event=None):
    answer = cloud.invoke(function, event)
    assert answer.error is None, answer.payload
    return json.loads(answer.payload)


def logged(attached, text, after=0):
    """The first line of an attached function's log with this text, behind so many."""

    def look():
        lines = [it["line"] for it in attached.events_of("log")][after:]
        return next((it for it in lines if text in it), None)

    return attached.wait_until(look, f"{text!r} in the log")


def lines(attached):
    return len(attached.events_of("log"))


def processes_of(attached):
    """Interpreters that run our client, below this attach."""
    return [pid for pid in attached.relatives() if "tether_runtime" in _command(pid)]


def _command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def test_a_save_is_imported_before_the_next_invocation_and_answers_it(cloud, copy, attach):
    attached = attach(cloud, copy)
    _, old = call(cloud)
    copy.write("First/app.py", says("saved"))
    logged(attached, "imported saved")
    version, new = call(cloud)
    assert version == "saved" and new != old
    # It was that process, and no other one was started.
    assert call(cloud) == ["saved", new]
    imported = [it for it in attached.events_of("log") if "imported saved" in it["line"]]
    assert len(imported) == 1
    assert len(processes_of(attached)) == 1


def test_a_function_that_was_never_invoked_is_left_alone(cloud, copy, attach):
    attached = attach(cloud, copy)
    call(cloud, "Other")
    copy.write("First/app.py", says("early"))
    # By the time that this is imported, the other one would be.
    copy.write("Other/app.py", says("late"))
    logged(attached, "imported late")
    assert not [it for it in attached.events_of("log") if "imported early" in it["line"]]
    assert call(cloud)[0] == "early"


def test_a_hundred_saves_in_a_row_are_each_answered_with(cloud, copy, attach):
    attached = attach(cloud, copy)
    call(cloud)
    for version in range(100):
        # At once, and of the same length.
        copy.write("First/app.py", says(f"{version:03}"))
        assert call(cloud)[0] == f"{version:03}"
    assert len(processes_of(attached)) <= 2


def test_saves_that_nobody_waits_for_end_in_the_last_one(cloud, copy, attach):
    attached = attach(cloud, copy)
    call(cloud)
    for version in range(100):
        copy.write("First/app.py", says(f"{version:03}"))
    logged(attached, "imported 099")
    assert call(cloud)[0] == "099"


WAITS = """
import os
import time

VERSION = {version!r}


def handler(event, context):
    print("runs", VERSION, flush=True)
    while not os.path.exists(event["until"]):
        time.sleep(0.01)
    return VERSION
"""


def test_an_invocation_that_runs_keeps_its_code_and_the_next_one_has_the_new(
    cloud, copy, attach, tmp_path
):
    until = {"until": str(tmp_path / "go")}
    copy.write("First/app.py", WAITS.format(version="old"))
    attached = attach(cloud, copy)
    calling = cloud.invoke_meanwhile("First", until)
    logged(attached, "runs old")
    copy.write("First/app.py", says("new"))
    # It is warmed up beside the one that runs.
    logged(attached, "imported new")
    assert not calling.done()
    Path(until["until"]).touch()
    assert json.loads(calling.result(20).payload) == "old"
    assert call(cloud)[0] == "new"


def test_a_syntax_error_is_logged_at_once_answered_with_and_cured(cloud, copy, attach):
    attached = attach(cloud, copy)
    call(cloud)
    copy.write("First/app.py", "def handler(event, context):\n    return (\n")
    logged(attached, "Runtime.UserCodeSyntaxError")
    logged(attached, "app.py")
    answer = cloud.invoke("First")
    error = json.loads(answer.payload)
    assert (answer.error, error["errorType"]) == ("Unhandled", "Runtime.UserCodeSyntaxError")
    assert "app.py" in json.dumps(error)
    # And not from what was there before, the second time either.
    again = json.loads(cloud.invoke("First").payload)
    assert again["errorMessage"] == error["errorMessage"]
    after = lines(attached)
    copy.write("First/app.py", says("cured"))
    logged(attached, "imported cured", after)
    assert call(cloud)[0] == "cured"


def test_an_import_error_after_a_save_is_the_next_answer(cloud, copy, attach):
    attached = attach(cloud, copy)
    call(cloud)
    copy.write("First/app.py", "import there_is_no_such_module\n")
    logged(attached, "there_is_no_such_module")
    error = json.loads(cloud.invoke("First").payload)
    assert error["errorType"] == "Runtime.ImportModuleError"
    assert "there_is_no_such_module" in error["errorMessage"]
    copy.write("First/app.py", says("cured"))
    assert call(cloud)[0] == "cured"


def test_what_git_ignores_and_what_tools_leave_keep_a_process(cloud, copy, attach):
    subprocess.run(["git", "init", "-q", str(copy.folder)], check=True)
    copy.write(".gitignore", "generated/\n*.local.py\n")
    attach(cloud, copy)
    _, pid = call(cloud)
    for name in (
        "First/generated/made.py",
        "First/settings.local.py",
        "First/node_modules/x/index.js",
        "First/__pycache__/app.pyc",
        "First/run.log",
        "First/.app.py.swp",
    ):
        path = copy.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
        assert call(cloud)[1] == pid, name
    copy.write("First/settings.py", "x = 1\n")
    assert call(cloud)[1] != pid


def test_however_a_file_is_saved_it_is_noticed(cloud, copy, attach):
    attach(cloud, copy)
    code = copy.path("First/app.py")

    def in_place():
        code.write_text(says("in place"))

    def over_it():
        copy.write("First/app.py", says("over it"))

    def as_vim_does():
        code.rename(code.with_name("app.py~"))
        code.write_text(says("as vim does"))

    def by_a_link():
        elsewhere = copy.write("elsewhere/real.py", says("by a link"))
        code.unlink()
        code.symlink_to(elsewhere)

    def behind_the_link():
        copy.path("elsewhere/real.py").write_text(says("behind the link"))

    for save in (in_place, over_it, as_vim_does, by_a_link, behind_the_link):
        save()
        assert call(cloud)[0] == save.__name__.replace("_", " ")

    # Nothing but its time.
    _, pid = call(cloud)
    os.utime(code)
    assert call(cloud)[1] != pid


def test_a_folder_in_anothers_place_is_followed(cloud, copy, attach):
    attached = attach(cloud, copy)
    call(cloud)
    copy.write("new/app.py", says("replaced"))
    copy.path("First").rename(copy.path("old"))
    copy.path("new").rename(copy.path("First"))
    logged(attached, "imported replaced")
    assert call(cloud)[0] == "replaced"
    # And what is saved in it from then on, in folders that were not there before.
    copy.write("First/app.py", "from parts.one import handler\n")
    copy.write("First/parts/one.py", says("deep"))
    assert call(cloud)[0] == "deep"
    after = lines(attached)
    copy.write("First/parts/one.py", says("deeper"))
    logged(attached, "imported deeper", after)
    assert call(cloud)[0] == "deeper"


def test_functions_of_one_folder_all_have_what_was_saved_there(cloud, copy, attach):
    attached = attach(cloud, copy)
    pids = [call(cloud, name)[1] for name in ("First", "Second", "Other")]
    copy.write("First/app.py", says("shared"))

    def both():
        told = {it["function"] for it in attached.events_of("log") if "shared" in it["line"]}
        return told == {"First", "Second"}

    attached.wait_until(both, "import in both functions")
    assert [call(cloud, name)[0] for name in ("First", "Second", "Other")] == [
        "shared",
        "shared",
        "deployed",
    ]
    assert call(cloud, "Other")[1] == pids[2]


def test_a_save_among_twenty_thousand_files_is_noticed(cloud, copy, attach):
    for folder in range(200):
        path = copy.path(f"First/data/d{folder}")
        path.mkdir(parents=True)
        for number in range(100):
            (path / f"f{number}.py").write_text("")
    attached = attach(cloud, copy)
    _, pid = call(cloud)
    assert call(cloud)[1] == pid
    copy.path("First/data/d199/f99.py").write_text("x = 1\n")
    assert call(cloud)[1] != pid
    copy.write("First/app.py", says("among many"))
    logged(attached, "imported among many")
    assert call(cloud)[0] == "among many"


def test_a_save_at_a_breakpoint_waits_for_the_developer(cloud, copy, attach):
    copy.write("First/app.py", says("old"))
    attached = attach(cloud, copy, "--debug", "--debug-port", "0")
    where = attached.wait_for("debugger", function="First")
    code = copy.path("First/app.py")
    line = next(n for n, it in enumerate(code.read_text().splitlines(), 1) if "return" in it)
    with Debugger(where["host"], where["port"]) as debugger:
        assert debugger.attach({code: [line]}) == [True]
        calling = cloud.invoke_meanwhile("First")
        stopped = debugger.wait_for("stopped")
        copy.write("First/app.py", says("new"))
        behind = cloud.invoke_meanwhile("First")
        assert debugger.evaluate(debugger.frames(stopped["threadId"])[0], "1 + 1") == "2"
        assert not calling.done() and not behind.done()
        # Its answer may be lost: the process ends as soon as the invocation has.
        debugger.send("continue", threadId=stopped["threadId"])
        assert json.loads(calling.result(20).payload)[0] == "old"
    assert json.loads(behind.result(20).payload)[0] == "new"


def test_under_a_debugger_the_new_process_is_at_the_stable_port_before_an_invocation(
    cloud, copy, attach
):
    attached = attach(cloud, copy, "--function", "First", "--debug", "--debug-port", "0")
    where = attached.wait_for("debugger", function="First")
    code = copy.write("First/app.py", says("new"))
    logged(attached, "imported new")
    line = next(n for n, it in enumerate(code.read_text().splitlines(), 1) if "return" in it)
    with Debugger(where["host"], where["port"]) as debugger:
        assert debugger.attach({code: [line]}) == [True]
        calling = cloud.invoke_meanwhile("First")
        stopped = debugger.wait_for("stopped")
        debugger.ask("continue", threadId=stopped["threadId"])
        assert json.loads(calling.result(20).payload)[0] == "new"


def test_environments_share_the_processes_that_there_may_be(cloud, copy, attach, tmp_path):
    until = {"until": str(tmp_path / "go")}
    waits = WAITS.replace("return VERSION", "return os.getpid()").format(version="one")
    copy.write("First/app.py", waits)
    attached = attach(cloud, copy, "--concurrency", "1")
    first = cloud.invoke_meanwhile("First", until)
    logged(attached, "runs one")
    second = cloud.invoke_meanwhile("First", until)
    attached.wait_until(lambda: len(attached.events_of("started")) == 2, "second event")
    assert not first.done() and not second.done()
    Path(until["until"]).touch()
    answers = {first.result(30).payload, second.result(30).payload}
    assert len(answers) == 1, answers


def test_two_hundred_reloads_leave_nothing_behind(cloud, copy, attach):
    attached = attach(cloud, copy)
    call(cloud)

    def held():
        return len(os.listdir(f"/proc/{attached.pid}/fd"))

    def reload(rounds, name):
        for number in rounds:
            copy.write("First/app.py", says(f"{name} {number}"))
            assert call(cloud)[0] == f"{name} {number}"

    reload(range(20), "first")
    before = held()
    reload(range(180), "then")
    # One process's more or less: it may be on its way to its end.
    assert held() <= before + 8
    attached.wait_until(lambda: len(processes_of(attached)) <= 2, "end of all old processes")
