"""Takes its time to load."""

import time

time.sleep(0.3)
print("loaded")


def handler(event, context):
    return event
