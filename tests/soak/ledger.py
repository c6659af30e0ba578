"""What was sent, what was answered, what ran: and whether it adds up."""

import hashlib
import json
import os
import threading
from collections import Counter, defaultdict, namedtuple

from . import plan

LAPTOP, DEPLOYED = "the working copy", "the deployed code"

# Each run leaves one line before anything else, whoever is killed then.
SOURCE = '''
import hashlib
import os
import random
import secrets
import time


def handler(event, context):
    run = secrets.token_hex(8)
    line = f"{{event['id']}} {{context.aws_request_id}} {who!r} {{run}}\\n"
    journal = os.open({journal!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(journal, line.encode())
    os.close(journal)
    time.sleep(event["seconds"])
    return {{
        "id": event["id"],
        "by": {who!r},
        "run": run,
        "got": hashlib.sha256(event["text"].encode()).hexdigest(),
        "text": random.Random(event["id"]).randbytes(event["answer"] // 2).hex(),
    }}
'''

# Lambda's own, for a process that was killed.
KILLED = ("Runtime.ExitError",)
# Ours, with whose kill they can come. A bug of ours is not among them.
OURS = ("Tether.LaptopGone", "Tether.Unconfirmed", "Tether.AnswerLost", "Tether.AnswerNotStored")

Answered = namedtuple("Answered", "sent by run request_id error")
Run = namedtuple("Run", "id request_id who run")


class Ledger:
    """Every event that was sent, and its one answer."""

    def __init__(self, journal):
        self.journal = journal
        self.sent = 0
        self.broken = []
        self._answers = {}
        self._lock = threading.Lock()

    def source(self, who):
        return SOURCE.format(who=who, journal=str(self.journal))

    def body(self, sent):
        event = {
            "id": sent.id,
            "seconds": sent.seconds,
            "answer": sent.answer,
            "text": plan.text(f"{sent.id} in", sent.size),
        }
        return json.dumps(event).encode()

    def complain(self, what):
        with self._lock:
            self.broken.append(what)

    def answered(self, sent, answer):
        """Reads what the caller got."""
        said = json.loads(answer.payload)
        if answer.error is None:
            by, run, error = said["by"], said["run"], None
            self._check(sent, said)
        else:
            by, run, error = None, None, said["errorType"]
            self._check_error(sent, said)
        with self._lock:
            if sent.id in self._answers:
                self.broken.append(f"{sent.id} has two answers")
            self._answers[sent.id] = Answered(sent, by, run, answer.request_id, error)

    def _check(self, sent, said):
        wanted = hashlib.sha256(plan.text(f"{sent.id} in", sent.size).encode()).hexdigest()
        if said["id"] != sent.id:
            self.complain(f"{sent.id} got the answer of {said['id']}")
        elif said["got"] != wanted:
            self.complain(f"{sent.id} was not what {said['by']} got")
        elif said["text"] != plan.text(sent.id, sent.answer):
            self.complain(f"{sent.id} did not get the answer that {said['by']} gave")

    def _check_error(self, sent, said):
        kind, message = said["errorType"], said.get("errorMessage", "")
        ours = kind in OURS and message.startswith("tether")
        if not ours and kind not in KILLED:
            self.complain(f"{sent.id} failed with {kind}: {message}")

    # ---- the sum

    def count(self):
        """Answers so far: by the laptop, by the deployed code, and errors by name."""
        with self._lock:
            answers = list(self._answers.values())
        by = Counter(it.by for it in answers if it.error is None)
        return by[LAPTOP], by[DEPLOYED], Counter(it.error for it in answers if it.error)

    def runs(self):
        runs = defaultdict(list)
        if os.path.exists(self.journal):
            with open(self.journal, encoding="utf-8") as lines:
                for line in lines:
                    name, request_id, rest = line.rstrip("\n").split(" ", 2)
                    who, run = rest.rsplit(" ", 1)
                    runs[name].append(Run(name, request_id, who.strip("'"), run))
        return runs

    def check(self, kills):
        """None twice, none lost, none made up, and no error without a reason."""
        runs = self.runs()
        for name, of in runs.items():
            if len(of) > 1:
                self.complain(f"{name} ran {len(of)} times: {of}")
        for it in self._answers.values():
            mine = [(run.who, run.run) for run in runs.get(it.sent.id, ())]
            if it.error is None and mine != [(it.by, it.run)]:
                self.complain(f"{it.sent.id} was answered by {it.by}, run {it.run}; runs: {mine}")
        if len(self._answers) != self.sent:
            self.complain(f"{self.sent} were sent, {len(self._answers)} were answered")
        strangers = [name for name in runs if name not in self._answers]
        if strangers:
            self.complain(f"ran without having been sent: {strangers}")
        errors = self.count()[2]
        ended = kills["local"] + kills["bootstrap"] + kills["deployed"]
        if errors["Runtime.ExitError"] > ended:
            self.complain(f"{errors['Runtime.ExitError']} Runtime.ExitError by {ended} kills")
        # No more than were on the laptop at each kill.
        lost, most = errors["Tether.LaptopGone"], kills["receiver"] * plan.MOST_IN_FLIGHT
        if lost > most:
            self.complain(f"{lost} Tether.LaptopGone by {kills['receiver']} kills of a receiver")
        # A doubt takes a kill between a write and its answer.
        doubts = sum(errors[it] for it in OURS if it != "Tether.LaptopGone")
        if doubts > sum(kills.values()):
            self.complain(f"{doubts} errors out of doubt by {sum(kills.values())} kills: {errors}")
        laptop = self.count()[0]
        if laptop < self.sent // 4:
            self.complain(f"only {laptop} of {self.sent} were answered by the laptop")

    def failures(self):
        return [it for it in self._answers.values() if it.error]
