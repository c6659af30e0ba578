"""``python -m permissions FOLDER``: the actions that each role of the helper stack grants, with how
often the stories used them. The stories leave what the emulator counted in the folder, when
``TETHER_PERMISSIONS`` names it.

An action that no story uses is an error, unless the role's metadata in the template says why it is
granted all the same (``UnusedInStories``); so is a reason for one that is used.
"""

import collections
import json
import pathlib
import re
import sys

import yaml

TEMPLATE = pathlib.Path(__file__).resolve().parents[2] / "helper-stack" / "template.yaml"
EXCUSES = "UnusedInStories"


class _Loader(yaml.SafeLoader):
    """Takes CloudFormation's tags for what stands behind them."""


_Loader.add_multi_constructor(
    "!",
    lambda loader, _, node: (
        loader.construct_scalar(node)
        if isinstance(node, yaml.ScalarNode)
        else loader.construct_sequence(node, deep=True)
        if isinstance(node, yaml.SequenceNode)
        else loader.construct_mapping(node, deep=True)
    ),
)


def granted(template):
    """Role, statement and action of everything that the template grants, and the excuses."""
    grants, excuses = [], {}
    for role, resource in template["Resources"].items():
        if resource["Type"] != "AWS::IAM::Role":
            continue
        for action, reason in resource.get("Metadata", {}).get(EXCUSES, {}).items():
            excuses[role, action] = reason
        for policy in resource["Properties"].get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = statement["Action"]
                actions = [actions] if isinstance(actions, str) else actions
                grants.extend((role, statement["Sid"], action) for action in actions)
    return grants, excuses


def used(folder, roles):
    """How often each was used, by what the stories left."""
    counts = collections.Counter()
    role_of = re.compile(rf"-({'|'.join(map(re.escape, roles))})(-|$)")
    for path in sorted(folder.glob("*.json")):
        for role in json.loads(path.read_text())["roles"]:
            found = role_of.search(role["name"])
            if not found:
                continue
            for statement in role["statements"]:
                for action in statement["actions"]:
                    key = (found[1], statement["sid"], action["action"])
                    counts[key] += action["used"]
    return counts


def main(folder):
    template = yaml.load(TEMPLATE.read_text(), _Loader)  # noqa: S506 - our own, and a safe loader
    grants, excuses = granted(template)
    counts = used(folder, {role for role, _, _ in grants})
    if not counts:
        print(f"no story has left its counts in {folder}: run `make permissions`", file=sys.stderr)
        return 2
    problems = []
    widths = [max(len(grant[column]) for grant in grants) for column in range(3)]
    for grant in grants:
        role, sid, action = grant
        count, excuse = counts[grant], excuses.get((role, action))
        cells = "  ".join(cell.ljust(width) for cell, width in zip(grant, widths))
        print(f"{cells}  {count or '–'}{f'  {excuse}' if not count and excuse else ''}")
        if not count and not excuse:
            problems.append(
                f"{role} may {action} ({sid}), and no story uses it: take it out of the template, "
                f"write the story, or say why under Metadata: {EXCUSES}"
            )
        if count and excuse:
            problems.append(
                f"{role}'s {EXCUSES} excuses {action}, which the stories use: take it out"
            )
    for role, action in excuses:
        if not any(grant[0] == role and grant[2] == action for grant in grants):
            problems.append(f"{role}'s {EXCUSES} excuses {action}, which it does not grant")
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print(f"{len(grants)} actions are granted, and none is unused without a reason")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
