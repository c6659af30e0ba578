"""A laptop whose clock is off, or whose disk is full."""

import json
import sys

import pytest
from harness import Project, tether
from harness import laptop as odd

MINUTE, HOUR = 60, 3600

# While attached a function has Lambda's largest timeout.
ATTACHED = 900

WORKING = """
import pathlib, time

def handler(event, context):
    while "until" in event and not pathlib.Path(event["until"]).exists():
        time.sleep(0.01)
    return {"by": "the working copy", "left": context.get_remaining_time_in_millis()}
"""
DEPLOYED = 'def handler(event, context):\n    return {"by": "the deployed code"}\n'


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return odd.compiled(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def cloud(clouds, tmp_path_factory):
    deployed = Project.of(tmp_path_factory.mktemp("deployed"), {"Hello": DEPLOYED}, timeout=30)
    return clouds({"app": deployed.template})


@pytest.fixture
def project(tmp_path):
    return Project.of(tmp_path / "working-copy", {"Hello": WORKING})


@pytest.fixture
def odd_laptop(cloud, attach, project, library, tmp_path):
    """Attaches on a laptop that is odd in some way."""

    def start(*flags, **variables):
        return attach(cloud, project, *flags, variables={"LD_PRELOAD": library, **variables})

    start.temporary = tmp_path / "tmp"
    start.temporary.mkdir()
    return start


# ---- the clock


def with_its_clock(project, library, offset):
    """A virtualenv whose Python has the laptop's clock: the receiver hands on no LD_PRELOAD."""
    clock = f"LD_PRELOAD={library} LAPTOP_CLOCK_OFFSET={offset}"
    python = project.write(".venv/bin/python", f'#!/bin/sh\nexec env {clock} {sys.executable} "$@"\n')
    python.chmod(0o755)


def notes_of(attached):
    said = [it["message"] for it in attached.events_of("note")]
    return [it for it in said if it.startswith("this machine's clock")]


@pytest.mark.parametrize(
    ("offset", "said"),
    [
        (-5 * MINUTE, "5 minutes behind"),
        (5 * MINUTE, "5 minutes ahead of"),
        (-4 * MINUTE, "4 minutes behind"),
        (4 * MINUTE, "4 minutes ahead of"),
        (-3 * HOUR, "3 hours behind"),
        (3 * HOUR, "3 hours ahead of"),
    ],
)
def test_with_a_clock_that_is_off_the_laptop_answers_and_restores_and_is_told(
    cloud, odd_laptop, project, library, offset, said
):
    before = cloud.configuration("Hello")
    with_its_clock(project, library, offset)
    attached = odd_laptop(LAPTOP_CLOCK_OFFSET=str(offset))
    (note,) = notes_of(attached)
    assert note.startswith(f"this machine's clock is {said} AWS's: set it")
    for _ in range(3):
        answer = cloud.invoke("Hello")
        assert answer.error is None
        answered = json.loads(answer.payload)
        assert answered["by"] == "the working copy"
        # By the local process's own clock, which is as wrong.
        assert 0.9 * ATTACHED < answered["left"] / 1000 <= ATTACHED
        told = attached.outcome_of(answer)
        assert told["outcome"] == "completed"
        # Both ends of it by the same clock.
        assert told["totalMs"] < MINUTE * 1000 and told["hops"]["postMs"] < MINUTE * 1000
    assert len(attached.events_of("started")) == 3
    attached.detach()
    assert cloud.configuration("Hello") == before


def test_a_clock_that_is_right_is_not_spoken_of(cloud, odd_laptop):
    attached = odd_laptop(LAPTOP_CLOCK_OFFSET="10")
    assert notes_of(attached) == []
    assert json.loads(cloud.invoke("Hello").payload)["by"] == "the working copy"


# ---- the disk


def test_a_full_temporary_folder_is_named_in_one_line_and_the_function_is_left_alone(
    cloud, project, library, odd_laptop
):
    before = cloud.configuration("Hello")
    folder = str(odd_laptop.temporary)
    refused = tether(
        *("attach", "--stack-name", "app"),
        endpoint=cloud.endpoint,
        cwd=project.folder,
        LD_PRELOAD=library,
        LAPTOP_FULL=folder,
        TMPDIR=folder,
    )
    assert refused.code == 2
    assert refused.errors == [
        f"the runtime clients cannot be written to {folder} (no storage space): "
        "make room there, or set TMPDIR to another folder"
    ]
    assert cloud.configuration("Hello") == before
    assert json.loads(cloud.invoke("Hello").payload)["by"] == "the deployed code"


def test_with_a_full_state_folder_attach_works_and_says_what_does_not(cloud, odd_laptop, project):
    before = cloud.configuration("Hello")
    attached = odd_laptop(LAPTOP_FULL=str(project.laptop))
    (notice,) = attached.events_of("notice")
    assert notice["message"] == (
        "`tether status` and `tether detach` will not find this process: the state folder "
        f"{project.laptop}/tether cannot be written (No space left on device (os error 28)): "
        "make room in it, and see whose it is"
    )
    assert json.loads(cloud.invoke("Hello").payload)["by"] == "the working copy"
    attached.detach()
    assert cloud.configuration("Hello") == before


def test_a_disk_that_fills_up_while_an_invocation_runs_costs_no_answer(
    cloud, odd_laptop, tmp_path
):
    before = cloud.configuration("Hello")
    full, go_on = tmp_path / "full", tmp_path / "go on"
    attached = odd_laptop(
        LAPTOP_FULL=str(tmp_path), LAPTOP_FULL_WHEN=str(full), TMPDIR=str(odd_laptop.temporary)
    )
    calling = cloud.invoke_meanwhile("Hello", {"until": str(go_on)})
    attached.wait_for("started", function="Hello")
    full.touch()
    go_on.touch()
    assert json.loads(calling.result(20).payload)["by"] == "the working copy"
    # Another process of its own, too: this one still waits.
    answer = cloud.invoke("Hello")
    assert json.loads(answer.payload)["by"] == "the working copy"
    attached.detach()
    assert cloud.configuration("Hello") == before


@pytest.fixture
def in_the_background(cloud, project, library):
    """``attach --background`` with a disk that is full now, or once a file is there."""

    def start(**variables):
        return tether(
            *("attach", "--stack-name", "app", "--background"),
            endpoint=cloud.endpoint,
            cwd=project.folder,
            XDG_STATE_HOME=str(project.laptop),
            LD_PRELOAD=library,
            LAPTOP_FULL=str(project.laptop),
            **variables,
        )

    yield start
    done = tether(
        *("detach", "--stack-name", "app"),
        endpoint=cloud.endpoint,
        XDG_STATE_HOME=str(project.laptop),
    )
    assert done.code == 0, done.errors


def test_in_the_background_a_log_that_has_no_place_is_an_error_of_one_line(
    cloud, in_the_background, project
):
    before = cloud.configuration("Hello")
    refused = in_the_background()
    assert refused.code == 2
    assert refused.errors == [
        f"there is no place for the log: the state folder {project.laptop}/tether cannot be "
        "written (No space left on device (os error 28)): make room in it, and see whose it is"
    ]
    assert cloud.configuration("Hello") == before


def test_in_the_background_a_log_that_cannot_grow_stops_nothing(
    cloud, in_the_background, project, tmp_path
):
    before = cloud.configuration("Hello")
    full = tmp_path / "full"
    started = in_the_background(LAPTOP_FULL_WHEN=str(full))
    assert started.code == 0, started.errors
    log = project.laptop / "tether"
    (log,) = log.glob("*.log")
    assert json.loads(cloud.invoke("Hello").payload)["by"] == "the working copy"
    full.touch()
    written = log.read_text()
    for _ in range(3):
        assert json.loads(cloud.invoke("Hello").payload)["by"] == "the working copy"
    assert log.read_text() == written
    left = tether(
        *("detach", "--stack-name", "app"),
        endpoint=cloud.endpoint,
        XDG_STATE_HOME=str(project.laptop),
    )
    assert left.code == 0, left.errors
    assert cloud.configuration("Hello") == before


def test_what_the_receiver_starts_has_an_ordinary_laptop(cloud, odd_laptop, project):
    source = WORKING.replace('"by":', '"preload": os.environ.get("LD_PRELOAD"), "by":')
    project.write("Hello/app.py", "import os\n" + source)
    odd_laptop(LAPTOP_CLOCK_OFFSET=str(HOUR // 12))
    assert json.loads(cloud.invoke("Hello").payload)["preload"] is None
