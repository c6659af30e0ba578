"""The soak itself: sends, kills, restores, and adds up."""

import pathlib
import tempfile
import threading
import time
from collections import Counter, namedtuple
from concurrent.futures import ThreadPoolExecutor

import boto3
import botocore.config
from harness import Cloud, Project, tether
from harness.cloud import Answer
from harness.sessions import plain
from harness.surroundings import REGION

from . import plan
from .killer import Killer
from .laptop import Laptop
from .ledger import DEPLOYED, LAPTOP, Ledger

Settings = namedtuple("Settings", "invocations seed in_flight", defaults=(plan.MOST_IN_FLIGHT,))

# The lease of a laptop whose end nobody noticed, and the grace after it.
CALLER_WAITS = 90 + 15 + 30

# A caller that waits so long is no load: another one takes its place.
STUCK = 1.5

# Between two looks at memory and descriptors, and two lines for people.
LOOK, TELL = 1, 5

# A run that is shorter is over before all environments have started.
LONG = 2000

# By how much the last quarter may be above the first one.
MORE_KB, MORE_DESCRIPTORS = 40_000, 100

Look = namedtuple("Look", "sent kb descriptors")


class Soak:
    """One run; ``broken`` says what does not hold."""

    def __init__(self, settings, say):
        self.settings = settings
        self.say = say
        self.broken = []
        self.log = []
        self.looks = {"emulator": [], "receiver": []}
        self._young = threading.Semaphore(settings.in_flight)
        self._over = threading.Event()

    def run(self):
        """Whether everything holds."""
        with tempfile.TemporaryDirectory(prefix="tether-soak-") as folder:
            folder = pathlib.Path(folder)
            self.ledger = Ledger(folder / "runs")
            deployed = self._project(folder / "deployed", DEPLOYED)
            cloud = Cloud({"app": deployed.template})
            try:
                self._run_in(cloud, self._project(folder / "copy", LAPTOP))
                self._holds("the cloud", cloud.close)
            finally:
                self._over.set()
                cloud.process.close()
        return not self.broken

    def _project(self, folder, who):
        source = self.ledger.source(who)
        return Project.of(folder, dict.fromkeys(plan.FUNCTIONS, source), timeout=20)

    def _run_in(self, cloud, project):
        self._began = time.monotonic()
        before = {name: cloud.configuration(name) for name in plan.FUNCTIONS}
        cloud.outputs()
        self.laptop = Laptop(cloud, project, self._note)
        try:
            shots = plan.shots(self.settings.seed, self.settings.invocations)
            self.killer = Killer(shots, cloud, self.laptop, self._note)
            watching = threading.Thread(target=self._watch, args=(cloud,), daemon=True)
            watching.start()
            self._send(cloud)
            self.killer.rest()
            self.took = time.monotonic() - self._began
            self._over.set()
            watching.join()
            self._note_records(cloud)
            self.laptop.detach()
        finally:
            self._over.set()
            self.laptop.close()
        self._check_restored(cloud, before)
        self.ledger.check(self.killer.done)
        self._check_growth()
        self.broken += self.laptop.broken + self.ledger.broken

    def _note(self, what):
        """What happened when, for whoever looks for the cause of something."""
        self.log.append(f"{time.monotonic() - self._began:8.3f} s, {self.ledger.sent} sent: {what}")

    # ---- sending

    def _send(self, cloud):
        config = botocore.config.Config(
            connect_timeout=5,
            read_timeout=CALLER_WAITS,
            retries={"total_max_attempts": 1},
            max_pool_connections=8 * self.settings.in_flight,
        )
        client = boto3.client(
            "lambda",
            endpoint_url=cloud.endpoint,
            region_name=REGION,
            aws_access_key_id="AKIAEXAMPLE",
            aws_secret_access_key="example",
            config=config,
        )
        with ThreadPoolExecutor(8 * self.settings.in_flight) as callers:
            for number in range(self.settings.invocations):
                self._young.acquire()
                sent = plan.event(self.settings.seed, number)
                self.ledger.sent += 1
                callers.submit(self._call, client, cloud.function(sent.function), sent)
                self.killer.sent(number)
        client.close()

    def _call(self, client, name, sent):
        release = _Once(self._young.release)
        stuck = threading.Timer(STUCK, release)
        stuck.daemon = True
        stuck.start()
        try:
            answer = client.invoke(FunctionName=name, Payload=self.ledger.body(sent))
            answer = Answer(
                answer["Payload"].read(),
                answer.get("FunctionError"),
                answer["ResponseMetadata"]["RequestId"],
            )
            self.ledger.answered(sent, answer)
        except Exception as error:  # Whatever a caller meets must stand in the report.
            self.ledger.complain(f"{sent.id}: the caller got {error!r}")
        finally:
            stuck.cancel()
            release()

    # ---- watching

    def _watch(self, cloud):
        told = time.monotonic()
        while not self._over.wait(LOOK):
            for name, process in (("emulator", cloud.process), ("receiver", self.laptop.process)):
                look = self._look_at(process.pid)
                if look:
                    self.looks[name].append(look)
            if time.monotonic() - told >= TELL:
                told = time.monotonic()
                self._tell()

    def _look_at(self, pid):
        proc = pathlib.Path(f"/proc/{pid}")
        try:
            lines = (proc / "status").read_text().splitlines()
            resident = next(it for it in lines if it.startswith("VmRSS:"))
            return Look(
                self.ledger.sent, int(resident.split()[1]), len(list((proc / "fd").iterdir()))
            )
        except (OSError, StopIteration):
            return None  # It was killed just now.

    def _tell(self):
        laptop, deployed, errors = self.ledger.count()
        self.say(
            f"{self.ledger.sent} of {self.settings.invocations} sent: {laptop} laptop, "
            f"{deployed} deployed, {errors.total()} errors; {self.killer.done.total()} kills"
        )

    def quarters(self, name):
        """The most of memory (KB) and descriptors in the first and the last quarter."""
        looks, whole = self.looks[name], self.settings.invocations
        first = [it for it in looks if it.sent <= whole / 4] or looks[:1]
        last = [it for it in looks if it.sent >= whole * 3 / 4] or looks[-1:]
        return [
            (max(it.kb for it in part), max(it.descriptors for it in part))
            for part in (first, last)
        ]

    def _check_growth(self):
        if self.settings.invocations < LONG:
            return
        for name in self.looks:
            (kb, descriptors), (last_kb, last_descriptors) = self.quarters(name)
            if last_kb > kb + MORE_KB or last_descriptors > descriptors + MORE_DESCRIPTORS:
                self.broken.append(
                    f"the {name} grew from {kb} KB and {descriptors} descriptors "
                    f"to {last_kb} KB and {last_descriptors}"
                )

    # ---- afterwards

    def _holds(self, what, act):
        try:
            act()
        except AssertionError as error:
            self.broken.append(f"{what}: {error}")

    def _note_records(self, cloud):
        """What stands in the table when nothing is on its way: marks, and what was killed."""
        rows = Counter()
        pages = cloud.client("dynamodb").get_paginator("scan")
        for page in pages.paginate(TableName=cloud.outputs()["DebuggerTable"]):
            for item in page["Items"]:
                row = plain(item)
                rows[row.get("Status", row["Part"].split("#")[-1].rstrip("0123456789"))] += 1
        self.records = rows

    def _check_restored(self, cloud, before):
        def changed():
            return [name for name in before if cloud.configuration(name) != before[name]]

        late = changed()
        if late:
            self._note(f"not restored by the last detach: {late}")
            done = tether("detach", "--stack-name", "app", endpoint=cloud.endpoint)
            if done.code != 0:
                self.broken.append(f"tether detach ended with {done.code}: {done.errors}")
        self.broken += [f"{name} is not what it was" for name in changed()]


class _Once:
    """Calls it once, whoever asks first."""

    def __init__(self, act):
        self._act = act
        self._lock = threading.Lock()

    def __call__(self):
        if self._lock.acquire(blocking=False):
            self._act()
