"""A developer who is attached."""

import signal

from .processes import Process
from .surroundings import binary, environment, tether


class Attached(Process):
    """``tether attach`` in the folder of a working copy, until it is ready."""

    def __init__(self, cloud, project, *flags, stack="app", variables=None):
        command = [binary(), "attach", "--stack-name", stack, "--json", *flags]
        state = {"XDG_STATE_HOME": str(project.laptop)}
        env = environment(cloud.endpoint, **state, **(variables or {}))
        super().__init__(f"attach {stack}", command, env, project.folder)
        self.cloud = cloud
        self.stack = stack
        try:
            self.ready = self.wait_for("ready")
        except BaseException:
            self.leave()
            raise

    @property
    def session_id(self):
        return self.ready["sessionId"]

    def outcome_of(self, answer):
        """What became of an invocation here, by the caller's answer."""
        return self.wait_for("invocation", requestId=answer.request_id)

    def detach(self):
        """Ctrl-C: the functions are what they were, and nothing is left behind."""
        self.signal(signal.SIGINT)
        assert self.ends() == 0, f"attach ended with {self.code}: {self.errors}"
        assert self.events[-1] == {"event": "detached"}
        self.leaves_nothing_behind()

    def leave(self):
        """However a story left it, the next one finds the functions as they were."""
        try:
            if self.code is None:
                self.signal(signal.SIGINT)
                # The second one does not wait for what the story left running.
                self.signal(signal.SIGINT)
                assert self.ends() == 0, f"attach ended with {self.code}: {self.errors}"
                self.leaves_nothing_behind()
        finally:
            self.close()
            tether("detach", "--stack-name", self.stack, endpoint=self.cloud.endpoint)
