"""Faults that the emulator plays on request: calls that AWS refuses, loses or never answers."""

import json
import urllib.request

from .surroundings import PATIENCE


# What stands in calls that only try a right.
PROBE = "tether-rights"


class Fault:
    """A rule, until it is lifted: at the end of a ``with`` statement, or by ``lift``.

    ``service``, ``action``, ``principal`` (a part of the role's name), ``contains`` and ``lacks``
    (a part of path, query or body) say which calls it is about, of those that do something: not
    of those by which our programs only try their rights; ``skip`` of them pass first, and
    ``times`` meet it, or all. ``effect`` is what becomes of these: its kind, or a mapping with
    ``kind`` and what belongs to it.
    """

    def __init__(self, cloud, service, effect, **which):
        self._process = cloud.process
        self._path = f"{cloud.endpoint}/_tether/faults"
        if isinstance(effect, str):
            effect = {"kind": effect}
        rule = {"service": service, "effect": effect, "lacks": PROBE, **which}
        self.id = _ask("POST", self._path, rule)["id"]
        self._is_lifted = False

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.lift()

    def lift(self):
        """Ends it, and lets go what it holds."""
        if not self._is_lifted:
            self._is_lifted = True
            _ask("DELETE", f"{self._path}/{self.id}")

    @property
    def hits(self):
        """The events of all calls that have met it so far."""
        return self._process.events_of("fault", id=self.id)

    def wait_for_hit(self, number=1, timeout=PATIENCE):
        """Waits until so many calls have met it; the event of the last of them."""

        def look():
            hits = self.hits
            return hits[number - 1] if len(hits) >= number else None

        return self._process.wait_until(look, f"hit {number} of fault {self.id}", timeout)


def _ask(method, url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, method=method)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)
