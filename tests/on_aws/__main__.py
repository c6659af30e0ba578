"""``make test-aws``: the first hour on real AWS, for whoever has an account.

It has never been run there: those who wrote it have no account. It was run against the emulator
only (``tests/stories/test_on_aws.py``), so believe a failure before you believe this text.

It makes two stacks of names of its own, tether's helper stack and a small function, attaches to
that, has an invocation answered here and, once detached, one in the cloud, and removes everything
again, also after a failure. What it cannot remove it says.
"""

import argparse
import os
import sys

import botocore.exceptions

from .first_hour import FirstHour

WHAT = """\
make test-aws makes things in the AWS account and region of your environment, and removes them:
  two stacks, tether-test-… and tether-test-app-…, by CloudFormation: four Lambda functions, three
  on-demand DynamoDB tables, a WebSocket API, six IAM roles, log groups, a schedule, two layers; and
  a bucket for tether's artifacts (about 25 MB)
It changes no function but its own. It takes about ten minutes and some hundred calls, and should
cost less than one US cent beyond the free tier; nothing is left that costs anything.
It has never been run on real AWS by those who wrote it."""


def refusal(environment):
    """Why it does not run; none: it may."""
    if environment.get("TETHER_AWS_TEST") != "1":
        return "set TETHER_AWS_TEST=1 if that is what you want, with credentials and AWS_REGION"
    if not (environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")):
        return "no region is named: set AWS_REGION"
    return None


def main():
    parser = argparse.ArgumentParser(prog="make test-aws")
    parser.add_argument("--only-look", action="store_true", help="whether it may run")
    said = parser.parse_args()
    reason = refusal(os.environ)
    if reason:
        sys.exit(f"{WHAT}\nnot run: {reason}")
    try:
        hour = FirstHour(os.environ)
        print(f"as {hour.whoever()} in {hour.region}", flush=True)
        if not said.only_look:
            hour.go()
    except botocore.exceptions.BotoCoreError as error:
        sys.exit(f"not run: {error}")


if __name__ == "__main__":
    main()
