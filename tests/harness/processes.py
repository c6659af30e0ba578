"""A process whose lines are read as they come, and whose end is certain."""

import json
import os
import signal
import subprocess
import threading
import time

from .surroundings import PATIENCE

# Shown when something did not happen in time.
LAST_LINES = 60

_alive = []


class Process:
    """Runs in a session of its own, so that whatever it leaves behind is found."""

    def __init__(self, name, command, env, cwd=None, stdin=None, reads_from=None):
        self.name = name
        self.stdout = []
        self.stderr = []
        self.events = []
        self._news = threading.Condition()
        self._popen = subprocess.Popen(
            [str(word) for word in command],
            env=env,
            cwd=cwd,
            stdin=subprocess.PIPE if stdin else reads_from or subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.pid = self._popen.pid
        _alive.append(self)
        self._readers = [
            _thread(self._read, self._popen.stdout, self.stdout),
            _thread(self._read, self._popen.stderr, self.stderr),
        ]
        if stdin:
            self._readers.append(_thread(self._write, stdin.encode()))

    def _read(self, stream, lines):
        with stream:
            for raw in stream:
                line = raw.decode(errors="replace").rstrip("\r\n")
                with self._news:
                    lines.append(line)
                    if lines is self.stdout:
                        self._parse(line)
                    self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def _parse(self, line):
        if line.startswith('{"event":'):
            self.events.append(json.loads(line))

    def _write(self, stdin):
        try:
            with self._popen.stdin as stream:
                stream.write(stdin)
        except BrokenPipeError:
            pass  # It ended without reading all of it.

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    # ---- waiting: always for something, never for long

    def wait_until(self, look, what, timeout=PATIENCE):
        """Looks again at every line that comes, until something is found."""
        deadline = time.monotonic() + timeout
        with self._news:
            while True:
                found = look()
                if found:
                    return found
                left = deadline - time.monotonic()
                over = self._popen.poll() is not None and not self._is_read()
                if left <= 0 or over:
                    break
                # A process may end without another line.
                self._news.wait(min(left, 0.2))
        how = f"ended with {self._popen.poll()}" if over else f"{timeout} s have passed"
        raise AssertionError(f"{self.name}: no {what}: {how}\n{tails()}")

    def _is_read(self):
        return any(reader.is_alive() for reader in self._readers)

    def wait_for(self, event, timeout=PATIENCE, **fields):
        """The first event of this kind whose fields have these values."""
        wanted = {"event": event, **fields}

        def look():
            for it in self.events:
                if wanted.items() <= it.items():
                    return it
            return None

        return self.wait_until(look, f"event {wanted}", timeout)

    def events_of(self, event, **fields):
        """All of this kind so far."""
        wanted = {"event": event, **fields}
        return [it for it in list(self.events) if wanted.items() <= it.items()]

    def ends(self, timeout=PATIENCE):
        """Waits for its end; its exit code, or minus the signal."""
        try:
            self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} does not end in {timeout} s\n{tails()}") from None
        for reader in self._readers:
            reader.join(timeout)
        return self._popen.returncode

    @property
    def code(self):
        """Its exit code; none while it runs."""
        return self._popen.poll()

    @property
    def errors(self):
        """What it said with ``error: ``."""
        return [line.removeprefix("error: ") for line in self.stderr if line.startswith("error: ")]

    # ---- ending

    def signal(self, number):
        if self._popen.poll() is None:
            self._popen.send_signal(number)

    def kill(self):
        """SIGKILL, to it alone."""
        self.signal(signal.SIGKILL)
        self.ends()

    def relatives(self):
        """Processes of its session that still run, without itself."""
        listed = subprocess.run(
            ["ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True, check=True
        )
        found = []
        for line in listed.stdout.splitlines():
            pid, state = line.split()[:2]
            try:
                if os.getsid(int(pid)) == self.pid != int(pid) and not state.startswith("Z"):
                    found.append(int(pid))
            except (ProcessLookupError, PermissionError):
                pass
        return found

    def leaves_nothing_behind(self):
        """After its end: what it started has ended, or is about to."""
        deadline = time.monotonic() + 3
        while left := self.relatives():
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.name} left processes behind: {left}\n{tails()}")
            time.sleep(0.05)  # There is no event to wait for: they are not our children.

    def close(self):
        """Ends it and everything that it started, whatever state they are in."""
        if self._popen.poll() is None:
            self._popen.kill()
        for pid in self.relatives():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self._popen.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        if self in _alive:
            _alive.remove(self)


def _thread(work, *arguments):
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread


def tails():
    """The last lines of every process that a story has not closed yet."""
    parts = []
    for process in _alive:
        for stream in ("stdout", "stderr"):
            lines = getattr(process, stream)[-LAST_LINES:]
            if lines:
                parts.append(f"---- {process.name}, {stream}, last {len(lines)} lines")
                parts.extend(lines)
    return "\n".join(parts)
