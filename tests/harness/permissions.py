"""Takes one permission out of a policy, and puts it back."""

import contextlib
import json
import urllib.parse

# The helper stack's roles, and the name of each one's only policy.
POLICIES = {
    "AuthorizerRole": "authorizer",
    "ConnectRole": "connect",
    "ManagerRole": "manager",
    "LayerRole": "layer",
    "DeveloperRole": "developer",
}


def role_name(cloud, logical_id, stack="tether"):
    """A role's name in IAM."""
    found = cloud.client("cloudformation").list_stack_resources(StackName=stack)
    for it in found["StackResourceSummaries"]:
        if it["LogicalResourceId"] == logical_id:
            return it["PhysicalResourceId"]
    raise LookupError(f"{logical_id} is no role of {stack}")


@contextlib.contextmanager
def without(cloud, role, sid, action):
    """The helper stack, its role lacking one action of one statement meanwhile."""
    iam = cloud.client("iam")
    which = {"RoleName": role_name(cloud, role), "PolicyName": POLICIES[role]}
    document = iam.get_role_policy(**which)["PolicyDocument"]
    if isinstance(document, str):
        document = json.loads(urllib.parse.unquote(document))
    # A policy that is replaced is counted anew.
    cloud.keep_permissions(which["RoleName"])
    lacking = json.dumps(lacks(document, sid, action))
    iam.put_role_policy(**which, PolicyDocument=lacking)
    try:
        yield
    finally:
        iam.put_role_policy(**which, PolicyDocument=json.dumps(document))


def lacks(document, sid, action):
    """The policy without one action of one statement, which it must have."""
    statements = []
    for statement in document["Statement"]:
        actions = statement["Action"]
        actions = [actions] if isinstance(actions, str) else actions
        if statement.get("Sid") == sid:
            assert action in actions, f"{sid} does not allow {action}: {actions}"
            actions = [it for it in actions if it != action]
            action = None
        if actions:
            statements.append({**statement, "Action": actions})
    assert action is None, f"there is no statement {sid}"
    return {**document, "Statement": statements}
