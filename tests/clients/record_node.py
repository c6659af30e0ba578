"""Writes node_expected.json: what AWS's own clients do in each case.

``python tests/clients/record_node.py FOLDER``, where FOLDER/3 and FOLDER/4 are the folders into
which npm installed aws-lambda-ric 3 and 4 (``make .venv/bin/.installed-all`` does it).
"""

import json
import sys

from node_cases import PAIRS, key
from node_clients import FROM_24, HERE, UNTIL_22, Client, run_case

EXPECTED = HERE / "node_expected.json"
SCRIPTS = {
    UNTIL_22: "3/node_modules/aws-lambda-ric/bin/index.mjs",
    FROM_24: "4/node_modules/aws-lambda-ric/index.mjs",
}


def aws(folder, kind, **more):
    """AWS's client of a kind."""
    return Client(folder + "/" + SCRIPTS[kind], telemetry=True, **more)


def main():
    folder = sys.argv[1]
    seen = {key(kind, it): run_case(aws(folder, kind), kind, it) for kind, it in PAIRS}
    # A line for each case.
    lines = ["%s: %s" % (json.dumps(name), json.dumps(seen[name])) for name in sorted(seen)]
    EXPECTED.write_text("{\n%s\n}\n" % ",\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
