"""Whom to kill, and how."""

import os
import pathlib
import signal
import threading
import time
from collections import Counter, namedtuple

import boto3
from harness.sessions import plain
from harness.surroundings import REGION

# How long a victim is waited for: a busy one first, then any.
SEARCH = 0.3

# How long a connection is waited for.
REATTACHED = 10

One = namedtuple("One", "pid parent session state exe")


def processes():
    """Every process of this machine, by /proc."""
    found = {}
    for folder in pathlib.Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rsplit(") ", 1)[1].split()
            exe = os.readlink(folder / "exe")
        except OSError:
            continue
        state, parent, _, session = fields[:4]
        found[int(folder.name)] = One(int(folder.name), int(parent), int(session), state, exe)
    return found


def command_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


class Killer:
    """Does what is planned, as the invocations go out."""

    def __init__(self, shots, cloud, laptop, note):
        self.done = Counter()
        self._shots = list(shots)
        self._cloud = cloud
        self._laptop = laptop
        self._note = note
        self._threads = []

    def sent(self, number):
        """So many are on their way: the next shots are due."""
        while self._shots and self._shots[0].number <= number:
            shot = self._shots.pop(0)
            thread = threading.Thread(target=self._fire, args=(shot,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def rest(self):
        """Until all of it is done."""
        for thread in self._threads:
            thread.join(30)

    def _fire(self, shot):
        act = {"receiver": self._receiver, "pause": self._pause, "cut": self._cut}
        hit = act.get(shot.kind, self._one_of)(shot)
        if hit:
            self.done[shot.kind] += 1
        self._note(f"killed after {shot.number}: {shot.kind} {hit}")

    def _receiver(self, _):
        process = self._laptop.process
        if process.code is not None:
            return None
        process.signal(signal.SIGKILL)
        return process.pid

    def _pause(self, shot):
        process = self._laptop.process
        process.signal(signal.SIGSTOP)
        time.sleep(shot.pause)
        process.signal(signal.SIGCONT)
        return f"{process.pid} for {shot.pause:.1f} s"

    def _cut(self, _):
        """Ends the session's connection as API Gateway does, once there is one."""
        deadline = time.monotonic() + REATTACHED
        while time.monotonic() < deadline:
            connection = self._connection()
            if connection and self._delete(connection):
                return connection
            time.sleep(0.05)
        return None

    def _connection(self):
        session = self._laptop.session_id
        if session is None:
            return None
        found = self._cloud.client("dynamodb").get_item(
            TableName=self._cloud.outputs()["SessionsTable"],
            Key={"SessionId": {"S": session}},
            ConsistentRead=True,
        )
        return plain(found.get("Item", {})).get("ConnectionId")

    def _delete(self, connection):
        client = boto3.client(
            "apigatewaymanagementapi",
            endpoint_url=self._cloud.outputs()["ConnectionsUrl"],
            region_name=REGION,
            aws_access_key_id="AKIAEXAMPLE",
            aws_secret_access_key="example",
        )
        try:
            client.delete_connection(ConnectionId=connection)
        except client.exceptions.GoneException:
            return False
        finally:
            client.close()
        return True

    def _one_of(self, shot):
        """Kills one of a kind, one that does something if there is any."""
        deadline = time.monotonic() + SEARCH
        while True:
            found = self._candidates(shot.kind)
            busy = [it for it in found if it.state not in "Tt"]
            late = time.monotonic() > deadline
            if busy or (found and late):
                victims = sorted(busy or found)
                victim = victims[int(shot.luck * len(victims))]
                try:
                    os.kill(victim.pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
                return f"{victim.pid}, {'busy' if busy else 'frozen'}"
            if late:
                return None
            time.sleep(0.005)

    def _candidates(self, kind):
        every = processes()
        cloud, laptop = self._cloud.process.pid, self._laptop.process.pid

        def is_bootstrap(one):
            return one is not None and one.exe.endswith("/tether-bootstrap")

        def fits(one):
            if kind == "local":
                return one.parent == laptop and b"tether_runtime.py" in command_of(one.pid)
            if one.session != cloud or one.pid == cloud:
                return False
            if kind == "bootstrap":
                return is_bootstrap(one)
            if kind == "deployed":
                parent = every.get(one.parent)
                return is_bootstrap(parent) and not is_bootstrap(one)
            return one.exe.endswith("/bootstrap") and f"{kind}function" in one.exe.lower()

        return [it for it in every.values() if fits(it)]
