"""Fixtures of the stories. Every process they start ends with them."""

import contextlib
import signal

import pytest
from harness import Attached, Cloud, Project
from harness.processes import tails

# What is ignored here (under nohup, say) would be ignored by what the stories start; a
# handler is not handed down.
for number in (signal.SIGHUP, signal.SIGINT):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, lambda *_: None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """What the processes said last stands below a failure."""
    report = yield
    if report.failed:
        said = tails()
        if said:
            report.sections.append(("processes", said))
    return report


@pytest.fixture(scope="module")
def clouds():
    """Starts clouds that live as long as the module's stories."""
    # Each is closed, also where another one has not ended well.
    with contextlib.ExitStack() as started:

        def start(stacks, *flags):
            cloud = Cloud(stacks, *flags)
            started.callback(cloud.close)
            return cloud

        yield start


@pytest.fixture(scope="module")
def hello_cloud(clouds, tmp_path_factory):
    """A cloud with the example deployed as the stack ``app``."""
    deployed = Project.hello(tmp_path_factory.mktemp("deployed") / "hello")
    return clouds({"app": deployed.template})


@pytest.fixture
def attach():
    """Attaches; whatever is still attached at the end is detached."""
    yield from _attaching()


@pytest.fixture(scope="module")
def attach_for_module():
    """The same, for stories that share one session."""
    yield from _attaching()


def _attaching():
    started = []

    def start(cloud, project, *flags, **more):
        attached = Attached(cloud, project, *flags, **more)
        started.append(attached)
        return attached

    yield start
    for attached in reversed(started):
        attached.leave()


@pytest.fixture
def working_copy(tmp_path):
    """The example, changed: its answers differ from the deployed code's."""
    project = Project.hello(tmp_path / "working-copy")
    project.edit("hello/app.py", "the deployed code", "the working copy")
    return project
