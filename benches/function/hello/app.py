"""Says who answered, and gives the event back: whoever asks can check both."""

import os
import time

ANSWERED_BY = "the deployed code"


def handler(event, context):
    if "sleep" in event:
        time.sleep(event["sleep"])
    return {"by": ANSWERED_BY, "pid": os.getpid(), "echo": event}
