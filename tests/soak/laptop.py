"""A developer who attaches again whenever the receiver is gone."""

import signal
import threading

from harness.processes import Process
from harness.surroundings import binary, environment

# So many attaches in a row may fail: a manager that is killed fails one.
FAILURES = 5


class Laptop:
    """``tether attach``, kept alive."""

    def __init__(self, cloud, project, note):
        self.cloud = cloud
        self.project = project
        self.attached = 0
        self.failed = []
        self.broken = []
        self.outcomes = {}
        self._note = note
        self._over = threading.Event()
        self._first = threading.Event()
        self._now = None
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()
        if not self._first.wait(60):
            raise AssertionError(f"not attached: {self.failed}")

    @property
    def process(self):
        return self._now

    @property
    def session_id(self):
        ready = self._now.events_of("ready")
        return ready[0]["sessionId"] if ready else None

    def _start(self):
        command = [binary(), "attach", "--stack-name", "app", "--take-over", "--json"]
        env = environment(self.cloud.endpoint, XDG_STATE_HOME=str(self.project.laptop))
        return Process("attach", command, env, self.project.folder)

    def _keep(self):
        in_a_row = 0
        while not self._over.is_set():
            self._now = process = self._start()
            if self._is_ready(process):
                in_a_row = 0
                self.attached += 1
                self._first.set()
                self._note(f"attached, {process.pid}")
                process.ends(None)
                self._note(f"the receiver {process.pid} is gone")
                # Its local processes end when their handlers do.
                self._is_clean(process)
            elif process.code != -signal.SIGKILL:
                in_a_row += 1
                self.failed.append(" ".join(process.errors) or f"exit code {process.code}")
                self._note(f"attach failed: {self.failed[-1]}")
            self._note_outcomes(process)
            if not self._over.is_set():
                if process.code not in (-signal.SIGKILL, 2):
                    self.broken.append(f"attach ended with {process.code}: {process.errors}")
                process.close()
            if in_a_row == FAILURES:
                self.broken.append(f"cannot attach: {self.failed}")
                return

    def _is_ready(self, process):
        try:
            process.wait_for("ready", timeout=60)
        except AssertionError:
            if process.code is None:
                self.broken.append("attach was not ready in 60 s")
                process.kill()
            process.ends()
            return False
        return True

    def _is_clean(self, process):
        try:
            process.leaves_nothing_behind()
        except AssertionError as left:
            self.broken.append(str(left))

    def _note_outcomes(self, process):
        for it in process.events_of("invocation"):
            self.outcomes.setdefault(it["requestId"], []).append(it)

    def detach(self):
        """Ctrl-C; what broke."""
        self._over.set()
        process = self._now
        process.signal(signal.SIGCONT)
        process.signal(signal.SIGINT)
        self._thread.join(60)
        if process.code != 0 or process.events[-1] != {"event": "detached"}:
            self.broken.append(f"detach ended with {process.code}: {process.errors}")
        process.close()

    def close(self):
        self._over.set()
        self._now.close()
        self._thread.join(20)
